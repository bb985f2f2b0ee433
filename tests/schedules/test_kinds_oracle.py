"""Every kind, united and with exclusions, against the oracle: around clock changes, and day by day over 68 years."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from datetime import date, timedelta
from random import Random
from zoneinfo import available_timezones

import pytest
from hypothesis import given, settings
from oracle import DAY, Turn, Walk, fits_calendar, fits_day, turns
from specs_made import calendars, crons
from test_next_oracle import NOTED, POLICIES, shapes

from horarium.clock import to_datetime
from horarium.errors import InvalidSchedule
from horarium.schedules import calendar, clocked, cron, crontab, dates, every, union, without
from horarium.schedules.next import Rules, count_fires, fires_between, latest_fire, next_fire
from horarium.schedules.specs import Spec

WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
CASES = 100_000  # of the long form: (spec, zone, instant)
PARTS = 8


@pytest.mark.parametrize(("zone", "year"), NOTED.items())
def test_all_kinds_agree_with_the_oracle_at_the_noted_changes(zone: str, year: int) -> None:
    for turn in {turn.shape: turn for turn in turns([zone], year, year)}.values():
        judge(turn, some=6)


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("part", range(PARTS))
def test_a_hundred_thousand_cases_of_all_kinds_agree_with_the_oracle(part: int) -> None:
    cases, seed = 0, 0
    while cases < CASES // PARTS:
        for turn in shapes(first_year=1970, zones=tuple(sorted(available_timezones())))[part::PARTS]:
            cases += judge(turn, some=6, seed=seed)
        seed += 1
    print(f"{cases} cases")


@settings(max_examples=60)
@given(crons)
def test_the_days_of_a_cron_line_are_those_that_its_words_mean(spec: cron) -> None:
    for day in every_day(2019, 2030):
        is_day = day.month in spec.month_of_year and fits_day(spec, day)
        assert (day.day in spec.days(day.year, day.month)) == is_day, day


@settings(max_examples=60)
@given(calendars)
def test_the_days_of_a_calendar_are_those_that_its_words_mean(spec: calendar) -> None:
    first = max(spec.start.year - 1, 1970)
    for day in every_day(first, first + 9):
        assert (day.day in spec.days(day.year, day.month)) == fits_calendar(spec, day), day


def judge(turn: Turn, some: int, seed: int = 0) -> int:
    """Compare specs at random instants around a change; return how many instants were asked about."""
    random = Random(f"{turn}{seed}")
    walk = Walk(turn.zone, turn.at - 3 * DAY, turn.at + 3 * DAY)
    start, end = walk.start + DAY + 3600, walk.end - DAY - 3600
    asked = 0
    for spec in specs_around(turn, random, some):
        gap, fold = random.choice(POLICIES)
        fires, rules = walk.fires(spec, gap, fold), Rules(turn.zone, 0, gap, fold)
        said = f"{spec!r} {gap} {fold} around {turn}"
        for _ in range(12):
            after = random.randrange(start, end)
            found = next_fire(spec, after * 1000, **rules._asdict())
            later = fires[bisect_right(fires, after) :]
            if later and later[0] <= end:
                assert found == later[0] * 1000, f"{said} after {after}"
            else:
                assert found is None or found > end * 1000, f"{said} after {after}"
            asked += 1
        expected = [second * 1000 for second in fires[bisect_right(fires, start) : bisect_left(fires, end + 1)]]
        assert list(fires_between(spec, start * 1000, end * 1000, rules)) == expected, said
        assert count_fires(spec, start * 1000, end * 1000, rules) == len(expected), said
        assert latest_fire(spec, start * 1000, end * 1000, rules) == (expected[-1] if expected else None), said
    return asked


def specs_around(turn: Turn, random: Random, some: int) -> list[Spec]:
    found: list[Spec] = []
    while len(found) < some:
        try:
            found.append(made(turn, random, depth=random.choice([0, 0, 1, 2])))
        except InvalidSchedule:  # 31 April
            continue
    return found


def made(turn: Turn, random: Random, depth: int) -> Spec:
    if depth == 0:
        return random.choice([a_cron, a_cron, a_calendar, a_calendar, a_crontab, an_interval, an_instant])(turn, random)
    if random.random() < 0.4:
        return union(*(made(turn, random, depth - 1) for _ in range(random.choice([2, 3]))))
    return without(made(turn, random, depth - 1), *(an_exclusion(turn, random) for _ in range(random.choice([1, 2]))))


def a_time(turn: Turn, random: Random) -> tuple[str, str]:
    hour, minute = turn.local.hour, turn.local.minute
    return (
        random.choice([f"{minute}", "0", "30", "*/20", "5-59/10", f"{minute},59", "*", "50-10"]),
        random.choice([f"{hour}", f"{(hour + 1) % 24}", "*", "*/3", "22-3", "0-23", f"{hour},{(hour - 1) % 24}"]),
    )


def a_cron(turn: Turn, random: Random) -> cron:
    day, weekday = turn.local.day, turn.local.isoweekday() % 7
    minute, hour = a_time(turn, random)
    days = random.choice(["*", "*", f"{day}", "L", f"{1 + day % 28},L", "*/2", "1-31/3"])
    months = random.choice(["*", "*", "1-12/2", f"{turn.local.month}", turn.local.strftime("%b")])
    nth = (day + 6) // 7
    weekdays = random.choice(["*", "*", f"{weekday}", "sat-mon", f"{weekday}#{nth}", f"{weekday}L", "1,3#1,5l"])
    return cron(f"{minute} {hour} {days} {months} {weekdays}")


def a_crontab(turn: Turn, random: Random) -> crontab:
    minute, hour = a_time(turn, random)
    return crontab(minute, hour, day_of_week=random.choice(["*", "sat-mon"]))


def a_calendar(turn: Turn, random: Random) -> calendar:
    at = {f"{random.choice([turn.local.hour, (turn.local.hour + 1) % 24, 0]):02}:{random.choice([0, 15, 30]):02}"}
    at.add(random.choice(["23:59", "12:00", f"{turn.local.hour:02}:{turn.local.minute:02}"]))
    start = turn.local.date() - timedelta(days=random.choice([0, 1, 2, 14, 365]))
    start = max(start, date(1970, 1, 1))
    weekday = WEEKDAYS[turn.local.isoweekday() % 7]
    unit, on = random.choice(
        [
            ("days", None),
            ("weeks", None),
            ("weeks", f"{weekday},mon"),
            ("months", [turn.local.day, "last"]),
            ("months", f"last {weekday}, 2nd {weekday}"),
            ("years", [f"{turn.local.day} {turn.local.strftime('%b')}", "last feb"]),
        ]
    )
    return calendar(random.choice([1, 1, 2, 3]), unit, at=at, on=on, start=start)


def an_interval(turn: Turn, random: Random) -> every:
    return every(random.choice([60, 420, 3600, 5400, 86_400, 7777]))


def an_instant(turn: Turn, random: Random) -> clocked:
    return clocked(max(0, turn.at + random.randrange(-DAY, DAY)) * 1000)


def an_exclusion(turn: Turn, random: Random) -> dates | crontab | cron | calendar:
    if random.random() < 0.5:
        return random.choice([a_cron, a_crontab, a_calendar])(turn, random)
    day = to_datetime(max(0, turn.at) * 1000).date()
    return dates(max(day + timedelta(days=random.choice([-1, 0, 1])), date(1970, 1, 1)))


def every_day(first_year: int, last_year: int) -> list[date]:
    start = date(first_year, 1, 1)
    return [start + timedelta(days=n) for n in range((date(last_year + 1, 1, 1) - start).days)]
