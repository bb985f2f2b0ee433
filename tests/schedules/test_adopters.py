"""The schedules that real adopters run, over a year with its clock changes."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, time
from zoneinfo import ZoneInfo

import pytest

from horarium.clock import to_datetime, to_instant
from horarium.schedules import crontab, every
from horarium.schedules.next import next_fire
from horarium.schedules.specs import Spec

NEW_YORK = ZoneInfo("America/New_York")
DAYS = 365
SUNDAYS, MONDAYS = 52, 52  # of 2026
GAP_DAY, FOLD_DAY = datetime(2026, 3, 8).date(), datetime(2026, 11, 1).date()

DAILY = [
    (crontab(hour=1, minute=0), time(1)),
    (crontab(hour=2, minute=0), time(2)),
    (crontab(minute=0, hour=3), time(3)),
    (crontab(minute=0, hour=4), time(4)),
    (crontab(minute=0, hour=6), time(6)),
    (crontab(minute=0, hour=7), time(7)),
    (crontab(minute=0, hour=9), time(9)),
    (crontab(hour=3, minute=30), time(3, 30)),
    (crontab(hour=6, minute=30), time(6, 30)),
]
WEEKLY = [
    (crontab(hour=2, minute=0, day_of_week=0), 6, time(2)),
    (crontab(hour=3, minute=0, day_of_week=0), 6, time(3)),
    (crontab(0, 4, "sun"), 6, time(4)),
    (crontab(0, 5, "mon"), 0, time(5)),
    (crontab(hour=9, minute=0, day_of_week=1), 0, time(9)),
]
RUNNING = [
    (crontab(minute="*"), DAYS * 1440),
    (crontab(minute="*/5"), DAYS * 288),
    (crontab(minute="*/10"), DAYS * 144),
    (crontab(minute="*/15"), DAYS * 96),
    (crontab(minute=0), DAYS * 24),
    (every(30), DAYS * 2880),
    (every(minutes=10), DAYS * 144),
    (every(hours=1), DAYS * 24),
]


@pytest.mark.parametrize(("spec", "at"), DAILY)
def test_a_daily_schedule_fires_once_a_day_at_its_local_time(spec: Spec, at: time) -> None:
    fires = year_of(spec)
    assert [fire.date() for fire in fires] == sorted(set(all_days()))
    assert {fire.time() for fire in fires if fire.date() != GAP_DAY} == {at}
    # 02:00 does not exist on the day of the gap: it fires at the first instant that does.
    assert {fire.time() for fire in fires if fire.date() == GAP_DAY} == {time(3) if at == time(2) else at}


@pytest.mark.parametrize(("spec", "weekday", "at"), WEEKLY)
def test_a_weekly_schedule_fires_once_a_week(spec: Spec, weekday: int, at: time) -> None:
    fires = year_of(spec)
    assert len(fires) == {6: SUNDAYS, 0: MONDAYS}[weekday]
    assert {fire.weekday() for fire in fires} == {weekday}
    assert Counter(fire.time() for fire in fires)[at] >= len(fires) - 1


@pytest.mark.parametrize(("spec", "expected"), RUNNING)
def test_a_running_schedule_fires_evenly_all_year(spec: Spec, expected: int) -> None:
    start, end = to_instant(datetime(2026, 1, 1, tzinfo=NEW_YORK)), to_instant(datetime(2027, 1, 1, tzinfo=NEW_YORK))
    step = (end - start) // expected
    for after in range(start - step, end - step, step * 97 if expected > 10_000 else step):
        assert next_fire(spec, after, zone="America/New_York", anchor=start - step) == after + step


def test_every_twelve_hours_follows_the_wall_clock_and_keeps_running() -> None:
    fires = year_of(crontab(hour="*/12", minute=0))
    assert len(fires) == 2 * DAYS
    assert {fire.time() for fire in fires} == {time(0), time(12)}


def test_every_two_hours_loses_only_what_the_gap_took() -> None:
    fires = year_of(crontab(minute=0, hour="*/2"))
    assert len(fires) == 12 * DAYS - 1  # no 02:00 on the day of the gap; 01:00, which is repeated, is not one of them
    assert Counter(fire.date() for fire in fires)[GAP_DAY] == 11


def test_the_first_of_the_month_is_once_a_month() -> None:
    fires = year_of(crontab(0, 0, day_of_month=1))
    assert [(fire.month, fire.day, fire.hour) for fire in fires] == [(month, 1, 0) for month in range(1, 13)]


def test_a_daily_time_in_the_repeated_hour_fires_once() -> None:
    assert Counter(fire.date() for fire in year_of(crontab(30, 1)))[FOLD_DAY] == 1


def year_of(spec: Spec) -> list[datetime]:
    fires, after = [], to_instant(datetime(2026, 1, 1, tzinfo=NEW_YORK)) - 1
    end = to_instant(datetime(2027, 1, 1, tzinfo=NEW_YORK))
    while (after := next_fire(spec, after, zone="America/New_York", anchor=0)) < end:
        fires.append(to_datetime(after).astimezone(NEW_YORK))
    return fires


def all_days() -> list[object]:
    return [fire.date() for fire in year_of(crontab(0, 12))]
