"""Schedules that are late or failing are told, once each (S21)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from beat_ear import Ear
from beat_store import Store
from msgspec.structs import replace

from horarium.app.app import Horarium
from horarium.clock import ManualClock
from horarium.event import ScheduleFailing, ScheduleLate, ScheduleRecovered
from horarium.outcome import ErrorRecord, Failed
from horarium.scheduler.beat import Scheduler
from horarium.schedules import every
from horarium.schedules.record import Schedule
from horarium.schedules.specs import to_record

MINUTE = 60_000
FAILED = Failed(error=ErrorRecord(class_path="ValueError", text="no"))
MakeApp = Callable[..., Horarium]
HOURLY = {"hourly": {"task": "ping", "schedule": every(hours=1), "grace": 300}}


@pytest.fixture
def scheduler(make_app: MakeApp, ear: Ear) -> Scheduler:
    scheduler = Scheduler(make_app(HOURLY), observer=ear)
    scheduler.sync(scheduler._app.engine.now())
    return scheduler


def test_s21_a_late_one_is_told_once_and_that_it_is_well_again(
    scheduler: Scheduler, store: Store, clock: ManualClock, ear: Ear
) -> None:
    due = clock.now() + 60 * MINUTE
    scheduler.tick(clock.advance(3600))
    scheduler.patrol(clock.advance(300))
    assert ear.heard(ScheduleLate) == []
    for _ in range(5):
        scheduler.patrol(clock.advance(5))
    [late] = ear.heard(ScheduleLate)
    assert (late.schedule, late.due) == ("hourly", due)
    store.run_next()
    for _ in range(3):
        scheduler.patrol(clock.advance(5))
    assert ear.heard(ScheduleRecovered) == [ScheduleRecovered(schedule="hourly")]


def test_s21_a_failing_one_is_told_once_within_a_patrol(
    scheduler: Scheduler, store: Store, clock: ManualClock, ear: Ear
) -> None:
    scheduler.tick(clock.advance(3600))
    store.run_next(FAILED)
    for _ in range(3):
        scheduler.patrol(clock.advance(5))
    [failing] = ear.heard(ScheduleFailing)
    assert (failing.schedule, failing.failures) == ("hourly", 1)
    assert ear.heard(ScheduleLate) == []


def test_s21_a_second_occurrence_is_told_again(
    scheduler: Scheduler, store: Store, clock: ManualClock, ear: Ear
) -> None:
    for outcome in ([FAILED], [], [FAILED]):
        scheduler.tick(clock.advance(3600))
        store.run_next(*outcome)
        scheduler.patrol(clock.advance(5))
    assert [type(event) for event in ear.events if not isinstance(event, ScheduleRecovered)].count(ScheduleFailing) == 2


def test_s21_what_fired_is_watched_though_many_others_are_stored(
    scheduler: Scheduler, store: Store, clock: ManualClock, ear: Ear
) -> None:
    now = clock.now()
    idle = {"task": "ping", "spec": to_record(every(60)), "anchor": now, "created": now, "changed": now}
    for number in range(1000):  # five turns of the listing
        store.save(Schedule(id=f"a{number}", name=f"a{number:04}", **idle))
    scheduler.tick(clock.advance(3600))
    store.run_next(FAILED)
    scheduler.patrol(clock.advance(5))
    assert [event.schedule for event in ear.heard(ScheduleFailing)] == ["hourly"]


def test_s21_one_that_another_scheduler_left_late_is_found_when_the_listing_comes_round(
    make_app: MakeApp, scheduler: Scheduler, store: Store, clock: ManualClock, ear: Ear
) -> None:
    Scheduler(make_app(HOURLY)).tick(clock.advance(3600))
    scheduler.patrol(clock.advance(1000))
    assert [event.schedule for event in ear.heard(ScheduleLate)] == ["hourly"]


def test_a_late_one_that_is_deleted_is_forgotten(
    scheduler: Scheduler, store: Store, clock: ManualClock, ear: Ear
) -> None:
    scheduler.tick(clock.advance(3600))
    scheduler.patrol(clock.advance(1000))
    before = store.schedule("hourly")
    store.engine.schedules.delete(["hourly"])
    scheduler.patrol(clock.advance(5))
    store.save(replace(before, version=0))
    scheduler.patrol(clock.advance(5))
    assert len(ear.heard(ScheduleLate)) == 2


def test_a_row_that_cannot_be_judged_stops_no_patrol(
    scheduler: Scheduler, store: Store, clock: ManualClock, ear: Ear
) -> None:
    odd = replace(store.schedule("hourly"), name="a-odd", id="odd", version=0, jitter="soon")
    store.save(odd)
    scheduler.tick(clock.advance(1800))
    scheduler.tick(clock.advance(1799))
    scheduler.patrol(clock.advance(5))
    assert scheduler.patrol(clock.advance(5)) == 0
