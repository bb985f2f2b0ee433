"""Decisions about schedules: what fires, what is missed, what an edit does."""

from __future__ import annotations

import re
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw
from msgspec.structs import replace
from records_made import DAY, HOUR, MINUTE, NOW, SECOND, fired, stored, wanted
from specs_made import crontabs, intervals

from horarium.clock import to_instant
from horarium.errors import InvalidSchedule
from horarium.schedules import clocked, crontab, every
from horarium.schedules.editing import pause
from horarium.schedules.line import rules_of
from horarium.schedules.next import count_fires
from horarium.schedules.planning import ON_TIME, Plan, owed, plan
from horarium.schedules.policy import revise
from horarium.schedules.specs import Spec

SIX = crontab(0, 6)


class TestCreating:
    def test_a_crontab_begins_with_its_first_match_after_creation(self) -> None:
        assert stored(crontab(0, 6)).next_fire == to_instant(datetime(2026, 6, 2, 6))
        assert stored(crontab(0, 12)).next_fire == to_instant(datetime(2026, 6, 2, 12))

    def test_an_interval_begins_one_interval_after_creation(self) -> None:
        assert stored(every(hours=1)).next_fire == NOW + HOUR

    def test_an_interval_with_a_start_begins_on_its_line_at_or_after_it(self) -> None:
        assert stored(every(hours=1), start=NOW + 5 * HOUR).next_fire == NOW + 5 * HOUR
        assert stored(every(hours=1), start=NOW + 5 * HOUR + 1).next_fire == NOW + 6 * HOUR

    def test_a_zone_decides_what_its_wall_clock_means(self) -> None:
        schedule = stored(crontab(0, 6), timezone="America/New_York")
        assert schedule.next_fire == to_instant(datetime(2026, 6, 2, 6, tzinfo=ZoneInfo("America/New_York")))

    def test_a_start_is_honoured(self) -> None:
        start = to_instant(datetime(2026, 8, 1, 6))
        assert stored(crontab(0, 6), start=start).next_fire == start

    def test_what_has_ended_already_never_fires(self) -> None:
        assert stored(crontab(0, 6), end=NOW - 1).next_fire is None

    def test_a_clocked_instant_is_kept_even_if_it_has_passed(self) -> None:
        assert stored(clocked(NOW + 5)).next_fire == NOW + 5
        assert stored(clocked(NOW - 5)).next_fire == NOW - 5

    def test_what_does_not_fire_in_ten_years_is_refused(self) -> None:
        with pytest.raises(InvalidSchedule, match="fires within ten years, got crontab 0 0 29 feb mon in UTC"):
            stored(crontab(0, 0, "mon", 29, "feb"))
        assert stored(crontab(0, 0, "*", 29, 2)).next_fire == to_instant(datetime(2028, 2, 29))

    @pytest.mark.parametrize(
        ("fields", "said"),
        [
            ({"start": NOW + HOUR, "end": NOW}, "expected end not to be before start"),
            ({"jitter": 60.0, "options": {"expires": 60}}, "expires'] to be longer than jitter, got 60 s and 60 s"),
            ({"max_active": 2}, "expected an overlap other than 'allow' with max_active"),
            ({"overlap": "skip", "catchup_spacing": 5.0}, "expected catchup_spacing only with overlap 'allow'"),
        ],
    )
    def test_options_that_contradict_each_other_are_refused(self, fields: dict[str, object], said: str) -> None:
        with pytest.raises(InvalidSchedule, match=re.escape(said)):
            stored(every(hours=1), **fields)
        with pytest.raises(InvalidSchedule, match=re.escape(said)):
            revise(stored(every(hours=1)), wanted(every(hours=1), **fields), now=NOW)

    def test_an_unknown_zone_is_refused_for_every_kind(self) -> None:
        for spec in (crontab(), every(5), clocked(NOW)):
            with pytest.raises(InvalidSchedule, match="time zone"):
                stored(spec, timezone="Mars/Olympus")


