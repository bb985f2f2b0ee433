"""Events for people who watch, in Celery's shapes: what a worker or a caller tells of tasks and of itself."""

from __future__ import annotations

import os
import sys
from typing import Any

from horarium import codec
from horarium.clock import Instant
from horarium.errors import CodecError
from horarium.event import Finished
from horarium.message import Message
from horarium.outcome import Crashed, Expired, Failed, Rejected, Retried, Revoked, Succeeded
from horarium.version import __version__

EVENT_TOPIC = "events"
LONGEST_TEXT = 1024  # of arguments and results, in characters
SOFTWARE = {"sw_ident": "horarium", "sw_ver": __version__, "sw_sys": sys.platform.capitalize()}

Told = dict[str, Any]  # Any: JSON, under Celery's keys


def event(type: str, hostname: str, now: Instant, **fields: Any) -> Told:
    """Return an event. ``clock`` is the store's time in milliseconds, by which events of all hosts can be ordered;
    ``timestamp`` the same in seconds."""
    return {
        "type": type,
        "hostname": hostname,
        "pid": os.getpid(),
        "clock": now,
        "timestamp": now / 1000,
        "utcoffset": 0,
        **fields,
    }


def sent(message: Message, hostname: str, now: Instant) -> Told:
    """Return what a caller tells of a message that is stored; ``message`` as people may see it."""
    routed = {"queue": message.queue, "exchange": "", "routing_key": message.queue}
    return event("task-sent", hostname, now, uuid=message.id, **_task_fields(message), **routed)


def received(message: Message, hostname: str, now: Instant) -> list[Told]:
    """Return what a worker tells when a task starts: a worker takes no more than it can start. ``message`` as people
    may see it."""
    return [
        event("task-received", hostname, now, uuid=message.id, **_task_fields(message)),
        event("task-started", hostname, now, uuid=message.id),
    ]


def finished(told: Finished, hostname: str, now: Instant) -> list[Told]:
    """Return what a worker tells of a task's end, if Celery has a word for it."""
    uuid, text = told.delivery.message.id, shortened(told.result_text)
    match told.outcome:
        case Succeeded():
            return [event("task-succeeded", hostname, now, uuid=uuid, result=text, runtime=told.runtime)]
        case Failed(error=error) | Crashed(error=error):
            trace = error.traceback or ""
            text = text or f"{error.class_path.rpartition('.')[2]}({error.text!r})"
            return [event("task-failed", hostname, now, uuid=uuid, exception=text, traceback=trace)]
        case Retried(error=error):
            trace = error.traceback or ""
            return [event("task-retried", hostname, now, uuid=uuid, exception=text, traceback=trace)]
        case Rejected():
            return [event("task-rejected", hostname, now, uuid=uuid, requeue=False)]
        case Revoked(reason=reason):
            was_ended = reason == "terminated"
            marks = {"terminated": was_ended, "signum": "9" if was_ended else None, "expired": False}
            return [event("task-revoked", hostname, now, uuid=uuid, **marks)]
        case Expired():
            marks = {"terminated": False, "signum": None, "expired": True}
            return [event("task-revoked", hostname, now, uuid=uuid, **marks)]
        case _:
            return []


def worker(type: str, hostname: str, now: Instant, *, freq: float, active: int, processed: int) -> Told:
    """Return what a worker tells of itself: ``worker-online``, ``-heartbeat`` or ``-offline``."""
    loads = [round(load, 2) for load in os.getloadavg()]
    return event(type, hostname, now, freq=freq, active=active, processed=processed, loadavg=loads, **SOFTWARE)


def shortened(text: str) -> str:
    return text if len(text) <= LONGEST_TEXT else text[: LONGEST_TEXT - 3] + "..."


def _task_fields(message: Message) -> Told:
    return {
        "name": message.task,
        "args": _shown(message.args, tuple),
        "kwargs": _shown(message.kwargs, dict),
        "root_id": message.root or message.id,
        "parent_id": message.parent,
        "retries": message.retries,
        "eta": None if message.eta is None else _iso(message.eta),
        "expires": None if message.expires is None else _iso(message.expires),
    }


def _shown(raw: Any, kind: Any) -> str:
    try:
        return shortened(repr(kind(codec.decode(raw))))
    except CodecError:
        return shortened(bytes(raw).decode("utf-8", "replace"))


def _iso(instant: Instant) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(instant / 1000, UTC).isoformat()
