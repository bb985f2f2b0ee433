"""What becomes of a firing while earlier runs of its schedule have not ended (S11)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from beat_ear import Ear
from beat_store import Store
from msgspec.structs import replace

from horarium.app.app import Horarium
from horarium.clock import ManualClock
from horarium.event import Fired, Held, Missed, Repeated, Skipped
from horarium.outcome import ErrorRecord, Failed, State, Succeeded
from horarium.scheduler.beat import Scheduler
from horarium.schedules import every

MINUTE = 60_000
MakeApp = Callable[..., Horarium]


def each_minute(**more: object) -> dict[str, object]:
    return {"each-minute": {"task": "ping", "schedule": every(minutes=1), **more}}


@pytest.fixture
def started(make_app: MakeApp, ear: Ear) -> Callable[..., Scheduler]:
    def start(**more: object) -> Scheduler:
        scheduler = Scheduler(make_app(each_minute(**more)), observer=ear)
        scheduler.sync(scheduler._app.engine.now())
        ear.events.clear()
        return scheduler

    return start


def test_s11_allow_sends_whatever_is_active(
    started: Callable[..., Scheduler], store: Store, clock: ManualClock
) -> None:
    scheduler = started()
    for _ in range(3):
        scheduler.tick(clock.advance(60))
    assert len(store.messages()) == 3


def test_s11_skip_sends_nothing_while_an_earlier_run_is_active(
    started: Callable[..., Scheduler], store: Store, clock: ManualClock, ear: Ear
) -> None:
    begin = clock.now()
    scheduler = started(overlap="skip")
    scheduler.tick(clock.advance(60))
    assert scheduler.tick(clock.advance(60)) == 1.0
    assert ear.events[1:] == [Skipped(schedule="each-minute", nominal=begin + 2 * MINUTE)]
    store.run_next()
    scheduler.tick(clock.advance(60))
    schedule = store.schedule("each-minute")
    assert store.fired() == [begin + MINUTE, begin + 3 * MINUTE]
    assert (schedule.skipped, schedule.total_runs, schedule.missed) == (1, 2, 0)


@pytest.mark.parametrize("ending", [Succeeded(result=None), Failed(error=ErrorRecord(class_path="E", text=""))])
def test_s11_queue_one_waits_without_spinning_and_fires_when_a_run_ends(
    ending: Succeeded | Failed, started: Callable[..., Scheduler], store: Store, clock: ManualClock, ear: Ear
) -> None:
    begin = clock.now()
    scheduler = started(overlap="queue_one")
    scheduler.tick(clock.advance(60))
    assert scheduler.tick(clock.advance(60)) == 1.0
    assert [scheduler.tick(clock.advance(1)) for _ in range(3)] == [1.0, 1.0, 1.0]
    assert ear.events[1:] == [Held(schedule="each-minute", nominal=begin + 2 * MINUTE)]
    assert store.schedule("each-minute").held
    listener = store.engine.notifier.listen(["schedules"])
    store.run_next(ending)
    assert listener.wait(0)  # a scheduler that sleeps is woken
    scheduler.tick(clock.now())
    assert store.fired() == [begin + MINUTE, begin + 2 * MINUTE]


def test_s11_queue_one_queues_one_and_what_came_due_meanwhile_is_judged_by_catchup(
    started: Callable[..., Scheduler], store: Store, clock: ManualClock, ear: Ear
) -> None:
    begin = clock.now()
    scheduler = started(overlap="queue_one")
    for _ in range(5):
        scheduler.tick(clock.advance(60))
    store.run_next()
    scheduler.tick(clock.now())
    assert store.fired() == [begin + MINUTE, begin + 5 * MINUTE]
    assert store.schedule("each-minute").missed == 3
    assert ear.heard(Missed) == [Missed(schedule="each-minute", count=3)]


def test_s11_with_catchup_all_each_one_waits_for_the_one_before(
    started: Callable[..., Scheduler], store: Store, clock: ManualClock
) -> None:
    begin = clock.now()
    scheduler = started(overlap="queue_one", catchup="all")
    scheduler.tick(clock.advance(180))
    assert store.fired() == [begin + MINUTE]
    for _ in range(2):
        store.run_next()
        scheduler.tick(clock.now())
    assert store.fired() == [begin + MINUTE, begin + 2 * MINUTE, begin + 3 * MINUTE]
    assert store.schedule("each-minute").missed == 0


def test_s11_so_many_as_max_active_may_be_active(
    started: Callable[..., Scheduler], store: Store, clock: ManualClock
) -> None:
    scheduler = started(overlap="skip", max_active=2)
    for _ in range(4):
        scheduler.tick(clock.advance(60))
    assert (len(store.fired()), store.schedule("each-minute").skipped) == (2, 2)


def test_s11_cancel_previous_ends_what_waits_and_marks_what_runs(
    started: Callable[..., Scheduler], store: Store, clock: ManualClock
) -> None:
    scheduler = started(overlap="cancel_previous")
    scheduler.tick(clock.advance(60))
    running = store.claim_next()
    scheduler.tick(clock.advance(60))
    scheduler.tick(clock.advance(60))
    assert store.run(running.message.id).cancel == "terminate"
    assert [store.run(message.id).state for message in store.sent()] == [
        State.RECEIVED,
        State.REVOKED,
        State.PENDING,
    ]


def test_s11_replace_queued_replaces_what_waits_and_leaves_what_runs(
    started: Callable[..., Scheduler], store: Store, clock: ManualClock
) -> None:
    scheduler = started(overlap="replace_queued")
    scheduler.tick(clock.advance(60))
    running = store.claim_next()
    scheduler.tick(clock.advance(60))
    scheduler.tick(clock.advance(60))
    assert store.run(running.message.id).cancel is None
    assert [store.run(message.id).state for message in store.sent()] == [
        State.RECEIVED,
        State.REVOKED,
        State.PENDING,
    ]


def test_s14_a_one_off_that_was_skipped_fires_later(
    started: Callable[..., Scheduler], store: Store, clock: ManualClock
) -> None:
    scheduler = started(overlap="skip")
    scheduler.tick(clock.advance(60))
    store.save(replace(store.schedule("each-minute"), max_runs=2))
    scheduler.tick(clock.advance(60))
    assert store.schedule("each-minute").skipped == 1
    store.run_next()
    scheduler.tick(clock.advance(60))
    scheduler.tick(clock.advance(60))
    schedule = store.schedule("each-minute")
    assert (len(store.fired()), schedule.total_runs, schedule.next_fire) == (2, 2, None)


def test_a_due_time_that_was_dealt_with_before_an_edit_is_told_and_passed_over(
    started: Callable[..., Scheduler], store: Store, clock: ManualClock, ear: Ear
) -> None:
    scheduler = started(overlap="skip")
    scheduler.tick(clock.advance(60))
    before_skip = store.schedule("each-minute")
    scheduler.tick(clock.advance(60))
    store.run_next()
    store.save(before_skip)  # an edit that was read before the second instant was skipped
    scheduler.tick(clock.now())
    assert ear.heard(Repeated) == [Repeated(schedule="each-minute", nominal=before_skip.next_fire or 0)]
    assert len(ear.heard(Fired)) == len(store.fired()) == 1
    assert scheduler.tick(clock.now()) == 1.0
