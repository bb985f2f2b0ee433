"""Runs and calls as people may see them. Whoever shows a run shows what comes from here.

Stored arguments are whole as long as they may be needed to run, and results are what callers ask for; so both are
redacted when they are shown. What was redacted when it was stored (log lines, errors) goes through here again: the
rules may have changed since. Without an effect on what is stored.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Raw, Struct
from msgspec.structs import replace

from horarium.app.redacting import REDACTED, RESULT_TOO, KnowsTasks, marks_of, redactor_of
from horarium.message import NO_ARGS, NO_KWARGS, Message, Signature
from horarium.outcome import Progress, Run
from horarium.redaction import CUT, MASK_RAW, Lines, Marks, Redactor
from horarium.schedules.record import Schedule

if TYPE_CHECKING:
    from collections.abc import Collection

LIMIT = 262_144  # bytes of one value that are looked through; of a longer one the beginning is shown, as a text
IN_LISTS = 4096  # of a value in a list of many runs
DEEPEST = 20  # signatures within signatures


class Cut(Struct, frozen=True):
    """What is shown of a value that is too long: the beginning of its JSON, as a text, and how many bytes it has."""

    text: str
    size: int


def shown_run(run: Run, app: KnowsTasks, *, limit: int | None = LIMIT) -> Run:
    """Return a run as people may see it: message, result, error, attempts, meta, progress and log lines.

    Costs some milliseconds for each MiB that is looked through; no value takes more than ``limit`` (None: all are
    looked through whole). Values of a task
    that the app does not know are redacted by names and forms alone. Never raises.
    """
    redactor, marks = redactor_of(app.conf), marks_of(app.tasks.get(run.message.task))
    values = redactor.values(run.message.args, run.message.kwargs, marks)
    lines = Lines(redactor)
    tells = run.result is not None and run.message.headers.get(REDACTED) == RESULT_TOO
    return replace(
        run,
        message=_shown_message(run.message, app, redactor, marks, values, limit),
        result=MASK_RAW if tells else _shown_raw(run.result, redactor, values, limit),
        meta=_shown_raw(run.meta, redactor, values, limit),
        error=None if run.error is None else redactor.error(run.error, values),
        attempts=tuple(
            attempt if attempt.error is None else replace(attempt, error=redactor.error(attempt.error, values))
            for attempt in run.attempts
        ),
        progress=_shown_progress(run.progress, redactor, values),
        logs=tuple(lines.line(line, values) for line in run.logs),
    )


def cuts_of(stored: Run, shown: Run) -> dict[str, Cut]:
    """Return which of ``args``, ``kwargs``, ``result`` and ``meta`` were too long for shown_run: there the JSON of the
    shown run is a text, and no value of the task's."""
    found: dict[str, Cut] = {}
    for name in ("args", "kwargs", "result", "meta"):
        whole, seen = value_of(stored, name), value_of(shown, name)
        if whole is None or seen is None or seen is whole:
            continue
        size = len(bytes(whole))
        ending = CUT.format(size)
        if bytes(seen).endswith(f'{ending}"'.encode()) and bytes(whole) != bytes(seen):
            found[name] = Cut(msgspec.json.decode(seen, type=str).removesuffix(ending), size)
    return found


def value_of(run: Run, name: str) -> Raw | None:
    """Return one of ``args``, ``kwargs``, ``result`` and ``meta``."""
    found: Raw | None = getattr(run.message if name in ("args", "kwargs") else run, name)
    return found


def shown_message(message: Message, app: KnowsTasks, *, limit: int | None = LIMIT) -> Message:
    """Return a message as people may see it: its arguments, its headers, and the calls that follow it."""
    redactor, marks = redactor_of(app.conf), marks_of(app.tasks.get(message.task))
    values = redactor.values(message.args, message.kwargs, marks)
    return _shown_message(message, app, redactor, marks, values, limit)


