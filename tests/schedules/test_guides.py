"""Every schedule that the guides of five real adopters name, in the zones that they run in, over a year.

Judged by the walk of oracle.py through every minute of 2026: two clock changes in New York, none in UTC.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import UTC, datetime, time
from functools import cache
from itertools import islice, pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo

import pytest
from oracle import DAY, Walk, fits

from horarium.schedules import crontab, every
from horarium.schedules.next import Rules, count_fires, next_fire
from horarium.schedules.specs import Spec

START, END = (int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) for year in (2026, 2027))
ZONES = ("UTC", "America/New_York")
GAPS = (datetime(2026, 3, 8).date(),)  # of New York
FOLDS = (datetime(2026, 11, 1).date(),)
SUNDAY, MONDAY = 6, 0


class Entry(NamedTuple):
    guide: str
    entry: str
    spec: crontab
    zone: str


# Where a guide says "daily at 2" without a zone, it is read in both.
ENTRIES = [
    Entry("000", "wikidata ingestion, daily at 2:00 UTC", crontab(hour=2, minute=0), "UTC"),
    Entry("000", "TMDb refresh, Sunday 3:00 UTC", crontab(hour=3, minute=0, day_of_week=0), "UTC"),
    Entry("000", "statistics, daily at 1:00 UTC", crontab(hour=1, minute=0), "UTC"),
    Entry("000", "sessions, daily at 4:00 UTC", crontab(hour=4, minute=0), "UTC"),
    Entry("000", "tokens, Monday 5:00 UTC", crontab(hour=5, minute=0, day_of_week="monday"), "UTC"),
    Entry("000", "health check, every hour on the hour", crontab(minute=0), "UTC"),
    Entry("000", "a task of one's own, 6:30", crontab(hour=6, minute=30), "UTC"),
    Entry("001", "purges, hourly", crontab(minute=0), "UTC"),
    Entry("001", "purge retries, every 5 minutes", crontab(minute="*/5"), "UTC"),
    Entry("001", "stuck runs, every 10 minutes", crontab(minute="*/10"), "UTC"),
    Entry("001", "idempotency keys, daily at 3", crontab(minute=0, hour=3), "America/New_York"),
    Entry("001", "callback receipts, Sunday 4", crontab(minute=0, hour=4, day_of_week="sun"), "America/New_York"),
    Entry("001", "sessions, daily at 2", crontab(minute=0, hour=2), "America/New_York"),
    Entry("002", "storage, daily at 2:00 UTC", crontab(hour=2, minute=0), "UTC"),
    Entry("002", "3:30", crontab(hour=3, minute=30), "UTC"),
    Entry("002", "every 12 hours", crontab(hour="*/12", minute=0), "UTC"),
    Entry("002", "Sunday 2:00", crontab(hour=2, minute=0, day_of_week=0), "UTC"),
    Entry("002", "Monday 9:00", crontab(hour=9, minute=0, day_of_week=1), "UTC"),
    Entry("002", "every minute", crontab(minute="*"), "UTC"),
    Entry("003", "scrape, daily at 6:00 Eastern", crontab(minute=0, hour=6), "America/New_York"),
    Entry("003", "daily at 7:00 Eastern", crontab(minute=0, hour=7), "America/New_York"),
    Entry("003", "every 15 minutes", crontab(minute="*/15"), "America/New_York"),
    Entry("003", "every 2 hours", crontab(minute=0, hour="*/2"), "America/New_York"),
    Entry("003", "Mondays at 8", crontab(minute=0, hour=8, day_of_week="mon"), "America/New_York"),
    Entry("003", "the 1st at 6:30", crontab(minute=30, hour=6, day_of_month=1), "America/New_York"),
    Entry("004", "reminders, daily at 9", crontab("0", "9", "*", "*", "*"), "America/New_York"),
    Entry("004", "notifications, Sunday 2", crontab(minute=0, hour=2, day_of_week="sunday"), "America/New_York"),
]

AT_ONE_TIME = [entry for entry in ENTRIES if entry.spec.is_fixed and len(entry.spec.hour) == 1]


class LongWalk(Walk):
    """A walk of a million minutes, which looks only at those whose time of day can fit."""

    def __init__(self, zone: str) -> None:
        super().__init__(zone, START, END)
        self.by_time: dict[int, list[int]] = defaultdict(list)
        for wall in {*self.passes, *(wall for _, _, lost in self.gaps for wall in lost)}:
            self.by_time[wall % DAY].append(wall)

    def fitting(self, spec: crontab) -> set[int]:
        times = [hour * 3600 + minute * 60 for hour in spec.hour for minute in spec.minute]
        return {wall for at in times for wall in self.by_time[at] if fits(spec, wall)}


@cache
def walk(zone: str) -> LongWalk:
    return LongWalk(zone)


@cache
def fires(spec: Spec, zone: str) -> tuple[int, ...]:
    """Return the seconds of the year at which it fires, by the rules under test."""
    found, after = [], START * 1000 - 1
    while (after := next_fire(spec, after, zone=zone, anchor=0) or END * 1000) < END * 1000:
        found.append(after // 1000)
    return tuple(found)


def local(spec: Spec, zone: str) -> list[datetime]:
    return [datetime.fromtimestamp(second, ZoneInfo(zone)) for second in fires(spec, zone)]


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: f"{entry.guide}: {entry.entry}")
@pytest.mark.parametrize("zone", ZONES)
def test_an_adopters_schedule_fires_as_the_minutes_of_a_year_say(entry: Entry, zone: str) -> None:
    """Rows 71 to 76 and 79."""
    expected = walk(zone).fires(entry.spec, "shift", "first")
    if len(expected) < 300_000:
        assert list(fires(entry.spec, zone)) == expected
    else:
        for earlier, later in islice(pairwise(expected), None, None, 97):
            assert next_fire(entry.spec, earlier * 1000, zone=zone, anchor=0) == later * 1000
    assert count_fires(entry.spec, START * 1000 - 1, END * 1000 - 1, Rules(zone)) == len(expected)


@pytest.mark.parametrize("entry", AT_ONE_TIME, ids=lambda entry: f"{entry.guide}: {entry.entry}")
def test_a_fixed_one_fires_once_on_each_of_its_days(entry: Entry) -> None:
    """Rows 35 and 80."""
    (at,) = {time(hour, minute) for hour in entry.spec.hour for minute in entry.spec.minute}
    days = local(entry.spec, entry.zone)
    assert max(Counter(fire.date() for fire in days).values()) == 1
    shifted = [fire for fire in days if fire.time() != at]
    # 02:00 to 03:00 does not exist on two nights in New York: there it fires at the first instant that does.
    assert all(fire.time() == time(3) and fire.date() in GAPS for fire in shifted)
    assert bool(shifted) == (entry.zone == "America/New_York" and at == time(2))


@pytest.mark.parametrize(("spec", "seconds"), [(every(30), 30), (every(minutes=10), 600), (every(hours=1), 3600)])
@pytest.mark.parametrize("zone", ZONES)
def test_an_interval_never_notices_a_clock_change(spec: every, seconds: int, zone: str) -> None:
    """Row 81."""
    anchor = START * 1000
    assert count_fires(spec, anchor, END * 1000, Rules(zone, anchor)) == (END - START) // seconds
    for day in (*GAPS, *FOLDS):
        around = int(datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).timestamp())
        for moment in range(around, around + 86_400, seconds):
            assert next_fire(spec, moment * 1000, zone=zone, anchor=anchor) == (moment + seconds) * 1000


def test_weekly_ones_fire_on_their_weekday_only() -> None:
    """Row 75."""
    weekly = [entry for entry in ENTRIES if len(entry.spec.day_of_week) == 1]
    wanted = {"0": SUNDAY, "1": MONDAY}
    for entry in weekly:
        (day,) = entry.spec.day_of_week
        found = local(entry.spec, entry.zone)
        assert {fire.weekday() for fire in found} == {wanted[str(day)]}
        assert len(found) in (52, 53)


def test_in_the_repeated_hour_a_daily_one_fires_once_and_a_running_one_in_both_passes() -> None:
    daily = Counter(fire.date() for fire in local(crontab(hour=1, minute=30), "America/New_York"))
    running = Counter(fire.date() for fire in local(crontab(minute="*/15"), "America/New_York"))
    assert {daily[day] for day in FOLDS} == {1}
    assert {running[day] for day in FOLDS} == {100}
    assert {running[day] for day in GAPS} == {92}
