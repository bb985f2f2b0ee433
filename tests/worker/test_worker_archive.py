"""What is written down beside the store: before the store is told, as the store has it in the end, and by whom."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import Any

import pytest
from msgspec import Raw

from horarium.app.archive import ArchiveRefused, ArchiveUnavailable, Record
from horarium.app.perform import NOT_COMMITTED
from horarium.clock import FOREVER, Instant, ManualClock, SystemClock
from horarium.engines.memory import MemoryEngine
from horarium.engines.records import MaintenancePolicy, Member, Revoke
from horarium.event import Event, Recovered, Troubled
from horarium.message import Delivery, Message
from horarium.outcome import ENDED, ErrorRecord, Failed, Outcome, Reported, Retried, Run, Settlement, Succeeded
from horarium.worker.archivist import Archivist
from horarium.worker.keeper import Keeper
from horarium.worker.options import WorkerOptions
from horarium.worker.settle import Settler

OWNER, QUEUE = "w/1", "default"
DAY = 86_400.0


class Shelf:
    """An archive in memory. ``trouble``: what the next writes raise; ``seen``: called with what is written."""

    def __init__(self) -> None:
        self.records: dict[str, Record] = {}
        self.trouble: list[Exception] = []
        self.refused: set[str] = set()
        self.seen: Callable[[Sequence[Record]], object] = lambda records: None
        self.writes = 0
        self.is_closed = False

    def write(self, records: Sequence[Record]) -> None:
        self.writes += 1
        if self.trouble:
            raise self.trouble.pop(0)
        if any(record.run.id in self.refused for record in records):
            raise ArchiveRefused("expected a record, got a bad one")
        self.seen(records)
        self.records |= {record.run.id: record for record in records}

    def unwritten(self, runs: Sequence[Run]) -> list[Run]:
        return [run for run in runs if self.state(run.id) not in ENDED]

    def expire(self, before: Instant, limit: int, *, failed_before: Instant) -> int:
        old = [id for id, each in self.records.items() if (each.run.ended or each.run.changed) < before][:limit]
        self.forget(old)
        return len(old)

    def forget(self, ids: Sequence[str]) -> None:
        for id in ids:
            del self.records[id]

    def group(self, id: str) -> Any:
        return None

    def close(self) -> None:
        self.is_closed = True

    def state(self, id: str) -> str | None:
        record = self.records.get(id)
        return record.run.state if record is not None else None


class Diary:
    """An observer that keeps what it is told."""

    is_detailed = False

    def __init__(self) -> None:
        self.told: list[Event] = []

    def tell(self, event: Event) -> None:
        self.told.append(event)

    def enter(self, process: str) -> None:
        """Nobody asks where it was told."""

    def troubles(self) -> list[str]:
        return [event.reason for event in self.told if isinstance(event, Troubled)]


@pytest.fixture
def engine() -> Iterator[MemoryEngine]:
    engine = MemoryEngine(clock=SystemClock())
    engine.queue.renew([Member(owner=OWNER, kind="child", name="w", queues=(QUEUE,))], now=engine.now(), lease=FOREVER)
    yield engine
    engine.close()


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
def diary() -> Diary:
    return Diary()


@pytest.fixture
def settler(engine: MemoryEngine, shelf: Shelf, diary: Diary) -> Iterator[Settler]:
    clock = SystemClock()
    archivist = Archivist(shelf, engine, clock, diary)
    settler = Settler(engine, clock, MaintenancePolicy(), diary, archivist=archivist, random=Random(1))
    settler.archivist = archivist  # type: ignore[attr-defined]
    settler.start()
    yield settler
    assert settler.drain(10)


def claimed(engine: MemoryEngine, *ids: str, **options: Any) -> list[Delivery]:
    now = engine.now()
    engine.queue.put([Message(id=id, task="t", created=now, **options) for id in ids], now=now)
    return engine.queue.claim([QUEUE], OWNER, len(ids), now=now)


def settlement(delivery: Delivery, outcome: Outcome, **options: Any) -> Settlement:
    fields = {"worker": "w", "started": delivery.claimed, **options}
    return Settlement(id=delivery.message.id, owner=delivery.owner, fence=delivery.fence, outcome=outcome, **fields)


def settle(settler: Settler, delivery: Delivery, outcome: Outcome, **options: Any) -> None:
    settler.add(settlement(delivery, outcome, **options), delivery)
    settler.wait_until_recorded()


def state(engine: MemoryEngine, id: str) -> str | None:
    [run] = engine.results.read([id])
    return run.state if run is not None else None


GOOD = Succeeded(result=Raw(b"1"))
BAD = ErrorRecord(class_path="builtins.ValueError", args=Raw(b'["so"]'), text="so")


def test_whoever_sees_the_end_finds_it_written_down(engine: MemoryEngine, shelf: Shelf, settler: Settler) -> None:
    [delivery] = claimed(engine, "a")
    before = []
    shelf.seen = lambda records: before.append(state(engine, "a"))
    settle(settler, delivery, GOOD)
    assert before == ["RECEIVED"]
    record = shelf.records["a"]
    assert (state(engine, "a"), record.run.state, record.run.result, record.run.worker) == (
        "SUCCESS",
        "SUCCESS",
        Raw(b"1"),
        "w",
    )


def test_states_on_the_way_are_written_down_too(engine: MemoryEngine, shelf: Shelf, settler: Settler) -> None:
    [delivery] = claimed(engine, "a")
    settle(settler, delivery, Reported(state="STARTED"))
    assert shelf.state("a") == "STARTED" and b'"pid"' in bytes(shelf.records["a"].run.meta or b"")
    settle(settler, delivery, Reported(state="PROGRESS", meta=Raw(b'{"done":1}')))
    assert (shelf.state("a"), shelf.records["a"].run.meta) == ("PROGRESS", Raw(b'{"done":1}'))
    settle(settler, delivery, Retried(message=delivery.message, error=BAD))
    assert (shelf.state("a"), shelf.records["a"].run.error) == ("RETRY", BAD)


def test_an_archive_that_is_away_is_waited_for(
    engine: MemoryEngine, shelf: Shelf, settler: Settler, diary: Diary
) -> None:
    [delivery] = claimed(engine, "a")
    shelf.trouble = [ArchiveUnavailable("expected a table, got none") for _ in range(3)]
    settle(settler, delivery, GOOD)
    assert (state(engine, "a"), shelf.state("a")) == ("SUCCESS", "SUCCESS")
    assert diary.troubles() == ["expected a table, got none"]
    assert any(isinstance(event, Recovered) for event in diary.told)


def test_a_record_that_is_refused_holds_up_nobody(
    engine: MemoryEngine, shelf: Shelf, settler: Settler, diary: Diary
) -> None:
    shelf.refused = {"b", "d"}
    deliveries = claimed(engine, "a", "b", "c", "d")
    for delivery in deliveries:
        settler.add(settlement(delivery, GOOD), delivery)
    settler.wait_until_recorded()
    assert {state(engine, id) for id in "abcd"} == {"SUCCESS"}
    assert set(shelf.records) == {"a", "c"}
    assert diary.troubles() == ["expected a record, got a bad one"]


def test_a_missing_table_is_told_once_and_tried_again(
    engine: MemoryEngine, shelf: Shelf, settler: Settler, diary: Diary
) -> None:
    shelf.trouble = [ArchiveRefused("run migrate", is_all=True) for _ in range(2)]
    for delivery in claimed(engine, "a", "b", "c"):
        settle(settler, delivery, GOOD)
    assert {state(engine, id) for id in "abc"} == {"SUCCESS"}
    assert set(shelf.records) == {"c"}
    assert [(type(event).__name__, event.where) for event in diary.told] == [  # type: ignore[attr-defined]
        ("Troubled", "archive"),
        ("Recovered", "archive"),
    ]


def test_what_the_store_refuses_is_written_down_as_the_store_has_it(
    engine: MemoryEngine, shelf: Shelf, settler: Settler
) -> None:
    [delivery] = claimed(engine, "a")
    failed = settlement(delivery, Failed(error=BAD), ended=engine.now())
    engine.queue.settle([failed], now=engine.now(), policy=MaintenancePolicy())
    settle(settler, delivery, GOOD)
    assert (state(engine, "a"), shelf.state("a")) == ("FAILURE", "FAILURE")


def test_the_guard_of_a_transaction_is_never_written_down(engine: MemoryEngine, shelf: Shelf, settler: Settler) -> None:
    [delivery] = claimed(engine, "a")
    written = []
    shelf.seen = lambda records: written.extend(record.run.state for record in records)
    engine.queue.settle([settlement(delivery, GOOD)], now=engine.now(), policy=MaintenancePolicy())
    settle(settler, delivery, Failed(error=NOT_COMMITTED))
    assert written == ["SUCCESS"]


def test_a_success_that_nobody_wants_is_not_written_down(engine: MemoryEngine, shelf: Shelf, settler: Settler) -> None:
    good, bad = claimed(engine, "a", "b", ignore_result=True)
    settle(settler, good, Succeeded(result=None))
    settle(settler, bad, Failed(error=BAD))
    assert set(shelf.records) == {"b"}


def test_a_settler_that_ends_lets_go_of_the_archive(engine: MemoryEngine, shelf: Shelf, settler: Settler) -> None:
    [delivery] = claimed(engine, "a")
    settle(settler, delivery, GOOD)
    assert not shelf.is_closed
    assert settler.drain(10)
    assert shelf.is_closed


# The keeper.


def keeper_of(engine: MemoryEngine, shelf: Shelf, diary: Diary, clock: Any = None, **options: Any) -> Keeper:
    def failed(error: Exception) -> None:
        raise AssertionError from error

    chosen = WorkerOptions(sweep=0.1, **options)
    return Keeper(shelf, engine, clock or SystemClock(), chosen, diary, Random(1), failed=failed)


def wait_for(condition: Callable[[], bool]) -> None:
    from threading import Event as Flag

    for _ in range(1000):
        if condition():
            return
        Flag().wait(0.01)
    raise AssertionError("expected it within 10 s")


def test_ends_outside_of_children_are_found_in_the_store(engine: MemoryEngine, shelf: Shelf, diary: Diary) -> None:
    now = engine.now()
    messages = [Message(id="revoked", task="t", created=now), Message(id="late", task="t", created=now, expires=now)]
    engine.queue.put([*messages, Message(id="waits", task="t", created=now)], now=now)
    keeper = keeper_of(engine, shelf, diary)
    keeper.start()
    engine.inspector.act(Revoke(ids=("revoked",)), now=engine.now())
    engine.queue.maintain(now=engine.now(), policy=MaintenancePolicy())
    wait_for(lambda: len(shelf.records) == 2)
    assert (shelf.state("revoked"), shelf.state("late")) == ("REVOKED", "EXPIRED")
    writes = shelf.writes
    wait_for(lambda: shelf.is_closed)
    assert keeper.finish(10)
    assert shelf.writes == writes  # what is written down is not written again


def test_what_is_named_is_written_down_at_the_end_too(engine: MemoryEngine, shelf: Shelf, diary: Diary) -> None:
    [delivery] = claimed(engine, "a")
    engine.queue.settle([settlement(delivery, GOOD)], now=engine.now(), policy=MaintenancePolicy())
    keeper = keeper_of(engine, shelf, diary)
    keeper.owe(["a", "unknown"])
    keeper.start()
    assert keeper.finish(10)
    assert set(shelf.records) == {"a"}


def test_what_is_named_and_goes_on_is_left_to_whoever_has_it(engine: MemoryEngine, shelf: Shelf, diary: Diary) -> None:
    """Another child has it: what was read of it is old when that one has written its end."""
    claimed(engine, "a")
    keeper = keeper_of(engine, shelf, diary)
    keeper.owe(["a"])
    keeper.start()
    assert keeper.finish(10)
    assert not shelf.records


def test_a_record_that_somebody_removed_does_not_come_back(engine: MemoryEngine, shelf: Shelf, diary: Diary) -> None:
    long_ago = engine.now() - 7_200_000
    [delivery] = claimed(engine, "a")
    old = settlement(delivery, Failed(error=BAD), ended=long_ago)
    engine.queue.settle([old], now=long_ago, policy=MaintenancePolicy())
    keeper = keeper_of(engine, shelf, diary)
    keeper.start()
    wait_for(lambda: shelf.is_closed)
    assert keeper.finish(10)
    assert not shelf.records


def test_an_archive_that_is_away_ends_nothing(engine: MemoryEngine, shelf: Shelf, diary: Diary) -> None:
    [delivery] = claimed(engine, "a")
    engine.queue.settle([settlement(delivery, Failed(error=BAD))], now=engine.now(), policy=MaintenancePolicy())
    shelf.trouble = [ArchiveUnavailable("away") for _ in range(3)]
    keeper = keeper_of(engine, shelf, diary)
    keeper.start()
    keeper.owe(["a"])
    wait_for(lambda: "a" in shelf.records)
    wait_for(lambda: any(isinstance(event, Recovered) for event in diary.told))
    assert keeper.finish(10)
    assert diary.troubles() == ["away"]


def test_what_is_named_waits_for_another_worker_if_this_one_ends(
    engine: MemoryEngine, shelf: Shelf, diary: Diary
) -> None:
    [delivery] = claimed(engine, "a")
    engine.queue.settle([settlement(delivery, GOOD)], now=engine.now(), policy=MaintenancePolicy())
    shelf.trouble = [ArchiveUnavailable("away") for _ in range(2)]
    first, second = (keeper_of(engine, shelf, diary) for _ in range(2))
    first.owe(["a"])
    first.start()
    assert first.finish(10)
    shelf.trouble.clear()
    second.start()
    assert second.finish(10)
    assert set(shelf.records) == {"a"}


def test_an_archive_that_breaks_in_a_way_of_its_own_ends_no_worker(
    engine: MemoryEngine, shelf: Shelf, diary: Diary
) -> None:
    [delivery] = claimed(engine, "a")
    engine.queue.settle([settlement(delivery, Failed(error=BAD))], now=engine.now(), policy=MaintenancePolicy())
    shelf.trouble = [ZeroDivisionError("a bug")]
    keeper = keeper_of(engine, shelf, diary)
    keeper.start()
    wait_for(lambda: set(shelf.records) == {"a"})
    assert keeper.finish(10)
    assert diary.troubles() == ["ZeroDivisionError: a bug"]


def test_any_worker_removes_what_is_old(engine: MemoryEngine, shelf: Shelf, diary: Diary) -> None:
    clock = ManualClock(engine.now())
    for number, age in enumerate([2 * DAY, 2 * DAY, 0.5 * DAY]):
        ended = clock.now() - round(age * 1000)
        run = Run(message=Message(id=str(number), task="t", created=0), state="SUCCESS", changed=ended, ended=ended)
        shelf.records[run.id] = Record(run=run)
    keeper = keeper_of(engine, shelf, diary, keep=DAY)
    keeper.start()
    wait_for(lambda: set(shelf.records) == {"2"})
    assert keeper.finish(10)
