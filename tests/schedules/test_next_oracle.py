"""next_fire against the oracle, over what the zone database has to offer."""

from __future__ import annotations

from bisect import bisect_right
from functools import cache
from random import Random
from zoneinfo import available_timezones

import pytest
from oracle import DAY, Turn, Walk, turns

from horarium.schedules.crontab import crontab
from horarium.schedules.next import Rules, count_fires, latest_fire, next_fire

# 30 minutes, 2 hours, negative DST, months of Ramadan, gaps at midnight, at 00:01 and of a whole day, odd seconds.
NOTED = {
    "America/New_York": 2026,
    "Europe/London": 1971,
    "Australia/Lord_Howe": 2024,
    "Antarctica/Troll": 2025,
    "Europe/Dublin": 2026,
    "Africa/Casablanca": 2026,
    "America/Sao_Paulo": 2018,
    "Asia/Beirut": 2023,
    "America/St_Johns": 2006,
    "Pacific/Apia": 2011,
    "Pacific/Kwajalein": 1993,
    "Africa/Monrovia": 1972,
    "Antarctica/Casey": 2020,
    "Asia/Gaza": 2011,
    "Asia/Pyongyang": 2018,
    "America/Caracas": 2016,
}
POLICIES = [("shift", "first"), ("keep", "last"), ("skip", "both"), ("shift", "both"), ("keep", "first")]


@pytest.mark.parametrize(("zone", "year"), NOTED.items())
def test_the_noted_changes_agree_with_the_oracle(zone: str, year: int) -> None:
    found = list(turns([zone], year - 1, year + 1))
    assert found
    for turn in {turn.shape: turn for turn in found}.values():
        compare(turn, specs_around(turn, Random(str(turn)), some=10), POLICIES)


def test_a_change_of_each_hundredth_shape_agrees_with_the_oracle() -> None:
    for turn in shapes(first_year=1990, zones=tuple(sorted(available_timezones())[::20])):
        random = Random(str(turn))
        compare(turn, specs_around(turn, random, some=3), random.sample(POLICIES, 2), days=2)


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("part", range(8))
def test_every_shape_of_change_since_1970_agrees_with_the_oracle(part: int) -> None:
    for turn in shapes(first_year=1970, zones=tuple(sorted(available_timezones())))[part::8]:
        compare(turn, specs_around(turn, Random(str(turn)), some=25), POLICIES)


@cache  # it looks at all zones' days of many years
def shapes(first_year: int, zones: tuple[str, ...]) -> list[Turn]:
    """One change of each shape."""
    return sorted({turn.shape: turn for turn in turns(zones, first_year, 2037)}.values())


def compare(turn: Turn, specs: list[crontab], policies: list[tuple[str, str]], days: int = 3) -> None:
    walk = Walk(turn.zone, turn.at - days * DAY, turn.at + days * DAY)
    # The walk cannot know what lies beyond its edges: a day there is only context.
    start, end = walk.start + DAY + 3600, walk.end - DAY - 3600
    for spec in specs:
        for gap, fold in policies:
            fires = walk.fires(spec, gap, fold)
            expected = fires[bisect_right(fires, start) : bisect_right(fires, end)]
            rules = Rules(turn.zone, 0, gap, fold)
            said = f"{spec!r} {gap} {fold} around {turn}"
            assert iterate(spec, start, end, rules) == expected, said
            assert count_fires(spec, start * 1000, end * 1000, rules) == len(expected), said
            latest = latest_fire(spec, start * 1000, end * 1000, rules)
            assert latest == (expected[-1] * 1000 if expected else None), said


def iterate(spec: crontab, start: int, end: int, rules: Rules) -> list[int]:
    found, after = [], start * 1000
    while (after := next_fire(spec, after, **rules._asdict())) is not None and after <= end * 1000:
        found.append(after // 1000)
    return found


def specs_around(turn: Turn, random: Random, some: int) -> list[crontab]:
    """Crontabs that have something to say around a change: everyday ones, and ones made up for its hour."""
    hour, minute = turn.local.hour, turn.local.minute
    day, weekday = turn.local.day, turn.local.isoweekday() % 7
    everyday = [
        crontab(minute=0, hour=0),
        crontab(minute=0, hour="*/2"),
        crontab(minute="*/15"),
        crontab(minute=30, hour=[hour, (hour + 1) % 24, (hour - 1) % 24]),
        crontab(minute="0,30", hour="0-23"),
    ]
    return everyday + [
        crontab(
            minute=random.choice([minute, "0", "30", "*/20", "5-59/10", f"{minute},59", "*"]),
            hour=random.choice([hour, (hour + 1) % 24, "*", "*/3", "22-3", "0-23", f"{hour},{(hour - 1) % 24}"]),
            day_of_month=random.choice(["*", "*", day, f"{day},{1 + day % 28}"]),
            day_of_week=random.choice(["*", "*", weekday, "sat-mon"]),
        )
        for _ in range(some)
    ]
