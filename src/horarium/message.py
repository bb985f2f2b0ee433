"""What travels: a message asks for one execution of one task.

A message is a frozen value. Its arguments stay raw JSON from the caller to the child that runs it, which decodes
them once. Engines store a message whole and never look into its arguments.
"""

from __future__ import annotations

import os
from hashlib import sha1
from typing import Any, Literal
from uuid import UUID

import msgspec
from msgspec import Raw, Struct

from horarium.clock import Instant, Seconds

MESSAGE_VERSION = 1
DEFAULT_QUEUE = "default"
DEFAULT_PRIORITY = 5
HIGHEST_PRIORITY = 9
NO_ARGS = Raw(b"[]")
NO_KWARGS = Raw(b"{}")

# The namespace of every id that is derived and not drawn: firings and follow-ups.
ID_NAMESPACE = UUID("6f1a0a3e-3c39-5d6c-9c0e-2f6b8f0f9d11")
_NAMESPACE_BYTES = ID_NAMESPACE.bytes  # made anew by each look
_VARIANTS = {f"{digit:x}": f"{digit & 0x3 | 0x8:x}" for digit in range(16)}  # of RFC 9562, of what stood there before


SignatureKind = Literal["task", "chain", "group", "chord"]


class Signature(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A call that is not made yet: a task's name, its arguments, and how to send it; or a canvas of such calls."""

    task: str  # of a canvas: what people are shown
    args: Raw = NO_ARGS
    kwargs: Raw = NO_KWARGS
    options: dict[str, Any] = msgspec.field(default_factory=dict)
    immutable: bool = False  # True: the parent's result is not put in front of the arguments
    links: tuple[Signature, ...] = ()
    error_links: tuple[Signature, ...] = ()
    kind: SignatureKind = "task"
    tasks: tuple[Signature, ...] = ()  # a chain's steps, a group's members, a chord's header
    body: Signature | None = None  # of a chord


class Join(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A message that waits for this one, and the place of this one's value in the list that it is given."""

    id: str
    place: int | None = None  # None: it is given this one's value alone


class Gate(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What a message waits for: that as many others as ``size``, which name it in their ``joins``, have succeeded.

    As long as it has a gate it is *blocked*. workflow.gates says how it goes on.
    """

    size: int | None = None  # None: not known yet, protocol.Seal will tell
    gives: Literal["value", "list", "nothing"] = "list"  # what is put in front of its arguments
    is_link: bool = False  # the next step of a chain: it shares the end of the one before, and calls no errbacks
    countdown: Seconds = 0.0  # wait once more after the last has succeeded
    expires_in: Seconds | None = None  # counted from there


class Slot(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """No more than ``size`` messages of this key are in hand at once, over the whole store."""

    key: str
    size: int = 1


class Unique(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """No second message of this key is stored while the first one waits (``start``) or has not ended (``end``)."""

    key: str
    until: Literal["start", "end"] = "end"
    lasts: Seconds | None = None  # so long at the most
    replaces: bool = False  # the newest takes the place of the one that waits (debounce)


FiringKind = Literal["auto", "backfill", "manual"]


class Cause(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What a schedule tells the run that it fires."""

    kind: FiringKind = "auto"
    previous: Instant | None = None  # the nominal instant before this one
    caught_up: bool = False  # its instant had passed, and others of the schedule after it or while nobody fired
    by: str = ""  # who asked for it, unless it came due


class Message(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One requested execution of a task. Higher ``priority`` (0 to 9) runs first."""

    id: str
    task: str
    args: Raw = NO_ARGS
    kwargs: Raw = NO_KWARGS
    queue: str = DEFAULT_QUEUE
    priority: int = DEFAULT_PRIORITY
    created: Instant
    eta: Instant | None = None  # not before
    expires: Instant | None = None  # not started after
    retries: int = 0  # how often this id was retried already
    max_retries: int | None = None  # None: what the task declares
    time_limit: Seconds | None = None
    soft_time_limit: Seconds | None = None
    at_most_once: bool = False  # started at most once: lost with its process instead of run again
    ignore_result: bool = False
    root: str | None = None
    parent: str | None = None
    group: str | None = None  # the id of the group that it is a member of
    group_index: int | None = None
    gate: Gate | None = None
    joins: tuple[Join, ...] = ()
    slot: Slot | None = None
    unique: Unique | None = None
    links: tuple[Signature, ...] = ()  # sent when it succeeds
    error_links: tuple[Signature, ...] = ()  # sent when it fails for good
    schedule: str | None = None  # the name of the schedule that fired it
    nominal: Instant | None = None  # the due instant that was meant
    cause: Cause | None = None  # of what a schedule fired
    headers: dict[str, Any] = msgspec.field(default_factory=dict)
    origin: str = ""  # pid@host that sent it
    version: int = MESSAGE_VERSION

    @property
    def due(self) -> Instant:
        """The instant from which it may start."""
        return self.created if self.eta is None else self.eta


def superseded(waiting: Message, newer: Message) -> Message:
    """Return the message that waits as a newer one of the same unique key wants it; it stays itself in everything that
    others know it by."""
    kept = {
        name: getattr(waiting, name)
        for name in ("id", "created", "root", "parent", "group", "group_index", "gate", "joins", "schedule", "nominal")
    }
    return msgspec.structs.replace(newer, **kept)


def successor(former: Message, message: Message) -> Message:
    """Return a message as it takes the place of a former one in the same run: a unique key is the run's and stays."""
    return message if message.unique == former.unique else msgspec.structs.replace(message, unique=former.unique)


def new_id(now: Instant) -> str:
    """Return a new UUIDv7 (RFC 9562): ids sort by the millisecond in which they were made."""
    tail = int.from_bytes(os.urandom(10), "big")
    value = (now & 0xFFFF_FFFF_FFFF) << 80 | tail
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return _dashed(value)


def derived_id(*parts: object) -> str:
    """Return the UUIDv5 of the parts: the same parts always give the same id."""
    # RFC 9562 by hand: uuid5 itself makes two UUID objects on the way and takes three times as long, for each firing.
    digits = sha1(_NAMESPACE_BYTES + "|".join(map(str, parts)).encode(), usedforsecurity=False).hexdigest()
    variant = _VARIANTS[digits[16]]
    return f"{digits[:8]}-{digits[8:12]}-5{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:32]}"


def _dashed(value: int) -> str:
    digits = f"{value:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


class Delivery(Struct, frozen=True, kw_only=True):
    """A message in the hands of one owner. ``fence`` tells this claim from every other claim of the message."""

    message: Message
    owner: str
    fence: int
    attempt: int  # how many times it has been started, this one included
    crashes: int = 0  # how many processes died of it
    claimed: Instant
