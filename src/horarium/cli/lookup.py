"""Find a run by the beginning of its id, and say what a run holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from horarium import codec
from horarium.cli.exits import Exit, Stop
from horarium.clock import Instant
from horarium.engines.records import Page, RunFilter
from horarium.errors import RunNotFound
from horarium.observe.moments import iso
from horarium.outcome import Run

if TYPE_CHECKING:
    from msgspec import Raw

    from horarium.engines.protocol import Engine

FULL_ID = 36  # characters of a UUID


def find_run(engine: Engine, start: str) -> Run:
    """Return the only run whose id begins with ``start``.

    Raises: RunNotFound when there is none; Stop when there are several.
    """
    [exact] = engine.results.read([start])
    if exact is not None:
        return exact
    if len(start) >= FULL_ID:
        raise RunNotFound(start)
    runs = engine.results.search(RunFilter(id_prefix=start), Page(limit=3)).runs
    if len(runs) == 1:
        return runs[0]
    if not runs:
        raise RunNotFound(start)
    several = ", ".join(run.id for run in runs)
    raise Stop(f"expected the beginning of one run's id, got {start!r}, which fits {several} ...", Exit.USAGE)


def value_text(raw: Raw) -> str:
    """Return a stored value as a person wants to read it: a text as it is, anything else as JSON."""
    value = codec.decode(raw)
    if isinstance(value, str):
        return value
    try:
        return msgspec.json.encode(value).decode()
    except TypeError:
        return repr(value)


def call_text(args: Raw, kwargs: Raw) -> str:
    """Return the arguments of a call as one short line."""
    parts = [text for raw in (args, kwargs) if (text := codec.preview(raw)) not in ("[]", "{}")]
    return " ".join(parts)


def run_document(run: Run) -> dict[str, Any]:  # Any: JSON
    """Return a run as a JSON document, its instants in ISO 8601."""
    message = run.message
    return {
        "id": run.id,
        "task": message.task,
        "state": run.state,
        "queue": message.queue,
        "priority": message.priority,
        "args": message.args,
        "kwargs": message.kwargs,
        "result": run.result,
        "error": run.error,
        "retries": message.retries,
        "attempts": [
            {
                "number": attempt.number,
                "worker": attempt.worker,
                "outcome": attempt.outcome,
                "started": _moment(attempt.started),
                "ended": _moment(attempt.ended),
                "error": attempt.error,
            }
            for attempt in run.attempts
        ],
        "worker": run.worker,
        "progress": run.progress,
        "meta": run.meta,
        "logs": run.logs,
        "cancel": run.cancel,
        "created": _moment(message.created),
        "eta": _moment(message.eta),
        "expires": _moment(message.expires),
        "started": _moment(run.started),
        "ended": _moment(run.ended),
        "schedule": message.schedule,
        "nominal": _moment(message.nominal),
        "root": message.root,
        "parent": message.parent,
        "group": message.group,
        "group_index": message.group_index,
        "gate": message.gate,
        "joins": message.joins,
        "headers": message.headers,
        "origin": message.origin,
    }


def _moment(instant: Instant | None) -> str | None:
    return None if instant is None else iso(instant)