def shown_call(task: str, args: Raw, kwargs: Raw, app: KnowsTasks, *, limit: int | None = LIMIT) -> tuple[Raw, Raw]:
    """Return the arguments of a call, such as a schedule's, as people may see them."""
    return redactor_of(app.conf).call(args, kwargs, marks_of(app.tasks.get(task)), limit=limit)


def shown_schedule(schedule: Schedule, app: KnowsTasks) -> Schedule:
    """Return a schedule as people may see it: its call, and what edits have made of that."""
    args, kwargs = shown_call(schedule.task, schedule.args, schedule.kwargs, app)
    edits = tuple(replace(edit, changes=_shown_changes(edit.changes, schedule.task, app)) for edit in schedule.edits)
    return replace(
        schedule, args=args, kwargs=kwargs, options=redactor_of(app.conf).value(schedule.options), edits=edits
    )


def _shown_message(
    message: Message, app: KnowsTasks, redactor: Redactor, marks: Marks, values: Collection[str], limit: int | None
) -> Message:
    args, kwargs = redactor.call(message.args, message.kwargs, marks, limit=limit)
    if message.gate is not None:  # it has yet to be given what it waits for
        args, kwargs = redactor.call(args, kwargs, marks.behind_one, limit=limit)
    return replace(
        message,
        args=args,
        kwargs=kwargs,
        headers=redactor.value(message.headers, values),
        links=_shown_signatures(message.links, app, limit, DEEPEST),
        error_links=_shown_signatures(message.error_links, app, limit, DEEPEST),
        slot=None if message.slot is None else replace(message.slot, key=redactor.text(message.slot.key, values)),
        unique=None
        if message.unique is None
        else replace(message.unique, key=redactor.text(message.unique.key, values)),
    )


def _shown_changes(changes: dict[str, Any], task: str, app: KnowsTasks) -> dict[str, Any]:
    """Any: JSON, as edits note it."""
    shown = dict(changes)
    for field in shown.keys() & {"args", "kwargs", "options"}:
        shown[field] = tuple(_shown_part(field, value, task, app) for value in changes[field])
    return shown


def _shown_part(field: str, value: Any, task: str, app: KnowsTasks) -> Any:
    if not isinstance(value, list if field == "args" else dict):
        return redactor_of(app.conf).value(value)
    raw = Raw(msgspec.json.encode(value))
    args, kwargs = (raw, NO_KWARGS) if field == "args" else (NO_ARGS, raw)
    return msgspec.json.decode(shown_call(task, args, kwargs, app)[field != "args"])


def _shown_signatures(
    calls: tuple[Signature, ...], app: KnowsTasks, limit: int | None, left: int
) -> tuple[Signature, ...]:
    return tuple(_shown_signature(call, app, limit, left) for call in calls) if left else ()


def _shown_signature(call: Signature, app: KnowsTasks, limit: int | None, left: int) -> Signature:
    redactor, marks = redactor_of(app.conf), marks_of(app.tasks.get(call.task))
    args, kwargs = redactor.call(call.args, call.kwargs, marks, limit=limit)
    if not call.immutable:
        args, kwargs = redactor.call(args, kwargs, marks.behind_one, limit=limit)
    changes: dict[str, Any] = {"args": args, "kwargs": kwargs, "options": redactor.value(call.options)}
    for field in ("tasks", "links", "error_links"):
        changes[field] = _shown_signatures(getattr(call, field), app, limit, left - 1)
    if call.body is not None:
        changes["body"] = _shown_signature(call.body, app, limit, left - 1) if left else None
    return replace(call, **changes)


def _shown_raw(raw: Raw | None, redactor: Redactor, values: Collection[str], limit: int | None) -> Raw | None:
    return None if raw is None else redactor.raw(raw, values, limit=limit)


def _shown_progress(progress: Progress | None, redactor: Redactor, values: Collection[str]) -> Progress | None:
    return None if progress is None else replace(progress, note=redactor.text(progress.note, values))
