"""The settings' schedule as rows: made, kept up to date, removed; people's rows and people's edits stay."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from horarium import Horarium, codec, schedules
from horarium.contrib.django.beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask
from horarium.contrib.django.beat.reading import schedule_of
from horarium.contrib.django.beat.settings_rows import Report, bring_in
from horarium.contrib.django.models import ScheduleExtra
from horarium.errors import InvalidSchedule

pytestmark = pytest.mark.django_db
HOURLY = {"task": "shop.tasks.add", "schedule": 3600, "args": (1, 2)}
TEN = datetime(2030, 1, 1, 10, tzinfo=UTC)


@pytest.fixture
def app() -> Iterator[Horarium]:
    with Horarium("settings_rows", broker_url="memory://", timezone="Europe/Berlin", set_as_current=False) as made:
        yield made


def bring(app: Horarium, entries: dict[str, Any], **options: bool) -> Report:
    app.conf.beat_schedule = entries
    return bring_in(app, **options)


def became(report: Report) -> dict[str, str]:
    return {outcome.name: outcome.what for outcome in report.outcomes}


def test_each_kind_of_schedule_becomes_a_row_that_reads_back_as_the_same_row_88(app: Horarium) -> None:
    kinds = {
        "hourly": 3600,
        "odd": timedelta(milliseconds=1500),
        "cron": schedules.crontab(hour=7, minute="0,30", day_of_week="mon-fri"),
        "line": schedules.cron("0 6 * * 1"),
        "sun": schedules.solar("sunset", 52.5, 13.4),
        "once": schedules.clocked(TEN),
    }
    assert set(became(bring(app, {name: {**HOURLY, "schedule": when} for name, when in kinds.items()})).values()) == {
        "created"
    }
    rows = {row.name: row for row in PeriodicTask.objects.all()}
    assert str(rows["hourly"].interval) == "every hour"
    assert (rows["odd"].interval.every, rows["odd"].interval.period) == (1_500_000, "microseconds")
    assert str(rows["cron"].crontab) == "0,30 7 * * mon-fri (m/h/dM/MY/d) Europe/Berlin"
    assert rows["line"].schedule == schedules.crontab.from_string("0 6 * * 1")
    assert rows["sun"].schedule == kinds["sun"]
    assert rows["once"].one_off
    for name, row in rows.items():
        read = schedule_of(app, row, {}, now=app.now())
        assert read.task == "shop.tasks.add"
        assert bytes(read.args) == b"[1,2]", name


def test_what_no_column_can_say_is_kept_beside_the_row(app: Horarium) -> None:
    options = {"queue": "slow", "priority": 3, "expires": 60, "time_limit": 30, "headers": {"who": "é"}}
    entry = {**HOURLY, "options": options, "catchup": "all", "overlap": "skip", "jitter": timedelta(seconds=5)}
    bring(app, {"all of it": {**entry, "start": TEN, "description": "Why", "kwargs": {"at": TEN}}})
    row = PeriodicTask.objects.get()
    assert (row.queue, row.priority, row.expire_seconds, row.start_time) == ("slow", 3, 60, TEN)
    extra = ScheduleExtra.objects.get(pk=row.pk)
    assert extra.options == {"catchup": "all", "overlap": "skip", "jitter": 5.0, "options": {"time_limit": 30}}
    read = schedule_of(app, row, extra.options, now=app.now())
    wanted = app.schedule_entries()[0]
    assert read.options == {**wanted.options, "headers": {"who": "é", "periodic_task_name": "all of it"}}
    assert (read.kwargs, read.catchup, read.jitter, read.start) == (
        wanted.kwargs,
        wanted.catchup,
        wanted.jitter,
        wanted.start,
    )


def test_arguments_are_written_as_django_celery_beat_reads_them(app: Horarium) -> None:
    day = date(2030, 1, 1)
    bring(app, {"dates": {**HOURLY, "args": [day]}, "spans": {**HOURLY, "args": [timedelta(1)]}})
    rows = {row.name: row for row in PeriodicTask.objects.all()}
    assert rows["dates"].args == '[{"__type__":"date","__value__":"2030-01-01"}]'
    assert codec.decode(schedule_of(app, rows["dates"], {}, now=app.now()).args) == [day]
    assert codec.decode(schedule_of(app, rows["spans"], {}, now=app.now()).args) == [timedelta(1)]
    assert became(bring_in(app)) == {"dates": "unchanged", "spans": "unchanged"}


def test_arguments_of_a_kind_that_nobody_knows_are_told(app: Horarium) -> None:
    row = PeriodicTask(
        name="a",
        task="t",
        args='[{"__type__": "code", "__value__": 1}]',
        interval=IntervalSchedule(every=1, period="days"),
    )
    with pytest.raises(InvalidSchedule, match=r"schedule 'a'.*'code'"):
        schedule_of(app, row, {}, now=app.now())


def test_a_calendar_goes_beside_the_tables(app: Horarium) -> None:
    report = bring(app, {"last": {**HOURLY, "schedule": schedules.calendar(unit="months", on="last", at="09:00")}})
    assert became(report) == {"last": "beside"}
    assert report.beside["last"].task == "shop.tasks.add"
    assert not PeriodicTask.objects.exists()


def test_nothing_is_written_where_nothing_differs(app: Horarium) -> None:
    bring(app, {"a": HOURLY})
    with CaptureQueriesContext(connection) as queries:
        assert became(bring(app, {"a": HOURLY})) == {"a": "unchanged"}
    assert [query["sql"] for query in queries if not query["sql"].strip().startswith("SELECT")] == []
    assert len(queries) < 10


@pytest.mark.once
@pytest.mark.django_db(transaction=True)
def test_without_our_own_tables_rows_are_made_and_none_is_changed_or_removed(app: Horarium) -> None:
    with connection.schema_editor() as editor:
        editor.alter_db_table(ScheduleExtra, "horarium_schedule_extra", "elsewhere")
    try:
        assert became(bring(app, {"a": HOURLY})) == {"a": "created"}
        assert became(bring(app, {"a": HOURLY})) == {"a": "unchanged"}
        assert became(bring(app, {"a": {**HOURLY, "schedule": 5}})) == {"a": "left"}
        assert became(bring(app, {})) == {}
        assert str(PeriodicTask.objects.get().interval) == "every hour"
    finally:
        with connection.schema_editor() as editor:
            editor.alter_db_table(ScheduleExtra, "elsewhere", "horarium_schedule_extra")


def test_an_entry_that_changes_changes_its_row_row_83(app: Horarium) -> None:
    bring(app, {"a": HOURLY})
    report = bring(app, {"a": {**HOURLY, "schedule": 60, "kwargs": {"c": 1}}})
    assert report.outcomes[0].changes["schedule"] == ("every hour", "every minute")
    row = PeriodicTask.objects.get()
    assert (str(row.interval), row.kwargs) == ("every minute", '{"c":1}')


def test_an_entry_that_is_gone_takes_its_row_along_and_no_other_row_89(app: Horarium) -> None:
    people = PeriodicTask.objects.create(name="theirs", task="t", interval=IntervalSchedule.objects.create(every=1))
    bring(app, {"a": HOURLY, "b": HOURLY})
    assert became(bring(app, {"b": HOURLY}, remove=False)) == {"b": "unchanged"}
    assert became(bring(app, {"b": HOURLY})) == {"b": "unchanged", "a": "removed"}
    assert set(PeriodicTask.objects.values_list("name", flat=True)) == {"b", "theirs"}
    assert not ScheduleExtra.objects.filter(pk=people.pk).exists()


def test_a_persons_row_of_the_same_name_is_left(app: Horarium) -> None:
    minutely = IntervalSchedule.objects.create(every=1, period="minutes")
    PeriodicTask.objects.create(name="a", task="shop.tasks.add", interval=minutely)
    for overwrite in (False, True):
        report = bring(app, {"a": HOURLY}, overwrite=overwrite)
        assert became(report) == {"a": "left"}
    assert PeriodicTask.objects.get().interval == minutely
    assert became(bring(app, {})) == {}
    assert PeriodicTask.objects.exists()


def test_a_row_that_is_as_the_entry_asks_is_adopted(app: Horarium) -> None:
    seconds = IntervalSchedule.objects.create(every=3600, period="seconds")  # as django-celery-beat writes it
    PeriodicTask.objects.create(name="a", task="shop.tasks.add", args="[1, 2]", interval=seconds, enabled=False)
    assert became(bring(app, {"a": HOURLY})) == {"a": "adopted"}
    assert not PeriodicTask.objects.get().enabled
    assert became(bring(app, {"a": HOURLY})) == {"a": "unchanged"}
    assert became(bring(app, {})) == {"a": "removed"}


def test_what_people_have_changed_stays_until_the_entry_changes(app: Horarium) -> None:
    bring(app, {"a": HOURLY})
    row = PeriodicTask.objects.get()
    row.kwargs, row.enabled = '{"c": 5}', False
    row.save()
    assert became(bring(app, {"a": HOURLY})) == {"a": "edited"}
    assert PeriodicTask.objects.get().kwargs == '{"c": 5}'
    assert became(bring(app, {"a": {**HOURLY, "kwargs": {"c": 6}}})) == {"a": "updated"}
    row = PeriodicTask.objects.get()
    assert (row.kwargs, row.enabled) == ('{"c":6}', False)  # no entry has said that it be enabled
    assert became(bring(app, {"a": {**HOURLY, "kwargs": {"c": 6}}}, overwrite=True)) == {"a": "updated"}
    assert PeriodicTask.objects.get().enabled


def test_an_entry_that_switched_its_row_off_switches_it_on_again(app: Horarium) -> None:
    bring(app, {"a": {**HOURLY, "enabled": False}})
    assert not PeriodicTask.objects.get().enabled
    assert became(bring(app, {"a": HOURLY})) == {"a": "updated"}
    assert PeriodicTask.objects.get().enabled


def test_a_row_that_people_have_renamed_is_not_made_again(app: Horarium) -> None:
    bring(app, {"a": HOURLY})
    PeriodicTask.objects.update(name="mine")
    assert became(bring(app, {"a": HOURLY})) == {"a": "edited"}
    assert PeriodicTask.objects.get().name == "mine"
    assert became(bring(app, {"a": HOURLY}, overwrite=True)) == {"a": "updated"}
    assert PeriodicTask.objects.get().name == "a"


def test_an_entry_that_cannot_be_read_is_told_and_hinders_none(app: Horarium) -> None:
    bring(app, {"a": HOURLY, "b": HOURLY})
    report = bring(app, {"a": {"task": "x"}, "b": {**HOURLY, "schedule": 60}, "n" * 201: HOURLY})
    assert became(report) == {"a": "unreadable", "b": "updated", "n" * 201: "unreadable"}
    assert "add 'schedule'" in next(outcome.reason for outcome in report.outcomes if outcome.name == "a")
    assert PeriodicTask.objects.filter(name="a").exists()


def test_an_entry_in_a_zone_that_there_is_not_is_told(app: Horarium) -> None:
    report = bring(app, {"a": {**HOURLY, "schedule": schedules.crontab(), "timezone": "Mars/Base"}})
    assert became(report) == {"a": "unreadable"}
    assert "Mars/Base" in report.outcomes[0].reason


def test_a_dry_run_writes_nothing(app: Horarium) -> None:
    assert became(bring(app, {"a": HOURLY}, dry_run=True)) == {"a": "created"}
    assert not PeriodicTask.objects.exists()
    assert not IntervalSchedule.objects.exists()


def test_schedules_of_tasks_in_code_become_rows_too(app: Horarium) -> None:
    @app.task(name="swept", schedule=schedules.crontab(minute=5))
    def swept() -> None: ...

    assert became(bring_in(app)) == {"swept": "created"}
    assert CrontabSchedule.objects.get().minute == "5"
