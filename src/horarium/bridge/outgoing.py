"""From a message of ours to one of Celery's. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from horarium import codec
from horarium.bridge.envelope import CELERY, HANDED_OVER, Envelope, Ranked
from horarium.bridge.signatures import signature_to
from horarium.bridge.values import raw_to_celery, written
from horarium.clock import Instant, to_datetime
from horarium.message import Message

PREVIEW = 1024  # characters of the arguments, for those who look at Celery's events
WAITING = ".handed-over"  # behind a queue's name: the queue of those that wait for their results


def envelope_of(
    message: Message,
    *,
    ranked: Ranked,
    queue_there: Callable[[str], str | None],
    keeps_result: bool,
) -> Envelope:
    """Return Celery's message of one of ours, to be run now: its eta was waited for here.

    With ``keeps_result`` its end is settled here, and so its links stay here; Celery is told to keep the result. Else
    the links go along, and Celery sends them. Raises: EncodingError for what Celery cannot be told; DecodingError.
    """
    found = message.headers.get(CELERY)
    kept = found if isinstance(found, dict) else {}  # else it is a header of the user's own, of that name
    ours = {HANDED_OVER, *([CELERY] if isinstance(found, dict) else [])}
    free = {name: value for name, value in message.headers.items() if name not in ours}
    links = () if keeps_result else message.links
    error_links = () if keeps_result else message.error_links
    headers: dict[str, Any] = {
        "lang": "py",
        "task": message.task,
        "id": message.id,
        "shadow": kept.get("shadow"),
        "eta": None,
        "expires": to_datetime(message.expires).isoformat() if message.expires is not None else None,
        "group": kept.get("group"),
        "group_index": kept.get("group_index"),
        "retries": message.retries,
        "timelimit": [message.time_limit, message.soft_time_limit],
        "root_id": message.root or message.id,
        "parent_id": message.parent,
        "argsrepr": codec.preview(message.args, PREVIEW),
        "kwargsrepr": codec.preview(message.kwargs, PREVIEW),
        "origin": message.origin,
        "ignore_result": message.ignore_result and not keeps_result,
        "replaced_task_nesting": kept.get("replaced_task_nesting") or 0,
        "stamped_headers": kept.get("stamped_headers"),
        "stamps": kept.get("stamps") or {},
    }
    embed = {
        "callbacks": [signature_to(each, ranked=ranked, queue_there=queue_there) for each in links] or None,
        "errbacks": [signature_to(each, ranked=ranked, queue_there=queue_there) for each in error_links] or None,
        "chain": None,
        "chord": None,
    }
    args = raw_to_celery(message.args, "args")
    kwargs = raw_to_celery(message.kwargs, "kwargs")
    return Envelope(
        body=written([args, kwargs, embed]),
        headers={**free, **headers},
        priority=ranked(message.priority),
        correlation_id=message.id,
    )


def is_handed_over(message: Message) -> bool:
    """Whether this very message was given to Celery already; one made anew from such a run was not."""
    mark = message.headers.get(HANDED_OVER)
    return isinstance(mark, dict) and mark.get("id") == message.id and isinstance(mark.get("at"), int)


def handed_over_at(message: Message) -> Instant:
    """Return when it was given to Celery."""
    return int(message.headers[HANDED_OVER]["at"])


def handed_over(message: Message, *, now: Instant, look: Instant) -> Message:
    """Return a message as it waits for its result: in a queue that no worker reads, to be looked at from ``look`` on.

    It no longer expires here: whether it started in time is for Celery to say.
    """
    mark = {"id": message.id, "at": now, "queue": message.queue}
    return replace(
        message,
        queue=waiting_queue(message.queue),
        eta=look,
        expires=None,
        headers={**message.headers, HANDED_OVER: mark},
    )


def waiting_queue(queue: str) -> str:
    """Return the queue in which those of ``queue`` wait for their results."""
    return queue if queue.endswith(WAITING) else queue + WAITING


def home_queue(message: Message) -> str:
    """Return the queue that a message was sent to, whether or not it waits for its result."""
    return message.queue.removesuffix(WAITING)
