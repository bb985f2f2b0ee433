"""A scheduler of Django's tables in one thread, on a clock that stands still until a test moves it."""

from __future__ import annotations

from collections.abc import Sequence

import shop.tasks  # noqa: F401  # shared tasks are every app's

from horarium import Horarium
from horarium.clock import Instant, ManualClock
from horarium.contrib.django.beat.follower import Follower
from horarium.contrib.django.beat.rows import Rows
from horarium.engines.protocol import Engine
from horarium.event import Event, Fired, Observer
from horarium.scheduler.beat import Scheduler
from horarium.schedules.record import Schedule


class InHand:
    """A source that does its turns when it is asked to follow: all that there are."""

    every = None

    def __init__(self, follower: Follower) -> None:
        self.follower = follower

    def begin(self, engine: Engine, *, now: Instant, observer: Observer) -> int:
        return 0

    def follow(self, engine: Engine, *, now: Instant, observer: Observer) -> int:
        changed, is_more = 0, True
        while is_more:
            turn = self.follower.turn(engine, now=now)
            changed, is_more = changed + turn.stored + turn.removed, turn.is_more
            for event in turn.events:
                observer.tell(event)
        return changed

    def fired(self, names: Sequence[str], engine: Engine, *, now: Instant) -> None:
        self.follower.note_fired(names)

    def close(self) -> None:
        """Nothing is open."""


class Beat:
    """A scheduler with what it has told. ``go`` lets it work at one moment after another."""

    is_detailed = True

    def __init__(self, app: Horarium, clock: ManualClock, rows: Rows | None = None) -> None:
        self.app, self.clock, self.events = app, clock, list[Event]()
        self.scheduler = Scheduler(app, observer=self, source=InHand(Follower(app, rows or Rows())))

    def enter(self, process: str) -> None:
        """One process."""

    def tell(self, event: Event) -> None:
        self.events.append(event)

    def look(self) -> int:
        """Follow what was edited; return how many schedules that changed."""
        return self.scheduler.follow(self.clock.now())

    def go(self, seconds: float = 0, *, step: float = 1) -> list[str]:
        """Let time pass, working at each step; return the names of what was sent, in order."""
        before = len(self.events)
        for moment in range(round(seconds / step) + 1):
            if moment:
                self.clock.advance(step)
            self.look()
            self.scheduler.tick(self.clock.now())
        self.look()
        return [event.schedule for event in self.events[before:] if isinstance(event, Fired)]

    def stored(self, name: str) -> Schedule | None:
        [found] = self.app.engine.schedules.get([name])
        return found
