"""The end that a task states itself: ``update_state`` with a final state, followed by ``raise Ignore()``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Raw

from horarium import codec
from horarium.errors import ImproperlyConfigured
from horarium.outcome import ErrorRecord, Failed, Ignored, Outcome, Rejected, Revoked, State, Succeeded, told


def own_end(state: str, meta: Any) -> Outcome:
    """Return the outcome that a final state and its ``meta`` stand for.

    Raises: EncodingError; ImproperlyConfigured for EXPIRED and DEAD, which a task that runs cannot be.
    """
    match state:
        case State.SUCCESS:
            return Succeeded(result=Raw(codec.encode(meta, path="meta")))
        case State.FAILURE:
            return Failed(error=_error(meta))
        case State.REVOKED:
            return Revoked(reason=str(meta or "revoked by the task itself"))
        case State.REJECTED:
            return Rejected(reason=str(meta or ""))
        case State.IGNORED:
            return Ignored()
        case _:
            raise ImproperlyConfigured(
                f"expected a state of the task's own, or SUCCESS, FAILURE, REVOKED or REJECTED, got {state}; return, "
                "or raise the exception that the task failed with"
            )


def _error(meta: Any) -> ErrorRecord:
    """Any: an exception, Celery's dict of one (``exc_type``, ``exc_message``), or whatever says why."""
    if isinstance(meta, BaseException):
        return codec.encode_error(meta)
    if isinstance(meta, Mapping) and "exc_type" in meta:
        message = meta.get("exc_message", ())
        args = list(message) if isinstance(message, list | tuple) else [message]
        return ErrorRecord(
            class_path=f"{meta.get('exc_module') or 'builtins'}.{meta['exc_type']}",
            args=Raw(codec.encode(args, path="meta.exc_message")),
            text=", ".join(map(str, args)),
            traceback=meta.get("traceback"),
        )
    text = meta if isinstance(meta, str) else msgspec.json.encode(msgspec.to_builtins(meta)).decode()
    return told("TaskError", text)
