"""The parts of a worker that runs inside of a test's process: those of a real one, without its processes.

What it does without: the supervisor, the children, and with them the hard ways of ending code. A soft limit is raised
in the task; a hard one ends the run as FAILURE and raises in the task too, but code in C is not interrupted.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from threading import RLock
from typing import TYPE_CHECKING

from msgspec.structs import replace

from horarium.clock import FOREVER, Clock, Instant, Seconds, StoreClock
from horarium.engines.protocol import Listener
from horarium.engines.records import QUEUE_TOPIC, Member
from horarium.event import Silent
from horarium.message import Delivery, new_id
from horarium.outcome import Settlement
from horarium.testing.clock import VirtualClock
from horarium.version import __version__
from horarium.worker.archivist import Archivist
from horarium.worker.board import Board
from horarium.worker.execute import Executor
from horarium.worker.feed import Feed
from horarium.worker.limits import LimitBook
from horarium.worker.options import FOR_EVER, WorkerOptions
from horarium.worker.settle import Chore, Settler

if TYPE_CHECKING:
    from horarium.app.app import Horarium

LEASE: Seconds = FOREVER  # the process lives as long as its tests, and virtual time must not end it


class PromptSettler(Settler):
    """Settles in the thread that adds: what has ended is recorded when the run returns."""

    _flushing = RLock()

    def add(self, settlement: Settlement, delivery: Delivery) -> bool:
        with self._flushing:
            self._flush([(settlement, delivery, 0)])
        return True

    def wait_until_recorded(self) -> None:
        """All of it is recorded."""


class OpenFeed(Feed):
    """Claims for all tasks that the app has by now, from whatever queues ``served`` tells: tests define tasks late, and
    should not have to name queues."""

    served: Callable[[], tuple[str, ...]]
    known: Callable[[], frozenset[str]]

    def _claim(self, slots: int) -> list[Delivery]:
        self._queues, self._tasks = self.served(), self.known()
        return super()._claim(slots)


class Parts:
    """Settler, feed and executor of one owner."""

    def __init__(
        self,
        app: Horarium,
        options: WorkerOptions,
        *,
        settler: type[Settler],
        chore: Chore = lambda: None,
        looked: Callable[[Instant], None] = lambda now: None,
        serves_all: bool = True,
    ) -> None:
        engine = self.engine = app.engine
        self.app = app
        if isinstance(app.clock, VirtualClock):  # a test that lets a month pass wants to see what was at its beginning
            options = replace(options, keep=FOR_EVER)
        self.options = options
        self.owner = f"{options.name}/{new_id(app.now())}"
        self.clock: Clock = app.clock if isinstance(app.clock, VirtualClock) else StoreClock(app.clock, engine.now())
        self.tasks = app.tasks
        self.board = Board(1, options.slots)
        observer = Silent()
        archive = app.connection.archive
        archivist = Archivist(archive, engine, self.clock, observer) if archive is not None else None
        self.settler = settler(
            engine, self.clock, options.policy, observer, random=app.random, chore=chore, archivist=archivist
        )
        self.listener: Listener = engine.notifier.listen([QUEUE_TOPIC + queue for queue in _known_queues(app, options)])
        self.feed = OpenFeed(
            engine.queue,
            self.listener,
            self.clock,
            owner=self.owner,
            queues=options.queues,
            tasks=frozenset(self.tasks),
            observer=observer,
            noted_look=looked,
            random=app.random,
        )
        self.feed.served = self.served if serves_all else lambda: options.queues
        self.feed.known = lambda: frozenset(app.tasks)
        self.executor = Executor(
            tasks=self.tasks,
            settler=self.settler,
            feed=self.feed,
            clock=self.clock,
            observer=observer,
            limits=LimitBook(soft=options.soft_time_limit, hard=options.time_limit),
            worker=options.name,
            output=options.output,
            output_level=options.output_level or 0,
            archivist=archivist,
        )
        self._member = Member(
            owner=self.owner,
            kind="child",
            name=options.name,
            pid=os.getpid(),
            pool=options.pool,
            slots=options.slots,
            queues=options.queues,
            tasks=tuple(sorted(self.tasks)),
            started=self.clock.now(),
            version=__version__,
            app=app.main,
        )

    def served(self) -> tuple[str, ...]:
        """Return the queues in which anything waits, and those of the options."""
        return tuple(sorted({*self.engine.inspector.counts(most=0).queues, *self.options.queues}))

    def feed_again(self) -> None:
        """Let the feed look at once: time was moved."""
        self.listener.wake()

    def renew(self) -> tuple[str, ...]:
        """Register, or renew the lease; return the ids that are to be ended at once."""
        return self.engine.queue.renew([self._member], now=self.clock.now(), lease=LEASE).terminate

    def leave(self) -> None:
        """Sign off, and hear no more."""
        self.engine.inspector.leave([self.owner], now=self.clock.now())
        self.listener.close()


def options_for(options: WorkerOptions, name: str, slots: int) -> WorkerOptions:
    """Return the options of a worker that has threads only."""
    return replace(options, name=name, pool="thread", concurrency=slots, children=1)


def _known_queues(app: Horarium, options: WorkerOptions) -> set[str]:
    return {*options.queues, *(app.producer.plan(name).queue for name in app.tasks)}
