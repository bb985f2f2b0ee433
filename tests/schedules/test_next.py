"""What must hold of next_fire for every spec and zone, and the choices around clock changes spelled out."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle import fits, offset
from specs_made import crontabs, instants, specs

from horarium.clock import to_datetime, to_instant
from horarium.errors import InvalidSchedule
from horarium.schedules import crontab
from horarium.schedules.next import Rules, count_fires, latest_fire, next_fire
from horarium.schedules.specs import Spec

ZONES = ["UTC", "America/New_York", "Australia/Lord_Howe", "Antarctica/Troll", "Africa/Casablanca", "Asia/Kathmandu"]
rules_made = st.builds(
    Rules,
    st.sampled_from(ZONES),
    instants,
    st.sampled_from(["shift", "keep", "skip"]),
    st.sampled_from(["first", "last", "both"]),
)


@given(specs, instants, rules_made)
def test_a_firing_is_strictly_later(spec: Spec, after: int, rules: Rules) -> None:
    found = next_fire(spec, after, **rules._asdict())
    assert found is None or found > after


@given(specs, instants, rules_made)
def test_nothing_lies_between_a_firing_and_the_next(spec: Spec, after: int, rules: Rules) -> None:
    found = next_fire(spec, after, **rules._asdict())
    if found is not None and found - after > 1:
        for earlier in (after + 1, (after + found) // 2, found - 1):
            assert next_fire(spec, earlier, **rules._asdict()) == found


@given(crontabs, instants, rules_made)
def test_a_firing_that_is_no_repair_fits_all_fields(spec: crontab, after: int, rules: Rules) -> None:
    found = next_fire(spec, after, **{**rules._asdict(), "dst_gap": "skip"})
    if found is not None:
        second = found // 1000
        assert fits(spec, second + offset(ZoneInfo(rules.zone), second))


@settings(max_examples=50)
@given(specs, instants, rules_made, st.integers(1, 40))
def test_counting_and_looking_back_agree_with_walking(spec: Spec, after: int, rules: Rules, steps: int) -> None:
    walked = [after]
    while len(walked) <= steps and (found := next_fire(spec, walked[-1], **rules._asdict())) is not None:
        walked.append(found)
    for until in (walked[-1], walked[-1] + (0 if len(walked) > steps else 10**9)):
        assert count_fires(spec, after, until, rules) == len(walked) - 1
        assert latest_fire(spec, after, until, rules) == (walked[-1] if len(walked) > 1 else None)


@pytest.mark.parametrize("name", ["Mars/Olympus", "", "../etc/passwd", "America", "a" * 500, "New\0York", None, 5])
def test_an_unknown_zone_is_refused(name: object) -> None:
    with pytest.raises(InvalidSchedule, match="expected the IANA name of a time zone"):
        next_fire(crontab(0, 6), 0, zone=name, anchor=0)


def test_an_unknown_zone_is_answered_with_the_nearest_name() -> None:
    with pytest.raises(InvalidSchedule, match="did you mean 'America/New_York'"):
        next_fire(crontab(0, 6), 0, zone="America/NewYork", anchor=0)


def test_the_29th_of_february_is_found_over_a_century_without_a_leap_day() -> None:
    spec = crontab(0, 0, day_of_month=29, month_of_year=2)
    assert to_datetime(next_fire(spec, at("UTC", "2096-03-01"), zone="UTC", anchor=0)).year == 2104


def test_a_date_that_never_falls_on_the_weekday_in_reach_ends_the_search() -> None:
    spec = crontab(0, 0, 0, 29, 2)  # a Sunday
    assert to_datetime(next_fire(spec, at("UTC", "2026-01-01"), zone="UTC", anchor=0)).year == 2032


def test_a_day_that_the_zone_left_out_is_not_found_by_a_search_that_goes_on_for_years() -> None:
    spec = crontab(0, 12, "sat", 31, 12)  # Kiritimati had no 31 December 1994
    found = firings(spec, "Pacific/Kiritimati", "1994-12-29 00:00", 1, dst_gap="skip")
    assert found[0].strftime("%Y-%m-%d") == "2005-12-31"


def test_the_end_of_the_calendar_is_the_end_of_all_schedules() -> None:
    assert next_fire(crontab(), at("UTC", "9998-01-01"), zone="America/New_York", anchor=0) is None


@pytest.mark.parametrize(
    ("gap", "expected"),
    [
        ("shift", ["2026-03-08 03:00", "2026-03-09 02:00", "2026-03-09 02:30"]),
        ("keep", ["2026-03-08 03:00", "2026-03-08 03:30", "2026-03-09 02:00"]),
        ("skip", ["2026-03-09 02:00", "2026-03-09 02:30", "2026-03-10 02:00"]),
    ],
)
def test_times_lost_in_a_gap_are_repaired_as_chosen(gap: str, expected: list[str]) -> None:
    found = firings(crontab("0,30", 2), "America/New_York", "2026-03-07 12:00", 3, dst_gap=gap)
    assert [moment.strftime("%Y-%m-%d %H:%M") for moment in found] == expected


@pytest.mark.parametrize(
    ("fold", "expected"),
    [
        ("first", ["01:30 EDT", "01:30 EST"]),
        ("last", ["01:30 EST", "01:30 EST"]),
        ("both", ["01:30 EDT", "01:30 EST"]),
    ],
)
def test_a_repeated_time_fires_as_chosen(fold: str, expected: list[str]) -> None:
    found = firings(crontab(30, 1), "America/New_York", "2026-10-31 12:00", 2, dst_fold=fold)
    assert [moment.strftime("%H:%M %Z") for moment in found] == expected
    assert (utc_gap(*found) == timedelta(hours=1)) == (fold == "both")


def test_a_shifted_firing_and_a_regular_one_at_the_same_instant_are_one() -> None:
    found = firings(crontab(0, "2,3"), "America/New_York", "2026-03-08 00:00", 2)
    assert [moment.strftime("%d %H:%M") for moment in found] == ["08 03:00", "09 02:00"]


def test_a_running_crontab_is_never_silent_in_a_repeated_hour() -> None:
    found = firings(crontab("*/15"), "America/New_York", "2026-11-01 00:00", 40)
    assert {utc_gap(a, b) for a, b in pairwise(found)} == {timedelta(minutes=15)}


def test_a_running_crontab_repairs_nothing_in_a_gap() -> None:
    found = firings(crontab("*/20", 2), "America/New_York", "2026-03-07 12:00", 1)
    assert found[0].strftime("%d %H:%M") == "09 02:00"


def test_equal_specs_share_one_calculation() -> None:
    from horarium.schedules.stretched import next_second

    before = next_second.cache_info().misses
    for hour in ("5", 5, [5], "5-5"):
        next_fire(crontab(59, hour), 123_456_000, zone="Europe/Berlin", anchor=hash(str(hour)))
    assert next_second.cache_info().misses == before + 1


def test_a_long_silence_is_counted_at_once() -> None:
    ten_years = 10 * 365 * 86_400_000
    rules = Rules("America/New_York")
    assert count_fires(crontab(), 0, ten_years, rules) == ten_years // 60_000
    assert latest_fire(crontab(), 0, ten_years, rules) == ten_years


def at(zone: str, text: str) -> int:
    return to_instant(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)))


def firings(spec: Spec, zone: str, start: str, count: int, **policy: str) -> list[datetime]:
    found, after = [], at(zone, start) - 1
    for _ in range(count):
        after = next_fire(spec, after, zone=zone, anchor=0, **policy)
        found.append(to_datetime(after).astimezone(ZoneInfo(zone)))
    return found


def utc_gap(earlier: datetime, later: datetime) -> timedelta:
    return timedelta(seconds=later.timestamp() - earlier.timestamp())
