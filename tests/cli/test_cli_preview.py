"""`schedules next` marks what a clock change does to a firing."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise

from horarium.cli.preview import Preview, next_firings
from horarium.clock import to_instant
from horarium.schedules.calendar import calendar
from horarium.schedules.crontab import crontab
from horarium.schedules.interval import every
from horarium.schedules.record import Schedule
from horarium.schedules.specs import Spec, to_record


def firings(spec: Spec, start: str, number: int) -> list[Preview]:
    now = to_instant(datetime.fromisoformat(start).replace(tzinfo=UTC))
    schedule = Schedule(
        id="s", name="s", task="t", spec=to_record(spec), timezone="Europe/Berlin", anchor=now, created=now, changed=now
    )
    return next_firings(schedule, now, number)


def test_a_time_that_the_clocks_skip_is_marked_as_moved() -> None:
    before, moved, after = firings(crontab(minute=30, hour=2), "2027-03-27", 3)
    assert (before.local, before.remark) == ("Sat 27 Mar 2027  02:30:00 CET", "")
    assert moved.local == "Sun 28 Mar 2027  03:00:00 CEST" and moved.remark.startswith("moved")
    assert after.local == "Mon 29 Mar 2027  02:30:00 CEST" and after.remark == ""


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
