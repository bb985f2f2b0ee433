"""A child whose lease has lapsed starts nothing that it still has in line: found by thawing a frozen worker, here step
by step."""

from __future__ import annotations

from horarium import Horarium
from horarium.clock import ManualClock
from horarium.engines.memory import MemoryEngine
from horarium.engines.records import MaintenancePolicy, Member
from horarium.event import Silent
from horarium.message import Message
from horarium.outcome import State
from horarium.worker.board import Board
from horarium.worker.execute import Executor
from horarium.worker.feed import Feed
from horarium.worker.limits import LimitBook
from horarium.worker.output import Bounds
from horarium.worker.settle import Settler


def test_a_delivery_is_given_back_when_the_lease_has_lapsed_before_its_start() -> None:
    clock = ManualClock()
    engine = MemoryEngine(clock=clock)
    app = Horarium("lapsed", engine=engine, clock=clock, set_as_current=False)
    app.add_task(lambda: None, {"name": "tick"})
    board = Board(1, 1)
    settler = Settler(engine, clock, MaintenancePolicy(), Silent())
    feed = Feed(
        engine.queue,
        engine.notifier.listen(["queue:default"]),
        clock,
        owner="c/1",
        queues=("default",),
        tasks=frozenset(app.tasks),
        observer=Silent(),
        noted_look=lambda now: None,
    )
    executor = Executor(
        tasks=app.tasks,
        settler=settler,
        feed=feed,
        clock=clock,
        observer=Silent(),
        limits=LimitBook(soft=None, hard=None),
        worker="w",
        output=Bounds(size=0),
        output_level=0,
        lease=lambda: board.lease(0),
    )
    engine.queue.renew([Member(owner="c/1", kind="child", name="w")], now=clock.now(), lease=10.0)
    board.grant(0, clock.monotonic() + 9.0)
    engine.queue.put([Message(id=id, task="tick", created=clock.now()) for id in ("a", "b")], now=clock.now())
    first, second = engine.queue.claim(["default"], "c/1", 2, now=clock.now())
    assert executor.begin(first, board.slot(0, 0)) is not None
    clock.advance(9.0)
    assert executor.begin(second, board.slot(0, 0)) is None
    settler.start()
    assert settler.drain(10)
    (run,) = engine.results.read(["b"])
    assert run is not None
    assert (run.state, run.attempts) == (State.PENDING, ())
