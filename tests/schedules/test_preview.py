"""Previews mark what a clock change does to a firing, and keep the order of many schedules."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import islice, pairwise

from msgspec.structs import replace

from horarium.clock import to_instant
from horarium.observe.moments import local
from horarium.schedules.calendar import calendar
from horarium.schedules.crontab import crontab
from horarium.schedules.editing import move, pause
from horarium.schedules.interval import every
from horarium.schedules.policy import create
from horarium.schedules.preview import ADDED, Expected, ahead, expected, expected_of_all, upcoming
from horarium.schedules.record import Schedule
from horarium.schedules.specs import Spec, to_record


def schedule_of(spec: Spec, start: str, name: str = "s", **fields: object) -> Schedule:
    now = instant(start)
    wanted = Schedule(
        id=name,
        name=name,
        task="t",
        spec=to_record(spec),
        timezone="Europe/Berlin",
        anchor=now,
        created=now,
        changed=now,
        **fields,  # type: ignore[arg-type]
    )
    return replace(create(wanted, now=now), version=1)


def instant(text: str) -> int:
    return to_instant(datetime.fromisoformat(text).replace(tzinfo=UTC))


def firings(spec: Spec, start: str, number: int) -> list[Expected]:
    return list(islice(ahead(schedule_of(spec, start), now=instant(start)), number))


def shown(firing: Expected) -> str:
    return local(firing.at, "Europe/Berlin")


def test_a_time_that_the_clocks_skip_is_marked_as_moved() -> None:
    before, moved, after = firings(crontab(minute=30, hour=2), "2027-03-27", 3)
    assert (shown(before), before.remark) == ("Sat 27 Mar 2027  02:30:00 CET", "")
    assert shown(moved) == "Sun 28 Mar 2027  03:00:00 CEST" and moved.remark.startswith("moved")
    assert shown(after) == "Mon 29 Mar 2027  02:30:00 CEST" and after.remark == ""


def test_the_time_of_a_calendar_is_marked_too() -> None:
    before, moved = firings(calendar(at="02:30"), "2027-03-27", 2)
    assert before.remark == ""
    assert moved.remark.startswith("moved")


def test_a_time_that_comes_twice_says_which_pass_it_is() -> None:
    [first, _] = firings(crontab(minute=30, hour=2), "2027-10-30T12:00", 2)
    assert first.remark == "first pass of the repeated hour"
    passes = [firing.remark for firing in firings(crontab(minute=30), "2027-10-31T00:00", 3)]
    assert passes == ["first pass of the repeated hour", "second pass of the repeated hour", ""]


def test_a_change_of_the_offset_is_marked_on_the_first_firing_after_it() -> None:
    [_, changed, later] = firings(crontab(minute=0, hour=12), "2027-03-26T12:00", 3)
    assert changed.remark == "from here on CEST, before CET" and later.remark == ""


def test_an_interval_keeps_its_distance_and_is_only_marked() -> None:
    found = firings(every(hours=12), "2027-03-27T12:00", 3)
    assert {b.at - a.at for a, b in pairwise(found)} == {12 * 3_600_000}
    assert [firing.remark for firing in found] == ["", "from here on CEST, before CET", ""]


def test_a_firing_that_a_person_moved_is_no_clock_change() -> None:
    schedule = schedule_of(crontab(minute=30, hour=2), "2027-03-26T00:00")
    own, to = instant("2027-03-26T01:30"), instant("2027-03-26T05:00")
    moved = move(schedule, own, to, by="ann", now=instant("2027-03-26T00:00"))
    [first] = islice(ahead(moved, now=instant("2027-03-26T00:00")), 1)
    assert (first.at, first.remark) == (to, ADDED)


def test_a_schedule_that_may_fire_twice_more_shows_two() -> None:
    schedule = replace(schedule_of(every(60), "2027-03-26T00:00", max_runs=5), total_runs=3)
    assert len(list(upcoming(schedule, now=instant("2027-03-26T00:00")))) == 2


def test_a_range_holds_its_beginning_and_not_its_end() -> None:
    schedule = schedule_of(every(hours=1), "2027-01-01T00:00")
    start, end = instant("2027-01-01T02:00"), instant("2027-01-01T05:00")
    assert [each.at for each in expected(schedule, start, end)] == [start, start + 3_600_000, start + 7_200_000]


def test_many_schedules_come_in_the_order_of_time_and_the_stopped_ones_not_at_all() -> None:
    start = "2027-01-01T00:00"
    schedules = [
        schedule_of(every(hours=3), start, "a"),
        schedule_of(every(hours=2), start, "b"),
        pause(schedule_of(every(hours=1), start, "c"), by="ann", now=instant(start)),
        pause(schedule_of(every(hours=1), start, "d"), by="ann", until=instant("2027-01-01T06:00"), now=instant(start)),
        schedule_of(every(hours=1), start, "e", enabled=False),
    ]
    found = expected_of_all(schedules, instant(start), instant("2027-01-01T07:00"))
    assert "".join(each.schedule for each in found) == "bababd"