class TestPlanning:
    def test_what_is_not_due_waits(self) -> None:
        schedule = stored()
        assert plan(schedule, now=NOW) == Plan(next_fire=schedule.next_fire)

    def test_what_is_due_fires_once_and_moves_on_from_its_nominal_instant(self) -> None:
        schedule = stored(every(minutes=1))
        decided = plan(schedule, now=NOW + MINUTE + 700)
        assert decided == Plan(fire=(NOW + MINUTE,), next_fire=NOW + 2 * MINUTE)

    def test_of_many_missed_instants_the_newest_is_fired(self) -> None:
        decided = plan(stored(every(minutes=1)), now=NOW + 10 * MINUTE + 5)
        assert decided == Plan(fire=(NOW + 10 * MINUTE,), next_fire=NOW + 11 * MINUTE, missed=9)

    def test_what_is_older_than_the_catch_up_window_is_missed(self) -> None:
        schedule = stored(crontab(0, 6), catchup_window=3600.0)
        late = schedule.next_fire + HOUR
        assert plan(schedule, now=late).fire == (schedule.next_fire,)
        assert plan(schedule, now=late + 1) == Plan(next_fire=schedule.next_fire + DAY, missed=1)

    def test_without_catch_up_only_what_is_on_time_fires(self) -> None:
        schedule = stored(crontab(0, 6), catchup="none")
        late = schedule.next_fire + round(ON_TIME * 1000)
        assert plan(schedule, now=late).fire == (schedule.next_fire,)
        assert plan(schedule, now=late + 1) == Plan(next_fire=schedule.next_fire + DAY, missed=1)

    def test_a_delay_of_a_moment_is_no_miss_however_small_the_window(self) -> None:
        schedule = stored(every(hours=1), catchup_window=0.0)
        assert plan(schedule, now=NOW + HOUR + SECOND).fire == (NOW + HOUR,)

    def test_s14_a_one_off_ends_with_its_firing_but_not_with_a_miss(self) -> None:
        schedule = stored(crontab(0, 6), one_off=True, catchup="none")
        assert plan(schedule, now=schedule.next_fire).next_fire is None
        assert plan(schedule, now=schedule.next_fire + HOUR).next_fire == schedule.next_fire + DAY

    def test_s14_max_runs_counts_firings(self) -> None:
        schedule = stored(every(minutes=1), max_runs=2)
        schedule = fired(schedule, plan(schedule, now=NOW + 5 * MINUTE))
        assert (schedule.total_runs, schedule.missed, schedule.next_fire) == (1, 4, NOW + 6 * MINUTE)
        schedule = fired(schedule, plan(schedule, now=NOW + 6 * MINUTE))
        assert (schedule.total_runs, schedule.next_fire) == (2, None)

    def test_nothing_fires_after_the_end(self) -> None:
        schedule = stored(every(minutes=1), end=NOW + 3 * MINUTE)
        assert plan(schedule, now=NOW + HOUR) == Plan(fire=(NOW + 3 * MINUTE,), missed=2)
        assert plan(schedule, now=NOW + 2 * MINUTE).next_fire == NOW + 3 * MINUTE
        assert plan(replace(schedule, end=NOW), now=NOW + HOUR) == Plan()

    def test_a_clocked_instant_fires_and_that_is_all(self) -> None:
        assert plan(stored(clocked(NOW)), now=NOW) == Plan(fire=(NOW,))
        assert plan(stored(clocked(NOW - 2 * DAY)), now=NOW) == Plan(missed=1)

    def test_years_of_misses_are_decided_at_once(self) -> None:
        schedule = stored(crontab(), timezone="Europe/Berlin")
        decided = plan(schedule, now=NOW + 5 * 365 * DAY)
        assert decided == Plan(
            fire=(NOW + 5 * 365 * DAY,), next_fire=NOW + 5 * 365 * DAY + MINUTE, missed=5 * 365 * 1440 - 1
        )

    def test_a_spec_that_cannot_be_read_is_an_error_of_its_own(self) -> None:
        with pytest.raises(InvalidSchedule):
            plan(replace(stored(every(5)), spec={"kind": "moon"}), now=NOW + HOUR)

    @given(crontabs | intervals, st.lists(st.integers(0, 10**9), min_size=1, max_size=8))
    def test_every_due_instant_is_fired_or_counted_as_missed(self, spec: Spec, pauses: list[int]) -> None:
        try:
            schedule = stored(spec, timezone="America/New_York")
        except InvalidSchedule:  # fires in more than ten years
            return
        now = NOW
        for pause_ms in pauses:
            now += pause_ms
            decided = plan(schedule, now=now)
            schedule = fired(schedule, decided)
            assert decided.next_fire is None or decided.next_fire > now
            assert decided.nominal is None or decided.nominal <= now
        assert schedule.total_runs + schedule.missed == count_fires(spec, NOW, now, rules_of(schedule))


