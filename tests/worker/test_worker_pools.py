"""The pools of threads and coroutines by themselves, on a memory store: what a stop does to what has just been handed
over, and which app is the current one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from threading import Event, Thread
from typing import Any

import pytest

from horarium import Horarium, current_app
from horarium.app.perform import Performance
from horarium.clock import SystemClock
from horarium.engines.memory import MemoryEngine
from horarium.engines.records import MaintenancePolicy, Member
from horarium.errors import SoftTimeLimitExceeded
from horarium.event import Silent
from horarium.message import Delivery, Message
from horarium.worker.board import Board, SlotRow
from horarium.worker.execute import Attempt, Executor
from horarium.worker.feed import Feed
from horarium.worker.limits import LimitBook
from horarium.worker.output import Bounds
from horarium.worker.pools.loop import AsyncPool
from horarium.worker.pools.pool import Pool
from horarium.worker.pools.thread import ThreadPool
from horarium.worker.settle import Settler

SLOTS = 2
PATIENCE = 10.0  # seconds
LASTS = 0.1  # seconds that a task works: longer than a pool takes to see a stop


class Hurried(Executor):
    """Lets something happen at the moment before a delivery begins."""

    before: Callable[[], object] = staticmethod(lambda: None)

    def begin(self, delivery: Delivery, row: SlotRow) -> Attempt | None:
        self.before()
        return super().begin(delivery, row)


class Bench:
    def __init__(self, kind: type[ThreadPool] | type[AsyncPool], function: Callable[..., Any]) -> None:
        clock, self.engine = SystemClock(), MemoryEngine()
        self.app = Horarium("bench", store="memory://", set_as_current=False)
        self.app.add_task(function, {"name": "one"})
        self.settler = Settler(self.engine, clock, MaintenancePolicy(), Silent())
        now = clock.now()
        self.engine.queue.renew([Member(owner="o", kind="child", name="w")], now=now, lease=600.0)
        self.engine.queue.put([Message(id="a", task="one", created=now)], now=now)
        self.feed = Feed(
            self.engine.queue,
            self.engine.notifier.listen(["queue:default"]),
            clock,
            owner="o",
            queues=("default",),
            tasks=frozenset(self.app.tasks),
            observer=Silent(),
            noted_look=lambda now: None,
        )
        self.executor = Hurried(
            tasks=self.app.tasks,
            settler=self.settler,
            feed=self.feed,
            clock=clock,
            observer=Silent(),
            limits=LimitBook(soft=None, hard=None),
            worker="w",
            output=Bounds(size=1000),
            output_level=30,
        )
        board = Board(1, SLOTS)
        rows = [board.slot(0, slot) for slot in range(SLOTS)]
        self.pool: Pool = kind(self.executor, self.feed, rows, stuck=lambda id: None)

    def run(self) -> str:
        """Let the pool run, in the context of a child: its app is the current one; return what became of the run."""
        self.app.set_current()
        self.settler.start()
        self.pool.run()
        assert self.settler.drain(PATIENCE)
        (run,) = self.engine.results.read(["a"])
        assert run is not None
        return f"{run.state}: {run.result and bytes(run.result).decode()}"

    def stop(self) -> None:
        self.feed.stop()
        self.pool.wake()


def in_a_thread(call: Callable[[], str]) -> str:
    """Return what a call comes to in a thread, and so in a context, of its own."""
    found: list[str] = []
    thread = Thread(target=lambda: found.append(call()), daemon=True)
    thread.start()
    thread.join(PATIENCE)
    return found[0] if found else "it did not end"


def work() -> str:
    Event().wait(LASTS)
    return "done"


async def work_on_the_loop() -> str:
    await asyncio.sleep(LASTS)
    return "done"


@pytest.mark.parametrize(("kind", "task"), [(ThreadPool, work), (AsyncPool, work), (AsyncPool, work_on_the_loop)])
def test_what_was_handed_over_when_the_feed_stops_is_finished(
    kind: type[ThreadPool] | type[AsyncPool], task: Callable[[], Any]
) -> None:
    bench = Bench(kind, task)
    seen = Event()

    def stop_and_let_the_feeder_look() -> None:
        bench.stop()
        seen.wait(0.2)  # never set: so long the feeding thread has for a look at a delivery that has not begun

    bench.executor.before = stop_and_let_the_feeder_look
    assert in_a_thread(bench.run) == 'SUCCESS: "done"'


class Fatal(BaseException):
    """An error that no task catches."""


def fail() -> None:
    raise Fatal


def test_a_limit_that_strikes_while_an_error_is_noted_ends_the_run_and_not_the_thread() -> None:
    bench = Bench(ThreadPool, fail)
    bench.executor._limits = LimitBook(soft=LASTS / 4, hard=None)
    seen: list[BaseException] = []
    kept = bench.executor.broken_off

    def listen(attempt: Attempt, error: BaseException) -> Performance:
        seen.append(error)
        until = time.monotonic() + LASTS
        while isinstance(error, Fatal) and time.monotonic() < until:
            pass
        return kept(attempt, error)

    bench.executor.broken_off = listen  # type: ignore[method-assign]
    bench.executor._finished_one = bench.stop
    assert in_a_thread(bench.run).startswith("FAILURE")
    assert [type(error) for error in seen] == [Fatal, SoftTimeLimitExceeded]


def name_the_app() -> str:
    return current_app().main


async def name_the_app_on_the_loop() -> str:
    return current_app().main


@pytest.mark.parametrize(
    ("kind", "task"),
    [(ThreadPool, name_the_app), (AsyncPool, name_the_app), (AsyncPool, name_the_app_on_the_loop)],
)
def test_the_app_of_the_worker_is_the_current_one_wherever_a_task_runs(
    kind: type[ThreadPool] | type[AsyncPool], task: Callable[[], Any]
) -> None:
    bench = Bench(kind, task)
    bench.executor.before = bench.stop
    newest = Horarium("newest", store="memory://")
    assert in_a_thread(bench.run) == 'SUCCESS: "bench"'
    assert newest.main == "newest"
