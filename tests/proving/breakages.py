"""Engines that are broken on purpose, each in a way that task queues were known to be, to see that the judge finds it.

Each is a wrapper around an engine that is right. What it gets wrong shows only under the fault that it invites.
Processes get theirs from ``CRASH_BREAK``, by its name in BREAKAGES.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

from msgspec import Raw
from msgspec.structs import replace

from horarium.engines.protocol import Engine
from horarium.engines.records import MaintenancePolicy, Page, Renewal, RunFilter
from horarium.errors import OwnerLost
from horarium.message import Delivery, Message
from horarium.outcome import Reported, Settlement, Succeeded, Verdict
from horarium.schedules.record import Fate, Firing


class _Broken:
    """An engine, or a room of one, of which some verbs are defined anew."""

    def __init__(self, real: Any) -> None:
        self.real = real

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)


class EarlyAcknowledgement(_Broken):
    """Ends what is claimed at once, as Celery does unless it is told otherwise: whoever dies takes it along."""

    def claim(self, *args: Any, now: int, **options: Any) -> list[Delivery]:
        deliveries: list[Delivery] = self.real.claim(*args, now=now, **options)
        done = [
            Settlement(
                id=delivery.message.id,
                owner=delivery.owner,
                fence=delivery.fence,
                outcome=Succeeded(result=Raw(b"[%d]" % delivery.fence)),
            )
            for delivery in deliveries
        ]
        self.real.settle(done, now=now, policy=MaintenancePolicy())
        return deliveries


class SettlementWithoutFence(_Broken):
    """Takes an outcome for a message's, whoever brings it, as an update by id alone does."""

    def __init__(self, real: Any, engine: Engine) -> None:
        super().__init__(real)
        self._inspector = engine.inspector

    def settle(self, settlements: Sequence[Settlement], **options: Any) -> list[Verdict]:
        held = {each.message.id: each for each in self._inspector.find(RunFilter(), Page(limit=500)).held}
        unfenced = [
            replace(each, owner=holder.owner or each.owner, fence=holder.fence)
            if (holder := held.get(each.id)) is not None
            else each
            for each in settlements
        ]
        verdicts: list[Verdict] = self.real.settle(unfenced, **options)
        return verdicts


class LeaseWithoutOwnerCheck(_Broken):
    """Extends the lease of whoever asks, though what it held was given to others."""

    def renew(self, *args: Any, **options: Any) -> Renewal:
        renewal: Renewal = self.real.renew(*args, **options)
        return replace(renewal, lost=())

    def claim(self, *args: Any, **options: Any) -> list[Delivery]:
        try:
            deliveries: list[Delivery] = self.real.claim(*args, **options)
        except OwnerLost:
            return []
        return deliveries


class FollowUpsOutsideTheTransaction(_Broken):
    """Records the outcome, then puts what it sets off: between the two its caller may end."""

    def settle(self, settlements: Sequence[Settlement], *, now: int, **options: Any) -> list[Verdict]:
        alone = [replace(each, follow_ups=()) for each in settlements]
        verdicts: list[Verdict] = self.real.settle(alone, now=now, **options)
        for each in settlements:
            if each.follow_ups:
                self.real.put(each.follow_ups, now=now)
        return verdicts


class PutThatForgets(_Broken):
    """Stores a message that comes again as another one."""

    def __init__(self, real: Any) -> None:
        super().__init__(real)
        self._copies = count(1)

    def put(self, messages: Sequence[Message], **options: Any) -> list[bool]:
        are_new: list[bool] = self.real.put(messages, **options)
        again = [message for message, is_new in zip(messages, are_new, strict=True) if not is_new]
        if again:
            self.real.put([replace(each, id=f"{each.id}-{next(self._copies)}") for each in again], **options)
        return are_new


class RetryThatIsNotCounted(_Broken):
    """Answers a settlement that was recorded before, and tells it so, but runs the message again."""

    def settle(self, settlements: Sequence[Settlement], *, now: int, **options: Any) -> list[Verdict]:
        verdicts: list[Verdict] = self.real.settle(settlements, now=now, **options)
        for each, verdict in zip(settlements, verdicts, strict=True):
            if verdict is Verdict.REPEATED and not isinstance(each.outcome, Reported):
                self.real.put([Message(id=f"{each.id}-again", task="plain", created=now)], now=now)
        return verdicts


class FiringWithoutCompare(_Broken):
    """Sends what a scheduler says is due, whoever was faster."""

    def __init__(self, real: Any, engine: Engine) -> None:
        super().__init__(real)
        self._queue = engine.queue
        self._copies = count(1)

    def fire(self, firings: Sequence[Firing], *, now: int) -> list[Fate]:
        fates: list[Fate] = self.real.fire(firings, now=now)
        for firing, fate in zip(firings, fates, strict=True):
            if fate in (Fate.LOST, Fate.REPEATED):
                copies = [replace(each, id=f"{each.id}-{next(self._copies)}") for each in firing.messages]
                self._queue.put(copies, now=now)
        return fates


class _Engine(_Broken):
    """An engine with one broken room."""

    def __init__(self, real: Engine, **rooms: Any) -> None:
        super().__init__(real)
        for name, room in rooms.items():
            setattr(self, name, room)


def _queue(kind: Callable[..., Any], *, with_engine: bool = False) -> Callable[[Engine], Any]:
    return lambda engine: _Engine(engine, queue=kind(engine.queue, *([engine] if with_engine else [])))


# By name: how to break an engine, and what the judge is to say of it.
BREAKAGES: dict[str, tuple[Callable[[Engine], Any], str]] = {
    "early acknowledgement": (_queue(EarlyAcknowledgement), "made up"),
    "settle without fence": (_queue(SettlementWithoutFence, with_engine=True), "superseded"),
    "lease extended without owner check": (_queue(LeaseWithoutOwnerCheck), "started after its end"),
    "follow-ups outside the transaction": (_queue(FollowUpsOutsideTheTransaction), "links"),
    "a put that is not idempotent": (_queue(PutThatForgets), "doubled"),
    "a repeated settlement that counts": (_queue(RetryThatIsNotCounted), "unexpected"),
    "a firing without compare-and-set": (
        lambda engine: _Engine(engine, schedules=FiringWithoutCompare(engine.schedules, engine)),
        "often: ",
    ),
}


def from_environment(connect: Callable[..., Engine]) -> Callable[..., Engine]:
    """Return a ``connect`` whose engines are broken as ``CRASH_BREAK`` says."""
    breakage, _ = BREAKAGES[os.environ["CRASH_BREAK"]]
    return lambda *args, **options: breakage(connect(*args, **options))
