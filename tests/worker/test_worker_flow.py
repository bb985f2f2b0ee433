"""Feed, settler and executor on the memory engine: what is claimed, what is given back, what a store's absence does."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from msgspec import Raw
from yard import wait_for

from horarium import Horarium
from horarium.clock import Instant, SystemClock
from horarium.engines.memory import MemoryEngine
from horarium.engines.protocol import Queue
from horarium.engines.records import MaintenancePolicy, Member
from horarium.errors import EngineUnavailable, OwnerLost, StoreUnusable
from horarium.event import Event, Finished, Recovered, Refused, Troubled
from horarium.message import Delivery, Message
from horarium.outcome import (
    Crashed,
    ErrorRecord,
    Failed,
    Progress,
    Reported,
    Revoked,
    Settlement,
    State,
    Succeeded,
    Verdict,
)
from horarium.worker.board import Board
from horarium.worker.execute import Executor
from horarium.worker.feed import Feed
from horarium.worker.ledger import Ledger
from horarium.worker.limits import LimitBook
from horarium.worker.output import Bounds
from horarium.worker.pools.thread import ThreadPool
from horarium.worker.settle import Settler

OWNER = "o/1"


class Ear:
    """Keeps all events."""

    is_detailed = True

    def __init__(self) -> None:
        self.events: list[Event] = []

    def enter(self, process: str) -> None: ...

    def tell(self, event: Event) -> None:
        self.events.append(event)

    def heard(self, kind: type) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]


class Fickle:
    """The queue of a store that can be away, or lose its answers, whenever a test says so."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue
        self.is_away = False
        self.is_moved = False
        self.swallow_answers = 0
        self.claims: list[int] = []
        self.settled: list[int] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._queue, name)

    def check(self) -> None:
        if self.is_moved:
            raise StoreUnusable("expected the store to stay where it is, it was moved; put it back")

    def claim(
        self, queues: Sequence[str], owner: str, limit: int, *, now: Instant, tasks: Any = None
    ) -> list[Delivery]:
        if self.is_away:
            raise EngineUnavailable("expected the store to answer, it is away; wait")
        self.claims.append(limit)
        return self._queue.claim(queues, owner, limit, now=now, tasks=tasks)

    def settle(self, settlements: Sequence[Settlement], *, now: Instant, policy: MaintenancePolicy) -> list[Verdict]:
        if self.is_away:
            raise EngineUnavailable("expected the store to answer, it is away; wait")
        self.check()
        self.settled.append(len(settlements))
        verdicts = self._queue.settle(settlements, now=now, policy=policy)
        if self.swallow_answers:
            self.swallow_answers -= 1
            raise EngineUnavailable("expected an answer, it was swallowed; ask again")
        return verdicts


class Bench:
    """A child's parts on a memory store, without its processes."""

    def __init__(self, keep_failed: float | None = None) -> None:
        self.engine = MemoryEngine()
        self.queue = Fickle(self.engine.queue)
        self.engine.queue = self.queue  # type: ignore[assignment]
        self.engine.check = self.queue.check  # type: ignore[method-assign]
        self.clock = SystemClock()
        self.ear = Ear()
        self.ledger = Ledger()
        self.app = Horarium("bench", store="memory://", set_as_current=False)
        self.app.add_task(lambda: 1, {"name": "one"})
        self.settler = Settler(self.engine, self.clock, MaintenancePolicy(), self.ear, ledger=self.ledger)
        self.feed = Feed(
            self.engine.queue,
            self.engine.notifier.listen(["queue:default"]),
            self.clock,
            owner=OWNER,
            queues=("default",),
            tasks=frozenset(self.app.tasks),
            observer=self.ear,
            noted_look=lambda now: None,
        )
        self.executor = Executor(
            tasks=self.app.tasks,
            settler=self.settler,
            feed=self.feed,
            clock=self.clock,
            observer=self.ear,
            limits=LimitBook(soft=None, hard=None),
            worker="w",
            output=Bounds(size=1000),
            output_level=30,
            keep_failed=keep_failed,
        )
        self.renew()

    def renew(self) -> None:
        member = Member(owner=OWNER, kind="child", name="w")
        self.engine.queue.renew([member], now=self.clock.now(), lease=60.0)

    def task(self, name: str, function: Callable[..., Any], **options: Any) -> None:
        self.app.add_task(function, {"name": name, **options})
        self.feed._tasks = frozenset(self.app.tasks)

    def put(self, count: int = 1, task: str = "one", prefix: str = "m", **options: Any) -> list[str]:
        now = self.clock.now()
        messages = [Message(id=f"{prefix}{n}", task=task, created=now, **options) for n in range(count)]
        self.engine.queue.put(messages, now=now)
        return [message.id for message in messages]

    def state(self, id: str) -> str:
        (run,) = self.engine.results.read([id])
        assert run is not None
        return run.state

    def run_threads(self, slots: int) -> threading.Thread:
        board = Board(1, slots)
        rows = [board.slot(0, slot) for slot in range(slots)]
        pool = ThreadPool(self.executor, self.feed, rows, stuck=lambda id: None)
        self.settler.start()

        def run() -> None:
            pool.run()
            self.settler.drain(10)

        thread = threading.Thread(target=run)
        thread.start()
        return thread

    def claimed(self) -> list[Delivery]:
        assert self.feed.refill(1)
        return self.feed.withdraw()


