"""Runs tasks in threads and watches their limits: for the thread pool, and for plain functions in the async pool.

One thread sleeps until the next limit of any attempt. What it asks the interpreter to raise arrives between two
bytecodes of the task; code that answers neither that nor a hard limit keeps its thread, and its child is replaced.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from threading import Condition, Thread, get_ident, local
from typing import Any

from horarium.app.perform import Performance, perform
from horarium.clock import Seconds
from horarium.errors import SoftTimeLimitExceeded, TaskRevokedError, TimeLimitExceeded
from horarium.outcome import Outcome
from horarium.worker.board import FOREVER
from horarium.worker.execute import Attempt, Executor, captured, over_time
from horarium.worker.limits import TaskLoop, raise_in_thread, take_back_raise
from horarium.worker.pools.pool import STUBBORN

LONGEST_SLEEP: Seconds = 60.0
STRIKES = (SoftTimeLimitExceeded, TimeLimitExceeded, TaskRevokedError)  # what is raised in a thread from outside


class Watched:
    """An attempt that runs in a thread. ``may_raise`` is guarded by the attempt's lock."""

    __slots__ = ("attempt", "given_up", "is_done", "may_raise", "soft_is_due", "thread")

    def __init__(self, attempt: Attempt, thread: int) -> None:
        self.attempt = attempt
        self.thread = thread
        self.may_raise = True
        self.soft_is_due = attempt.limits.soft is not None
        self.given_up: Seconds | None = None  # when it was ended from outside (monotonic)
        self.is_done = False


class ThreadRunner:
    """Runs attempts in whatever thread calls ``run``. ``stuck`` is called when a thread does not come back."""

    def __init__(self, executor: Executor, *, stuck: Callable[[str], None]) -> None:
        self._executor = executor
        self._stuck = stuck
        self._changed = Condition()  # guards _watched
        self._watched: dict[str, Watched] = {}
        self._local = local()
        self._is_closing = False
        self._thread = Thread(target=self._watch, name="horarium-limits", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End the watching thread: nothing is run any more. Stopping twice, or before starting, is fine."""
        with self._changed:
            self._is_closing = True
            self._changed.notify()

    def leave(self) -> None:
        """Let go of what the calling thread keeps for its runs; another run would make it anew."""
        loop: TaskLoop | None = self._local.__dict__.pop("loop", None)
        if loop is not None:
            loop.close()

    def run(self, attempt: Attempt) -> None:
        """Run an attempt here and settle it, unless it is ended from outside meanwhile."""
        watched = Watched(attempt, get_ident())
        with self._changed:
            self._watched[attempt.delivery.message.id] = watched
            if attempt.limits.soft is not None or attempt.limits.hard is not None:
                self._changed.notify()
        with captured(attempt):
            performance = self._come_to_an_end(watched)
        with self._changed:
            watched.is_done = True
            self._watched.pop(attempt.delivery.message.id, None)
        self._executor.finish(attempt, performance)

    def end(self, id: str, outcome: Outcome, text: str) -> bool:
        """End what runs under this id; its code is asked to stop."""
        with self._changed:
            watched = self._watched.get(id)
        if watched is None:
            return False
        return self._end(watched, outcome, text, TaskRevokedError)

    def _come_to_an_end(self, watched: Watched) -> Performance:
        """Perform, and return with nothing to be raised here any more. What strikes beside the task's code, even while
        an error of that code is being handled, must not end the thread, and with it the child."""
        executor, attempt = self._executor, watched.attempt
        performance: Performance | None = None
        try:
            try:
                performance = self._perform(watched)
            except BaseException as error:  # noqa: BLE001  # user code, or a limit that struck beside it: it ends this delivery
                performance = executor.broken_off(attempt, error)
            executor.end_copy(performance)  # before any lock: in a copy nobody may be left to release it
            self._seal(watched)
        except STRIKES as late:
            self._seal(watched)
            performance = performance or executor.broken_off(attempt, late)
        return performance

    def _perform(self, watched: Watched) -> Performance:
        executor, attempt = self._executor, watched.attempt
        return perform(
            attempt.task,
            attempt.delivery,
            clock=executor.clock,
            worker=executor.worker,
            report=executor.reporter(attempt),
            run_coroutine=lambda coroutine: self._run_coroutine(watched, coroutine),
        )

    def _run_coroutine(self, watched: Watched, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """The thread's own event loop raises the soft limit of an ``async def`` task."""
        loop: TaskLoop | None = getattr(self._local, "loop", None)
        if loop is None:
            loop = self._local.loop = TaskLoop()
        attempt = watched.attempt
        with attempt.lock:
            watched.soft_is_due = False
        soft = attempt.limits.soft
        left = None if soft is None else attempt.soft_deadline - self._executor.clock.monotonic()
        return loop.run(coroutine, left)

    def _seal(self, watched: Watched) -> None:
        """From here on nothing is raised in this thread any more. What was asked for and comes late is forgotten: the
        task has come to its outcome."""
        while True:
            try:
                with watched.attempt.lock:
                    watched.may_raise = False
                take_back_raise()
            except STRIKES:
                continue
            return

    def _watch(self) -> None:
        while not self._is_closing:
            with self._changed:
                now = self._executor.clock.monotonic()
                wait = min((_next_look(w) for w in self._watched.values()), default=FOREVER) - now
                if wait > 0 and not self._is_closing:
                    self._changed.wait(min(wait, LONGEST_SLEEP))
                watched = list(self._watched.values())
            now = self._executor.clock.monotonic()
            for each in watched:
                self._enforce(each, now)

    def _enforce(self, watched: Watched, now: Seconds) -> None:
        attempt = watched.attempt
        if watched.given_up is not None:
            if now >= watched.given_up + STUBBORN and not watched.is_done:
                watched.given_up = FOREVER
                self._stuck(attempt.delivery.message.id)
        elif now >= attempt.hard_deadline:
            outcome, text = over_time(attempt.delivery.message, attempt.limits.hard)
            self._end(watched, outcome, text, TimeLimitExceeded)
        elif watched.soft_is_due and now >= attempt.soft_deadline:
            watched.soft_is_due = False
            self._raise(watched, SoftTimeLimitExceeded)

    def _end(self, watched: Watched, outcome: Outcome, text: str, error: type[BaseException]) -> bool:
        if not self._executor.end(watched.attempt, outcome, text):
            return False
        with self._changed:
            watched.given_up = self._executor.clock.monotonic()
            self._changed.notify()
        self._raise(watched, error)
        return True

    def _raise(self, watched: Watched, error: type[BaseException]) -> None:
        with watched.attempt.lock:
            if watched.may_raise:
                raise_in_thread(watched.thread, error)


def _next_look(watched: Watched) -> Seconds:
    if watched.given_up is not None:
        return watched.given_up + STUBBORN
    attempt = watched.attempt
    return min(attempt.hard_deadline, attempt.soft_deadline if watched.soft_is_due else FOREVER)
