"""Edits by people: what they change, what they leave, what they refuse, what they write down."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from horarium.clock import Instant, to_instant
from horarium.errors import InvalidSchedule, OwnedByCode, ScheduleRefused
from horarium.schedules import clocked, crontab, every
from horarium.schedules.editing import (
    EDITS_KEPT,
    SINGLES_KEPT,
    is_paused,
    move,
    pause,
    redefine,
    resume,
    skip,
    unskip,
    written_off,
)
from horarium.schedules.line import next_of
from horarium.schedules.planning import plan
from horarium.schedules.policy import create
from horarium.schedules.record import Backfill, Schedule
from horarium.schedules.specs import Spec, to_record

NOW = to_instant(datetime(2026, 6, 1, 12, 0))
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000


def made(spec: Spec = crontab(0, 6), **fields: object) -> Schedule:  # noqa: B008 (a value)
    defaults = {"id": "id-1", "name": "daily", "task": "shop.report", "anchor": 0, "created": 0, "changed": 0}
    wanted = Schedule(**{**defaults, "spec": to_record(spec), **fields})
    return replace(create(wanted, now=NOW), version=1)


def june(day: int, hour: int = 6, minute: int = 0) -> Instant:
    return to_instant(datetime(2026, 6, day, hour, minute, tzinfo=UTC))


def firings(schedule: Schedule, number: int, after: Instant = NOW) -> list[Instant]:
    found: list[Instant] = []
    while len(found) < number and (at := next_of(schedule, found[-1] if found else after)) is not None:
        found.append(at)
    return found


class TestPausing:
    def test_a_paused_schedule_is_not_active_and_says_who_and_why(self) -> None:
        paused = pause(made(), by="ann", note="holidays", now=NOW)
        assert (paused.is_active, paused.paused_by, paused.pause_note) == (False, "ann", "holidays")
        assert is_paused(paused, NOW + 300 * DAY)

    def test_resuming_skips_what_came_due_in_the_pause(self) -> None:
        resumed = resume(pause(made(), by="ann", now=NOW), by="eve", now=june(4, 12))
        assert (resumed.paused_by, resumed.is_active, resumed.next_fire) == (None, True, june(5))

    def test_resuming_what_runs_changes_nothing(self) -> None:
        schedule = made()
        assert resume(schedule, by="eve", now=NOW + 5) is schedule

    def test_a_pause_with_an_end_ends_by_itself(self) -> None:
        paused = pause(made(), by="ann", until=june(4), now=NOW)
        assert paused.next_fire == june(4)  # what is due at the very end fires
        assert (is_paused(paused, june(4) - 1), is_paused(paused, june(4))) == (True, False)
        assert plan(paused, now=june(4)).fire == (june(4),)

    def test_the_end_of_a_pause_must_be_to_come(self) -> None:
        with pytest.raises(ScheduleRefused, match="later than now"):
            pause(made(), by="ann", until=NOW, now=NOW)

    def test_a_second_pause_takes_the_place_of_the_first(self) -> None:
        once = pause(made(), by="ann", until=june(4), now=NOW)
        twice = pause(once, by="eve", note="for good", now=NOW + 1)
        assert (twice.paused_by, twice.pause_note, twice.paused_until) == ("eve", "for good", None)

    def test_what_was_due_at_the_pause_and_not_fired_is_written_off(self) -> None:
        schedule = made(every(minutes=1))
        paused = pause(schedule, by="ann", now=NOW + 5 * MINUTE)
        firing = written_off(schedule, paused, now=NOW + 5 * MINUTE)
        assert firing is not None
        assert (firing.missed, firing.messages, firing.expected) == (5, (), schedule.next_fire)
        assert firing.next_fire == NOW + 6 * MINUTE

    def test_what_code_disables_is_not_resumed_by_a_person(self) -> None:
        with pytest.raises(ScheduleRefused, match="disabled where the code of app '' defines it"):
            resume(made(owner="code", enabled=False), by="ann", now=NOW)

    def test_a_persons_disabled_schedule_is_enabled_by_resuming_it(self) -> None:
        resumed = resume(made(enabled=False), by="ann", now=june(3, 12))
        assert (resumed.enabled, resumed.next_fire) == (True, june(4))

    def test_resuming_forgets_the_failures_in_a_row(self) -> None:
        paused = replace(pause(made(), by="horarium", now=NOW), failures=7)
        assert resume(paused, by="ann", now=NOW).failures == 0


class TestSingleFirings:
    def test_a_skipped_firing_is_left_out(self) -> None:
        skipped = skip(made(), june(3), by="ann", now=NOW)
        assert firings(skipped, 2) == [june(2), june(4)]
        assert skipped.next_fire == june(2)

    def test_the_next_instant_moves_on_when_it_is_the_one_skipped(self) -> None:
        assert skip(made(), june(2), by="ann", now=NOW).next_fire == june(3)

    def test_a_skipped_firing_comes_back(self) -> None:
        back = unskip(skip(made(), june(2), by="ann", now=NOW), june(2), by="ann", now=NOW)
        assert (back.next_fire, back.passed_over) == (june(2), ())

    @pytest.mark.parametrize("at", [june(3, 7), june(1), NOW])
    def test_an_instant_that_is_no_firing_is_refused_with_the_nearest_one(self, at: Instant) -> None:
        nearest = "2026-06-03 06:00:00" if at == june(3, 7) else "2026-06-02 06:00:00"
        with pytest.raises(ScheduleRefused, match=nearest):
            skip(made(), at, by="ann", now=NOW)

    def test_an_instant_that_is_skipped_already_is_refused(self) -> None:
        with pytest.raises(ScheduleRefused, match="skipped already"):
            skip(skip(made(), june(3), by="ann", now=NOW), june(3), by="ann", now=NOW)

    def test_what_is_not_skipped_cannot_come_back_and_what_is_skipped_is_named(self) -> None:
        with pytest.raises(ScheduleRefused, match=r"skipped are 2026-06-03 06:00:00"):
            unskip(skip(made(), june(3), by="ann", now=NOW), june(4), by="ann", now=NOW)

    def test_the_refusal_speaks_the_schedules_own_time(self) -> None:
        with pytest.raises(ScheduleRefused, match=r"nearest is 2026-06-02 06:00:00-04:00"):
            skip(made(timezone="America/New_York"), june(2, 11), by="ann", now=NOW)

    def test_a_moved_firing_happens_then_and_not_when_it_was_due(self) -> None:
        moved = move(made(), june(3), june(3, 9), by="ann", now=NOW)
        assert firings(moved, 3) == [june(2), june(3, 9), june(4)]

    def test_a_firing_can_be_moved_before_the_next_one(self) -> None:
        moved = move(made(), june(3), june(1, 20), by="ann", now=NOW)
        assert moved.next_fire == june(1, 20)

    def test_a_moved_firing_can_be_moved_on_back_or_skipped(self) -> None:
        moved = move(made(), june(3), june(3, 9), by="ann", now=NOW)
        on = move(moved, june(3, 9), june(3, 10), by="ann", now=NOW)
        assert firings(on, 3) == [june(2), june(3, 10), june(4)]
        back = move(on, june(3, 10), june(3), by="ann", now=NOW)
        assert (back.passed_over, back.added) == ((), ())
        assert firings(skip(on, june(3, 10), by="ann", now=NOW), 2) == [june(2), june(4)]

    def test_a_firing_is_not_moved_into_the_past_or_onto_another(self) -> None:
        with pytest.raises(ScheduleRefused, match="later than now"):
            move(made(), june(3), NOW, by="ann", now=NOW)
        with pytest.raises(ScheduleRefused, match="fires at 2026-06-04 06:00:00"):
            move(made(), june(3), june(4), by="ann", now=NOW)

    def test_a_clocked_one_can_be_moved(self) -> None:
        moved = move(made(clocked(june(3))), june(3), june(5), by="ann", now=NOW)
        assert (moved.next_fire, firings(moved, 9)) == (june(5), [june(5)])

    def test_what_is_past_is_forgotten_at_the_next_edit(self) -> None:
        schedule = skip(made(), june(2), by="ann", now=NOW)
        schedule = move(schedule, june(3), june(3, 9), by="ann", now=NOW)
        later = replace(schedule, last_fire=june(5), next_fire=june(6))
        edited = skip(later, june(8), by="ann", now=june(5, 12))
        assert (edited.passed_over, edited.added) == ((june(8),), ())

    def test_an_edit_does_not_lose_what_is_overdue_nor_what_is_skipped_of_it(self) -> None:
        schedule = skip(made(), june(4), by="ann", now=NOW)
        edited = skip(schedule, june(8), by="ann", now=june(5, 12))  # no scheduler since the first of June
        assert (edited.next_fire, edited.passed_over) == (june(2), (june(4), june(8)))
        assert plan(edited, now=june(5, 12)).missed + len(plan(edited, now=june(5, 12)).fire) == 3

    def test_there_is_an_end_to_single_instants(self) -> None:
        many = tuple(range(june(30), june(30) + SINGLES_KEPT))
        with pytest.raises(ScheduleRefused, match="at most 1000"):
            skip(replace(made(), passed_over=many), june(3), by="ann", now=NOW)

    def test_a_skip_in_a_pause_with_an_end_keeps_the_pause(self) -> None:
        paused = pause(made(), by="ann", until=june(10), now=NOW)
        skipped = skip(paused, june(10), by="ann", now=NOW)
        assert (skipped.next_fire, skipped.paused_until) == (june(11), june(10))


class TestDefinitions:
    def test_a_new_timing_begins_after_the_edit(self) -> None:
        schedule = made()
        wanted = replace(schedule, spec=to_record(crontab(30, 6)))
        edited = redefine(schedule, wanted, take_over=False, by="ann", now=june(2, 6, 10))
        assert edited is not None
        assert edited.next_fire == june(2, 6, 30)

    def test_nothing_new_is_no_edit(self) -> None:
        assert redefine(made(), made(), take_over=False, by="ann", now=NOW) is None

    def test_codes_definition_is_refused_unless_taken_over(self) -> None:
        schedule = made(owner="code", app="shop")
        wanted = replace(schedule, task="shop.other")
        with pytest.raises(OwnedByCode, match="app 'shop'"):
            redefine(schedule, wanted, take_over=False, by="ann", now=NOW)
        taken = redefine(schedule, wanted, take_over=True, by="ann", now=NOW)
        assert taken is not None
        assert (taken.owner, taken.app, taken.task, taken.edits[-1].what) == ("person", "", "shop.other", "taken over")

    def test_a_pause_survives_an_edit(self) -> None:
        paused = pause(made(), by="eve", until=june(10), now=NOW)
        edited = redefine(paused, replace(paused, spec=to_record(crontab(0, 7))), take_over=False, by="ann", now=NOW)
        assert edited is not None
        assert (edited.paused_by, edited.next_fire) == ("eve", june(10, 7))

    def test_a_backfill_is_not_edited(self) -> None:
        backfill = replace(made(), backfill=Backfill(of="daily", instants=(june(1),)))
        with pytest.raises(ScheduleRefused, match="delete it and make another one"):
            redefine(backfill, replace(backfill, task="x"), take_over=False, by="ann", now=NOW)
        with pytest.raises(ScheduleRefused):
            skip(backfill, june(3), by="ann", now=NOW)

    def test_a_zone_that_is_unknown_is_refused(self) -> None:
        with pytest.raises(InvalidSchedule, match="IANA"):
            redefine(made(), replace(made(), timezone="Mars/Olympus"), take_over=False, by="ann", now=NOW)


class TestAudit:
    def test_each_edit_is_written_down_with_what_it_changed(self) -> None:
        schedule = pause(made(), by="ann", note="holidays", now=NOW)
        schedule = resume(schedule, by="eve", now=NOW + 1)
        first, second = schedule.edits
        assert (first.at, first.by, first.what, first.note) == (NOW, "ann", "paused", "holidays")
        assert first.changes == {"paused_by": (None, "ann"), "pause_note": ("", "holidays")}
        assert (second.what, second.changes["paused_by"]) == ("resumed", ("ann", None))

    def test_only_the_newest_edits_are_kept(self) -> None:
        schedule = made()
        for number in range(EDITS_KEPT + 10):
            schedule = pause(schedule, by=f"person {number}", now=NOW)
        assert len(schedule.edits) == EDITS_KEPT
        assert schedule.edits[-1].by == f"person {EDITS_KEPT + 9}"