@pytest.fixture
def bench() -> Bench:
    return Bench()


def settlement(delivery: Delivery) -> Settlement:
    return Settlement(
        id=delivery.message.id, owner=OWNER, fence=delivery.fence, outcome=Succeeded(result=None), started=1, ended=2
    )


# The feed.


def test_a_feed_that_knows_nothing_takes_one_and_doubles_while_tasks_are_short(bench: Bench) -> None:
    bench.put(500)
    for _ in range(8):
        for _ in bench.claimed():
            bench.feed.note_run(0.0001)
    assert bench.queue.claims == [1, 2, 4, 8, 16, 32, 64, 128]


def test_a_feed_takes_one_at_a_time_of_tasks_that_take_long(bench: Bench) -> None:
    bench.put(20)
    for _ in range(5):
        bench.claimed()
        bench.feed.note_run(2.0)
    assert bench.queue.claims == [1] * 5


def test_a_feed_takes_only_names_that_it_was_told(bench: Bench) -> None:
    bench.put(1, task="of_tomorrow", prefix="x")
    (known,) = bench.put(1)
    assert [delivery.message.id for delivery in bench.claimed()] == [known]
    assert bench.state("x0") == State.PENDING


def test_what_waits_behind_a_slow_task_can_be_withdrawn_after_a_moment(bench: Bench) -> None:
    bench.put(10)
    bench.feed.refill(10)
    assert bench.feed.pop() is not None
    assert bench.feed.withdraw_if_stuck() == []
    wait_for(lambda: bench.feed.line and bench.feed._clock.monotonic() - bench.feed._moved > 0.1, "the line has stood")
    assert len(bench.feed.withdraw_if_stuck()) == 9
    assert bench.feed.pop() is None


def test_a_feed_goes_on_when_the_store_is_back(bench: Bench) -> None:
    bench.put(1)
    bench.queue.is_away = True
    taken: list[bool] = []
    thread = threading.Thread(target=lambda: taken.append(bench.feed.refill(1)))
    thread.start()
    wait_for(lambda: bench.ear.heard(Troubled), "trouble was told")
    bench.queue.is_away = False
    thread.join(10)
    assert taken == [True]
    assert [event.where for event in bench.ear.heard(Recovered)] == ["claim"]


def test_a_feed_ends_its_wait_when_it_is_stopped(bench: Bench) -> None:
    taken: list[bool] = []
    thread = threading.Thread(target=lambda: taken.append(bench.feed.refill(1)))
    thread.start()
    wait_for(lambda: bench.queue.claims, "it has looked")
    bench.feed.stop()
    thread.join(2)
    assert taken == [False]


def test_an_owner_that_was_given_up_cannot_claim(bench: Bench) -> None:
    bench.engine.inspector.leave([OWNER], now=bench.clock.now())
    with pytest.raises(OwnerLost):
        bench.feed.refill(1)


# The settler.


