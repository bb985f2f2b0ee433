"""Time limits: which ones hold for a delivery, and how each pool makes code stop.

Soft: SoftTimeLimitExceeded is raised inside the task, once. Hard: the delivery ends as FAILURE with
TimeLimitExceeded, whatever the code does. In a child's main thread a timer signal raises the soft one, and the
supervisor kills the child for the hard one. In other threads the interpreter is asked to raise, which it does
between two bytecodes: a C call is not interrupted, and after a hard limit the thread is given up.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Coroutine, Generator
from threading import get_ident
from types import coroutine as make_coroutine
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from horarium.clock import Seconds
from horarium.errors import SoftTimeLimitExceeded
from horarium.message import Message

if TYPE_CHECKING:
    import asyncio

    from horarium.app.task import Task


class Limits(Struct, frozen=True):
    """The seconds that a delivery may run; None: no limit."""

    soft: Seconds | None = None
    hard: Seconds | None = None


class LimitBook:
    """Looks limits up: the message's own, else the task's, else the worker's. A soft limit that the hard one would
    never let come is as good as none."""

    def __init__(self, *, soft: Seconds | None, hard: Seconds | None) -> None:
        self._soft = soft
        self._hard = hard
        self._of_task: dict[str, Limits] = {}

    def set(self, task: str, soft: Seconds | None, hard: Seconds | None) -> None:
        """Change the limits of a task from now on; None: the worker's."""
        self._of_task[task] = Limits(self._soft if soft is None else soft, self._hard if hard is None else hard)

    def of(self, message: Message, task: Task) -> Limits:
        limits = self._of_task.get(message.task)
        if limits is None:
            limits = self._of_task[message.task] = Limits(
                self._soft if task.soft_time_limit is None else task.soft_time_limit,
                self._hard if task.time_limit is None else task.time_limit,
            )
        if message.time_limit is None and message.soft_time_limit is None:
            return limits
        return Limits(
            limits.soft if message.soft_time_limit is None else message.soft_time_limit,
            limits.hard if message.time_limit is None else message.time_limit,
        )


class Alarm:
    """The soft limit of a child's main thread. Make it there; it takes SIGALRM for itself."""

    def __init__(self) -> None:
        self._is_set = False
        signal.signal(signal.SIGALRM, self._ring)

    def set(self, after: Seconds) -> None:
        """Raise SoftTimeLimitExceeded in the main thread after so many seconds, unless it is cleared before."""
        self._is_set = True
        signal.setitimer(signal.ITIMER_REAL, after)

    def clear(self) -> None:
        """Nothing is raised any more once this has returned."""
        self._is_set = False
        signal.setitimer(signal.ITIMER_REAL, 0)

    def _ring(self, number: int, frame: object) -> None:
        if self._is_set:
            self._is_set = False
            raise SoftTimeLimitExceeded


def raise_in_thread(thread: int, error: type[BaseException]) -> None:
    """Ask the interpreter to raise ``error`` in a thread as soon as that runs Python code again."""
    import ctypes

    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(error))


def take_back_raise() -> None:
    """Forget what was to be raised in the calling thread and has not been yet."""
    import ctypes

    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(get_ident()), None)


class Interruption:
    """Lets an exception be raised inside a coroutine at the point where it waits.

    asyncio can only cancel. So the coroutine is driven through here, and a cancellation that ``interrupt`` asked for
    reaches it as the exception that was meant.
    """

    def __init__(self) -> None:
        self._error: BaseException | None = None

    def interrupt(self, error: BaseException, cancel: Callable[[], object]) -> None:
        """Raise ``error`` inside; ``cancel`` cancels the asyncio task that drives the coroutine."""
        self._error = error
        cancel()

    @make_coroutine
    def drive(self, coroutine: Coroutine[Any, Any, Any]) -> Generator[Any, Any, Any]:
        """Await the coroutine; its result is returned, what it raises is raised."""
        error: BaseException | None = None
        while True:
            try:
                waits_for = coroutine.send(None) if error is None else coroutine.throw(error)
            except StopIteration as end:
                return end.value
            error = None
            try:
                yield waits_for
            except GeneratorExit:
                coroutine.close()
                raise
            except BaseException as raised:  # noqa: BLE001  # passed on into the coroutine, which may answer it
                error = self._instead_of(raised)

    def _instead_of(self, raised: BaseException) -> BaseException:
        meant, self._error = self._error, None
        if meant is None:
            return raised
        import asyncio

        task = asyncio.current_task()
        if task is not None:
            task.uncancel()  # it was not meant as one: what the coroutine does next must not see itself cancelled
        return meant


class TaskLoop:
    """An event loop that a thread keeps for the ``async def`` tasks that it runs, one after another."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None

    def run(self, coroutine: Coroutine[Any, Any, Any], soft: Seconds | None = None) -> Any:
        """Run a coroutine to its end; after ``soft`` seconds SoftTimeLimitExceeded is raised inside it."""
        import asyncio

        if self._loop is None:
            self._loop = asyncio.new_event_loop()
        loop = self._loop
        interruption = Interruption()
        task = loop.create_task(driven(interruption, coroutine))
        timer = None
        if soft is not None:
            timer = loop.call_later(max(0.0, soft), interruption.interrupt, SoftTimeLimitExceeded(), task.cancel)
        try:
            return loop.run_until_complete(task)
        finally:
            if timer is not None:
                timer.cancel()

    def close(self) -> None:
        """Let go of the loop; closing twice is fine."""
        loop, self._loop = self._loop, None
        if loop is not None:
            loop.close()


async def driven(interruption: Interruption, coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Await a coroutine so that exceptions can be raised inside it."""
    return await interruption.drive(coroutine)
