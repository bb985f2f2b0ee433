"""The process pool's child: one slot, and the task has the main thread.

There a timer signal can raise the soft limit into anything, C extensions cannot disturb neighbours, and a crash can
only be the fault of the one task that was running. The hard limit is the supervisor's: it kills the child.
"""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

from horarium.app.perform import Performance, perform
from horarium.message import Delivery
from horarium.outcome import Outcome
from horarium.worker.board import SlotRow
from horarium.worker.execute import Attempt, Executor, captured
from horarium.worker.feed import Feed
from horarium.worker.limits import Alarm, TaskLoop


class ProcessPool:
    """Runs one delivery after another in the calling thread, which must be the process's main thread."""

    def __init__(self, executor: Executor, feed: Feed, row: SlotRow) -> None:
        self._executor = executor
        self._feed = feed
        self._row = row
        self._alarm = Alarm()
        self._loop = TaskLoop()

    def run(self) -> None:
        feed = self._feed
        while not feed.stopping:
            delivery = feed.pop()
            if delivery is not None:
                self._run(delivery)
            elif not feed.refill(1):
                break

    def end(self, id: str, outcome: Outcome, text: str) -> bool:
        return False  # a running task of a process is ended with its process, by the supervisor

    def resize(self, slots: int) -> None:
        """A process runs one task; a worker grows by children."""

    def wake(self) -> None:
        """It waits for nothing but its feed."""

    def _run(self, delivery: Delivery) -> None:
        attempt = self._executor.begin(delivery, self._row)
        if attempt is None:
            return
        with captured(attempt):
            try:
                performance = self._perform(attempt) if attempt.limits.soft is None else self._perform_timed(attempt)
            except BaseException as error:  # noqa: BLE001  # user code, or a limit that struck beside it: it ends this delivery
                performance = self._executor.broken_off(attempt, error)
        self._executor.end_copy(performance)
        self._executor.finish(attempt, performance)

    def _perform(self, attempt: Attempt) -> Performance:
        executor = self._executor
        return perform(
            attempt.task,
            attempt.delivery,
            clock=executor.clock,
            worker=executor.worker,
            report=executor.reporter(attempt),
            run_coroutine=lambda coroutine: self._run_coroutine(attempt, coroutine),
        )

    def _perform_timed(self, attempt: Attempt) -> Performance:
        self._alarm.set(max(0.001, attempt.soft_deadline - self._executor.clock.monotonic()))
        try:
            return self._perform(attempt)
        finally:
            self._alarm.clear()

    def _run_coroutine(self, attempt: Attempt, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """An event loop must not be broken off by a signal's exception: the loop raises the soft limit itself."""
        if attempt.limits.soft is None:
            return self._loop.run(coroutine)
        self._alarm.clear()
        return self._loop.run(coroutine, attempt.soft_deadline - self._executor.clock.monotonic())