def test_outcomes_that_gather_during_a_flush_are_settled_together(bench: Bench) -> None:
    bench.put(100)
    bench.feed.refill(100)
    for delivery in bench.feed.withdraw():
        bench.settler.add(settlement(delivery), delivery)
    bench.settler.start()
    assert bench.settler.drain(5)
    assert bench.queue.settled == [100]
    assert bench.state("m99") == State.SUCCESS
    assert bench.ledger.read() == []


def test_outcomes_are_kept_while_the_store_is_away_and_stay_in_the_ledger(bench: Bench) -> None:
    bench.put(3)
    bench.feed.refill(3)
    bench.queue.is_away = True
    bench.settler.start()
    for delivery in bench.feed.withdraw():
        assert bench.settler.add(settlement(delivery), delivery)
    wait_for(lambda: bench.ear.heard(Troubled), "trouble was told")
    assert len(bench.ledger.read()) == 3
    bench.queue.is_away = False
    assert bench.settler.drain(10)
    assert [bench.state(f"m{n}") for n in range(3)] == [State.SUCCESS] * 3
    assert [event.where for event in bench.ear.heard(Recovered)] == ["settle"]


def test_a_store_that_was_moved_leaves_all_outcomes_in_the_ledger_and_is_told_of_once(bench: Bench) -> None:
    bench.put(3)
    bench.queue.is_moved = True
    for delivery in [*bench.claimed(), *bench.claimed()]:
        attempt = bench.executor.begin(delivery, Board(1, 1).slot(0, 0))
        assert attempt is not None
        bench.executor.end(attempt, Succeeded(result=None), "")
    bench.settler.start()
    assert not bench.settler.drain(0.3)
    assert len(bench.ledger.read()) == 3
    assert bench.settler._recorded == 0
    assert len(bench.ear.heard(Troubled)) == 1
    bench.queue.is_moved = False
    assert bench.settler.drain(10)
    assert not bench.ledger.read()
    assert bench.state("m2") == State.SUCCESS


def test_a_swallowed_answer_is_asked_for_again_and_nothing_is_refused(bench: Bench) -> None:
    bench.put(1)
    (delivery,) = bench.claimed()
    bench.queue.swallow_answers = 1
    bench.settler.start()
    bench.settler.add(settlement(delivery), delivery)
    assert bench.settler.drain(10)
    assert bench.queue.settled == [1, 1]
    assert bench.settler.refused == 0


def test_a_late_outcome_is_refused_counted_and_told(bench: Bench) -> None:
    bench.put(1)
    (delivery,) = bench.claimed()
    bench.engine.inspector.leave([OWNER], now=bench.clock.now())
    bench.settler.start()
    bench.settler.add(settlement(delivery), delivery)
    assert bench.settler.drain(5)
    assert bench.settler.refused == 1
    assert [(event.task, event.id) for event in bench.ear.heard(Refused)] == [("one", "m0")]
    assert bench.state("m0") == State.PENDING


def test_a_loop_that_reports_its_progress_writes_only_the_newest(bench: Bench) -> None:
    bench.put(1)
    (delivery,) = bench.claimed()
    for done in range(1000):
        report = Reported(progress=Progress(done=done, total=1000))
        lines = ("a line",) if done == 500 else ()
        entry = Settlement(id="m0", owner=OWNER, fence=delivery.fence, outcome=report, started=1, logs=lines)
        bench.settler.add(entry, delivery)
    bench.settler.start()
    bench.settler.add(settlement(delivery), delivery)
    assert bench.settler.drain(5)
    assert sum(bench.queue.settled) <= 5
    [run] = bench.engine.results.read(["m0"])
    assert run is not None and (run.state, run.logs) == (State.SUCCESS, ("a line",))


# Executor and thread pool.


def test_tasks_run_and_settle_side_by_side(bench: Bench) -> None:
    barrier = threading.Barrier(4)
    bench.task("meet", lambda: barrier.wait(10) and None)
    ids = bench.put(4, task="meet")
    thread = bench.run_threads(4)
    wait_for(lambda: all(bench.state(id) == State.SUCCESS for id in ids), "all have met")
    bench.feed.stop()
    thread.join(10)


