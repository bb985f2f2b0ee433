"""The calendar: every so many days, weeks, months, years."""

from __future__ import annotations

import pickle
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

import pytest

from horarium.clock import to_datetime, to_instant
from horarium.errors import InvalidSchedule
from horarium.schedules import calendar
from horarium.schedules.next import next_fire

BERLIN = ZoneInfo("Europe/Berlin")


def first_of(spec: calendar, count: int, *, after: str = "2026-01-01 00:00") -> list[str]:
    found, at = [], to_instant(datetime.fromisoformat(after).replace(tzinfo=BERLIN))
    while len(found) < count and (at := next_fire(spec, at, zone="Europe/Berlin", anchor=0)) is not None:
        found.append(to_datetime(at).astimezone(BERLIN).strftime("%Y-%m-%d %H:%M"))
    return found


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (calendar(at="09:00"), ["2026-01-01 09:00", "2026-01-02 09:00"]),
        (calendar(at=["17:30", "9:00"]), ["2026-01-01 09:00", "2026-01-01 17:30"]),
        (calendar(at=time(9)), ["2026-01-01 09:00", "2026-01-02 09:00"]),
        (calendar(3, "days", at="09:00", start="2026-01-02"), ["2026-01-02 09:00", "2026-01-05 09:00"]),
        (calendar(2, "weeks", at="09:00", start="2026-01-05"), ["2026-01-05 09:00", "2026-01-19 09:00"]),
        (
            calendar(2, "weeks", at="09:00", on="mon,thu", start="2026-01-07"),  # of the week of the 5th, Thursday only
            ["2026-01-08 09:00", "2026-01-19 09:00", "2026-01-22 09:00"],
        ),
        (calendar(1, "weeks", at="09:00", on=["sat", "sun"]), ["2026-01-03 09:00", "2026-01-04 09:00"]),
        (calendar(unit="week", at="09:00", on="fri-mon"), ["2026-01-02 09:00", "2026-01-03 09:00", "2026-01-04 09:00"]),
        (calendar(1, "months", at="09:00", on=31), ["2026-01-31 09:00", "2026-03-31 09:00", "2026-05-31 09:00"]),
        (calendar(1, "months", at="09:00", on="last"), ["2026-01-31 09:00", "2026-02-28 09:00", "2026-03-31 09:00"]),
        (calendar(3, "months", at="09:00", start="2025-11-15"), ["2026-02-15 09:00", "2026-05-15 09:00"]),
        (calendar(1, "months", at="09:00", on="2nd tue"), ["2026-01-13 09:00", "2026-02-10 09:00"]),
        (calendar(1, "months", at="09:00", on="5th fri"), ["2026-01-30 09:00", "2026-05-29 09:00"]),
        (calendar(1, "months", at="09:00", on="last fri, 1"), ["2026-01-01 09:00", "2026-01-30 09:00"]),
        (calendar(1, "years", at="09:00", on="24 dec"), ["2026-12-24 09:00", "2027-12-24 09:00"]),
        (calendar(2, "years", at="09:00", start="2025-12-24"), ["2027-12-24 09:00", "2029-12-24 09:00"]),
        (calendar(1, "years", at="09:00", on="last feb"), ["2026-02-28 09:00", "2027-02-28 09:00", "2028-02-29 09:00"]),
        (calendar(1, "years", at="09:00", on="4th thu nov"), ["2026-11-26 09:00", "2027-11-25 09:00"]),
        (calendar(1, "years", at="09:00", on="29 feb"), ["2028-02-29 09:00", "2032-02-29 09:00"]),
    ],
)
def test_it_fires_on_the_days_that_are_counted(spec: calendar, expected: list[str]) -> None:
    assert first_of(spec, len(expected)) == expected


def test_a_time_in_a_gap_fires_at_the_first_minute_after_it() -> None:
    spec = calendar(at="02:30")
    assert first_of(spec, 2, after="2027-03-27 12:00") == ["2027-03-28 03:00", "2027-03-29 02:30"]


def test_a_repeated_time_fires_once() -> None:
    assert first_of(calendar(at="02:30"), 2, after="2026-10-24 12:00") == ["2026-10-25 02:30", "2026-10-26 02:30"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"at": "25:00"}, "at of a calendar .* got '25:00'"),
        ({"at": "9"}, "at of a calendar"),
        ({"at": "09:00:30"}, "whole minutes"),
        ({"at": []}, "1 to 100 local times"),
        ({"at": None}, "local times"),
        ({"at": time(9, 0, 30)}, "whole minutes"),
        (
            {"at": "09:00", "unit": "fortnights"},
            "unit of a calendar to be days, weeks, months or years, got 'fortnights'",
        ),
        ({"at": "09:00", "unit": "moths"}, "did you mean 'months'"),
        ({"at": "09:00", "every": 0}, "every of a calendar to be a number from 1 to 3650"),
        ({"at": "09:00", "every": True}, "every of a calendar"),
        ({"at": "09:00", "every": 11, "unit": "years", "start": "2026-01-01"}, "at most ten years"),
        ({"at": "09:00", "every": 2}, "say from when the days are counted, as start='2026-01-05'"),
        ({"at": "09:00", "unit": "weeks"}, "say from when the weeks are counted"),
        ({"at": "09:00", "start": "2026-02-30"}, "start of a calendar to be a date, got '2026-02-30'; day"),
        ({"at": "09:00", "start": datetime(2026, 1, 5)}, "times of the day go into at"),
        ({"at": "09:00", "start": 5}, "start of a calendar"),
        ({"at": "09:00", "on": "mon"}, "for weekdays, write unit='weeks'"),
        ({"at": "09:00", "unit": "weeks", "on": "mon,tuu"}, "got 'tuu'; did you mean 'tue'"),
        ({"at": "09:00", "unit": "weeks", "on": "1"}, "weekdays by their names"),
        ({"at": "09:00", "unit": "weeks", "on": []}, "1 to 100 days"),
        ({"at": "09:00", "unit": "months", "on": 32}, "a day that its month can have, got '32'"),
        ({"at": "09:00", "unit": "months", "on": 0}, "a day that its month can have, got '0'"),
        ({"at": "09:00", "unit": "months", "on": "6th mon"}, "a day that its month can have"),
        ({"at": "09:00", "unit": "months", "on": "first mon"}, "a day that its month can have"),
        ({"at": "09:00", "unit": "years", "on": "24"}, "a day and its month"),
        ({"at": "09:00", "unit": "years", "on": "30 feb"}, "a day that its year can have, got '30 feb'"),
        ({"at": "09:00", "unit": "years", "on": "24 dezember"}, "did you mean 'december'"),
    ],
)
def test_what_cannot_be_read_is_refused(given: dict[str, object], said: str) -> None:
    with pytest.raises(InvalidSchedule, match=said):
        calendar(**given)


def test_a_calendar_is_a_value() -> None:
    spec = calendar(2, "weeks", at=["17:00", "09:00"], on="thu,mon", start="2026-01-05")
    assert pickle.loads(pickle.dumps(spec)) == spec == eval(repr(spec))
    assert spec == calendar(2, "week", at="09:00, 17:00", on=["mon", "thu"], start=date(2026, 1, 5))
    assert spec != calendar(2, "weeks", at=["17:00", "09:00"], on="thu,mon", start="2026-01-12")
    assert len({spec, calendar(2, "weeks", at=["17:00", "09:00"], on="thu,mon", start="2026-01-05")}) == 1
    with pytest.raises(AttributeError):
        spec.every = 3
