"""Intervals and one-off instants."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime, timedelta, timezone

import pytest

from horarium.clock import to_instant
from horarium.errors import InvalidSchedule
from horarium.schedules import clocked, every, schedule
from horarium.schedules.next import Rules, count_fires, latest_fire, next_fire

ANCHOR = to_instant(datetime(2026, 1, 1))
HOUR = 3_600_000


def test_an_interval_may_be_written_in_many_ways() -> None:
    ways = [every(5400), every(5400.0), every(timedelta(hours=1.5)), every(hours=1, minutes=30), schedule(5400)]
    assert len(set(ways)) == 1
    assert ways[0].run_every == timedelta(minutes=90)
    assert every(weeks=1, days=1, seconds=1).milliseconds == (8 * 86_400 + 1) * 1000
    assert schedule(timedelta(minutes=1), relative=True) == every(60)


@pytest.mark.parametrize("value", [0, -1, 0.0001, float("nan"), float("inf"), 1e300, True, "5", None, timedelta(0)])
def test_an_interval_must_be_a_positive_duration(value: object) -> None:
    with pytest.raises(InvalidSchedule, match=r"expected an interval of at least 0\.001 s, got "):
        every(value)


def test_an_interval_of_more_than_ten_years_is_refused() -> None:
    with pytest.raises(InvalidSchedule, match="at most ten years"):
        every(days=4000)


def test_a_duration_and_named_units_are_not_mixed() -> None:
    with pytest.raises(InvalidSchedule, match="one or the other"):
        every(5, minutes=1)


def test_an_interval_first_fires_one_interval_after_its_anchor() -> None:
    assert fires_after(every(hours=1), ANCHOR) == ANCHOR + HOUR
    assert fires_after(every(hours=1), ANCHOR - 10 * HOUR) == ANCHOR + HOUR


def test_an_interval_stays_on_its_line_whenever_it_is_asked() -> None:
    assert fires_after(every(hours=1), ANCHOR + HOUR) == ANCHOR + 2 * HOUR
    assert fires_after(every(hours=1), ANCHOR + HOUR - 1) == ANCHOR + HOUR
    assert fires_after(every(hours=1), ANCHOR + 1000 * HOUR + 5) == ANCHOR + 1001 * HOUR


def test_an_interval_follows_elapsed_time_through_clock_changes() -> None:
    before_change = to_instant(datetime(2026, 3, 8, 6, 30))
    assert fires_after(every(days=1), before_change, zone="America/New_York") == to_instant(datetime(2026, 3, 9))


def test_firings_of_an_interval_are_counted_and_found_without_walking() -> None:
    rules = Rules(anchor=ANCHOR)
    year = ANCHOR + 365 * 24 * HOUR
    assert count_fires(every(0.001), ANCHOR, year, rules) == year - ANCHOR
    assert latest_fire(every(7), ANCHOR, year, rules) == ANCHOR + (year - ANCHOR) // 7000 * 7000
    assert count_fires(every(hours=1), ANCHOR - HOUR, ANCHOR, rules) == 0
    assert latest_fire(every(hours=1), ANCHOR - HOUR, ANCHOR + HOUR - 1, rules) is None


def test_a_clocked_instant_fires_once() -> None:
    """Row 82."""
    spec = clocked(ANCHOR)
    assert fires_after(spec, ANCHOR - 1) == ANCHOR
    assert fires_after(spec, ANCHOR) is None
    assert count_fires(spec, ANCHOR - 1, ANCHOR, Rules()) == 1
    assert latest_fire(spec, 0, ANCHOR + 5, Rules()) == ANCHOR


def test_a_clocked_instant_may_be_a_datetime() -> None:
    plus_two = timezone(timedelta(hours=2))
    assert clocked(datetime(2026, 1, 1)) == clocked(datetime(2026, 1, 1, 2, tzinfo=plus_two)) == clocked(ANCHOR)
    assert clocked(ANCHOR).clocked_time == datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("value", ["2026-01-01", 1.5, None, True, -1, 10**18, datetime(9999, 12, 31)])
def test_what_is_not_an_instant_is_refused(value: object) -> None:
    with pytest.raises(InvalidSchedule, match="expected a datetime or UTC milliseconds"):
        clocked(value)


@pytest.mark.parametrize("spec", [every(5), every(days=400), clocked(ANCHOR)])
def test_they_are_values(spec: object) -> None:
    assert pickle.loads(pickle.dumps(spec)) == spec
    assert len({spec, pickle.loads(pickle.dumps(spec))}) == 1
    assert spec != 5
    with pytest.raises(AttributeError):
        spec.milliseconds = spec.instant = 5


def fires_after(spec: every | clocked, after: int, zone: str = "UTC") -> int | None:
    return next_fire(spec, after, zone=zone, anchor=ANCHOR)


@pytest.mark.parametrize("far", [1e25, timedelta.max, 0, -1, 315_360_001])
def test_an_interval_out_of_bounds_is_told_the_bounds(far: float | timedelta) -> None:
    with pytest.raises(InvalidSchedule, match=r"give at least 0\.001 s and at most ten years"):
        every(far)
