"""What callers over HTTP are told of a run: plain values that JSON can say."""

from __future__ import annotations

from typing import Any

import msgspec

from horarium import codec
from horarium.clock import Instant, to_datetime
from horarium.outcome import Run, State


def status_of(run: Run) -> dict[str, Any]:
    """Return the status of a run: ``id task state ready successful result error progress created started ended``.

    ``error`` is the type and message of an exception, never its traceback; times are ISO 8601 in UTC. What the value
    holds is the caller's to show or to hide.
    """
    progress, error = run.progress, run.error
    return {
        "id": run.id,
        "task": run.message.task,
        "state": str(run.state),
        "ready": run.has_ended,
        "successful": run.state == State.SUCCESS,
        "result": _plain(codec.decode(run.result)) if run.result is not None else None,
        "error": {"type": error.class_path.rpartition(".")[2], "message": error.text} if error else None,
        "progress": {"done": progress.done, "total": progress.total, "note": progress.note} if progress else None,
        "created": _moment(run.message.created),
        "started": _moment(run.started),
        "ended": _moment(run.ended),
    }


def _plain(value: Any) -> Any:  # a result may be anything that was encoded
    return msgspec.to_builtins(value, enc_hook=str)


def _moment(instant: Instant | None) -> str | None:
    return to_datetime(instant).isoformat() if instant is not None else None
