"""Entries as people write them in code."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from horarium.clock import to_instant
from horarium.errors import EncodingError, HorariumError, InvalidSchedule
from horarium.schedules import crontab, every
from horarium.schedules.entries import read_entry, schedule_id
from horarium.schedules.record import Schedule
from horarium.schedules.specs import from_record

ENTRY = {"task": "events.scrape", "schedule": crontab(minute=0, hour=6)}


def read(**more: object) -> Schedule:
    return read_entry("scrape-daily", {**ENTRY, **more}, timezone="America/New_York", now=5)


def test_an_entry_becomes_a_schedule_of_code() -> None:
    schedule = read(args=(1,), kwargs={"source_id": 2}, options={"queue": "slow", "expires": timedelta(minutes=5)})
    assert (schedule.name, schedule.task, schedule.owner) == ("scrape-daily", "events.scrape", "code")
    assert from_record(schedule.spec) == crontab(0, 6)
    assert schedule.timezone == "America/New_York"
    assert (bytes(schedule.args), bytes(schedule.kwargs)) == (b"[1]", b'{"source_id":2}')
    assert schedule.options == {"queue": "slow", "expires": 300.0}
    assert (schedule.version, schedule.next_fire, schedule.anchor) == (0, None, 5)


def test_the_same_name_gives_the_same_id_in_every_process() -> None:
    assert read().id == schedule_id("scrape-daily") == read(task="other").id


def test_numbers_and_timedeltas_are_intervals() -> None:
    assert from_record(read(schedule=30).spec) == from_record(read(schedule=timedelta(seconds=30)).spec) == every(30)


def test_every_option_of_a_schedule_may_be_given() -> None:
    schedule = read(
        timezone=ZoneInfo("Europe/Berlin"),
        dst_gap="skip",
        dst_fold="both",
        catchup="none",
        catchup_window=timedelta(hours=1),
        start=datetime(2026, 1, 1, tzinfo=UTC),
        end=datetime(2027, 1, 1),
        one_off=True,
        max_runs=3,
        enabled=False,
        relative=True,
        catchup_limit=7,
        catchup_spacing=timedelta(seconds=5),
        overlap="skip",
        max_active=2,
        jitter=30,
        spread=timedelta(hours=1),
        grace=600,
        pause_after=4,
        description="for the books",
    )
    assert (schedule.timezone, schedule.dst_gap, schedule.dst_fold) == ("Europe/Berlin", "skip", "both")
    assert (schedule.catchup, schedule.catchup_window) == ("none", 3600.0)
    assert (schedule.start, schedule.end) == (to_instant(datetime(2026, 1, 1)), to_instant(datetime(2027, 1, 1)))
    assert (schedule.one_off, schedule.max_runs, schedule.enabled) == (True, 3, False)
    assert (schedule.catchup_limit, schedule.catchup_spacing) == (7, 5.0)
    assert (schedule.overlap, schedule.max_active, schedule.pause_after) == ("skip", 2, 4)
    assert (schedule.jitter, schedule.spread, schedule.grace) == (30.0, 3600.0, 600.0)
    assert schedule.description == "for the books"


def test_an_entry_of_celery_means_what_it_meant() -> None:
    """Row 78."""
    schedule = read(relative=True, options={"expires": 60, "countdown": 5, "queue": "slow"})
    policies = ("catchup", "overlap", "jitter", "spread", "grace", "pause_after", "one_off", "max_runs")
    assert {name: getattr(schedule, name) for name in policies} == {
        "catchup": "latest",
        "overlap": "allow",
        "jitter": 0.0,
        "spread": 0.0,
        "grace": None,
        "pause_after": None,
        "one_off": False,
        "max_runs": None,
    }
    assert schedule.options == {"expires": 60, "countdown": 5, "queue": "slow"}


@pytest.mark.parametrize(
    "key", ["args", "kwargs", "options", "timezone", "dst_gap", "max_runs", "start", "enabled", "jitter", "grace"]
)
def test_none_means_the_default(key: str) -> None:
    assert read(**{key: None}) == read()


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"shedule": 5}, "got 'shedule'; did you mean 'schedule'?"),
        ({"queue": "x"}, "expected the key of a schedule entry, got 'queue'"),
        ({"schedule": "* * * * *"}, "expected schedule to be crontab"),
        ({"schedule": None}, "add 'schedule'"),
        ({"task": None}, "add 'task'"),
        ({"task": 5}, "expected task to be the name of a task, got 5"),
        ({"args": "abc"}, "expected args to be a list or tuple, got 'abc'; write args=(value,)"),
        ({"args": 5}, "expected args"),
        ({"kwargs": [1]}, "expected kwargs to be a dict"),
        ({"options": {"eta": datetime(2026, 1, 1)}}, "expected options['eta'] to be left out"),
        ({"options": {"task_id": "one"}}, "expected options['task_id'] to be left out"),
        ({"options": {"expires": datetime(2026, 1, 1)}}, "expected options['expires'] to be plain JSON"),
        ({"options": [5]}, "expected options to be a dict"),
        ({"timezone": 5}, "expected timezone to be the IANA name"),
        ({"dst_gap": "jump"}, "expected dst_gap to be shift or keep or skip, got 'jump'"),
        ({"dst_fold": 1}, "expected dst_fold to be first or last or both"),
        ({"catchup": True}, "expected catchup to be latest or all or earliest or none"),
        ({"catchup_window": -1}, "expected catchup_window to be seconds or a timedelta"),
        ({"catchup_window": float("nan")}, "expected catchup_window"),
        ({"start": "2026"}, "expected start to be a datetime"),
        ({"one_off": 1}, "expected one_off to be True or False"),
        ({"max_runs": 0}, "expected max_runs to be a number from 1"),
        ({"catchup_limit": 1001}, "expected catchup_limit to be a number from 1 to 1000, got 1001"),
        ({"catchup_spacing": "5"}, "expected catchup_spacing to be seconds or a timedelta"),
        ({"overlap": "wait"}, "expected overlap to be allow or skip or queue_one or cancel_previous or replace_queued"),
        ({"overlaps": "skip"}, "got 'overlaps'; did you mean 'overlap'?"),
        ({"max_active": 1.5}, "expected max_active to be a number from 1"),
        ({"jitter": timedelta(seconds=-1)}, "expected jitter to be seconds or a timedelta, not negative"),
        ({"spread": True}, "expected spread to be seconds"),
        ({"grace": float("inf")}, "expected grace to be seconds"),
        ({"pause_after": 0}, "expected pause_after to be a number from 1"),
        ({"description": 5}, "expected description to be text"),
        ({"jitter": 1e25}, "expected jitter to be seconds or a timedelta, not negative and at most a hundred years"),
        ({"spread": 1e308}, "expected spread to be seconds"),
        ({"max_active": 10**30}, "expected max_active to be a number from 1 to 2147483647"),
        ({"start": 10**30}, "expected start to be a datetime or UTC milliseconds, from 1970 to 9998"),
        ({"end": datetime.max}, "expected end to be a datetime or UTC milliseconds, from 1970 to 9998"),
        ({"start": True}, "expected start to be a datetime"),
        ({"task": "\ud800"}, "expected task to be the name of a task"),
        ({"timezone": "\ud800"}, "expected timezone to be the IANA name"),
        ({"description": "a\0b"}, "expected description to be text"),
        ({"options": {"queue": "\ud800"}}, "expected options['queue'] to be plain JSON"),
        ({"options": {"expires": float("nan")}}, "expected options['expires'] to be plain JSON"),
    ],
)
def test_a_mistake_is_an_error_that_names_the_entry(more: dict[str, object], said: str) -> None:
    with pytest.raises(InvalidSchedule) as refused:
        read(**more)
    assert str(refused.value).startswith("schedule 'scrape-daily': ")
    assert said in str(refused.value)


@pytest.mark.parametrize("name", ["two\nlines", "a\tb", "half \ud800", "nothing\0more"])
def test_a_name_that_is_no_line_of_a_listing_is_refused(name: str) -> None:
    with pytest.raises(InvalidSchedule, match="expected its name to be text of one line"):
        read_entry(name, ENTRY, timezone="UTC", now=5)


@pytest.mark.parametrize("name", ["every night", "häufig/☃", "a" * 500])
def test_a_name_may_hold_whatever_else_people_write(name: str) -> None:
    assert read_entry(name, ENTRY, timezone="UTC", now=5).name == name


def test_arguments_that_json_cannot_say_are_refused_with_their_path() -> None:
    with pytest.raises(EncodingError, match=r"beat_schedule\['scrape-daily'\]\.kwargs"):
        read(kwargs={"on": object()})


@pytest.mark.parametrize("entry", [None, 5, [], "x", {}, {1: 2}])
@pytest.mark.parametrize("name", ["x", "", None])
def test_what_is_no_entry_is_refused_in_kind(name: object, entry: object) -> None:
    with pytest.raises(HorariumError):
        read_entry(name, entry, timezone="UTC", now=0)
