"""The thread pool's child: N threads run tasks, the main thread claims for them.

A delivery that has crashed a process before runs alone here, so that nobody else is charged if it does so again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextvars import Context, copy_context
from threading import Condition, Lock, Thread

from horarium.clock import Seconds
from horarium.message import Delivery
from horarium.outcome import Outcome, Released
from horarium.worker.board import SlotRow
from horarium.worker.execute import Executor
from horarium.worker.feed import Feed
from horarium.worker.pools.watch import ThreadRunner

LONGEST_WAIT: Seconds = 0.5


class ThreadPool:
    """Runs as many deliveries at a time as it has slots: one for each row, or fewer."""

    def __init__(
        self,
        executor: Executor,
        feed: Feed,
        rows: Sequence[SlotRow],
        *,
        stuck: Callable[[str], None],
        slots: int | None = None,
    ) -> None:
        self._executor = executor
        self._feed = feed
        self._rows = rows
        self._runner = ThreadRunner(executor, stuck=stuck)
        self._context: Context | None = None  # of the thread that runs the pool, once it does
        self._lock = Lock()  # guards _busy, _starting, _suspect, _size and _working
        self._size = len(rows) if slots is None else slots
        self._working: set[int] = set()  # the threads, by the number of their row
        self._offered = Condition(self._lock)  # the threads wait for it
        self._freed = Condition(self._lock)  # the main thread waits for it
        self._busy = 0  # threads at work
        self._starting = 0  # deliveries that were taken and have not begun: nothing else shows them
        self._suspect: Delivery | None = None

    def run(self) -> None:
        self._runner.start()
        self._context = copy_context()  # what the child has set, such as its app, holds in its threads too
        self._start_threads(self._context)
        while self._feed.refill(self._wait_for_room()):
            self._offer()
        with self._lock:
            self._offered.notify_all()
            while self._executor.running or self._starting:
                self._freed.wait(LONGEST_WAIT)
        self._runner.stop()

    def end(self, id: str, outcome: Outcome, text: str) -> bool:
        return self._runner.end(id, outcome, text)

    def resize(self, slots: int) -> None:
        with self._lock:
            self._size = max(1, min(slots, len(self._rows)))
            self._freed.notify_all()
            self._offered.notify_all()
        if self._context is not None:
            self._start_threads(self._context)

    def wake(self) -> None:
        with self._lock:
            self._freed.notify_all()
            self._offered.notify_all()

    def _wait_for_room(self) -> int:
        """Wait until the line is empty and a thread is free; return how many are, 0 when stopping."""
        with self._lock:
            while not self._feed.stopping:
                free = self._size - self._busy
                if free > 0 and not self._feed.line and self._suspect is None:
                    return free
                self._freed.wait(LONGEST_WAIT)
        return 0

    def _offer(self) -> None:
        line = self._feed.line
        if line and line[0].crashes:
            self._offer_alone()
            return
        with self._lock:
            self._offered.notify(len(line))

    def _offer_alone(self) -> None:
        """Let a suspect run when all threads are free, and nothing beside it."""
        suspect = self._feed.pop()
        if suspect is None:
            return
        with self._lock:
            while self._busy and not self._feed.stopping:
                self._freed.wait(LONGEST_WAIT)
            if not self._feed.stopping:
                self._suspect = suspect
                self._offered.notify()
                return
        self._executor.refuse(suspect, Released(reason="the worker stops"))

    def _start_threads(self, context: Context) -> None:
        with self._lock:
            missing = [number for number in range(self._size) if number not in self._working]
            self._working.update(missing)
        for number in missing:
            begin = context.copy().run
            name = f"horarium-slot-{number}"
            Thread(target=begin, args=(self._work, number), name=name, daemon=True).start()

    def _take(self, number: int) -> Delivery | None:
        """Wait for a delivery and take it; None when there is nothing more to come, or this thread is one too many."""
        with self._lock:
            while True:
                if number >= self._size:
                    self._working.discard(number)
                    self._offered.notify()  # what woke this one is for another
                    return None
                if self._suspect is None:
                    delivery = None if self._feed.stopping else self._feed.pop()
                else:
                    delivery = None if self._busy else self._suspect
                if delivery is not None:
                    self._busy += 1
                    self._starting += 1
                    return delivery
                if self._feed.stopping:
                    return None
                self._freed.notify()
                self._offered.wait()

    def _work(self, number: int) -> None:
        try:
            self._work_off(number)
        finally:
            self._runner.leave()

    def _work_off(self, number: int) -> None:
        row = self._rows[number]
        while (delivery := self._take(number)) is not None:
            attempt = self._executor.begin(delivery, row)
            with self._lock:
                self._starting -= 1
            if attempt is not None:
                self._runner.run(attempt)
            with self._lock:
                self._busy -= 1
                if self._suspect is delivery:
                    self._suspect = None
                self._freed.notify()
