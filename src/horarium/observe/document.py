"""A run as a JSON document, for programs and files."""

from __future__ import annotations

from typing import Any

from horarium.clock import Instant
from horarium.observe.moments import iso
from horarium.outcome import Run


def run_document(run: Run) -> dict[str, Any]:  # Any: JSON
    """Return a run as a JSON document, its instants in ISO 8601. Who shows it passes ``Contents.seen``
    of the run; who asked for the result itself, the run as it is stored."""
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
