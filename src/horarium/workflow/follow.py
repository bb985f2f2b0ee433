"""What a message's end sets off: its links, as messages ready to be put in the same transaction.

Pure: the same end always gives the same messages with the same ids, so putting them twice is harmless.
"""

from __future__ import annotations

import msgspec
from msgspec import Raw

from horarium.clock import Instant
from horarium.message import Message, Signature
from horarium.outcome import Crashed, Expired, Failed, Outcome, Rejected, Succeeded
from horarium.workflow.plan import Setting, plan

NULL = Raw(b"null")


def follow_ups(message: Message, outcome: Outcome, *, now: Instant, value: Raw | None = None) -> tuple[Message, ...]:
    """Return the messages that this final outcome of ``message`` sets off.

    Success: each link, with the result in front of its arguments; ``value`` is the result where it is not kept. Any
    other end but being cancelled or ignored: each error link, with the id of the failed message in front. An immutable
    signature is sent as it is. A link may be a canvas.
    """
    match outcome:
        case Succeeded(result=result):
            return _messages(message, message.links, "link", value or result or NULL, now)
        case Failed() | Crashed() | Expired() | Rejected():
            first = Raw(msgspec.json.encode(message.id))
            return _messages(message, message.error_links, "error_link", first, now)
        case _:
            return ()


def _messages(
    parent: Message, signatures: tuple[Signature, ...], role: str, first: Raw, now: Instant
) -> tuple[Message, ...]:
    return tuple(
        sent
        for position, signature in enumerate(signatures)
        for sent in plan(
            signature,
            Setting(
                name=f"{parent.id}|{role}|{position}",
                now=now,
                first=first,
                root=parent.root or parent.id,
                parent=parent.id,
                origin=parent.origin,
                priority=parent.priority,
            ),
        ).messages
    )
