"""What a message's end sets off: its links, as messages ready to be put in the same transaction.

Pure: the same end always gives the same messages with the same ids, so putting them twice is harmless.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw

from horarium.clock import Instant
from horarium.message import DEFAULT_PRIORITY, DEFAULT_QUEUE, Message, Signature, derived_id, nested
from horarium.outcome import Crashed, Expired, Failed, Outcome, Rejected, Succeeded

NULL = Raw(b"null")


def follow_ups(message: Message, outcome: Outcome, *, now: Instant) -> tuple[Message, ...]:
    """Return the messages that this final outcome of ``message`` sets off.

    Success: each link, with the result in front of its arguments. Any other end but being ignored: each error link,
    with the id of the failed message in front. An immutable signature is sent as it is.
    """
    match outcome:
        case Succeeded(result=result):
            return _messages(message, message.links, "link", result or NULL, now)
        case Failed() | Crashed() | Expired() | Rejected():
            first = Raw(msgspec.json.encode(message.id))
            return _messages(message, message.error_links, "error_link", first, now)
        case _:
            return ()


def prepend(first: Raw, args: Raw) -> Raw:
    """Return the JSON array ``args`` with one more value in front."""
    inner = bytes(args).strip()[1:-1].strip()
    return Raw(b"[" + bytes(first) + (b"," + inner if inner else b"") + b"]")


def _messages(
    parent: Message, signatures: tuple[Signature, ...], role: str, first: Raw, now: Instant
) -> tuple[Message, ...]:
    return tuple(
        to_message(
            signature,
            id=signature.options.get("task_id") or derived_id(parent.id, role, position),
            first=first,
            now=now,
            parent=parent.id,
            root=parent.root or parent.id,
            origin=parent.origin,
        )
        for position, signature in enumerate(signatures)
    )


def to_message(
    signature: Signature,
    *,
    id: str,
    first: Raw | None,
    now: Instant,
    parent: str | None = None,
    root: str | None = None,
    origin: str = "",
) -> Message:
    """Return the message that a signature asks for; relative times count from ``now``."""
    options: dict[str, Any] = signature.options
    eta = options.get("eta")
    if options.get("countdown") is not None:
        eta = now + round(options["countdown"] * 1000)
    expires = options.get("expires")
    if options.get("expires_in") is not None:
        expires = now + round(options["expires_in"] * 1000)
    return Message(
        id=id,
        task=signature.task,
        args=signature.args if first is None or signature.immutable else prepend(first, signature.args),
        kwargs=signature.kwargs,
        queue=options.get("queue", DEFAULT_QUEUE),
        priority=options.get("priority", DEFAULT_PRIORITY),
        created=now,
        eta=eta,
        expires=expires,
        max_retries=options.get("max_retries"),
        time_limit=options.get("time_limit"),
        soft_time_limit=options.get("soft_time_limit"),
        at_most_once=options.get("at_most_once", False),
        ignore_result=options.get("ignore_result", False),
        root=root,
        parent=parent,
        links=nested(options.get("links")),
        error_links=nested(options.get("error_links")),
        headers=options.get("headers", {}),
        origin=origin,
    )
