"""Unions and exclusions."""

from __future__ import annotations

import pickle
import time
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from horarium.clock import to_datetime, to_instant
from horarium.errors import InvalidSchedule
from horarium.schedules import calendar, clocked, cron, crontab, dates, every, solar, union, without
from horarium.schedules.next import Rules, count_fires, fires_between, latest_fire, next_fire
from horarium.schedules.policy import create
from horarium.schedules.record import Schedule
from horarium.schedules.specs import Spec, to_record

NEW_YORK = "America/New_York"
HOUR, DAY = 3_600_000, 86_400_000
RULES = Rules(NEW_YORK)


def at(text: str, zone: str = NEW_YORK) -> int:
    return to_instant(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)))


def local(spec: Spec, start: str, end: str, rules: Rules = RULES) -> list[str]:
    found = fires_between(spec, at(start) - 1, at(end), rules)
    return [to_datetime(each).astimezone(ZoneInfo(rules.zone)).strftime("%m-%d %H:%M") for each in found]


class TestUnion:
    def test_what_several_members_share_fires_once(self) -> None:
        spec = crontab(0, "6,12") | crontab(0, "12,18") | cron("0 12 * * *")
        assert local(spec, "2026-06-01", "2026-06-02") == ["06-01 06:00", "06-01 12:00", "06-01 18:00"]
        assert count_fires(spec, at("2026-06-01"), at("2026-06-02"), RULES) == 3

    def test_fixed_and_running_members_keep_their_ways_through_a_gap(self) -> None:
        spec = crontab(30, 2) | crontab("*/30", "1-3")
        assert local(spec, "2026-03-08 01:00", "2026-03-08 04:00") == [
            "03-08 01:00",
            "03-08 01:30",
            "03-08 03:00",  # the fixed one is shifted to where the running one fires
            "03-08 03:30",
        ]

    def test_instants_may_be_listed(self) -> None:
        days = [datetime(2026, 6, day, 12) for day in (3, 1, 2)]
        spec = union(*(clocked(to_instant(day)) for day in days))
        assert [to_datetime(each).day for each in fires_between(spec, 0, at("2027-01-01"), RULES)] == [1, 2, 3]
        assert next_fire(spec, to_instant(days[0]), zone="UTC", anchor=0) is None

    def test_an_interval_and_a_crontab_are_counted_without_what_they_share(self) -> None:
        spec = every(hours=1) | crontab(0, 6)
        start = at("2026-06-01")
        assert count_fires(spec, start, start + 30 * DAY, Rules(NEW_YORK, 0)) == 30 * 24
        assert count_fires(spec, start, start + 30 * DAY, Rules(NEW_YORK, 1000)) == 30 * 24 + 30

    def test_order_and_grouping_do_not_matter(self) -> None:
        a, b, c = crontab(0, 6), every(30), clocked(5)
        assert (a | b) | c == a | (b | c) == union(c, b, a, a)
        assert len({a | b, b | a, union(a, b)}) == 1
        assert a | b != a | c

    @pytest.mark.parametrize("members", [(), (5,), (crontab(), "0 6 * * *"), (dates("2026-01-01"),)])
    def test_what_is_no_spec_is_refused(self, members: tuple[object, ...]) -> None:
        with pytest.raises(InvalidSchedule, match="expected a "):
            union(*members)

    def test_there_are_bounds(self) -> None:
        with pytest.raises(InvalidSchedule, match="1 to 100 specs, got 101"):
            union(*(clocked(n) for n in range(101)))
        spec: Spec = crontab(0, 6)
        with pytest.raises(InvalidSchedule, match="at most 6 deep"):
            for n in range(8):
                spec = (spec | every(n + 1)) - dates("2026-01-01")

    def test_an_operator_refuses_what_it_does_not_know(self) -> None:
        with pytest.raises(TypeError):
            crontab() | 30
        with pytest.raises(TypeError):
            crontab() - "2026-12-24"


