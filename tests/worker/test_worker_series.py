"""What has ended is counted for charts, beside the work: never for each task, and never at its cost."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from itertools import pairwise
from random import Random

import pytest
from msgspec import Raw
from yard import Yard, wait_for

from horarium.app.perform import NOT_COMMITTED
from horarium.clock import Instant, ManualClock
from horarium.engines.memory import MemoryEngine
from horarium.engines.records import Counts, MaintenancePolicy, Member
from horarium.errors import EngineUnavailable
from horarium.event import Event, Recovered, Troubled
from horarium.message import Delivery, Message
from horarium.outcome import (
    Failed,
    Ignored,
    Outcome,
    Rejected,
    Released,
    Reported,
    Retried,
    Settlement,
    Succeeded,
    Verdict,
    told,
)
from horarium.tally import Reading, Tally, quantile
from horarium.worker.gauge import GAUGE_NOTE, Gauge
from horarium.worker.scorer import MOST_NAMES, Scorer
from horarium.worker.settle import Settler

OOPS = told("WorkerLostError", "oops")
DONE = Succeeded(result=Raw(b"1"))


class Ear:
    """Keeps what it is told."""

    is_detailed = False

    def __init__(self) -> None:
        self.events: list[Event] = []

    def enter(self, room: str) -> None:
        pass

    def tell(self, event: Event) -> None:
        self.events.append(event)


class Series:
    """A memory engine's series that counts how often it is asked, and refuses when it is told to."""

    def __init__(self, engine: MemoryEngine) -> None:
        self.real = engine.series
        self.refusal: Exception | None = None
        self.asked = 0

    def add(self, tallies: Sequence[Tally], readings: Sequence[Reading] = (), *, now: Instant) -> None:
        self.asked += 1
        if self.refusal is not None:
            raise self.refusal
        self.real.add(tallies, readings, now=now)


