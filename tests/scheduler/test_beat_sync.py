"""The code's schedules in the store."""

from __future__ import annotations

from collections.abc import Callable

from beat_ear import Ear
from beat_store import Store
from msgspec.structs import replace

from horarium.app.app import Horarium
from horarium.clock import ManualClock, to_instant
from horarium.event import ScheduleFailed, ScheduleOverruled, ScheduleRemoved, SchedulesSynced, ScheduleUnreadable
from horarium.scheduler.beat import Scheduler
from horarium.schedules import clocked, crontab, every
from horarium.schedules.editing import pause
from horarium.schedules.record import Schedule

MINUTE, HOUR = 60_000, 3_600_000
MakeApp = Callable[..., Horarium]


def entry(schedule: object, **more: object) -> dict[str, object]:
    return {"task": "ping", "schedule": schedule, **more}


def sync(app: Horarium, ear: Ear | None = None) -> int:
    return Scheduler(app, observer=ear).sync(app.engine.now())


def test_all_that_code_defines_is_stored_once(make_app: MakeApp, store: Store) -> None:
    app = make_app({"a": entry(60)})
    app.add_periodic_task(30.0, app.tasks["ping"], name="b")
    app.add_task(lambda: None, {"name": "pong", "schedule": crontab(0, 6)})
    assert sync(app) == 3
    assert store.names() == ["a", "b", "pong"]
    assert sync(app) == 0
    assert store.schedule("a").version == 1


def test_the_options_of_a_schedule_may_be_given_wherever_one_is_defined(make_app: MakeApp, store: Store) -> None:
    app = make_app({"a": entry(60, catchup="all")})
    app.add_periodic_task(30.0, app.tasks["ping"], name="b", overlap="skip", queue="slow")
    app.add_task(lambda: None, {"name": "pong", "schedule": {"schedule": crontab(0, 6), "jitter": 30}})
    assert sync(app) == 3
    assert store.schedule("a").catchup == "all"
    assert (store.schedule("b").overlap, store.schedule("b").options) == ("skip", {"queue": "slow"})
    assert (store.schedule("pong").jitter, store.schedule("pong").task) == (30.0, "pong")


def test_options_that_contradict_each_other_put_the_schedule_in_error(
    make_app: MakeApp, store: Store, ear: Ear
) -> None:
    sync(make_app({"a": entry(60, max_active=3), "b": entry(60)}), ear)
    assert "expected an overlap other than 'allow'" in (store.schedule("a").error or "")
    assert [failed.schedule for failed in ear.heard(ScheduleFailed)] == ["a"]
    assert store.schedule("b").is_active


def test_the_next_instant_is_kept_from_creation_on_so_that_restarts_do_not_move_it(
    make_app: MakeApp, store: Store, clock: ManualClock
) -> None:
    begin = clock.now()
    for _ in range(5):
        sync(make_app({"long": entry(every(days=3))}))
        clock.advance(86_000)
    assert store.schedule("long").next_fire == begin + 72 * HOUR


def test_new_arguments_and_times_in_the_code_are_used(make_app: MakeApp, store: Store, clock: ManualClock) -> None:
    """Row 83."""
    sync(make_app({"a": entry(crontab(0, 6), kwargs={"x": 1})}))
    sync(make_app({"a": entry(crontab(0, 7), kwargs={"x": 2})}))
    schedule = store.schedule("a")
    assert (bytes(schedule.kwargs), schedule.next_fire) == (b'{"x":2}', clock.now() + 7 * HOUR)


def test_what_the_code_has_no_more_is_removed(make_app: MakeApp, store: Store, ear: Ear) -> None:
    sync(make_app({"a": entry(60), "b": entry(60)}))
    assert sync(make_app({"b": entry(60)}), ear) == 1
    assert store.names() == ["b"]
    assert ear.events == [ScheduleRemoved(schedule="a"), SchedulesSynced(stored=0, removed=1)]


def test_the_rows_of_people_and_of_other_apps_are_left_alone(make_app: MakeApp, store: Store) -> None:
    sync(make_app({"a": entry(60)}, main="shop"))
    sync(make_app({"b": entry(60)}, main="news"))
    store.save(replace(store.schedule("a"), name="by-hand", id="x", version=0, owner="person", app=""))
    sync(make_app({}, main="shop"))
    assert store.names() == ["b", "by-hand"]