class TestRevising:
    def test_nothing_changes_when_nothing_is_wanted(self) -> None:
        assert revise(stored(), wanted(), now=NOW + DAY) is None

    def test_another_way_to_write_the_same_spec_is_no_change(self) -> None:
        assert revise(stored(crontab(0, 6, "mon")), wanted(crontab("0", [6], 1)), now=NOW) is None

    def test_new_arguments_leave_the_next_instant_alone(self) -> None:
        before = stored()
        after = revise(before, wanted(kwargs=Raw(b'{"city":"Ghent"}')), now=NOW + DAY)
        assert (after.next_fire, after.version, bytes(after.kwargs)) == (before.next_fire, 1, b'{"city":"Ghent"}')
        assert after.changed == NOW + DAY

    def test_a_new_spec_counts_from_now(self) -> None:
        now = NOW + 10 * DAY
        after = revise(stored(crontab(0, 6)), wanted(crontab(30, 13)), now=now)
        assert after.next_fire == now + 90 * MINUTE

    def test_a_new_spec_counts_from_the_last_firing_if_the_clock_went_back(self) -> None:
        before = replace(stored(crontab(0, 6)), last_fire=NOW + 3 * DAY)
        after = revise(before, wanted(crontab(0, 12)), now=NOW)
        assert after.next_fire == NOW + 4 * DAY

    def test_a_new_zone_counts_from_now(self) -> None:
        after = revise(stored(crontab(0, 6)), wanted(crontab(0, 6), timezone="Asia/Tokyo"), now=NOW)
        assert after.next_fire == to_instant(datetime(2026, 6, 2, 6, tzinfo=ZoneInfo("Asia/Tokyo")))

    def test_an_interval_keeps_its_line(self) -> None:
        after = revise(stored(every(hours=1)), wanted(every(minutes=7)), now=NOW + 10 * MINUTE)
        assert (after.anchor, after.next_fire) == (NOW, NOW + 14 * MINUTE)

    def test_identity_and_state_stay(self) -> None:
        before = replace(stored(), id="old", created=5, total_runs=7, missed=3, last_fire=NOW, version=4)
        after = revise(before, wanted(every(60), id="new", created=99), now=NOW)
        kept = (after.id, after.created, after.total_runs, after.missed, after.last_fire, after.version)
        assert kept == ("old", 5, 7, 3, NOW, 4)

    def test_a_persons_pause_survives(self) -> None:
        paused = pause(stored(), by="ann", note="holidays", now=NOW)
        after = revise(paused, wanted(crontab(0, 7)), now=NOW)
        assert (after.paused_by, after.pause_note, after.is_active) == ("ann", "holidays", False)

    def test_s13_single_instants_stay_until_the_line_changes_that_they_are_meant_on(self) -> None:
        before = replace(stored(), passed_over=(NOW + 18 * HOUR,), added=(NOW + HOUR,))
        for edit in ({"kwargs": Raw(b'{"x":1}')}, {"catchup": "all"}, {"max_runs": 5}, {"end": NOW + 9 * DAY}):
            after = revise(before, wanted(**edit), now=NOW)
            assert (after.passed_over, after.added) == (before.passed_over, before.added)
        for spec, edit in (
            (crontab(0, 7), {}),
            (SIX, {"timezone": "Asia/Tokyo"}),
            (crontab(0, 6), {"spread": 5.0}),
        ):
            after = revise(before, wanted(spec, **edit), now=NOW)
            assert (after.passed_over, after.added) == ((), ())

    def test_a_changed_policy_leaves_the_next_instant_alone(self) -> None:
        policy = {
            "catchup": "all",
            "overlap": "skip",
            "jitter": 5.0,
            "grace": 60.0,
            "pause_after": 3,
            "description": "x",
        }
        after = revise(stored(), wanted(**policy), now=NOW + DAY)
        assert after.next_fire == stored().next_fire
        assert {name: getattr(after, name) for name in policy} == policy

    def test_a_changed_spread_counts_from_now(self) -> None:
        after = revise(stored(), wanted(spread=3600.0), now=NOW)
        assert NOW + 18 * HOUR < after.next_fire < NOW + 19 * HOUR

    def test_s14_a_change_of_timing_in_a_pause_that_ends_by_itself_stays_behind_it(self) -> None:
        paused = replace(stored(every(hours=1)), paused_by="ann", paused_until=NOW + 5 * HOUR, next_fire=NOW + 5 * HOUR)
        after = revise(paused, wanted(every(minutes=7)), now=NOW)
        assert NOW + 5 * HOUR <= after.next_fire < NOW + 5 * HOUR + 7 * MINUTE

    def test_a_persons_schedule_is_not_touched_by_code(self) -> None:
        assert revise(stored(owner="person"), wanted(crontab(0, 7)), now=NOW) is None
        assert revise(stored(owner="person"), wanted(crontab(0, 7), owner="person"), now=NOW) is not None

    def test_a_new_spec_heals_an_error(self) -> None:
        broken = replace(stored(), spec={"kind": "moon"}, error="expected ...", next_fire=None)
        after = revise(broken, wanted(crontab(0, 13)), now=NOW)
        assert (after.error, after.next_fire) == (None, NOW + HOUR)

    def test_switching_on_again_fires_nothing_at_once(self) -> None:
        before = stored(every(hours=1), enabled=False)
        after = revise(before, wanted(every(hours=1)), now=NOW + 90 * MINUTE)
        assert after.next_fire == NOW + 2 * HOUR

    def test_a_finished_one_off_goes_again_when_it_is_moved(self) -> None:
        before = stored(clocked(NOW))
        before = fired(before, plan(before, now=NOW))
        after = revise(before, wanted(clocked(NOW + DAY)), now=NOW + HOUR)
        assert after.next_fire == NOW + DAY

    def test_what_an_edit_leaves_unfired_can_be_counted(self) -> None:
        schedule = stored(every(minutes=1))
        assert owed(schedule, now=NOW + 5 * MINUTE) == 5
        assert owed(schedule, now=NOW) == 0
        assert owed(pause(schedule, by="ann", now=NOW), now=NOW + 5 * MINUTE) == 0
        assert owed(replace(schedule, spec={}), now=NOW + 5 * MINUTE) == 0
