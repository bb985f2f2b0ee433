"""The end that a task states itself: ``update_state`` with a final state, followed by ``raise Ignore()``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Raw

from horarium import codec
from horarium.clock import Instant
from horarium.errors import ImproperlyConfigured
from horarium.message import Delivery, Message
from horarium.outcome import (
    ErrorRecord,
    Failed,
    Ignored,
    Outcome,
    Rejected,
    Revoked,
    Settlement,
    State,
    Succeeded,
    told,
)
from horarium.workflow.follow import follow_ups


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


def success_of(
    delivery: Delivery,
    worker: str,
    value: Raw,
    started: Instant | None,
    now: Instant,
    keeps: bool,
    message: Message | None,
) -> Settlement:
    """Return what records that a delivery ends with this value, its links and joins included. ``keeps``: the result;
    ``message``: see Settlement."""
    outcome = Succeeded(result=value if keeps else None)
    return Settlement(
        id=delivery.message.id,
        owner=delivery.owner,
        fence=delivery.fence,
        outcome=outcome,
        worker=worker,
        started=started,
        ended=now,
        follow_ups=follow_ups(delivery.message, outcome, now=now, value=value),
        joins=delivery.message.joins,
        value=None if keeps else value,
        message=message,
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