class TestWithout:
    def test_dates_are_those_of_the_zone(self) -> None:
        spec = crontab(0, "2,22") - dates("2026-06-02")
        assert local(spec, "2026-06-01 12:00", "2026-06-03 12:00") == ["06-01 22:00", "06-03 02:00"]
        tokyo = Rules("Asia/Tokyo")
        assert local(spec, "2026-06-01 08:00", "2026-06-02 20:00", tokyo) == ["06-01 22:00", "06-03 02:00"]

    def test_minutes_of_a_window_are_left_out(self) -> None:
        spec = crontab("*/30") - cron("* 9-16 * * mon-fri")
        assert local(spec, "2026-06-01 08:15", "2026-06-01 17:15") == ["06-01 08:30", "06-01 17:00"]
        assert len(local(spec, "2026-06-06 08:15", "2026-06-06 17:15")) == 18  # a Saturday

    def test_an_interval_loses_the_whole_minute(self) -> None:
        spec = every(20) - crontab(1)
        rules = Rules("UTC", 0)
        found = list(fires_between(spec, 0, 180_000, rules))
        assert found == [20_000, 40_000, 120_000, 140_000, 160_000, 180_000]
        assert count_fires(spec, 0, 180_000, rules) == 6
        assert latest_fire(spec, 0, 119_999, rules) == 40_000

    def test_the_instant_decides_and_not_the_time_that_a_gap_took(self) -> None:
        days = "2026-03-07", "2026-03-09 12:00"
        assert local(crontab(30, 2) - crontab("*", 2), *days) == ["03-08 03:00"]
        assert local(crontab(30, 2) - crontab("*", 3), *days) == ["03-07 02:30", "03-09 02:30"]

    def test_a_union_loses_in_all_its_members(self) -> None:
        spec = (crontab(0, 6) | every(hours=12) | clocked(at("2026-06-02 15:00"))) - dates("2026-06-02")
        assert local(spec, "2026-06-01", "2026-06-03 12:00") == [
            "06-01 06:00",
            "06-01 08:00",
            "06-01 20:00",
            "06-03 06:00",
            "06-03 08:00",
        ]

    def test_a_member_may_lose_alone(self) -> None:
        spec = (crontab(0, 6) - dates("2026-06-02")) | crontab(0, 7)
        assert local(spec, "2026-06-02", "2026-06-03") == ["06-02 07:00"]

    def test_exclusions_add_up_in_any_order(self) -> None:
        a, b = dates("2026-12-24"), cron("* 22-4 * * *")
        assert (crontab() - a) - b == without(crontab(), b, a)
        assert crontab() - (cron("@daily") | crontab(5)) == without(crontab(), cron("@daily"), crontab(5))

    @pytest.mark.parametrize("excluded", [every(5), clocked(5), "2026-01-01", None, crontab() - dates("2026-01-01")])
    def test_what_excludes_no_minutes_or_days_is_refused(self, excluded: object) -> None:
        with pytest.raises(InvalidSchedule, match="expected an exclusion to be dates"):
            without(crontab(), excluded)

    def test_without_anything_excluded_it_is_refused(self) -> None:
        with pytest.raises(InvalidSchedule, match="1 to 100 exclusions"):
            without(crontab())
        with pytest.raises(InvalidSchedule, match="expected a spec"):
            without(5, dates("2026-01-01"))


@pytest.mark.parametrize(
    "spec",
    [
        crontab(0, 6) | every(30),
        crontab(0, 6) - dates("2026-12-24", ("2026-07-01", "2026-07-31")) - cron("@hourly"),
        (calendar(at="09:00") | solar("sunset", 52, 13)) - crontab("*", 22),
    ],
)
def test_they_are_values(spec: Spec) -> None:
    assert pickle.loads(pickle.dumps(spec)) == spec == eval(repr(spec))
    assert hash(pickle.loads(pickle.dumps(spec))) == hash(spec)
    with pytest.raises(AttributeError, match="make a new one"):
        spec.members = ()


NEVER = [
    crontab("*/2") - crontab("*/2"),
    every(120) - crontab("*/2"),
    every(0.001) - crontab(),
    crontab() - dates("2026-01-01..2090-12-31"),
    (crontab(0, 6) | every(days=1)) - crontab(),
    cron("0 0 29 2 */7") - dates("2020-01-01..2085-01-01"),
    calendar(10, "years", at="00:00", on="29 feb", start="2027-01-01"),
]


@pytest.mark.parametrize("spec", NEVER)
def test_what_never_fires_is_found_out_in_bounded_time(spec: Spec) -> None:
    began = time.process_time()
    assert next_fire(spec, at("2026-06-01"), zone=NEW_YORK, anchor=at("2026-06-01")) is None
    assert time.process_time() - began < 5.0  # of the processor, here 0.2 s; a walk by minutes would take a minute


@pytest.mark.parametrize("spec", NEVER)
def test_what_never_fires_is_refused_when_it_is_stored(spec: Spec) -> None:
    fields = {"id": "1", "name": "never", "task": "t", "anchor": 0, "created": 0, "changed": 0}
    wanted = Schedule(**fields, spec=to_record(spec), timezone=NEW_YORK)
    with pytest.raises(InvalidSchedule, match="expected a schedule that fires within ten years, got "):
        create(wanted, now=at("2026-06-01"))


def test_a_year_of_silence_is_counted_and_looked_back_on_at_once() -> None:
    start = at("2026-01-01")
    end = at("2027-01-01")
    spec = crontab() - dates("2026-12-01..2026-12-31") - cron("* 22-4 * * *")
    began = time.process_time()
    assert count_fires(spec, start, end - 1, RULES) == 334 * 17 * 60
    assert latest_fire(spec, start, end - 1, RULES) == at("2026-11-30 21:59")
    assert time.process_time() - began < 2.0
