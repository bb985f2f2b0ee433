"""Intervals that count from the epoch, or from the end of the last run (S5)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from beat_ear import Ear
from beat_store import Store

from horarium.app.app import Horarium
from horarium.clock import ManualClock
from horarium.errors import InvalidSchedule
from horarium.scheduler.beat import Scheduler
from horarium.schedules import crontab, every
from horarium.schedules.entries import read_entry
from horarium.schedules.health import Condition, health
from horarium.schedules.policy import create

MINUTE = 60_000
MakeApp = Callable[..., Horarium]


@pytest.fixture
def started(make_app: MakeApp, ear: Ear) -> Callable[..., Scheduler]:
    def start(minutes: float, **more: object) -> Scheduler:
        entry = {"task": "ping", "schedule": every(minutes=minutes), **more}
        scheduler = Scheduler(make_app({"job": entry}), observer=ear)
        scheduler.sync(scheduler._app.engine.now())
        return scheduler

    return start


def test_s5_an_interval_may_count_from_the_epoch(
    started: Callable[..., Scheduler], store: Store, clock: ManualClock
) -> None:
    scheduler = started(60, align="epoch")
    for _ in range(180):
        scheduler.tick(clock.advance(60))
    assert len(store.fired()) == 3
    assert {nominal % (60 * MINUTE) for nominal in store.fired()} == {0}


def test_s5_after_finish_counts_from_the_end_of_the_last_run(
    started: Callable[..., Scheduler], store: Store, clock: ManualClock
) -> None:
    begin = clock.now()
    scheduler = started(10, align="after_finish")
    scheduler.tick(clock.advance(10 * 60))
    assert store.fired() == [begin + 10 * MINUTE]
    for _ in range(25):  # the run is active all the while
        scheduler.tick(clock.advance(60))
    schedule = store.schedule("job")
    assert (len(store.fired()), schedule.held, schedule.missed, schedule.skipped) == (1, True, 0, 0)
    store.run_next()
    finished = clock.now()
    for _ in range(9):
        scheduler.tick(clock.advance(60))
        assert len(store.fired()) == 1
    scheduler.tick(clock.advance(60))
    assert store.fired() == [begin + 10 * MINUTE, finished + 10 * MINUTE]
    assert store.schedule("job").missed == 0


def test_s5_after_finish_a_short_run_does_not_shorten_the_rest(
    started: Callable[..., Scheduler], store: Store, clock: ManualClock
) -> None:
    scheduler = started(10, align="after_finish")
    scheduler.tick(clock.advance(10 * 60))
    scheduler.tick(clock.advance(3 * 60))
    store.run_next()
    finished = clock.now()
    for _ in range(12):
        scheduler.tick(clock.advance(60))
    assert store.fired()[1:] == [finished + 10 * MINUTE]


def test_s5_after_finish_what_nobody_fired_is_one_firing_and_no_miss(
    started: Callable[..., Scheduler], store: Store, clock: ManualClock
) -> None:
    begin = clock.now()
    scheduler = started(10, align="after_finish")
    scheduler.tick(clock.advance(3 * 86_400))
    assert store.fired() == [begin + 10 * MINUTE]
    [message] = store.messages()
    assert message.cause is not None and message.cause.caught_up
    store.run_next()
    finished = clock.now()
    for _ in range(10):
        scheduler.tick(clock.advance(60))
    assert store.fired()[1:] == [finished + 10 * MINUTE]
    assert store.schedule("job").missed == 0


def test_s5_after_finish_a_run_that_takes_long_does_not_make_it_late(
    started: Callable[..., Scheduler], store: Store, clock: ManualClock
) -> None:
    scheduler = started(10, align="after_finish", grace=3600)
    scheduler.tick(clock.advance(10 * 60))
    scheduler.tick(clock.advance(11 * 60))
    assert store.schedule("job").held
    assert health(store.schedule("job"), clock.now()).condition is not Condition.LATE
    clock.advance(3600)
    assert health(store.schedule("job"), clock.now()).condition is Condition.LATE


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"schedule": crontab(), "align": "epoch"}, "only of an interval"),
        ({"schedule": 60, "align": "after_finish", "spread": 5}, "without spread, overlap and max_active"),
        ({"schedule": 60, "align": "after_finish", "overlap": "skip"}, "without spread, overlap"),
        ({"schedule": 60, "align": "after_finish", "overlap": "queue_one", "max_active": 3}, "max_active=3; leave"),
        ({"schedule": 60, "align": "start"}, "align"),
    ],
)
def test_an_alignment_that_means_nothing_is_refused(entry: dict[str, object], words: str) -> None:
    with pytest.raises(InvalidSchedule, match=words):
        create(read_entry("job", {"task": "t", **entry}, timezone="UTC", now=0), now=0)
