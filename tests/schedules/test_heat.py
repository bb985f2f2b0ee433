"""How busy the hours to come are: the same as walking through every firing, at a bounded price."""

from __future__ import annotations

from collections import Counter

import pytest

from horarium.schedules import heat as module
from horarium.schedules import policy
from horarium.schedules.cron import cron
from horarium.schedules.entries import read_entry
from horarium.schedules.heat import HOUR, MINUTE, heat_of, quiet_minutes
from horarium.schedules.interval import every
from horarium.schedules.preview import expected_of_all
from horarium.schedules.record import Schedule
from horarium.schedules.specs import Spec

NOW = 1_806_192_000_000  # 2027-03-28 00:00 UTC: in an hour the clocks of Berlin go forward


def made(name: str, spec: Spec, *, now: int = NOW - HOUR, **keys: object) -> Schedule:
    read = read_entry(name, {"task": "t", "schedule": spec, **keys}, timezone="Europe/Berlin", now=now)
    return policy.create(read, now=now)


def some() -> list[Schedule]:
    return [
        made("nightly", cron("30 2 * * *")),
        made("nightly too", cron("30 2 * * *")),
        made("hours", cron("0 * * * *"), spread=600),
        made("quarter", every(900)),
        made("another quarter", every(900), now=NOW - HOUR - 5000),
        made("till tomorrow", cron("*/10 * * * *"), end=NOW + 20 * HOUR),
        made("later", cron("0 */2 * * *"), start=NOW + 30 * HOUR),
        made("off", cron("* * * * *"), enabled=False),
    ]


def test_the_sums_are_those_of_every_single_firing() -> None:
    heat = heat_of(some(), NOW, 48)
    walked = list(expected_of_all(some(), NOW, NOW + 48 * HOUR))
    hours = Counter((each.at - NOW) // HOUR for each in walked)
    assert heat.hours == [hours[hour] for hour in range(48)]
    assert heat.minutes == Counter(each.at - each.at % MINUTE for each in walked)
    assert (heat.schedules, heat.frequent, heat.total) == (7, 0, len(walked))


@pytest.mark.parametrize(("most_walked", "most_counted", "spread"), [(200, 1000, 0), (200, 0, 6)])
def test_what_is_not_walked_through_is_counted_all_the_same(
    monkeypatch: pytest.MonkeyPatch, most_walked: int, most_counted: int, spread: int
) -> None:
    monkeypatch.setattr(module, "MOST_WALKED", most_walked)
    monkeypatch.setattr(module, "MOST_COUNTED", most_counted)
    often = [made(f"often {number}", every(10), now=NOW - HOUR - number) for number in range(3)]
    heat = heat_of([*some(), *often], NOW, 48)
    assert heat.total == sum(1 for _ in expected_of_all([*some(), *often], NOW, NOW + 48 * HOUR))
    assert sum(heat.hours) <= most_walked
    assert heat.frequent >= 5
    assert (heat.spread > 0) == (spread > 0)


def test_nothing_before_a_moment_is_counted() -> None:
    heat = heat_of([made("quarter", every(900))], NOW, 2, since=NOW + 31 * MINUTE)
    assert heat.hours == [1, 4]


def test_peaks_name_who_fires_in_them() -> None:
    heat = heat_of(some(), NOW, 24)
    busiest = heat.busiest(3)
    assert busiest[0].count == max(heat.minutes.values())
    [night] = [each for each in heat.busiest(100) if {"nightly", "nightly too"} <= set(each.names)]
    assert night.at == NOW + HOUR  # 03:00 CEST: 02:30 does not exist
    assert heat.peaks()[1] >= night.count


def test_quiet_minutes_are_near_and_empty() -> None:
    heat = heat_of(some(), NOW, 24)
    around = NOW + 2 * HOUR
    quiet = quiet_minutes(heat, around)
    assert len(quiet) == 3
    assert quiet == sorted(quiet)
    assert all(heat.minutes[at] == 0 and 0 < abs(at - around) <= 30 * MINUTE for at in quiet)


def test_quiet_minutes_are_quieter_than_the_busy_one_and_not_before_a_moment() -> None:
    crowd = [made(f"at {minute}", cron(f"{minute} * * * *"), now=NOW - HOUR) for minute in range(60)]
    even = heat_of(crowd, NOW, 2)
    assert quiet_minutes(even, NOW + 45 * MINUTE) == []
    busy = heat_of([*crowd[:3], *crowd[:3]], NOW, 2)
    assert min(quiet_minutes(busy, NOW + MINUTE, since=NOW + 5 * MINUTE)) == NOW + 5 * MINUTE


def test_equal_schedules_cost_one_calculation() -> None:
    heat = heat_of([made(f"tenant {number}", cron("*/5 * * * *"), now=NOW - number) for number in range(500)], NOW, 24)
    assert len(heat.lines) == 1
    assert heat.total == 500 * 24 * 12
