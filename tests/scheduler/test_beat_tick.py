"""What one look at the store fires."""

from __future__ import annotations

from collections.abc import Callable
from threading import Barrier, Thread
from typing import Any

import pytest
from beat_ear import Ear
from beat_store import Store
from msgspec import Raw
from msgspec.structs import replace

from horarium.app.app import Horarium
from horarium.clock import ManualClock
from horarium.errors import EngineUnavailable
from horarium.event import Fired, Missed
from horarium.message import derived_id
from horarium.scheduler.beat import BATCH, Scheduler
from horarium.schedules import crontab, every
from horarium.schedules.record import Firing

MINUTE = 60_000
EACH_MINUTE = {"each-minute": {"task": "ping", "schedule": every(minutes=1)}}
MakeApp = Callable[..., Horarium]


def started(app: Horarium, ear: Ear | None = None) -> Scheduler:
    scheduler = Scheduler(app, observer=ear)
    scheduler.sync(app.engine.now())
    return scheduler


def test_what_is_due_is_sent_with_its_nominal_instant(make_app: MakeApp, store: Store, clock: ManualClock) -> None:
    entry = {**EACH_MINUTE["each-minute"], "args": [1], "options": {"queue": "slow", "priority": 9, "expires": 30}}
    begin = clock.now()
    scheduler = started(make_app({"each-minute": entry}))
    assert scheduler.tick(begin) == 1.0
    scheduler.tick(clock.advance(60.5))
    [message] = store.messages()
    assert (message.task, message.schedule, message.nominal) == ("ping", "each-minute", begin + MINUTE)
    assert (message.queue, message.priority, bytes(message.args)) == ("slow", 9, b"[1]")
    assert message.expires == begin + MINUTE + 30_000
    assert message.id == derived_id(store.schedule("each-minute").id, message.nominal, "auto")


def test_a_tick_tells_how_long_nothing_will_be_due(make_app: MakeApp, clock: ManualClock) -> None:
    scheduler = started(make_app(EACH_MINUTE))
    assert scheduler.tick(clock.advance(59.25)) == 0.75
    assert scheduler.tick(clock.advance(0.75)) == 1.0


def test_what_is_fired_and_missed_is_told(make_app: MakeApp, store: Store, clock: ManualClock, ear: Ear) -> None:
    begin = clock.now()
    scheduler = started(make_app(EACH_MINUTE), ear)
    scheduler.tick(clock.advance(180))
    [message] = store.messages()
    assert ear.events[1:] == [
        Missed(schedule="each-minute", count=2),
        Fired(schedule="each-minute", task="ping", id=message.id, nominal=begin + 3 * MINUTE),
    ]


def test_readers_of_the_queue_are_woken(make_app: MakeApp, store: Store, clock: ManualClock) -> None:
    scheduler = started(make_app(EACH_MINUTE))
    listener = store.engine.notifier.listen(["queue:default"])
    scheduler.tick(clock.advance(60))
    assert listener.wait(0)


def test_two_schedulers_never_send_one_firing_twice(make_app: MakeApp, store: Store, clock: ManualClock) -> None:
    entries = {f"s{number}": {"task": "ping", "schedule": every(number + 1)} for number in range(20)}
    begin = clock.now()
    schedulers = [started(make_app(entries)) for _ in range(3)]
    for _ in range(120):
        ticks_together(schedulers, clock.advance(1))
    for number in range(20):
        step = (number + 1) * 1000
        assert store.nominals(f"s{number}") == list(range(begin + step, begin + 120_001, step))


def test_a_scheduler_that_read_before_another_fired_changes_nothing(
    make_app: MakeApp, store: Store, clock: ManualClock, ear: Ear
) -> None:
    fast = started(make_app(EACH_MINUTE))
    slow_app = make_app(EACH_MINUTE)
    slow = started(slow_app, ear)
    slow_app.engine.schedules.fire = after(fast.tick, store.engine.schedules.fire)  # type: ignore[method-assign]
    slow.tick(clock.advance(60))
    assert len(store.messages()) == store.schedule("each-minute").total_runs == 1
    assert ear.events == []


def test_misses_are_counted_and_the_newest_is_sent(make_app: MakeApp, store: Store, clock: ManualClock) -> None:
    """Row 84."""
    begin = clock.now()
    scheduler = started(make_app(EACH_MINUTE))
    scheduler.tick(clock.advance(600))
    schedule = store.schedule("each-minute")
    assert store.nominals() == [begin + 10 * MINUTE]
    assert (schedule.missed, schedule.total_runs, schedule.next_fire) == (9, 1, begin + 11 * MINUTE)


def test_what_is_too_old_is_only_counted(make_app: MakeApp, store: Store, clock: ManualClock) -> None:
    scheduler = started(make_app({"daily": {"task": "ping", "schedule": crontab(0, 6), "catchup": "none"}}))
    scheduler.tick(clock.advance(8 * 3600))
    schedule = store.schedule("daily")
    assert (store.messages(), schedule.missed, schedule.next_fire) == ([], 1, clock.now() + 22 * 60 * MINUTE)


