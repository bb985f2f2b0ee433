"""The forms in which runs are written down: those that Celery's result backends write, for programs that read them.

Plain JSON with kombu's tags for dates, decimals, UUIDs and bytes; exceptions as type, arguments and module; states in
Celery's words; the arguments of a call as Python shows them, in the table. Pure.
"""

from __future__ import annotations

import json
from typing import Any

from msgspec import Raw

from horarium import codec
from horarium.app.archive import Record
from horarium.bridge.values import UNSAYABLE, raw_to_celery
from horarium.clock import Instant
from horarium.outcome import ENDED, ErrorRecord, Run, State

CONTENT_TYPE = "application/json"
CONTENT_ENCODING = "utf-8"
NAME_HEADER = "periodic_task_name"  # by which whoever sends a periodic task says which one it is
LONGEST_REPR = 1024  # characters of the arguments, as in Celery

_OURS = "horarium.errors."
_THEIRS = "celery.exceptions"  # has the same names, for programs that look them up
_WORDS = {State.EXPIRED: State.REVOKED, State.DEAD: State.FAILURE}
RAISED = frozenset({State.RETRY, State.FAILURE, State.REVOKED, State.REJECTED})
ENDED_STATUS = frozenset(_WORDS.get(state, state).value for state in ENDED)


def status_of(run: Run) -> str:
    """Return a run's state in Celery's words."""
    word = _WORDS.get(run.state, run.state)  # type: ignore[call-overload]  # a state of the task's own is any text
    return str(word)


def text_of(value: Any) -> str:
    """Return a plain JSON value as Celery writes it; nothing but ASCII, so that every database takes it."""
    return json.dumps(value)


def result_of(run: Run) -> Any:
    """Return the value, the exception, or what a running task has reported of itself, as plain JSON values."""
    if run.error is not None and status_of(run) in RAISED:
        return exception_of(run.error, is_expiry=run.state == State.EXPIRED)
    raw = run.result if run.has_ended else run.meta
    return _plain(raw) if raw is not None else None


def exception_of(error: ErrorRecord, *, is_expiry: bool = False) -> dict[str, Any]:
    """Return an exception as Celery's JSON has it."""
    if is_expiry:
        return {"exc_type": "TaskRevokedError", "exc_message": ["expired"], "exc_module": _THEIRS}
    args = _plain(error.args)
    module, _, kind = error.class_path.rpartition(".")
    return {
        "exc_type": kind,
        "exc_message": args if isinstance(args, list) else [args],
        "exc_module": _THEIRS if error.class_path.startswith(_OURS) else module or "builtins",
    }


def read(text: str | None) -> Any | None:
    """Return what a column says, None if that is not JSON."""
    try:
        return json.loads(text) if text else None
    except ValueError:
        return None


def meta_of(record: Record) -> dict[str, Any]:
    """Return what the column ``meta`` says, as plain JSON values."""
    return {"children": list(record.children)}


def shown(record: Record) -> tuple[str, str]:
    """Return the positional and the named arguments as Python shows them, within LONGEST_REPR."""
    message = record.run.message
    args = _decoded(message.args)
    positional = repr(tuple(args)) if isinstance(args, list) else codec.preview(message.args, LONGEST_REPR)
    named = repr(kwargs) if (kwargs := _decoded(message.kwargs)) is not None else codec.preview(message.kwargs)
    return _clipped(positional), _clipped(named)


def plain_arguments(record: Record) -> tuple[Any, Any]:
    """Return the positional and the named arguments as plain JSON values."""
    return _plain(record.run.message.args), _plain(record.run.message.kwargs)


def periodic_name(run: Run) -> str | None:
    """Return the periodic task or schedule that has sent it."""
    named = run.message.headers.get(NAME_HEADER)
    return named if isinstance(named, str) else run.message.schedule


def traceback_of(run: Run) -> str | None:
    """Return where its exception was raised, in characters that every database takes."""
    text = run.error.traceback if run.error is not None else None
    return text and clean(text)


def done_at(run: Run) -> Instant:
    """Return when it came to its state."""
    return run.ended if run.ended is not None else run.changed


def clean(text: str) -> str:
    """Return a text without what PostgreSQL or UTF-8 cannot say."""
    return text.replace("\0", "\\x00").encode("utf-8", "backslashreplace").decode()


def _plain(raw: Raw) -> Any:
    """Return our JSON as Celery's; what it has no word for, as Python shows it."""
    try:
        return raw_to_celery(raw, "result")
    except UNSAYABLE:
        return _clipped(repr(value)) if (value := _decoded(raw)) is not None else codec.preview(raw, LONGEST_REPR)


def _decoded(raw: Raw) -> Any:
    try:
        return codec.decode(raw)
    except UNSAYABLE:
        return None


def _clipped(text: str) -> str:
    text = text if len(text) <= LONGEST_REPR else text[: LONGEST_REPR - 3] + "..."
    return clean(text)