class Desk:
    """A scorer and what it works with."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.engine = MemoryEngine(self.clock)
        self.series = Series(self.engine)
        self.engine.series = self.series  # type: ignore[assignment]
        self.ear = Ear()
        self.scorer = Scorer(self.engine.series, self.clock, self.ear, Random(1))

    def settled(
        self, *outcomes: Outcome, verdict: Verdict = Verdict.RECORDED, began: float | None = 2.0, queue: str = "q"
    ) -> None:
        """Count outcomes of a task that was due 5 s ago and started ``began`` seconds ago."""
        now = self.clock.now()
        message = Message(id="1", task="t", queue=queue, created=now - 5000)
        delivery = Delivery(message=message, owner="o", fence=1, attempt=1, claimed=now)
        started = None if began is None else now - round(began * 1000)
        batch = [
            (Settlement(id="1", owner="o", fence=1, outcome=outcome, started=started, ended=now), delivery, 0)
            for outcome in outcomes
        ]
        self.scorer.note_settled(batch, [verdict] * len(batch))

    def counted(self) -> dict[str, int]:
        return {word: number for each in self.tallies() for word, number in each.counts.items()}

    def tallies(self) -> list[Tally]:
        return self.series.real.tallies("1h", since=0, until=2**50)


def test_what_is_recorded_is_counted_with_how_long_it_waited_and_ran() -> None:
    desk = Desk()
    desk.settled(DONE, DONE, Failed(error=OOPS), Ignored(), Rejected(reason="no"))
    desk.settled(DONE, verdict=Verdict.REPEATED)  # an answer was lost: the same settlement, once
    desk.settled(Failed(error=OOPS), began=None)  # refused before it was started
    desk.scorer.add()
    (tally,) = desk.tallies()
    assert (tally.task, tally.queue) == ("t", "q")
    assert tally.counts == {"succeeded": 3, "failed": 2, "ignored": 1, "rejected": 1}
    assert (sum(tally.ran), tally.ran_sum, sum(tally.waited), tally.waited_sum) == (6, 12.0, 6, 18.0)
    assert 1.0 < (quantile(tally.ran, 0.5) or 0) <= 2.0


def test_a_retry_waits_from_the_moment_for_which_it_was_put_off() -> None:
    desk = Desk()
    now = desk.clock.now()
    message = Message(id="1", task="t", queue="q", created=now - 60_000, eta=now - 3000)
    delivery = Delivery(message=message, owner="o", fence=2, attempt=2, claimed=now)
    again = Retried(message=message, error=OOPS)
    settlement = Settlement(id="1", owner="o", fence=2, outcome=again, started=now - 1000, ended=now)
    desk.scorer.note_settled([(settlement, delivery, 0)], [Verdict.RECORDED])
    desk.scorer.add()
    (tally,) = desk.tallies()
    assert (tally.counts, tally.waited_sum) == ({"retried": 1}, 2.0)


def test_what_was_not_recorded_has_not_ended_or_never_began_is_not_counted() -> None:
    desk = Desk()
    desk.settled(DONE, Failed(error=OOPS), verdict=Verdict.LOST)
    desk.settled(Reported(state="HALF"))
    desk.settled(Released(reason="the worker stops"), began=None)
    desk.scorer.add()
    assert desk.series.asked == 0
    desk.settled(Released(reason="the lease has lapsed"))
    desk.scorer.add()
    assert desk.counted() == {"released": 1}


def test_a_success_that_the_task_recorded_in_its_own_transaction_is_counted() -> None:
    """The settlement that stands guard over it comes too late, and says so."""
    desk = Desk()
    desk.settled(Failed(error=NOT_COMMITTED), verdict=Verdict.LOST)
    desk.settled(Failed(error=NOT_COMMITTED), verdict=Verdict.RECORDED)
    desk.scorer.add()
    assert desk.counted() == {"succeeded": 1, "failed": 1}


def test_the_store_is_asked_once_a_second_and_not_for_each_task() -> None:
    desk = Desk()
    assert desk.scorer.add_if_due() is None
    for _ in range(100):
        desk.settled(DONE)
        desk.scorer.add_if_due()
    assert (desk.series.asked, desk.scorer.add_if_due()) == (0, 1.0)
    desk.clock.advance(1.0)
    assert desk.scorer.add_if_due() is None
    assert (desk.series.asked, desk.counted()) == (1, {"succeeded": 100})
    desk.clock.advance(10.0)
    desk.scorer.add_if_due()
    assert desk.series.asked == 1


def test_a_store_that_refuses_loses_the_tally_and_is_left_alone_for_a_while() -> None:
    desk = Desk()
    for refusal in (EngineUnavailable("gone"), ValueError("a fault of ours")):
        desk.series.refusal = refusal
        desk.settled(DONE)
        desk.scorer.add()
    asked = desk.series.asked
    desk.settled(DONE)
    desk.scorer.add()
    assert (asked, desk.series.asked) == (1, 1)
    desk.clock.advance(60.0)
    desk.series.refusal = None
    desk.scorer.add()
    assert desk.counted() == {"succeeded": 2}  # those of the pause; the first is gone
    assert [type(event) for event in desk.ear.events] == [Troubled, Recovered]
    assert "gone" in desk.ear.events[0].reason  # type: ignore[union-attr]


def test_queues_beyond_number_are_counted_under_their_task_alone() -> None:
    desk = Desk()
    for number in range(MOST_NAMES + 20):
        desk.settled(DONE, queue=f"customer {number}")
    desk.scorer.add()
    assert len(desk.tallies()) == MOST_NAMES + 1
    assert {each.queue: each.counts for each in desk.tallies()}[""] == {"succeeded": 20}


def test_a_settler_whose_series_fails_settles_all_the_same() -> None:
    desk = Desk()
    desk.series.refusal = EngineUnavailable("gone")
    now = desk.clock.now()
    desk.engine.queue.put([Message(id="1", task="t", created=now)], now=now)
    desk.engine.queue.renew([Member(owner="o", kind="child", name="w")], now=now, lease=60.0)
    (delivery,) = desk.engine.queue.claim(["default"], "o", 1, now=now)
    settler = Settler(desk.engine, desk.clock, MaintenancePolicy(), desk.ear, scorer=desk.scorer)
    settler.start()
    settler.add(Settlement(id="1", owner="o", fence=delivery.fence, outcome=DONE, started=now, ended=now), delivery)
    assert settler.drain(10.0)
    assert desk.series.asked == 1
    assert desk.engine.inspector.counts().states == {"SUCCESS": 1}


def test_of_several_workers_one_reads_the_queues_in_ten_seconds() -> None:
    desk = Desk()
    desk.engine.queue.put([Message(id="1", task="t", queue="busy", created=0)], now=desk.clock.now() - 4000)
    gauges = [
        Gauge(desk.engine, desk.clock, desk.scorer, Random(number), queues=lambda: ("idle",)) for number in range(5)
    ]
    start, notes = desk.clock.now(), set()
    for _ in range(300):
        desk.clock.advance(0.1)
        for gauge in gauges:
            gauge.look()
        notes |= {note.changed for note in desk.engine.notes.read(GAUGE_NOTE, now=desk.clock.now())}
    assert len(notes) == 3, "once in each of three spans"
    desk.scorer.add()
    found = desk.series.real.readings("1h", since=0, until=2**50)
    assert [(each.queue, each.ready) for each in found] == [("busy", 1), ("idle", 0)]
    assert 24.0 < found[0].oldest <= 4.0 + (desk.clock.now() - start) / 1000


def test_where_a_look_takes_long_the_queues_are_read_less_often(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk()
    looks: list[Instant] = []
    counts = desk.engine.inspector.counts

    def slowly(*, most: int | None = None) -> Counts:
        looks.append(desk.clock.now())
        desk.clock.advance(1.0)
        return counts(most=most)

    monkeypatch.setattr(desk.engine.inspector, "counts", slowly)
    gauges = [Gauge(desk.engine, desk.clock, desk.scorer, Random(number), queues=lambda: ()) for number in range(3)]
    for _ in range(1200):
        desk.clock.advance(0.1)
        for gauge in gauges:
            gauge.look()
    assert len(looks) == 3
    assert all(later - earlier >= 50_000 for earlier, later in pairwise(looks))


def test_a_worker_counts_what_its_children_come_to_and_what_ends_without_them(yard: Yard) -> None:
    series = yard.app.engine.series

    def counted(task: str) -> dict[str, int]:
        found: dict[str, int] = {}
        for tally in series.tallies("1h", since=0, until=2**50, tasks=[task]):
            for word, number in tally.counts.items():
                found[word] = found.get(word, 0) + number
        return found

    worker = yard.start()
    late = yard.send("mark", "late", queue="unread", expires=0.001)
    yard.ends(late, *(yard.send("mark", f"m{n}") for n in range(30)), yard.send("fail"))
    wait_for(lambda: counted("mark") == {"succeeded": 30}, "within a second or so it is counted")
    yard.ends(yard.send("die", "kill"))  # whoever is killed takes along what it has not added yet
    worker.signal(signal.SIGTERM)
    assert worker.ends() == 0
    assert counted("fail") == {"failed": 1}
    assert counted("die") == {"crashed": 1, "succeeded": 1}
    assert counted("") == {"expired": 1}
