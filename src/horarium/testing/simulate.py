"""A day of schedules in a moment: the real scheduler, on a store in memory, in time that jumps from firing to firing.

No task is run: each run ends at once, as a success, when it may start. The app's real store is not touched.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from horarium import codec
from horarium.app.app import Horarium
from horarium.clock import FOREVER, Instant, ManualClock, to_datetime, to_instant
from horarium.engines.memory import MemoryEngine
from horarium.engines.records import Held, MaintenancePolicy, Member, Page, RunFilter
from horarium.message import Delivery, Message
from horarium.outcome import Settlement, Succeeded
from horarium.scheduler.beat import Scheduler
from horarium.schedules.policy import first_fire
from horarium.schedules.record import Schedule
from horarium.schedules.zones import zone_of

OWNER = "simulation"
CLAIMED = 1000  # runs that end in one step


class SimulatedRun(Struct, frozen=True, kw_only=True):
    """One run that a schedule would send."""

    schedule: str
    task: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    queue: str
    nominal: Instant  # the due instant, UTC milliseconds
    start: Instant  # when it may start: later than the due instant by its jitter
    at: datetime  # the due instant, in the schedule's zone


class Simulation(Struct, frozen=True, kw_only=True):
    """What schedules would do in a span of time."""

    runs: tuple[SimulatedRun, ...]  # by due instant
    errors: dict[str, str]  # why a schedule does not fire, by name

    def of(self, schedule: str) -> tuple[SimulatedRun, ...]:
        """Return what one schedule would send."""
        return tuple(run for run in self.runs if run.schedule == schedule)


def simulate(
    app: Horarium,
    hours: float = 24,
    *,
    start: datetime | None = None,
    schedules: Iterable[Schedule] = (),
    limit: int = 100_000,
) -> Simulation:
    """Return what the schedules that the code defines would send, in order, from ``start`` on and before its end.

    They are stored at the start, so an interval begins there. ``start`` is 2026-01-01 00:00 UTC unless given; a naive
    one is meant in the app's zone. ``schedules``: others to be simulated too, such as ``app.schedules.find()``.
    Raises: InvalidSchedule for an entry that cannot be read; AssertionError after ``limit`` runs.
    """
    for name, entry in app.raw_entries().items():
        app.schedule_entry(name, entry)  # a scheduler would pass it over and say so: here nobody listens
    begin = _begin(app, start)
    others = list(schedules)  # read from the real store, if they come from there
    clock = ManualClock(begin - 1)  # so that what is due at the beginning is still to come
    with app.connection.replaced(MemoryEngine(clock=clock), clock):
        day = _Day(app, clock, limit)
        day.begin(others, at=begin)
        day.pass_until(begin + round(hours * 3_600_000))
        errors = {each.name: each.error for each in app.schedules.find() if each.error is not None}
    return Simulation(runs=tuple(sorted(day.runs, key=lambda run: (run.nominal, run.schedule))), errors=errors)


def _begin(app: Horarium, start: datetime | None) -> Instant:
    if start is None:
        return ManualClock().now()
    return to_instant(start if start.tzinfo else start.replace(tzinfo=zone_of(app.conf.timezone)))


class _Day:
    """The scheduler, and a worker whose every run ends at once."""

    def __init__(self, app: Horarium, clock: ManualClock, limit: int) -> None:
        self.runs: list[SimulatedRun] = []
        self._app = app
        self._clock = clock
        self._limit = limit
        self._zones: dict[str, str] = {}  # of schedules, by name
        member = Member(owner=OWNER, kind="child", name=OWNER)
        app.engine.queue.renew([member], now=clock.now(), lease=FOREVER)

    def begin(self, others: Iterable[Schedule], *, at: Instant) -> None:
        """Store what the code defines, and others, as if it all began then."""
        app, now = self._app, self._clock.now()
        app.engine.schedules.save([_fresh(each) for each in others if each.backfill is None], now=now)
        Scheduler(app).sync(now)
        ours = [each if each.owner == "person" else replace(each, anchor=at) for each in app.schedules.find()]
        begun = [each for each in ours if each.is_active]
        app.engine.schedules.save([replace(each, next_fire=first_fire(each, now=now)) for each in begun], now=now)
        self._clock.advance((at - now) / 1000)

    def pass_until(self, end: Instant) -> None:
        """Let time pass, up to the end and without it."""
        scheduler = Scheduler(self._app, max_interval=(end - self._clock.now()) / 1000)
        while (now := self._clock.now()) < end:
            wait = scheduler.tick(now)
            if self._end_runs(now):  # one may have waited for that
                wait = scheduler.tick(now)
                self._end_runs(now)
            coming = [each.due - now for each in self._waiting() if each.due > now]
            self._clock.advance(min(max(round(wait * 1000), 1), end - now, *coming) / 1000)

    def _waiting(self) -> tuple[Held, ...]:
        return self._app.engine.inspector.find(RunFilter(), Page(limit=self._limit)).held

    def _end_runs(self, now: Instant) -> bool:
        """End what may start now; tell whether there was anything."""
        engine, has_ended = self._app.engine, False
        while due := [each for each in self._waiting() if each.due <= now]:
            queues = sorted({each.message.queue for each in due})
            claimed = engine.queue.claim(queues, OWNER, CLAIMED, now=now)
            engine.queue.settle([_success(each, now) for each in claimed], now=now, policy=MaintenancePolicy())
            engine.results.forget([each.message.id for each in due])  # so that the day costs no more towards its end
            self.runs += [self._simulated(each.message, now) for each in claimed]
            assert len(self.runs) <= self._limit, f"expected at most {self._limit} runs, got more; raise limit="
            has_ended = True
        return has_ended

    def _simulated(self, message: Message, now: Instant) -> SimulatedRun:
        name = message.schedule or ""
        nominal = message.nominal if message.nominal is not None else now
        return SimulatedRun(
            schedule=name,
            task=message.task,
            args=tuple(codec.decode(message.args)),
            kwargs=codec.decode(message.kwargs),
            queue=message.queue,
            nominal=nominal,
            start=now,
            at=to_datetime(nominal).astimezone(zone_of(self._zone(name))),
        )

    def _zone(self, schedule: str) -> str:
        if schedule not in self._zones:
            [stored] = self._app.engine.schedules.get([schedule])
            self._zones[schedule] = stored.timezone if stored is not None else "UTC"
        return self._zones[schedule]


def _fresh(schedule: Schedule) -> Schedule:
    return replace(schedule, version=0, held=False)


def _success(delivery: Delivery, now: Instant) -> Settlement:
    return Settlement(
        id=delivery.message.id,
        owner=delivery.owner,
        fence=delivery.fence,
        outcome=Succeeded(result=None),
        worker=OWNER,
        started=now,
        ended=now,
    )
