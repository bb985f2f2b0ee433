"""Faults at the seam: an engine around an engine, whose every verb may raise, hang or end its caller, before the call
reaches the store or after it was carried out there ("done, but the caller saw an error").

A plan decides about each call. Processes get theirs from ``CRASH_FAULTS``, see ``from_environment``.
"""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any, Literal, Protocol, TypeAlias, TypeVar

from msgspec import Struct

from horarium.clock import Clock, Instant
from horarium.engines.protocol import Engine, Inspector, Notifier, Queue, Results, Schedules
from horarium.errors import EngineUnavailable

T = TypeVar("T")
When: TypeAlias = Literal["before", "after"]

ROOMS: dict[str, type] = {
    "queue": Queue,
    "results": Results,
    "schedules": Schedules,
    "notifier": Notifier,
    "inspector": Inspector,
}
VERBS = tuple(
    f"{room}.{verb}" for room, protocol in ROOMS.items() for verb in vars(protocol) if not verb.startswith("_")
)
# By its law a notifier never raises; that its hints are lost is a fault of its own.
HINTS = ("notifier.notify", "notifier.listen")


class Died(BaseException):
    """The caller's process ended here, as far as a test within one process can play that."""


class Plan(Protocol):
    def strike(self, verb: str, call: Callable[[], T]) -> T:
        """Make the call, or not, or what its caller sees of it something else."""
        ...


class Fair:
    """No faults at all."""

    def strike(self, verb: str, call: Callable[[], T]) -> T:
        return call()


class Once(Struct):
    """One fault: the ``nth`` call of a verb meets ``act``, before it is carried out or after."""

    verb: str
    when: When
    act: Callable[[], None]
    nth: int = 1
    seen: int = 0

    @property
    def has_hit(self) -> bool:
        return self.seen >= self.nth

    def strike(self, verb: str, call: Callable[[], T]) -> T:
        if verb != self.verb:
            return call()
        self.seen += 1
        if self.seen != self.nth:
            return call()
        if self.when == "before":
            self.act()
            return call()
        result = call()
        self.act()
        return result


class Odds:
    """Faults by chance: of each verb's calls a share, half of them before and half after the call."""

    def __init__(self, chance: Random, share: float, acts: list[Callable[[], None]]) -> None:
        self._chance = chance
        self._share = share
        self._acts = acts
        self.hits: Counter[str] = Counter()

    def strike(self, verb: str, call: Callable[[], T]) -> T:
        if verb in HINTS or self._chance.random() >= self._share:
            return call()
        when = self._chance.choice(["before", "after"])
        act = self._chance.choice(self._acts)
        self.hits[f"{verb} {when}"] += 1
        if when == "before":
            act()
            return call()
        result = call()
        act()
        return result


def refuse() -> None:
    """What a caller sees of a store that it cannot reach, or whose answer was lost."""
    raise EngineUnavailable("a fault was injected here")


def die() -> None:
    raise Died


class FaultyEngine:
    """An engine whose verbs go through a plan. ``clock`` takes the place of the store's for those who ask."""

    def __init__(self, real: Engine, plan: Plan, clock: Clock | None = None) -> None:
        self.real = real
        self.plan = plan
        self._clock = clock
        for room in ROOMS:
            setattr(self, room, _Room(room, getattr(real, room), self))

    def now(self) -> Instant:
        return self.real.now() if self._clock is None else self._clock.now()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)


class _Room:
    """One protocol of an engine."""

    def __init__(self, name: str, real: Any, engine: FaultyEngine) -> None:
        self._name = name
        self._real = real
        self._engine = engine

    def __getattr__(self, verb: str) -> Any:
        method = getattr(self._real, verb)
        full = f"{self._name}.{verb}"
        if full not in VERBS:
            return method
        return lambda *args, **kwargs: self._engine.plan.strike(full, lambda: method(*args, **kwargs))


def from_environment(connect: Callable[..., Engine]) -> Callable[..., Engine]:
    """Return a ``connect`` whose engines are as faulty as ``CRASH_FAULTS`` says, a share and a seed: ``0.03:17``.

    Each hit is told to the file that ``CRASH_STRUCK`` names, so that a test can see that there were some. One in twenty
    ends the process on the spot.
    """
    share, _, seed = os.environ["CRASH_FAULTS"].partition(":")

    def connect_badly(*args: Any, **options: Any) -> Any:
        return FaultyEngine(connect(*args, **options), _Told(float(share), seed))

    return connect_badly


class _Told:
    """Odds of each process's own, written down as they hit."""

    def __init__(self, share: float, seed: str) -> None:
        self._share = share
        self._seed = seed
        self._pid = 0

    def strike(self, verb: str, call: Callable[[], T]) -> T:
        if self._pid != os.getpid():  # a fork goes its own way
            self._pid = os.getpid()
            chance = Random(f"{self._seed}:{self._pid}")
            self._odds = Odds(chance, self._share, [refuse] * 19 + [_kill])
        before = self._odds.hits.total()
        try:
            return self._odds.strike(verb, call)
        finally:
            if self._odds.hits.total() > before:
                _tell(verb)


def _kill() -> None:
    _tell("kill")
    os.kill(os.getpid(), signal.SIGKILL)


def _tell(what: str) -> None:
    descriptor = os.open(os.environ["CRASH_STRUCK"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(descriptor, f"{what}\n".encode())
    finally:
        os.close(descriptor)
