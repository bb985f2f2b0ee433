"""The async pool's child: an event loop runs ``async def`` tasks side by side; plain functions get threads.

A thread of its own claims, since claiming blocks. Limits are the loop's timers: the soft one is raised inside the
coroutine where it waits, the hard one cancels it. A task that blocks the loop holds up its neighbours, timers
included; when its hard limit is over the supervisor kills the child.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from threading import Condition, Thread

from horarium.app.perform import Performance, perform_async
from horarium.clock import Seconds
from horarium.errors import SoftTimeLimitExceeded
from horarium.message import Delivery
from horarium.outcome import Outcome, Released
from horarium.worker.board import SlotRow
from horarium.worker.execute import Attempt, Executor, captured, over_time
from horarium.worker.feed import Feed
from horarium.worker.limits import Interruption, driven
from horarium.worker.pools.pool import STUBBORN
from horarium.worker.pools.watch import ThreadRunner

LONGEST_WAIT: Seconds = 0.5


class AsyncPool:
    """Runs as many deliveries at a time as it has rows, on the event loop of the calling thread."""

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
        self._stuck = stuck
        self._most = len(rows)
        self._slots = self._most if slots is None else slots
        self._rows = list(rows)  # the free ones; the loop's
        self._freed = Condition()  # guards _taken and _starting
        self._taken = 0  # deliveries handed to the loop whose code has not returned
        self._starting = 0  # those of them that have not begun: nothing else shows them
        self._runner = ThreadRunner(executor, stuck=stuck)
        self._threads: ThreadPoolExecutor | None = None
        self._tasks: dict[str, asyncio.Task[None]] = {}  # by id; the loop's
        self._loop: asyncio.AbstractEventLoop | None = None

    def run(self) -> None:
        asyncio.run(self._main())

    def end(self, id: str, outcome: Outcome, text: str) -> bool:
        if self._runner.end(id, outcome, text):
            return True
        loop = self._loop
        if loop is None or id not in self._tasks:
            return False
        loop.call_soon_threadsafe(self._end, id, outcome, text)
        return True

    def resize(self, slots: int) -> None:
        with self._freed:
            self._slots = max(1, min(slots, self._most))
            self._freed.notify_all()

    def wake(self) -> None:
        with self._freed:
            self._freed.notify_all()

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._attempts: dict[str, Attempt] = {}
        self._runner.start()
        drained = asyncio.Event()
        feed = copy_context().run  # what the child has set, such as its app, holds in all that is started from there
        Thread(target=feed, args=(self._feed_loop, self._loop, drained), name="horarium-feed", daemon=True).start()
        await drained.wait()
        if self._error is not None:
            raise self._error

    # The feeding thread.

    _error: BaseException | None = None

    def _feed_loop(self, loop: asyncio.AbstractEventLoop, drained: asyncio.Event) -> None:
        try:
            while self._feed.refill(self._wait_for_room()):
                self._hand_over(loop)
            with self._freed:
                while self._executor.running or self._starting:
                    self._freed.wait(LONGEST_WAIT)
        except BaseException as error:  # noqa: BLE001  # raised again by the loop's thread, which ends the child
            self._error = error
        loop.call_soon_threadsafe(drained.set)

    def _wait_for_room(self) -> int:
        with self._freed:
            while not self._feed.stopping:
                if self._taken < self._slots:
                    return self._slots - self._taken
                self._freed.wait(LONGEST_WAIT)
        return 0

    def _hand_over(self, loop: asyncio.AbstractEventLoop) -> None:
        """Give the loop what there is room for; a suspect goes alone. A stop ends every wait: code that was ended by
        force and goes on all the same never makes room."""
        while not self._feed.stopping and (delivery := self._feed.pop()) is not None:
            if not self._wait_until_taken(0 if delivery.crashes else self._slots - 1):
                self._executor.refuse(delivery, Released(reason="the worker stops"))
                return
            with self._freed:
                self._taken += 1
                self._starting += 1
            loop.call_soon_threadsafe(self._start, delivery)
            if delivery.crashes:
                self._wait_until_taken(0)

    def _wait_until_taken(self, most: int) -> bool:
        """Wait until the loop has so few deliveries; False when stopping."""
        with self._freed:
            while self._taken > most and not self._feed.stopping:
                self._freed.wait(LONGEST_WAIT)
        return not self._feed.stopping

    def _release(self) -> None:
        with self._freed:
            self._taken -= 1
            self._freed.notify_all()

    # The loop.

    def _start(self, delivery: Delivery) -> None:
        row = self._rows.pop()
        attempt = self._executor.begin(delivery, row)
        with self._freed:
            self._starting -= 1
        if attempt is None:
            self._rows.append(row)
            self._release()
            return
        id = delivery.message.id
        task = asyncio.get_running_loop().create_task(self._run(attempt))
        self._attempts[id], self._tasks[id] = attempt, task
        task.add_done_callback(lambda _: self._done(id, row))

    def _done(self, id: str, row: SlotRow) -> None:
        self._tasks.pop(id, None)
        self._attempts.pop(id, None)
        self._rows.append(row)
        self._release()

    async def _run(self, attempt: Attempt) -> None:
        if not attempt.task.is_async:
            if self._threads is None:
                self._threads = ThreadPoolExecutor(self._most, thread_name_prefix="horarium-slot")
            begin = copy_context().run
            await asyncio.get_running_loop().run_in_executor(self._threads, begin, self._runner.run, attempt)
            return
        loop, limits = asyncio.get_running_loop(), attempt.limits
        interruption = Interruption()
        timers = []
        me = asyncio.current_task()
        assert me is not None
        if limits.soft is not None:
            timers.append(loop.call_later(limits.soft, interruption.interrupt, SoftTimeLimitExceeded(), me.cancel))
        if limits.hard is not None:
            outcome, text = over_time(attempt.delivery.message, limits.hard)
            timers.append(loop.call_later(limits.hard, self._end, attempt.delivery.message.id, outcome, text))
        performance = await self._perform(attempt, interruption)
        self._executor.end_copy(performance)
        for timer in timers:
            timer.cancel()
        self._executor.finish(attempt, performance)

    async def _perform(self, attempt: Attempt, interruption: Interruption) -> Performance:
        executor = self._executor
        with captured(attempt):
            try:
                performance: Performance = await driven(
                    interruption,
                    perform_async(
                        attempt.task,
                        attempt.delivery,
                        clock=executor.clock,
                        worker=executor.worker,
                        report=executor.reporter(attempt),
                    ),
                )
            except BaseException as error:  # noqa: BLE001  # user code, or our own cancelling of it: it ends this delivery
                performance = executor.broken_off(attempt, error)
        return performance

    def _end(self, id: str, outcome: Outcome, text: str) -> None:
        """End a coroutine; if it does not stop when it is cancelled, its child is replaced."""
        attempt, task = self._attempts.get(id), self._tasks.get(id)
        if attempt is None or task is None or not self._executor.end(attempt, outcome, text):
            return
        task.cancel()
        asyncio.get_running_loop().call_later(STUBBORN, self._check_stopped, id, task)

    def _check_stopped(self, id: str, task: asyncio.Task[None]) -> None:
        if not task.done():
            self._stuck(id)
