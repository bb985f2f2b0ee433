"""What people do to rows and what then runs, on a clock that a test moves."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest
from beat_in_hand import Beat
from django.db import OperationalError, connection
from django.test import override_settings
from django.utils import timezone

from horarium import Horarium
from horarium.app.rows import browse_all
from horarium.clock import ManualClock, to_datetime
from horarium.contrib.django.beat import changes, follower, tables
from horarium.contrib.django.beat.bringing import bring
from horarium.contrib.django.beat.models import ClockedSchedule, CrontabSchedule, IntervalSchedule, PeriodicTask
from horarium.contrib.django.beat.rows import Rows
from horarium.contrib.django.beat.schedulers import DatabaseScheduler, ModelEntry
from horarium.contrib.django.models import Change, ScheduleExtra
from horarium.engines.records import Page, RunFilter
from horarium.event import Recovered, RowUnreadable, Troubled
from horarium.scheduler.beat import Scheduler

pytestmark = pytest.mark.django_db
Row = PeriodicTask


def every(number: int, period: str = "seconds") -> IntervalSchedule:
    return IntervalSchedule.objects.get_or_create(every=number, period=period)[0]


def row(name: str = "add", **columns: object) -> Row:
    columns = {"task": "shop.tasks.add", "args": "[1, 2]", **columns}
    if not {"interval", "crontab", "clocked"} & columns.keys():
        columns["interval"] = every(10)
    return Row.objects.create(name=name, **columns)


def at(clock: ManualClock) -> datetime:
    return to_datetime(clock.now())


def test_a_row_runs_and_shows_its_last_run_exactly_row_103(beat: Beat) -> None:
    task = row()
    assert beat.go(35) == ["add"] * 3
    task.refresh_from_db()
    assert (task.last_run_at, task.total_run_count) == (at(beat.clock) - timedelta(seconds=5), 3)


def test_an_edit_counts_from_the_next_run_on_rows_92_and_95(beat: Beat) -> None:
    row()
    beat.go(10)
    Row.objects.update(kwargs='{"two": 5}', args="[4]", queue="heavy", priority=9, expire_seconds=60)
    beat.go(10)
    held = beat.app.engine.inspector.find(RunFilter(), Page(limit=10)).held
    newest = max((each.message for each in held), key=lambda message: message.nominal or 0)
    assert (newest.queue, json.loads(bytes(newest.kwargs))) == ("heavy", {"two": 5})
    assert newest.headers["periodic_task_name"] == "add"


def test_disabled_and_enabled_again_brings_no_surprise_run_row_100(beat: Beat) -> None:
    daily = CrontabSchedule.objects.create(minute="30", hour="0")
    row(crontab=daily)
    Row.objects.update(enabled=False)
    assert beat.go(3600, step=600) == []
    Row.objects.update(enabled=True)
    assert beat.go(3600, step=600) == []
    assert beat.go(86_400, step=1800) == ["add"]


def test_a_one_off_runs_once_each_time_it_is_enabled(beat: Beat) -> None:
    task = row(one_off=True)
    assert beat.go(60) == ["add"]
    task.refresh_from_db()
    assert (task.enabled, task.total_run_count, task.last_run_at is not None) == (False, 0, True)
    Row.objects.update(enabled=True)
    assert beat.go(60) == ["add"]
    task.refresh_from_db()
    assert not task.enabled


def test_a_clocked_task_runs_at_its_moment_and_is_disabled_row_82(beat: Beat) -> None:
    clocked = ClockedSchedule.objects.create(clocked_time=at(beat.clock) + timedelta(seconds=30))
    row(clocked=clocked, one_off=True)
    assert beat.go(29) == []
    assert beat.go(30) == ["add"]
    assert not Row.objects.get().enabled
    Row.objects.update(enabled=True)  # its moment has been: it is off again, and has not run
    assert beat.go(30) == []
    assert not Row.objects.get().enabled
    ClockedSchedule.objects.update(clocked_time=at(beat.clock) + timedelta(seconds=5))
    Row.objects.update(enabled=True)
    assert beat.go(10) == ["add"]


def test_two_clocked_tasks_of_one_moment_both_run(beat: Beat) -> None:
    clocked = ClockedSchedule.objects.create(clocked_time=at(beat.clock) + timedelta(seconds=3))
    row("one", clocked=clocked, one_off=True)
    row("two", clocked=clocked, one_off=True)
    assert sorted(beat.go(10)) == ["one", "two"]


def test_start_time_and_expires_bound_the_runs(beat: Beat) -> None:
    now = at(beat.clock)
    row(start_time=now + timedelta(seconds=25), expires=now + timedelta(seconds=45))
    assert len(beat.go(24)) == 0
    assert len(beat.go(60)) == 2
    assert not Row.objects.get().enabled


def test_tasks_that_share_a_crontab_all_follow_it(beat: Beat) -> None:
    shared = CrontabSchedule.objects.create(minute="5")
    for number in range(3):
        row(f"n{number}", crontab=shared)
    beat.look()
    CrontabSchedule.objects.update(minute="0")
    beat.look()
    specs = {beat.stored(f"n{number}").spec["minute"] for number in range(3)}
    assert specs == {"0"}
    assert not Change.objects.exists()


@pytest.mark.parametrize(("number", "period"), [(250_000, "microseconds"), (90, "minutes"), (3, "days")])
def test_an_interval_of_any_period_runs(beat: Beat, number: int, period: str) -> None:
    row(interval=every(number, period))
    length = timedelta(**{period: number}).total_seconds()
    assert len(beat.go(length * 4, step=length / 2)) == 4


def test_bad_rows_say_so_and_stop_nobody(beat: Beat) -> None:
    bad = row("bad")
    row("good")
    beat.go(10)
    Row.objects.filter(pk=bad.pk).update(kwargs="{]")
    assert beat.go(20) == ["good", "good"]
    [told] = [event for event in beat.events if isinstance(event, RowUnreadable)]
    assert "expected kwargs to be JSON" in told.reason
    beat.scheduler.patrol(beat.clock.now())  # which heals what it can: not this
    assert ScheduleExtra.objects.get(pk=bad.pk).error == told.reason == beat.stored("bad").error
    Row.objects.filter(pk=bad.pk).update(kwargs="{}")
    assert sorted(beat.go(10)) == ["bad", "good"]
    assert ScheduleExtra.objects.get(pk=bad.pk).error == ""


def test_a_renamed_row_goes_on_as_the_same_schedule(beat: Beat) -> None:
    row()
    beat.go(15)
    before = beat.stored("add")
    Row.objects.update(name="sum")
    Row.objects.update(name="total")
    assert beat.go(5) == ["total"]
    after = beat.stored("total")
    assert (after.id, after.anchor, after.total_runs) == (before.id, before.anchor, 2)
    assert beat.stored("add") is None


def test_names_that_are_swapped_are_both_kept(beat: Beat) -> None:
    one, two = row("one"), row("two", args="[3, 4]")
    beat.look()
    for pk, name in ((one.pk, "x"), (two.pk, "one"), (one.pk, "two")):
        Row.objects.filter(pk=pk).update(name=name)
    beat.look()
    assert [bytes(beat.stored(name).args) for name in ("one", "two")] == [b"[3,4]", b"[1,2]"]
    assert sorted(beat.go(10)) == ["one", "two"]


def test_a_deleted_row_runs_no_more_even_if_nobody_noted_it(beat: Beat) -> None:
    row("one")
    row("two")
    beat.look()
    Row.objects.filter(name="one").delete()
    assert beat.go(10) == ["two"]
    Row.objects.all().delete()
    Change.objects.all().delete()
    again = Beat(beat.app, beat.clock)  # another scheduler starts
    again.look()
    assert again.go(10) == []
    assert again.stored("two") is None


def test_what_code_stored_is_taken_over_or_removed(shop_app: Horarium, clock: ManualClock) -> None:
    shop_app.conf.beat_schedule = {
        name: {"task": "shop.tasks.add", "schedule": 60, "args": (1, 2)} for name in ("kept", "left")
    }
    Scheduler(shop_app).sync(clock.now())
    shop_app.conf.beat_schedule = {}
    row("kept")
    beat = Beat(shop_app, clock)
    beat.look()
    assert (beat.stored("kept").owner, beat.stored("left")) == ("table", None)
    Scheduler(shop_app).sync(clock.now())  # dropping the option removes what came from the tables
    assert beat.stored("kept") is None


def test_the_settings_schedule_runs_with_the_rows(shop_app: Horarium, clock: ManualClock) -> None:
    shop_app.conf.beat_schedule = {
        "by settings": {"task": "shop.tasks.add", "schedule": 10, "args": (1, 2)},
    }
    beat = Beat(shop_app, clock)
    assert beat.go(10) == ["by settings"]
    assert Row.objects.get(name="by settings").total_run_count == 1


def test_a_name_of_a_persons_schedule_is_an_error(beat: Beat) -> None:
    beat.app.schedules.create("mine", task="shop.tasks.add", schedule=3600, args=[1, 2])
    mine = row("mine")
    assert beat.go(20) == []
    assert "a person's" in ScheduleExtra.objects.get(pk=mine.pk).error
    assert beat.stored("mine").owner == "person"
    beat.app.schedules.delete("mine")
    Row.objects.update(priority=1)
    assert "mine" in beat.go(20)


def test_extras_are_keys_of_an_entry(beat: Beat) -> None:
    task = row()
    beat.look()
    ScheduleExtra.objects.create(periodic_task_id=task.pk, options={"catchup": "none", "overlap": "skip"})
    beat.look()
    assert (beat.stored("add").catchup, beat.stored("add").overlap) == ("none", "skip")
    ScheduleExtra.objects.update(options={"cathcup": "none"})
    beat.look()
    assert "did you mean 'catchup'" in ScheduleExtra.objects.get().error
    ScheduleExtra.objects.update(options=["catchup"])
    other = row("other")
    beat.look()
    assert "no JSON object" in ScheduleExtra.objects.get(pk=task.pk).error
    assert beat.stored("other") is not None and not ScheduleExtra.objects.filter(pk=other.pk).exists()


def test_a_row_that_ran_elsewhere_goes_on_from_there(beat: Beat) -> None:
    now = at(beat.clock)
    row("long", interval=every(2, "hours"), last_run_at=now - timedelta(minutes=90), total_run_count=41)
    row("missed", interval=every(10, "minutes"), last_run_at=now - timedelta(minutes=15))
    row("spent", one_off=True, last_run_at=now, total_run_count=1)
    assert beat.go(0) == ["missed"]
    assert beat.go(1800, step=600).count("long") == 1
    assert Row.objects.get(name="long").total_run_count == 42
    assert not Row.objects.get(name="spent").enabled


def test_a_scheduler_that_was_killed_leaves_its_showing_to_the_next(beat: Beat) -> None:
    row()
    beat.look()
    beat.clock.advance(10)
    beat.scheduler.tick(beat.clock.now())  # and is killed before it shows it
    assert Row.objects.get().total_run_count == 0
    Beat(beat.app, beat.clock).look()
    assert Row.objects.get().total_run_count == 1


def test_without_triggers_all_rows_are_read_in_turn(beat: Beat, monkeypatch: pytest.MonkeyPatch) -> None:
    for each in tables._triggers(connection.vendor):
        with connection.cursor() as cursor:
            tables._drop_trigger(cursor, connection, each)
    monkeypatch.setattr(tables, "can_have_triggers", lambda using: False)
    row("one")
    beat.look()
    Row.objects.update(args="[7, 8]")
    row("two")
    beat.look()
    assert [bytes(beat.stored(name).args) for name in ("one", "two")] == [b"[7,8]", b"[1,2]"]
    Row.objects.all().delete()
    beat.look()
    beat.look()
    assert beat.stored("one") is None
    assert len([event for event in beat.events if "no triggers" in str(event)]) == 1


@override_settings(DJANGO_CELERY_BEAT_TZ_AWARE=False)
def test_crontabs_are_in_the_apps_zone_where_the_project_says_so(beat: Beat) -> None:
    row(crontab=CrontabSchedule.objects.create(minute="0", hour="4", timezone="Asia/Tokyo"))
    beat.look()
    assert beat.stored("add").timezone == "UTC"


class Few(DatabaseScheduler):
    """As projects limit what a scheduler takes."""

    def enabled_models_qs(self):
        return super().enabled_models_qs().filter(name__startswith="a")


def test_a_derived_scheduler_may_choose_rows(shop_app: Horarium, clock: ManualClock) -> None:
    row("add")
    row("sum")
    beat = Beat(shop_app, clock, Few.source(shop_app)._rows)
    assert beat.go(10) == ["add"]
    assert list(Few(shop_app).all_as_schedule()) == ["add"]
    Row.objects.update(enabled=False)
    assert beat.go(10) == []


def test_an_entry_has_celerys_words(shop_app: Horarium) -> None:
    entry = ModelEntry(row(headers='{"a": 1}', expire_seconds=5), app=shop_app)
    assert (entry.name, entry.task, entry.args) == ("add", "shop.tasks.add", [1, 2])
    assert entry.options == {"expires": 5, "headers": {"a": 1, "periodic_task_name": "add"}}
    assert DatabaseScheduler(shop_app).schedule_changed()
    assert DatabaseScheduler.source(shop_app)._rows.using == Rows().using


def test_two_schedulers_may_follow_the_same_rows_at_once(shop_app: Horarium, clock: ManualClock) -> None:
    row("add")
    beats = [Beat(shop_app, clock), Beat(shop_app, clock)]
    sent = []
    for turn in range(20):
        Row.objects.update(args=f"[{turn}, 2]", name=f"add {turn % 3}")
        for beat in beats if turn % 2 else reversed(beats):
            sent += beat.go()
        clock.advance(5)
    assert len(sent) == 9
    assert [s.name for s in browse_all(shop_app.engine)] == ["add 1"]
    assert Row.objects.get().total_run_count == 9


def test_who_has_read_an_older_row_does_not_overwrite_what_is_newer(
    beat: Beat, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = row()
    beat.look()
    read = Rows.read

    def and_dawdle(rows: Rows, ids: list[int]) -> dict[int, object]:
        found = read(rows, ids)  # the older row; and now another scheduler is quicker with a newer one
        monkeypatch.setattr(Rows, "read", read)
        Row.objects.update(args="[5, 6]")
        Beat(beat.app, beat.clock).look()
        return found

    monkeypatch.setattr(Rows, "read", and_dawdle)
    Row.objects.filter(pk=task.pk).update(args="[3, 4]")
    beat.look()
    assert bytes(beat.stored("add").args) == b"[5,6]"


def test_a_row_of_a_name_made_anew_while_the_old_one_is_removed_is_kept(
    beat: Beat, monkeypatch: pytest.MonkeyPatch
) -> None:
    row("add")
    beat.look()
    named = Rows.named

    def and_make(rows: Rows, names: list[str]) -> dict[str, int]:
        found = named(rows, names)
        if names and not found:
            monkeypatch.setattr(Rows, "named", named)
            row("add", args="[8, 9]")
            Beat(beat.app, beat.clock).look()
        return found

    Row.objects.all().delete()
    monkeypatch.setattr(Rows, "named", and_make)
    beat.look()
    assert bytes(beat.stored("add").args) == b"[8,9]"


def test_a_database_that_fails_is_told_once_and_what_is_stored_fires_on(
    beat: Beat, monkeypatch: pytest.MonkeyPatch
) -> None:
    row()
    beat.look()

    def away(*_: object, **__: object) -> None:
        raise OperationalError("could not connect to server\nIs it running?")

    with monkeypatch.context() as patch:
        patch.setattr(tables, "missing", away)
        patch.setattr(changes, "are_there", away)
        assert beat.go(20, step=10) == ["add", "add"]
    Row.objects.update(args="[4, 4]")
    assert beat.go(10, step=10) == ["add"]
    told = [event for event in beat.events if isinstance(event, Troubled | Recovered)]
    assert [type(event) for event in told] == [Troubled, Recovered]
    assert "could not connect to server" in str(told[0])
    assert Row.objects.get().total_run_count == 3


def test_a_table_without_its_columns_names_the_command_row_86(beat: Beat, monkeypatch: pytest.MonkeyPatch) -> None:
    def old(*_: object, **__: object) -> None:
        raise OperationalError("no such column: django_celery_beat_periodictask.expire_seconds")

    monkeypatch.setattr(changes, "are_there", old)
    beat.look()
    [told] = [event for event in beat.events if isinstance(event, Troubled)]
    assert "run: python manage.py migrate django_celery_beat" in told.reason


@override_settings(USE_TZ=False, TIME_ZONE="America/New_York")
def test_a_project_without_time_zones_has_the_same_instants(beat: Beat) -> None:
    local = timezone.make_naive(at(beat.clock))
    row(start_time=local + timedelta(seconds=15), expires=local + timedelta(seconds=45))
    row("clocked", interval=None, one_off=True, clocked=ClockedSchedule.objects.create(clocked_time=local))
    assert beat.go(60) == ["clocked", "add", "add", "add"]
    task = Row.objects.get(name="add")
    assert (task.enabled, task.last_run_at) == (False, local + timedelta(seconds=40))


def test_run_now_has_the_header_too(beat: Beat) -> None:
    bring(beat.app, [row()])
    [result] = beat.app.schedules.run_now("add")
    [held] = beat.app.engine.inspector.find(RunFilter(), Page(limit=10)).held
    assert (held.message.id, held.message.headers["periodic_task_name"]) == (result.id, "add")


def test_the_newest_edit_does_not_wait_for_all_the_others(beat: Beat) -> None:
    for number in range(20):
        row(f"n{number}")
    Row.objects.update(priority=3)
    newest = Row.objects.last()
    assert newest.pk in {each.row_id for each in changes.of_tasks("default", 4)}


def test_a_row_that_cannot_be_read_expires_all_the_same(beat: Beat) -> None:
    row(args="{", expires=at(beat.clock) + timedelta(seconds=5))
    beat.go(12)
    assert not Row.objects.get().enabled


def test_many_tasks_of_one_crontab_follow_it_in_steps(beat: Beat, monkeypatch: pytest.MonkeyPatch) -> None:
    shared = CrontabSchedule.objects.create(minute="5")
    for number in range(9):
        row(f"n{number}", crontab=shared)
    beat.look()
    monkeypatch.setattr(follower, "PAGE", 2)
    monkeypatch.setattr(follower, "AHEAD", 5)
    CrontabSchedule.objects.update(minute="0")
    source = beat.scheduler._source
    for _ in range(2):
        source.follower.turn(beat.app.engine, now=beat.clock.now())
    assert 0 < sum(beat.stored(f"n{number}").spec["minute"] == "0" for number in range(9)) < 9
    CrontabSchedule.objects.update(minute="1")  # in the middle of it: from the beginning
    beat.look()
    assert {beat.stored(f"n{number}").spec["minute"] for number in range(9)} == {"1"}
    assert not Change.objects.exists()