def test_a_persons_schedule_of_the_same_name_wins(make_app: MakeApp, store: Store, ear: Ear) -> None:
    now = store.clock.now()
    sync(make_app({"a": entry(60)}))
    theirs = store.save(replace(store.schedule("a"), owner="person", changed=now))
    assert sync(make_app({"a": entry(30)}), ear) == 0
    assert store.schedule("a") == theirs
    assert ear.events == [ScheduleOverruled(schedule="a")]


def test_a_persons_pause_survives_new_code(make_app: MakeApp, store: Store, clock: ManualClock) -> None:
    sync(make_app({"a": entry(60)}))
    store.save(pause(store.schedule("a"), by="ann", note="holidays", now=clock.now()))
    sync(make_app({"a": entry(30)}))
    scheduler = Scheduler(make_app({"a": entry(30)}))
    scheduler.tick(clock.advance(300))
    assert (store.schedule("a").paused_by, store.messages()) == ("ann", [])


def test_what_was_due_under_the_old_times_is_counted_as_missed(
    make_app: MakeApp, store: Store, clock: ManualClock
) -> None:
    sync(make_app({"a": entry(every(minutes=10))}))
    clock.advance(25 * 60)
    sync(make_app({"a": entry(every(minutes=15))}))
    schedule = store.schedule("a")
    assert (schedule.missed, schedule.next_fire, store.messages()) == (2, clock.now() + 5 * MINUTE, [])


def test_a_schedule_that_cannot_fire_is_stored_with_the_reason(make_app: MakeApp, store: Store, ear: Ear) -> None:
    app = make_app({"bad": entry(crontab(0, 0, "mon", 29, 2)), "worse": entry(60, timezone="Mars"), "good": entry(60)})
    assert sync(app, ear) == 3
    failed = [ScheduleFailed(schedule=name, reason=store.schedule(name).error or "") for name in ("bad", "worse")]
    assert ear.events == [*failed, SchedulesSynced(stored=3, removed=0)]
    assert "does not" in (store.schedule("bad").error or "")
    assert "time zone" in (store.schedule("worse").error or "")
    assert store.schedule("good").is_active
    assert sync(app, ear) == 0
    assert len(ear.events) == 3
    assert sync(make_app({"bad": entry(60), "worse": entry(60), "good": entry(60)})) == 2
    assert store.schedule("bad").is_active and store.schedule("worse").is_active


def test_an_entry_that_cannot_be_read_is_told_and_its_stored_schedule_left(
    make_app: MakeApp, store: Store, ear: Ear
) -> None:
    sync(make_app({"a": entry(60), "b": entry(60)}))
    sync(make_app({"a": entry("* * * * *"), "b": entry(30)}), ear)
    [unreadable] = ear.heard(ScheduleUnreadable)
    assert unreadable.schedule == "a"
    assert "schedule 'a': expected schedule to be crontab(...)" in unreadable.reason
    assert store.schedule("a").version == 1
    assert store.schedule("b").version == 2


def test_the_zone_of_the_app_is_the_zone_of_its_schedules(make_app: MakeApp, store: Store, clock: ManualClock) -> None:
    sync(make_app({"a": entry(crontab(0, 6))}, timezone="America/New_York"))
    assert store.schedule("a").next_fire == clock.now() + 11 * HOUR
    sync(make_app({"a": entry(crontab(0, 6))}, timezone="Asia/Tokyo"))
    assert store.schedule("a").next_fire == clock.now() + 21 * HOUR


def test_a_one_off_in_code_fires_once_however_often_it_is_synced(
    make_app: MakeApp, store: Store, clock: ManualClock
) -> None:
    entries = {"once": entry(clocked(clock.now() + MINUTE))}
    for _ in range(4):
        scheduler = Scheduler(make_app(entries))
        scheduler.sync(clock.advance(30))
        scheduler.tick(clock.now())
    assert store.nominals() == [to_instant(entries["once"]["schedule"].clocked_time)]


def test_two_that_sync_at_once_agree(make_app: MakeApp, store: Store) -> None:
    app, other = make_app({"a": entry(60)}), make_app({"a": entry(30)})
    save = store.engine.schedules.save

    def somebody_is_faster(schedules: list[Schedule], *, now: int) -> list[Schedule]:
        store.engine.schedules.save = save  # type: ignore[method-assign]
        sync(other)
        return save(schedules, now=now)

    store.engine.schedules.save = somebody_is_faster  # type: ignore[method-assign]
    assert sync(app) == 1
    assert store.schedule("a").spec == {"kind": "every", "milliseconds": MINUTE}
