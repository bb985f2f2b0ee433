"""Schedules that cannot fire: they say why, hinder nobody, and heal by themselves."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from beat_ear import Ear
from beat_store import Store
from msgspec import Raw
from msgspec.structs import replace

from horarium.app.app import Horarium
from horarium.clock import ManualClock
from horarium.errors import EngineUnavailable
from horarium.event import ScheduleFailed, ScheduleHealed, ScheduleInError
from horarium.scheduler.beat import Scheduler
from horarium.schedules import every
from horarium.schedules.record import Schedule
from horarium.schedules.specs import to_record

MINUTE = 60_000
MakeApp = Callable[..., Horarium]


def row(name: str, clock: ManualClock, **fields: object) -> Schedule:
    now = clock.now()
    defaults = {"id": name, "task": "ping", "spec": to_record(every(60)), "anchor": now, "next_fire": now + MINUTE}
    return Schedule(**{**defaults, "name": name, "created": now, "changed": now, **fields})


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"spec": {"kind": "moon"}}, "expected the record of a crontab or another spec"),
        ({"spec": {}}, "expected the record"),
        ({"timezone": "Mars/Olympus"}, "expected the IANA name of a time zone"),
        ({"options": {"queu": "x"}}, "queu"),
        ({"options": {"countdown": "soon"}}, "soon"),
        ({"options": {"countdown": 1e25}}, "at most a hundred years, got 1e+25"),
        ({"options": {"expires": 10**30}}, "at most a hundred years, or a datetime, got 1000"),
        ({"args": Raw(b"[1,2,3]")}, "expected a call of ping("),
        ({"kwargs": Raw(b'{"order":1}')}, "expected a call of ping("),
        ({"task": "pong"}, "expected a task that this app or a live worker knows, got 'pong'"),
    ],
)
def test_one_bad_row_is_put_in_error_and_the_others_fire(
    fields: dict[str, object], reason: str, make_app: MakeApp, store: Store, clock: ManualClock
) -> None:
    store.save(row("a-good-one", clock))
    store.save(row("bad", clock, **fields))
    store.save(row("one-more", clock))
    if "timezone" in fields:  # an interval needs no zone to be fired, so let it be one that does
        store.save(replace(store.schedule("bad"), spec={**CRONTAB}))
    scheduler = Scheduler(make_app())
    scheduler.tick(clock.advance(60))
    assert {message.schedule for message in store.messages()} == {"a-good-one", "one-more"}
    assert reason in (store.schedule("bad").error or "")
    assert scheduler.tick(clock.advance(60)) == 1.0
    assert len(store.messages()) == 4


CRONTAB = {
    "kind": "crontab",
    "minute": "*",
    "hour": "*",
    "day_of_week": "*",
    "day_of_month": "*",
    "month_of_year": "*",
}


def test_a_task_that_only_a_worker_elsewhere_knows_is_sent(make_app: MakeApp, store: Store, clock: ManualClock) -> None:
    store.worker_joins("pong")
    store.save(row("far", clock, task="pong"))
    Scheduler(make_app()).tick(clock.advance(60))
    assert [message.task for message in store.messages()] == ["pong"]


def test_arguments_that_do_not_fit_heal_when_they_are_corrected(
    make_app: MakeApp, store: Store, clock: ManualClock, ear: Ear
) -> None:
    store.save(row("bad", clock, args=Raw(b"[1,2,3]")))
    scheduler = Scheduler(make_app(), observer=ear)
    scheduler.tick(clock.advance(60))
    assert [failed.schedule for failed in ear.heard(ScheduleFailed)] == ["bad"]
    assert scheduler.patrol(clock.advance(5)) == 0
    store.save(replace(store.schedule("bad"), args=Raw(b"[]")))
    assert scheduler.patrol(clock.advance(5)) == 1
    scheduler.tick(clock.now())
    assert len(store.messages("bad")) == 1


@pytest.mark.parametrize("place", ["a task that takes anything unchecked", "a worker elsewhere"])
def test_arguments_that_only_the_worker_can_judge_are_sent(
    place: str, make_app: MakeApp, store: Store, clock: ManualClock
) -> None:
    app = make_app()
    if place == "a worker elsewhere":
        store.worker_joins("pong")
    else:
        app.add_task(lambda: None, {"name": "pong", "typing": False})
    store.save(row("far", clock, task="pong", args=Raw(b"[1]")))
    Scheduler(app).tick(clock.advance(60))
    assert len(store.messages("far")) == 1


def test_a_schedule_of_an_unknown_task_heals_when_a_worker_brings_it(
    make_app: MakeApp, store: Store, clock: ManualClock, ear: Ear
) -> None:
    store.save(row("far", clock, task="pong"))
    scheduler = Scheduler(make_app(), observer=ear)
    scheduler.tick(clock.advance(60))
    assert ear.events == [ScheduleFailed(schedule="far", reason=store.schedule("far").error or "")]
    assert scheduler.patrol(clock.advance(5)) == 0
    store.worker_joins("pong")
    assert scheduler.patrol(clock.advance(5)) == 1
    assert ear.events[1:] == [ScheduleHealed(schedule="far")]
    scheduler.tick(clock.now())
    assert store.schedule("far").error is None
    assert len(store.messages("far")) == 1


def test_another_scheduler_heals_what_one_left_behind(make_app: MakeApp, store: Store, clock: ManualClock) -> None:
    for number in range(450):  # more than are read in one turn
        store.save(row(f"s{number:03}", clock, next_fire=None))
    store.save(row("s999", clock, task="pong", error="expected ..."))
    store.worker_joins("pong")
    scheduler = Scheduler(make_app())
    assert [scheduler.patrol(clock.advance(5)) for _ in range(3)] == [0, 0, 1]


def test_what_one_left_behind_in_error_is_told_once_by_the_next(
    make_app: MakeApp, store: Store, clock: ManualClock, ear: Ear
) -> None:
    store.save(row("bad", clock, task="pong", error="expected a task"))
    scheduler = Scheduler(make_app(), observer=ear)
    for _ in range(3):
        scheduler.patrol(clock.advance(5))
    assert ear.events == [ScheduleInError(schedule="bad", reason="expected a task")]


def test_what_is_still_wrong_stays_in_error_without_being_saved_again(
    make_app: MakeApp, store: Store, clock: ManualClock
) -> None:
    store.save(row("bad", clock, options={"countdown": "soon"}))
    scheduler = Scheduler(make_app())
    scheduler.tick(clock.advance(60))
    before = store.schedule("bad")
    for _ in range(3):
        scheduler.patrol(clock.advance(5))
    assert store.schedule("bad") == before


def test_a_row_that_nobody_foresaw_is_put_in_error_and_stays_there_alone(
    make_app: MakeApp, store: Store, clock: ManualClock, ear: Ear
) -> None:
    store.save(row("odd", clock, max_runs="many"))
    store.save(row("unknown", clock, task="pong"))
    scheduler = Scheduler(make_app(), observer=ear)
    scheduler.tick(clock.advance(60))
    [odd, unknown] = ear.heard(ScheduleFailed)
    assert "got TypeError" in odd.reason and odd.traceback.startswith("Traceback")
    assert unknown.traceback == ""
    store.worker_joins("pong")
    assert scheduler.patrol(clock.advance(5)) == 1
    assert store.schedule("odd").error == odd.reason


def test_a_store_that_is_away_while_it_is_asked_who_knows_a_task_puts_nothing_in_error(
    make_app: MakeApp, store: Store, clock: ManualClock
) -> None:
    def is_away(*, now: int) -> object:
        raise EngineUnavailable("the store is away")

    store.worker_joins("pong")
    store.save(row("far", clock, task="pong"))
    scheduler = Scheduler(make_app())
    workers = store.engine.inspector.workers
    store.engine.inspector.workers = is_away  # type: ignore[method-assign]
    with pytest.raises(EngineUnavailable):
        scheduler.tick(clock.advance(60))
    store.engine.inspector.workers = workers  # type: ignore[method-assign]
    assert store.schedule("far").error is None
    scheduler.tick(clock.now())
    assert len(store.messages("far")) == 1


def test_an_edit_that_comes_between_is_not_overwritten_by_the_error(
    make_app: MakeApp, store: Store, clock: ManualClock
) -> None:
    store.save(row("bad", clock, task="pong"))
    app = make_app()
    save = store.engine.schedules.save

    def somebody_is_faster(schedules: list[Schedule], *, now: int) -> list[Schedule]:
        store.engine.schedules.save = save  # type: ignore[method-assign]
        store.save(replace(store.schedule("bad"), task="ping"))
        return save(schedules, now=now)

    store.engine.schedules.save = somebody_is_faster  # type: ignore[method-assign]
    scheduler = Scheduler(app)
    assert scheduler.tick(clock.advance(60)) < 1.0
    scheduler.tick(clock.now())
    assert store.schedule("bad").error is None
    assert [message.task for message in store.messages()] == ["ping"]
