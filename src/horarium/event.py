"""Facts that code states; ``observe/`` turns them into lines, and later into counters and spans."""

from __future__ import annotations

from typing import TypeAlias

from msgspec import Struct

from horarium.clock import Instant, Seconds
from horarium.message import Delivery, Message
from horarium.outcome import Outcome


class Queued(Struct, frozen=True, kw_only=True):
    message: Message


class Received(Struct, frozen=True, kw_only=True):
    delivery: Delivery


class Started(Struct, frozen=True, kw_only=True):
    delivery: Delivery


class Finished(Struct, frozen=True, kw_only=True):
    """The task's code is done with a delivery; ``runtime`` is what it took."""

    delivery: Delivery
    outcome: Outcome
    runtime: Seconds
    result_text: str = ""  # a short form of the result or error, for people


class Refused(Struct, frozen=True, kw_only=True):
    """A settlement came too late: the delivery belongs to somebody else by now."""

    task: str
    id: str
    attempt: int


class ChildLost(Struct, frozen=True, kw_only=True):
    """A child process ended without being asked to."""

    pid: int
    owner: str
    reason: str
    running: tuple[str, ...]


class OwnerExpired(Struct, frozen=True, kw_only=True):
    """The lease of an owner lapsed; its deliveries went back."""

    owner: str
    returned: int


class Fired(Struct, frozen=True, kw_only=True):
    schedule: str
    task: str
    id: str
    nominal: Instant


class Missed(Struct, frozen=True, kw_only=True):
    """Due instants passed while nobody could fire them."""

    schedule: str
    count: int


class ScheduleFailed(Struct, frozen=True, kw_only=True):
    schedule: str
    reason: str


Event: TypeAlias = (
    Queued | Received | Started | Finished | Refused | ChildLost | OwnerExpired | Fired | Missed | ScheduleFailed
)
