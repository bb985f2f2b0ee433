"""Schedules that cannot fire: they say why, hinder nobody, and heal by themselves."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from beat_store import Store
from msgspec.structs import replace

from horarium.app.app import Horarium
from horarium.clock import ManualClock
from horarium.scheduler.beat import Scheduler
from horarium.schedules import every
from horarium.schedules.schedule import Schedule
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
        ({"spec": {"kind": "moon"}}, "expected the record of a crontab"),
        ({"spec": {}}, "expected the record"),
        ({"timezone": "Mars/Olympus"}, "expected the IANA name of a time zone"),
        ({"options": {"queu": "x"}}, "queu"),
        ({"options": {"countdown": "soon"}}, "soon"),
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


def test_a_schedule_of_an_unknown_task_heals_when_a_worker_brings_it(
    make_app: MakeApp, store: Store, clock: ManualClock
) -> None:
    store.save(row("far", clock, task="pong"))
    scheduler = Scheduler(make_app())
    scheduler.tick(clock.advance(60))
    assert scheduler.patrol(clock.advance(5)) == 0
    store.worker_joins("pong")
    assert scheduler.patrol(clock.advance(5)) == 1
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
    make_app: MakeApp, store: Store, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    store.save(row("bad", clock, task="pong", error="expected a task"))
    scheduler = Scheduler(make_app())
    for _ in range(3):
        scheduler.patrol(clock.advance(5))
    assert caplog.messages == ["beat: schedule 'bad' is in error: expected a task"]


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
