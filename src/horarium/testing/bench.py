"""The bench of a test: an app on a store in memory of its own, its clock, and what was enqueued there.

Whoever waits for a result on it gets it: without a worker in a thread, waiting runs what is due, in place. What could
never come is an error at once, instead of a test that hangs.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from horarium.app import current
from horarium.app.result import LONGEST_WAIT, AsyncResult
from horarium.clock import Seconds
from horarium.engines.memory import MemoryEngine
from horarium.engines.memory.notifier import MemoryListener, MemoryNotifier
from horarium.engines.records import RESULT_TOPIC
from horarium.testing import idle, sent
from horarium.testing.clock import VirtualClock
from horarium.testing.sent import Sent
from horarium.testing.worker import worker_of

if TYPE_CHECKING:
    from horarium.app.app import Horarium


class Bench:
    """An app under test. Made by ``captured``, ``eager`` and the fixtures."""

    def __init__(self, app: Horarium, clock: VirtualClock) -> None:
        self.app = app
        self.clock = clock

    def enqueued(self, task: Any = None) -> list[Sent]:
        """Return what was enqueued; see horarium.testing.enqueued."""
        return sent.enqueued(self.app, task)

    def assert_enqueued(self, task: Any, **parts: Any) -> list[Sent]:
        """Check that a call was enqueued; see horarium.testing.assert_enqueued."""
        __tracebackhide__ = True  # as in sent.py
        return sent.assert_enqueued(task, app=self.app, **parts)

    def assert_not_enqueued(self, task: Any, **parts: Any) -> None:
        """Check that no such call was enqueued."""
        __tracebackhide__ = True
        sent.assert_not_enqueued(task, app=self.app, **parts)

    def run_until_idle(self, **how: Any) -> list[AsyncResult]:
        """Run whatever is due, and what it sets off; see horarium.testing.run_until_idle."""
        return idle.run_until_idle(self.app, **how)

    def run_due_schedules(self) -> int:
        """Fire the schedules that are due; see horarium.testing.run_due_schedules."""
        return idle.run_due_schedules(self.app)


def new_engine(clock: VirtualClock, app_of: list[Horarium]) -> MemoryEngine:
    """Return an empty store whose waiters for results run what is due for the app that ``app_of`` will hold."""
    engine = MemoryEngine(clock)
    engine.notifier = _DrivingNotifier(app_of)
    clock.may_go_back = lambda: not engine.sent() and not engine.inspector.counts(most=0).schedules
    return engine


@contextmanager
def captured(app: Horarium | None = None, *, frozen: bool = False) -> Iterator[Bench]:
    """Put an app (None: the current one) on a store in memory and make it the current one, for a ``with`` block.

    What is sent is kept there and run by nobody, until the bench's ``run_until_idle`` or somebody's ``get()`` does.
    The app's real store is neither opened nor touched. ``frozen``: its clock stands still until it is moved.
    """
    app = app if app is not None else current.current_app()
    clock = VirtualClock()
    if frozen:
        clock.freeze()
    enqueues = app.conf.overridden(task_always_eager=False)  # else nothing would be enqueued
    with app.connection.replaced(new_engine(clock, [app]), clock), current.chosen(app), enqueues:
        yield Bench(app, clock)


@contextmanager
def eager(app: Horarium | None = None, *, frozen: bool = False, advance: bool = False) -> Iterator[Bench]:
    """``captured``, and every call runs before it returns, with all that it sets off: encoded, stored, claimed,
    performed, settled. What waits for its time is left waiting, unless ``advance`` lets time jump there."""
    with captured(app, frozen=frozen) as bench:
        producer = bench.app.producer

        def run() -> None:
            if not idle.is_driving():  # a task that sends: its call is run after it
                bench.run_until_idle(advance=advance)

        before, producer.after_sending = producer.after_sending, run
        try:
            yield bench
        finally:
            producer.after_sending = before


def bench_of(app: Horarium) -> Bench | None:
    """Return the bench of an app, None if its store is not one of the kit."""
    return Bench(app, app.clock) if isinstance(app.clock, VirtualClock) else None


class _DrivingNotifier(MemoryNotifier):
    """A store's notes, whose waiters for results do the work themselves if nobody else does."""

    def __init__(self, app_of: list[Horarium]) -> None:
        super().__init__()
        self.app_of = app_of

    def listen(self, topics: Collection[str]) -> MemoryListener:
        if RESULT_TOPIC not in topics or not self.app_of:
            return super().listen(topics)
        listener = _DrivingListener(self, topics)
        listener.app = self.app_of[0]
        with self._lock:
            self._listeners.add(listener)
        return listener


class _DrivingListener(MemoryListener):
    app: Horarium

    def wait(self, timeout: Seconds) -> bool:
        if worker_of(self.app) is not None:
            return super().wait(timeout)
        if idle.drive_once(self.app):
            return True
        if timeout < LONGEST_WAIT or self._others_work():  # a short wait passes, and its caller says what it has to
            return super().wait(timeout)
        raise idle.NeverIdle(
            "expected a result to come, but nothing is due and no worker runs; what waits:\n"
            f"{idle.why_waiting(self.app)}\nMove the clock and wait again, or use run_until_idle(advance=True)"
        )

    def _others_work(self) -> bool:
        """Whether another thread is running something, or one of the same that waits inside a task."""
        return any(counts.claimed for counts in self.app.engine.inspector.counts(most=0).queues.values())
