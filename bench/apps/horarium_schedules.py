"""Horarium's schedules: stored at the seam, fired by a scheduler in a process of its own, looked for in the store."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import islice

from msgspec.structs import replace

from bench.apps import plan as plans
from horarium.clock import Instant, to_instant
from horarium.engines.protocol import Engine
from horarium.engines.records import QUEUE_TOPIC, SCHEDULE_TOPIC, Member, Page, RunFilter
from horarium.message import DEFAULT_QUEUE, new_id
from horarium.schedules.clocked import clocked
from horarium.schedules.interval import every
from horarium.schedules.policy import create, revise
from horarium.schedules.record import Schedule
from horarium.schedules.specs import Spec, to_record

BATCH = 1_000
DAY_MS = 86_400_000
SECOND = every(1)
OWNER = "bench-reader"
EDITED = "edited"
WITHIN = 60.0  # seconds: what has not fired by then never will


class Schedules:
    """The schedules of one store. The runner may ask for each method: JSON in, JSON out."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._fired = 0

    def plan(self, entries: int, due: int, instant: float) -> None:
        """Store entries that run once a day, some of which come due at one instant."""
        daily = every(plans.DAY)
        self._save(
            replace(_schedule(name, daily), anchor=to_instant(when) - DAY_MS, next_fire=to_instant(when))
            for name, when in plans.Plan(entries, due, instant).each()
        )

    def enqueued(self) -> int:
        return sum(self._engine.inspector.counts().states.values())

    def store(self, count: int) -> float:
        """Store so many that are far from due, and one that is due; return the seconds that took."""
        began = time.perf_counter()
        now = self._engine.now()
        yearly = every(weeks=52)
        self._save(create(_schedule(f"far{number:07}", yearly), now=now) for number in range(count))
        took = time.perf_counter() - began
        self._save([create(_schedule(EDITED, yearly), now=now), create(_schedule("first", clocked(now)), now=now)])
        return took

    def await_fired(self) -> float:
        """Wait for one more message than was waited for before; return the monotonic second at which it was seen.

        Raises: TimeoutError.
        """
        self._fired += 1
        deadline = time.monotonic() + WITHIN
        while len(self._engine.inspector.find(RunFilter(), Page(limit=self._fired)).held) < self._fired:
            if time.monotonic() > deadline:
                raise TimeoutError(f"expected a schedule that is due to fire, nothing came within {WITHIN:g} s")
            time.sleep(0.005)  # between two looks at a fact
        return time.monotonic()

    def edit(self) -> float:
        """Make a schedule due at once, as the commands do it; return the seconds from saving to the message."""
        engine = self._engine
        [stored] = engine.schedules.get([EDITED])
        if stored is None:
            raise LookupError("expected the schedule that is to be edited in the store, found none; call store first")
        began = time.monotonic()
        now = engine.now()
        edited = revise(stored, replace(stored, spec=to_record(clocked(now))), now=now)
        if edited is None:
            raise ValueError("expected an edit that changes the schedule, got one that changes nothing")
        engine.schedules.save([edited], now=now)
        engine.notifier.notify([SCHEDULE_TOPIC])
        return self.await_fired() - began

    def each_second(self, schedules: int, instant: float) -> None:
        """Store schedules that fire once a second from ``instant`` on, spread evenly over the second."""
        start = round(instant * 1000)
        offsets = [number * 1000 // schedules for number in range(schedules)]
        self._save(
            replace(_schedule(f"each{number:05}", SECOND), anchor=start + offset - 1000, next_fire=start + offset)
            for number, offset in enumerate(offsets)
        )

    def read(self, instant: float, seconds: float) -> list[float]:
        """Take messages from the queue as a worker would; return the milliseconds from nominal to taken of those whose
        nominal is within ``seconds`` of ``instant``."""
        engine = self._engine
        member = Member(owner=OWNER, kind="child", name="bench@here")
        engine.queue.renew([member], now=engine.now(), lease=86_400.0)
        listener = engine.notifier.listen([QUEUE_TOPIC + DEFAULT_QUEUE])
        first = round(instant * 1000)
        last, taken = first + round(seconds * 1000), []
        try:
            while engine.now() < last + 1_000:
                listener.wait(0.1)
                while deliveries := engine.queue.claim([DEFAULT_QUEUE], OWNER, BATCH, now=engine.now()):
                    now_ms = time.time() * 1000  # the store is on this host: one clock
                    nominals = [each.message.nominal or 0 for each in deliveries]
                    taken += [now_ms - nominal for nominal in nominals if first <= nominal < last]
        finally:
            listener.close()
        return taken

    def _save(self, schedules: Iterator[Schedule] | list[Schedule]) -> None:
        each = iter(schedules)
        while batch := list(islice(each, BATCH)):
            self._engine.schedules.save(batch, now=self._engine.now())


def _schedule(name: str, spec: Spec) -> Schedule:
    now: Instant = 0
    return Schedule(
        id=new_id(now), name=name, task="bench.noop", spec=to_record(spec), anchor=now, created=now, changed=now
    )
