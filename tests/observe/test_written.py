"""Specs in one line, as people write them, and back."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from horarium.errors import InvalidSchedule
from horarium.observe.written import read_exclusions, read_written, written_exclusions, written_of
from horarium.schedules.calendar import calendar
from horarium.schedules.clocked import clocked
from horarium.schedules.cron import cron
from horarium.schedules.crontab import crontab
from horarium.schedules.exclusions import dates
from horarium.schedules.interval import every
from horarium.schedules.recurrence import union, without
from horarium.schedules.solar import solar
from horarium.schedules.specs import Spec

SPECS: list[Spec] = [
    cron("*/5 8-18 * * mon-fri"),
    cron("@daily"),
    crontab(minute="30", hour="2,14", day_of_week="mon", month_of_year="1-6"),
    every(0.25),
    every(90),
    every(weeks=2),
    every(86_400.001),
    clocked(datetime(2027, 3, 28, 1, 0, tzinfo=UTC)),
    clocked(datetime(2027, 10, 31, 1, 30, tzinfo=UTC)),  # the second 02:30 in Berlin
    calendar(2, "weeks", at=["09:00", "17:30"], on=["mon", "thu"], start="2026-01-05"),
    calendar(1, "days", at="09:00"),
    solar("sunset", 52.5, -13.4),
]


@pytest.mark.parametrize("spec", SPECS, ids=repr)
def test_a_spec_written_and_read_is_the_same(spec: Spec) -> None:
    written = written_of(spec, "Europe/Berlin")
    assert written is not None
    assert read_written(*written, "Europe/Berlin") == spec


def test_several_in_one_are_no_line() -> None:
    assert written_of(union(every(60), cron("0 6 * * *")), "UTC") is None


def test_exclusions_are_taken_apart_and_read_back() -> None:
    excluded = without(cron("0 6 * * *"), dates("2026-12-24", "2026-12-31..2027-01-02"))
    taken = written_exclusions(excluded)
    assert taken is not None
    spec, days, country = taken
    assert (spec, country) == (cron("0 6 * * *"), "")
    assert without(spec, *read_exclusions(days, country)) == excluded
    assert written_exclusions(without(cron("0 6 * * *"), cron("* 6 1 * *"))) is None


@pytest.mark.parametrize(
    ("kind", "text", "said"),
    [
        ("every", "soon", "such as 5m"),
        ("every", "-5m", "from 0 to a hundred years"),
        ("every", "0s", "at least 0.001 s"),
        ("at", "tomorrow", "2027-03-28T02:30"),
        ("calendar", "now and then", "2 weeks at 09:00"),
        ("solar", "sunset Berlin", "sunset 52.5 13.4"),
        ("cron", "0 6 * *", "expected five fields"),
    ],
)
def test_what_is_no_such_line_is_told_what_one_is(kind: str, text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        read_written(kind, text, "Europe/Berlin")


def test_a_zone_that_is_none_is_told_of_a_moment() -> None:
    with pytest.raises(InvalidSchedule, match="IANA"):
        read_written("at", "2027-03-28T02:30", "Mars/Olympus")