def test_a_clock_that_steps_back_fires_nothing_twice(make_app: MakeApp, store: Store, clock: ManualClock) -> None:
    begin = clock.now()
    scheduler = started(make_app(EACH_MINUTE))
    scheduler.tick(clock.advance(60))
    clock.step(-120)
    for _ in range(240):
        scheduler.tick(clock.advance(1))
    assert store.nominals() == [begin + MINUTE, begin + 2 * MINUTE, begin + 3 * MINUTE]


def test_an_edit_is_seen_by_the_next_look(make_app: MakeApp, store: Store, clock: ManualClock) -> None:
    scheduler = started(make_app(EACH_MINUTE))
    scheduler.tick(clock.advance(60))
    store.save(replace(store.schedule("each-minute"), kwargs=Raw(b'{"city":"Ghent"}')))
    scheduler.tick(clock.advance(60))
    assert [bytes(message.kwargs) for message in store.messages()] == [b"{}", b'{"city":"Ghent"}']


def test_killed_between_looking_and_firing_loses_nothing(make_app: MakeApp, store: Store, clock: ManualClock) -> None:
    begin = clock.now()
    victim = started(make_app(EACH_MINUTE))
    fire = store.engine.schedules.fire
    store.engine.schedules.fire = dies  # type: ignore[method-assign]
    with pytest.raises(Killed):
        victim.tick(clock.advance(60))
    store.engine.schedules.fire = fire  # type: ignore[method-assign]
    started(make_app(EACH_MINUTE)).tick(clock.advance(5))
    assert store.nominals() == [begin + MINUTE]


def test_killed_after_firing_doubles_nothing(make_app: MakeApp, store: Store, clock: ManualClock) -> None:
    begin = clock.now()
    victim = started(make_app(EACH_MINUTE))
    fire = store.engine.schedules.fire
    store.engine.schedules.fire = lambda *args, **kwargs: dies(fire(*args, **kwargs))  # type: ignore[method-assign]
    with pytest.raises(Killed):
        victim.tick(clock.advance(60))
    store.engine.schedules.fire = fire  # type: ignore[method-assign]
    started(make_app(EACH_MINUTE)).tick(clock.advance(5))
    assert store.nominals() == [begin + MINUTE]


def test_an_answer_that_was_lost_doubles_nothing(make_app: MakeApp, store: Store, clock: ManualClock) -> None:
    scheduler = started(make_app(EACH_MINUTE))
    fire, answers = store.engine.schedules.fire, iter([EngineUnavailable("gone"), None])

    def answer_is_lost(firings: list[Firing], *, now: int) -> list[bool]:
        won = fire(firings, now=now)
        if error := next(answers):
            raise error
        return won

    store.engine.schedules.fire = answer_is_lost  # type: ignore[method-assign]
    with pytest.raises(EngineUnavailable):
        scheduler.tick(clock.advance(60))
    scheduler.tick(clock.now())
    assert len(store.messages()) == 1


def test_many_schedules_due_at_once_all_fire(make_app: MakeApp, store: Store, clock: ManualClock) -> None:
    entries = {f"s{number}": {"task": "ping", "schedule": crontab(1, 0)} for number in range(2 * BATCH + 5)}
    scheduler = started(make_app(entries))
    assert scheduler.tick(clock.advance(60)) == 1.0
    assert len(store.messages()) == 2 * BATCH + 5


def after(first: Callable[[int], object], then: Callable[..., Any]) -> Callable[..., Any]:
    """Let another scheduler do its work at the moment before ``then``."""
    is_first = [True]

    def both(firings: list[Firing], *, now: int) -> Any:
        if is_first:
            is_first.clear()
            first(now)
        return then(firings, now=now)

    return both


class Killed(BaseException):
    """Ends a scheduler as kill -9 would: nothing after it runs."""


def dies(*_: object, **__: object) -> list[bool]:
    raise Killed


def ticks_together(schedulers: list[Scheduler], now: int) -> None:
    barrier = Barrier(len(schedulers))

    def tick(scheduler: Scheduler) -> None:
        barrier.wait()
        scheduler.tick(now)

    threads = [Thread(target=tick, args=(scheduler,)) for scheduler in schedulers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_s20_a_tick_reads_no_schedule_that_is_not_about_to_be_due(
    make_app: MakeApp, store: Store, clock: ManualClock
) -> None:
    scheduler = started(make_app({f"s{number}": {"task": "ping", "schedule": every(hours=1)} for number in range(500)}))
    due, read = store.engine.schedules.due, []

    def noted(until: int, limit: int) -> Any:
        found = due(until, limit)
        read.append((len(found), limit))
        return found

    store.engine.schedules.due = noted  # type: ignore[method-assign]
    assert [scheduler.tick(clock.advance(60)) for _ in range(3)] == [1.0] * 3
    assert read == [(0, BATCH)] * 3