def test_a_suspect_runs_alone(bench: Bench) -> None:
    running: list[str] = []
    beside: list[tuple[str, ...]] = []
    lock = threading.Lock()

    def work(name: str) -> None:
        with lock:
            running.append(name)
            beside.append(tuple(running))
        threading.Event().wait(0.05)
        with lock:
            running.remove(name)

    bench.task("work", work)
    now = bench.clock.now()
    messages = [Message(id=f"w{n}", task="work", args=Raw(f'["w{n}"]'.encode()), created=now) for n in range(12)]
    bench.engine.queue.put(messages, now=now)
    suspect = bench.claimed()[0]
    crashed = Crashed(error=ErrorRecord(class_path="x.Y"))
    given = Settlement(id=suspect.message.id, owner=OWNER, fence=suspect.fence, outcome=crashed, started=1)
    bench.engine.queue.settle([given], now=now, policy=MaintenancePolicy(crash_delays=(0.0,)))
    thread = bench.run_threads(4)
    wait_for(lambda: all(bench.state(m.id) == State.SUCCESS for m in messages), "all have run")
    bench.feed.stop()
    thread.join(10)
    name = suspect.message.id
    assert [names for names in beside if name in names] == [(name,)]
    assert any(len(names) > 1 for names in beside)


def test_what_is_ended_from_outside_keeps_that_end(bench: Bench) -> None:
    bench.put(1)
    (delivery,) = bench.claimed()
    attempt = bench.executor.begin(delivery, Board(1, 1).slot(0, 0))
    assert attempt is not None
    assert bench.executor.end(attempt, Revoked(reason="terminated"), "terminated")
    late = bench.executor.broken_off(attempt, ValueError("late"))
    assert not bench.executor.finish(attempt, late)
    bench.settler.start()
    assert bench.settler.drain(5)
    assert bench.state("m0") == State.REVOKED
    assert len(bench.ear.heard(Finished)) == 1


def test_a_revoked_delivery_in_line_is_not_started(bench: Bench) -> None:
    bench.put(1)
    (delivery,) = bench.claimed()
    bench.feed.line.append(delivery)
    bench.executor.end_in_line(["m0", "elsewhere"])
    assert bench.executor._ended_in_line == {"m0"}
    assert bench.executor.begin(bench.feed.withdraw()[0], Board(1, 1).slot(0, 0)) is None
    bench.executor.end_in_line(["another"])
    assert not bench.executor._ended_in_line
    bench.settler.start()
    assert bench.settler.drain(5)
    assert bench.state("m0") == State.REVOKED


def test_an_at_most_once_delivery_stays_on_the_board_until_its_outcome_is_safe(bench: Bench) -> None:
    bench.settler._ledger = Ledger(room_bytes=16)  # no room for anything
    bench.put(1, at_most_once=True)
    (delivery,) = bench.claimed()
    board = Board(1, 1)
    attempt = bench.executor.begin(delivery, board.slot(0, 0))
    assert attempt is not None
    bench.queue.is_away = True
    bench.settler.start()
    performance = bench.executor.broken_off(attempt, ValueError("x"))
    thread = threading.Thread(target=bench.executor.finish, args=(attempt, performance))
    thread.start()
    wait_for(lambda: bench.ear.heard(Troubled), "the settler has tried")
    assert [entry.id for entry in board.running(0)] == ["m0"]
    bench.queue.is_away = False
    thread.join(10)
    assert board.running(0) == []
    assert bench.state("m0") == State.FAILURE


def test_failures_are_kept_as_long_as_result_failure_expires_says() -> None:
    bench = Bench(keep_failed=5.0)
    bench.put(2)
    bench.feed.refill(2)
    fine, bad = bench.feed.withdraw()
    bench.executor.refuse(fine, Succeeded(result=None))
    bench.executor.refuse(bad, Failed(error=ErrorRecord(class_path="builtins.ValueError", text="no")))
    bench.settler.start()
    assert bench.settler.drain(10)
    assert [bench.state(id) for id in ("m0", "m1")] == ["SUCCESS", "FAILURE"]
    bench.engine.queue.maintain(now=bench.clock.now() + 6_000, policy=MaintenancePolicy())
    assert [run is None for run in bench.engine.results.read(["m0", "m1"])] == [False, True]
