"""The loop: it starts, sleeps, wakes, stops and outlives a store that goes away."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread, Timer

import pytest
from beat_ear import Ear
from beat_store import Store

from horarium.app.app import Horarium
from horarium.clock import ManualClock, SystemClock
from horarium.engines.memory import MemoryEngine
from horarium.engines.records import SCHEDULE_TOPIC, Page, RunFilter
from horarium.errors import EngineUnavailable, StoreUnusable
from horarium.event import ClockSkewed, ClockStepped, Recovered, SchedulerStarting, SchedulerStopped, Troubled
from horarium.scheduler.beat import EXIT_DONE, EXIT_STORE, Scheduler
from horarium.schedules import every
from horarium.schedules.policy import create

MakeApp = Callable[..., Horarium]
ENOUGH = 20.0  # seconds after which a test has failed; none waits so long otherwise


@pytest.fixture
def app() -> Iterator[Horarium]:
    """An app in real time."""
    with Horarium("shop", engine=MemoryEngine(), set_as_current=False) as app:
        app.add_task(lambda: None, {"name": "ping"})
        yield app


@contextmanager
def running(scheduler: Scheduler) -> Iterator[Thread]:
    thread = Thread(target=scheduler.run, name="beat")
    thread.start()
    try:
        yield thread
    finally:
        scheduler.stop()
        thread.join(ENOUGH)
        assert not thread.is_alive()


def wait_for(app: Horarium, fact: Callable[[], object]) -> None:
    """Wait until something is so, looking again whenever a message was sent."""
    listener = app.engine.notifier.listen(["queue:default", SCHEDULE_TOPIC])
    clock = SystemClock()
    deadline = clock.monotonic() + ENOUGH
    while not fact():
        assert clock.monotonic() < deadline
        listener.wait(0.05)
    listener.close()


def sent(app: Horarium) -> list[int]:
    held = app.engine.inspector.find(RunFilter(), Page(limit=1000)).held
    return sorted(each.message.nominal or 0 for each in held)


def test_it_fires_each_second_on_the_second(app: Horarium) -> None:
    app.conf.beat_schedule = {"tick": {"task": "ping", "schedule": every(0.2)}}
    with running(Scheduler(app)), running(Scheduler(app)):
        wait_for(app, lambda: len(sent(app)) >= 8)
    nominals = sent(app)
    anchor = app.engine.schedules.get(["tick"])[0].anchor
    missed = app.engine.schedules.get(["tick"])[0].missed
    assert len(set(nominals)) == len(nominals)
    assert (nominals[-1] - anchor) // 200 == len(nominals) + missed


def test_a_new_schedule_is_seen_at_once(app: Horarium) -> None:
    scheduler = Scheduler(app, max_interval=ENOUGH)
    with running(scheduler):
        wait_for(app, lambda: app.engine.inspector.workers(now=app.engine.now()))
        entry = app.schedule_entry("new", {"task": "ping", "schedule": every(0.05), "one_off": True})
        now = app.engine.now()
        app.engine.schedules.save([create(entry, now=now)], now=now)
        app.engine.notifier.notify([SCHEDULE_TOPIC])
        wait_for(app, lambda: sent(app))


def test_it_is_listed_while_it_lives_and_signs_off(app: Horarium) -> None:
    with running(Scheduler(app, name="beat@here")):
        wait_for(app, lambda: app.engine.inspector.workers(now=app.engine.now()))
        [record] = app.engine.inspector.workers(now=app.engine.now())
        assert (record.alive, record.member.kind, record.member.name) == (True, "scheduler", "beat@here")
        assert (record.member.app, record.member.pid) == ("shop", os.getpid())
    [record] = app.engine.inspector.workers(now=app.engine.now())
    assert not record.alive


def test_stopping_before_running_and_stopping_twice_are_fine(app: Horarium) -> None:
    scheduler = Scheduler(app)
    scheduler.stop()
    scheduler.stop()
    assert scheduler.run() == EXIT_DONE


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_good_order(app: Horarium, number: int, ear: Ear) -> None:
    before = signal.getsignal(number)
    timer = Timer(0.2, os.kill, (os.getpid(), number))
    timer.start()
    assert Scheduler(app, name="beat@here", max_interval=ENOUGH, observer=ear).run() == EXIT_DONE
    timer.join()
    assert signal.getsignal(number) == before
    assert ear.events == [
        SchedulerStarting(name="beat@here", store=app.conf.store),
        SchedulerStopped(name="beat@here"),
    ]


def test_it_outlives_a_store_that_goes_away_and_tells_it_once(app: Horarium, ear: Ear) -> None:
    app.conf.beat_schedule = {"tick": {"task": "ping", "schedule": every(0.1)}}
    due, failures, is_back = app.engine.schedules.due, [], Event()

    def goes_away(until: int, limit: int) -> object:
        if len(failures) < 3:
            failures.append(until)
            raise EngineUnavailable("the store is away")
        is_back.set()
        return due(until, limit)

    app.engine.schedules.due = goes_away
    with running(Scheduler(app, observer=ear)):
        assert is_back.wait(ENOUGH)
        wait_for(app, lambda: sent(app))
    [trouble] = ear.heard(Troubled)
    assert (trouble.where, trouble.reason, trouble.traceback) == ("beat", "the store is away", "")
    assert trouble.wait is not None
    assert ear.heard(Recovered) == [Recovered(where="beat")]


def test_a_surprise_in_the_middle_is_told_and_does_not_end_it(app: Horarium, ear: Ear) -> None:
    app.conf.beat_schedule = {"tick": {"task": "ping", "schedule": every(0.1)}}
    due, surprises = app.engine.schedules.due, [ValueError("a row that nobody can read")]

    def surprises_once(until: int, limit: int) -> object:
        if surprises:
            raise surprises.pop()
        return due(until, limit)

    app.engine.schedules.due = surprises_once
    with running(Scheduler(app, observer=ear)):
        wait_for(app, lambda: sent(app))
    [trouble] = ear.heard(Troubled)
    assert trouble.reason == "ValueError: a row that nobody can read; what was not fired is still due"
    assert "in surprises_once" in trouble.traceback


def test_a_store_that_cannot_be_worked_with_ends_it(app: Horarium, ear: Ear) -> None:
    def is_corrupt(until: int, limit: int) -> object:
        raise StoreUnusable("the file is corrupt")

    app.engine.schedules.due = is_corrupt
    assert Scheduler(app, observer=ear).run() == EXIT_STORE
    assert ear.heard(Troubled) == [Troubled(where="beat", reason="the file is corrupt")]
    assert ear.heard(SchedulerStopped) == []


def test_a_step_of_the_stores_clock_is_told(make_app: MakeApp, clock: ManualClock, ear: Ear) -> None:
    scheduler = Scheduler(make_app(), observer=ear)
    scheduler._round()
    clock.step(90)
    scheduler._round()
    assert ear.events == [ClockStepped(step=90.0)]
    clock.advance(90)
    scheduler._round()
    assert len(ear.events) == 1


def test_it_sleeps_less_by_what_firing_took(make_app: MakeApp, store: Store, clock: ManualClock) -> None:
    scheduler = Scheduler(make_app({"often": {"task": "ping", "schedule": every(0.1)}}))
    scheduler._round()
    fire = store.engine.schedules.fire

    def takes_30_ms(*arguments: object, **named: object) -> object:
        clock.advance(0.03)
        return fire(*arguments, **named)

    store.engine.schedules.fire = takes_30_ms
    clock.advance(0.1)
    assert scheduler._round() == pytest.approx(0.07)


def test_a_host_whose_clock_is_wrong_is_told_once_and_seen(store: Store, clock: ManualClock, ear: Ear) -> None:
    with Horarium("shop", engine=store.engine, clock=ManualClock(clock.now() + 5000), set_as_current=False) as app:
        scheduler = Scheduler(app, observer=ear)
        scheduler._round()
        scheduler._round()
    [record] = store.engine.inspector.workers(now=clock.now())
    assert record.member.skew == 5.0
    assert ear.events == [ClockSkewed(skew=5.0)]


def test_one_that_was_given_up_comes_back_under_a_new_name(make_app: MakeApp, store: Store, clock: ManualClock) -> None:
    scheduler = Scheduler(make_app())
    scheduler._round()
    [record] = store.engine.inspector.workers(now=clock.now())
    store.engine.inspector.leave([record.member.owner], now=clock.now())
    clock.advance(60)
    scheduler._round()
    assert [each.alive for each in store.engine.inspector.workers(now=clock.now())] == [True, False]
