"""What needs attention, what fires next, and how queues and workers stand: views of a store."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from horarium import Horarium, crontab
from horarium.app.switches import Switches
from horarium.clock import ManualClock
from horarium.engines.memory import MemoryEngine
from horarium.engines.records import MaintenancePolicy, Member
from horarium.errors import StoreUnusable
from horarium.observe.attention import JUDGED, attention, by_error, matters
from horarium.observe.facts import gather
from horarium.observe.finding import fine, note, problem
from horarium.observe.moments import age
from horarium.observe.queues import flows, queue_rows
from horarium.observe.upcoming import HOUR, MINUTE, MOST_SCHEDULES, next_hour
from horarium.observe.workers import found, worker_rows
from horarium.outcome import ErrorRecord, Failed, Settlement
from horarium.tally import Reading, Tally


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def shop(clock: ManualClock) -> Iterator[Horarium]:
    with Horarium("shop", engine=MemoryEngine(clock=clock), clock=clock, set_as_current=False) as app:

        @app.task(name="shop.charge")
        def charge(order: int) -> int:
            return order

        yield app


def enlist(app: Horarium, *members: Member, lease: float = 15.0) -> None:
    app.engine.queue.renew(members, now=app.engine.now(), lease=lease)


def worker(name: str = "w1@vm", *, owner: str = "o1", queues: tuple[str, ...] = ("default",)) -> tuple[Member, Member]:
    tasks = ("shop.charge",)
    return (
        Member(owner=owner, kind="worker", name=name, host="vm", pid=7, started=5, queues=queues, tasks=tasks),
        Member(
            owner=f"{owner}-child",
            kind="child",
            name=name,
            host="vm",
            pid=8,
            started=5,
            queues=queues,
            tasks=tasks,
            slots=2,
        ),
    )


def fail(app: Horarium, text: str, *, error: str = "shop.GatewayError") -> None:
    """Let a run fail, as its worker would tell it."""
    app.tasks["shop.charge"].delay(1)
    now = app.engine.now()
    [delivery] = app.engine.queue.claim(["default"], "o1-child", 1, now=now)
    failed = Failed(error=ErrorRecord(class_path=error, text=text))
    settlement = Settlement(id=delivery.message.id, owner="o1-child", fence=delivery.fence, outcome=failed)
    app.engine.queue.settle([settlement], now=now, policy=MaintenancePolicy())


def test_failures_of_late_are_grouped_by_task_and_error(shop: Horarium) -> None:
    enlist(shop, *worker())
    for number in range(3):
        fail(shop, f"refused {number}")
    fail(shop, "odd", error="ValueError")
    found = attention(shop, now=shop.engine.now())
    assert [(each.task, each.error, each.number) for each in found.failures] == [
        ("shop.charge", "GatewayError", 3),
        ("shop.charge", "ValueError", 1),
    ]
    assert (found.failed, found.is_cut) == (4, False)
    assert by_error([], lambda run: run) == []


def test_what_is_said_of_a_failure_holds_to_the_rules_of_today(shop: Horarium) -> None:
    """It was redacted when it was stored, by the rules of then, or by a version that had none."""
    enlist(shop, *worker())
    shop.conf.redact_patterns = ("tiger-[0-9]+",)
    fail(shop, "no money on tiger-4711; token=s3cret-0815")
    [found] = attention(shop, now=shop.engine.now()).failures
    assert found.text == "no money on [redacted]; token=[redacted]"


def test_what_failed_long_ago_needs_nobodys_attention(shop: Horarium, clock: ManualClock) -> None:
    enlist(shop, *worker())
    fail(shop, "refused")
    clock.advance(2 * 3600.0)
    assert attention(shop, now=shop.engine.now()).failures == ()


def test_problems_come_first_and_many_of_a_kind_are_told_once(shop: Horarium) -> None:
    findings = [note("queue-paused", "p"), fine("store", "s")]
    findings += [problem("queue-unread", f"queue {number}", "read it", about=f"q{number}") for number in range(5)]
    findings += [note("queue-behind", "queue mail is behind")]
    told = matters(findings)
    assert [each.cause for each in told] == ["queue-unread"] * 3 + ["queue-behind", "queue-paused"]
    assert [each.more for each in told[:3]] == [0, 0, 2]
    assert [each.is_alarming for each in told] == [True] * 4 + [False]
    assert [each.about for each in told[:3]] == ["q0", "q1", "q2"]


def test_a_late_schedule_is_found_among_however_many(shop: Horarium, clock: ManualClock) -> None:
    for number in range(JUDGED + 5):
        shop.schedules.create(f"a{number:04}", "shop.charge", crontab(minute=0, hour=3), args=(1,))
    shop.schedules.create("z-late", "shop.charge", 60.0, args=(1,))
    clock.advance(600)
    found = attention(shop, now=shop.engine.now())
    assert any(each.cause == "schedule-late" and "'z-late'" in each.text for each in found.matters)
    assert found.unjudged == 6


def test_a_queue_that_nobody_reads_is_alarming(shop: Horarium) -> None:
    enlist(shop, *worker())
    shop.tasks["shop.charge"].apply_async((1,), queue="lonely")
    found = attention(shop, now=shop.engine.now())
    assert [each.cause for each in found.alarming if each.cause.startswith("queue")] == ["queue-unread"]


def test_the_next_hour_is_told_minute_by_minute(shop: Horarium, clock: ManualClock) -> None:
    for number in range(6):
        shop.schedules.create(f"report-{number}", "shop.charge", crontab(minute=30), args=(1,))
    shop.schedules.create("often", "shop.charge", 10.0, args=(1,))
    shop.schedules.create("tomorrow", "shop.charge", 86_400.0, args=(1,))
    hour = next_hour(shop.engine, now=shop.engine.now())
    assert hour.is_whole and hour.number == 6
    [minute] = hour.minutes
    assert minute.is_crowd and hour.peak == minute
    assert minute.at % HOUR == 30 * MINUTE
    assert [(each.schedule, each.every) for each in hour.steady] == [("often", 10.0)]


def test_of_very_many_schedules_the_first_to_come_are_told(shop: Horarium) -> None:
    for number in range(MOST_SCHEDULES + 10):
        shop.schedules.create(f"s{number}", "shop.charge", crontab(minute=number % 60), args=(1,))
    now = shop.engine.now()
    hour = next_hour(shop.engine, now=now)
    assert not hour.is_whole and now < hour.until < now + HOUR
    assert all(minute.at < hour.until for minute in hour.minutes)


def test_a_queue_tells_who_reads_it_and_who_paused_it(shop: Horarium) -> None:
    enlist(shop, *worker(queues=("default", "mail")))
    shop.tasks["shop.charge"].delay(1)
    Switches(shop.connection).pause_queue("mail", reason="moving", by="ana")
    shop.tasks["shop.charge"].apply_async((1,), queue="lonely")
    default, lonely, mail = queue_rows(shop.engine, now=shop.engine.now())
    assert (default.read_by, default.slots, default.waiting, default.is_unread) == (("w1@vm",), 2, 1, False)
    assert lonely.is_unread
    assert mail.paused is not None and (mail.paused.by, mail.paused.reason) == ("ana", "moving")


def test_how_a_queue_moves_is_read_from_what_left_and_what_is_there(shop: Horarium, clock: ManualClock) -> None:
    shop.tasks["shop.charge"].delay(1)
    now = shop.engine.now()
    began = now - now % 10_000 - 120_000
    left = Tally(at=began, task="t", queue="default", counts={"succeeded": 240, "failed": 60, "retried": 40})
    readings = [Reading(at=began, queue="default", ready=100), Reading(at=now - 20_000, queue="default", ready=40)]
    shop.engine.series.add([left], readings, now=now)
    flow = flows(shop.engine.series, queue_rows(shop.engine, now=now), now=now)["default"]
    assert (flow.left, flow.came) == (2.5, 2.0)  # 300 left, and there are 60 less
    assert flow.until_empty == 2.0  # one waits, half a message a second
    assert max(depth or 0 for depth in flow.depths) == 100


def test_those_who_are_gone_stay_and_namesakes_are_told_apart(shop: Horarium, clock: ManualClock) -> None:
    enlist(shop, *worker())
    scheduler = Member(owner="s1", kind="scheduler", name="beat@vm", host="vm", pid=9)
    enlist(shop, scheduler)
    shop.tasks["shop.charge"].delay(1)
    shop.engine.queue.claim(["default"], "o1-child", 1, now=shop.engine.now())
    clock.advance(60)
    enlist(shop, *worker(owner="o2"))
    rows = worker_rows(shop.engine, now=shop.engine.now())
    assert [(row.kind, row.record.alive, row.address) for row in rows] == [
        ("worker", True, "o2"),
        ("scheduler", False, "beat@vm"),
        ("worker", False, "o1"),
    ]
    living = found(rows, "w1@vm")
    assert living is not None and living.record.member.owner == "o2"  # the first that lives is meant
    assert living.slots == 2 and found(rows, "nobody") is None
    gone = found(rows, "o1")
    assert gone is not None and not gone.record.alive


def test_what_it_says_of_time_holds_for_ten_seconds(shop: Horarium, clock: ManualClock) -> None:
    enlist(shop, *worker(), lease=600.0)
    shop.tasks["shop.charge"].delay(1)
    clock.advance(300)
    clock.advance((10_000 - clock.now() % 10_000) / 1000)

    def said() -> list[str]:
        told = attention(shop, now=shop.engine.now()).matters
        return [each.text for each in told if each.cause == "queue-behind"]

    before = said()
    assert len(before) == 1 and "the oldest for 5 min" in before[0]
    clock.advance(9)
    assert said() == before


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "under 10 s"),
        (19.9, "10 s"),
        (119, "110 s"),
        (130, "2 min"),
        (7300, "2 h"),
        (200_000, "2 d"),
        (-5, "under 10 s"),
    ],
)
def test_an_age_is_not_new_each_second(seconds: float, said: str) -> None:
    assert age(seconds) == said


def test_only_the_doctor_puts_the_store_to_the_test(shop: Horarium, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that is asked each second must neither take the write lock nor read a whole file."""

    def check() -> None:
        raise StoreUnusable("expected a sound store, it is damaged")

    monkeypatch.setattr(shop.engine, "check", check)
    assert attention(shop, now=shop.engine.now()).facts.trouble is None
    assert gather(shop, shop.engine.now(), is_thorough=True).trouble == "expected a sound store, it is damaged"
