"""What of several due instants is fired, with which bounds; and what is known of each."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from records_made import DAY, HOUR, MINUTE, NOW, SECOND, fired, stored
from specs_made import crontabs, intervals

from horarium.clock import to_instant
from horarium.errors import InvalidSchedule
from horarium.schedules import clocked, crontab, every
from horarium.schedules.line import Line
from horarium.schedules.planning import Occasion, Plan, occasions, owed, plan
from horarium.schedules.record import Backfill, Schedule
from horarium.schedules.specs import Spec

MINUTES = every(minutes=1)


def minutes(*numbers: int) -> tuple[int, ...]:
    return tuple(NOW + number * MINUTE for number in numbers)


def only(schedule: Schedule, *, now: int) -> Occasion:
    [occasion] = occasions(schedule, plan(schedule, now=now), now=now)
    return occasion


class TestCatchup:
    def test_s10_latest_fires_the_newest_and_counts_the_others(self) -> None:
        decided = plan(stored(MINUTES), now=NOW + 5 * MINUTE)
        assert decided == Plan(fire=minutes(5), next_fire=NOW + 6 * MINUTE, missed=4)

    def test_s10_earliest_fires_the_oldest_in_the_window_and_counts_the_others(self) -> None:
        schedule = stored(MINUTES, catchup="earliest")
        assert plan(schedule, now=NOW + 5 * MINUTE) == Plan(fire=minutes(1), next_fire=NOW + 6 * MINUTE, missed=4)
        late = replace(schedule, catchup_window=120.0)
        assert plan(late, now=NOW + 5 * MINUTE + 1) == Plan(fire=minutes(4), next_fire=NOW + 6 * MINUTE, missed=4)

    def test_s10_none_fires_nothing_that_is_late(self) -> None:
        schedule = stored(every(hours=1), catchup="none")
        assert plan(schedule, now=NOW + 3 * HOUR + 31 * SECOND) == Plan(next_fire=NOW + 4 * HOUR, missed=3)

    def test_s10_all_fires_each_of_them_in_order(self) -> None:
        decided = plan(stored(MINUTES, catchup="all"), now=NOW + 5 * MINUTE)
        assert decided == Plan(fire=minutes(1, 2, 3, 4, 5), next_fire=NOW + 6 * MINUTE)

    def test_s10_all_is_bounded_by_number(self) -> None:
        decided = plan(stored(MINUTES, catchup="all", catchup_limit=2), now=NOW + 5 * MINUTE)
        assert decided == Plan(fire=minutes(4, 5), next_fire=NOW + 6 * MINUTE, missed=3)

    def test_s10_all_is_bounded_by_the_window(self) -> None:
        schedule = stored(MINUTES, catchup="all", catchup_window=120.0)
        assert plan(schedule, now=NOW + 5 * MINUTE).fire == minutes(3, 4, 5)
        assert plan(schedule, now=NOW + 5 * MINUTE + 1) == Plan(
            fire=minutes(4, 5), next_fire=NOW + 6 * MINUTE, missed=3
        )

    def test_s10_a_year_of_seconds_is_caught_up_within_its_bounds_at_once(self) -> None:
        decided = plan(stored(every(1), catchup="all"), now=NOW + 365 * DAY)
        assert decided.fire == tuple(range(NOW + 365 * DAY - 99 * SECOND, NOW + 365 * DAY + 1, SECOND))
        assert decided.missed == 365 * 86_400 - 100

    def test_s10_all_stops_at_the_number_of_runs_that_are_left_and_misses_nothing_behind_it(self) -> None:
        decided = plan(stored(MINUTES, catchup="all", max_runs=2), now=NOW + 5 * MINUTE)
        assert decided == Plan(fire=minutes(1, 2))

    def test_s10_all_starts_spaced_from_now_on(self) -> None:
        schedule = stored(MINUTES, catchup="all", catchup_spacing=10.0)
        now = NOW + 3 * MINUTE
        starts = [each.start for each in occasions(schedule, plan(schedule, now=now), now=now)]
        assert starts == [NOW + MINUTE, now + 10 * SECOND, now + 20 * SECOND]

    def test_s10_all_in_the_old_zone_of_a_clock_change_has_each_real_instant(self) -> None:
        begin = to_instant(datetime(2026, 10, 24, 20, tzinfo=UTC))
        schedule = stored(crontab(30, 2), now=begin, timezone="Europe/Berlin", catchup="all", dst_fold="both")
        assert len(plan(schedule, now=begin + 8 * HOUR).fire) == 2

    @pytest.mark.parametrize("overlap", ["skip", "queue_one", "cancel_previous", "replace_queued"])
    def test_s11_with_an_overlap_each_of_several_is_offered_alone(self, overlap: str) -> None:
        schedule = stored(MINUTES, catchup="all", overlap=overlap, catchup_limit=3)
        now, found = NOW + 5 * MINUTE, []
        while schedule.next_fire <= now:
            decided = plan(schedule, now=now)
            found.append(decided.fire)
            schedule = fired(schedule, decided)
        assert found == [minutes(3), minutes(4), minutes(5)]
        assert (schedule.missed, schedule.next_fire) == (2, NOW + 6 * MINUTE)

    @given(crontabs | intervals, st.sampled_from(["latest", "all", "earliest", "none"]), st.data())
    def test_s10_every_due_instant_is_fired_or_counted_as_missed(
        self, spec: Spec, catchup: str, data: st.DataObject
    ) -> None:
        fields: dict[str, Any] = {
            "catchup_limit": data.draw(st.integers(1, 5)),
            "catchup_window": data.draw(st.sampled_from([0.0, 3600.0, 10.0**7])),
            "overlap": data.draw(st.sampled_from(["allow", "queue_one"])),
            "spread": data.draw(st.sampled_from([0.0, 3600.0])),
            "passed_over": data.draw(st.lists(st.integers(1, 100).map(lambda n: NOW + n * HOUR), max_size=3)),
            "added": tuple(data.draw(st.lists(st.integers(1, 10**8).map(lambda n: NOW + n), max_size=3))),
        }
        try:
            schedule = stored(spec, timezone="America/New_York", catchup=catchup, **fields)
        except InvalidSchedule:  # fires in more than ten years
            return
        now, line = NOW, Line.of(schedule)
        for wait in data.draw(st.lists(st.integers(0, 10**9), min_size=1, max_size=5)):
            now += wait
            assert owed(schedule, now=now) == line.count((schedule.next_fire or now + 1) - 1, now)
            for _ in range(6):  # one at a time, if an overlap is to judge each
                decided = plan(schedule, now=now)
                assert all(line.next(each - 1) == each <= now for each in decided.fire)
                schedule = fired(schedule, decided)
            assert schedule.next_fire is None or schedule.next_fire > now
        assert schedule.total_runs + schedule.missed == line.count(NOW, now)


class TestLimits:
    def test_s14_a_one_off_that_may_be_skipped_ends_only_when_it_has_run(self) -> None:
        schedule = stored(every(hours=1), one_off=True, overlap="skip")
        decided = plan(schedule, now=NOW + HOUR)
        assert decided == Plan(fire=(NOW + HOUR,), next_fire=NOW + 2 * HOUR)
        skipped = replace(schedule, next_fire=decided.next_fire, skipped=1)
        assert plan(skipped, now=NOW + 2 * HOUR).fire == (NOW + 2 * HOUR,)
        assert plan(fired(schedule, decided), now=NOW + 2 * HOUR) == Plan()

    def test_s14_a_skipped_firing_does_not_count_among_max_runs(self) -> None:
        schedule = replace(stored(MINUTES, max_runs=2, overlap="skip"), total_runs=1, skipped=7)
        assert plan(schedule, now=NOW + MINUTE).fire == minutes(1)

    def test_s14_a_one_off_that_has_fired_does_not_fire_again_when_it_is_edited(self) -> None:
        done = replace(stored(every(hours=1), one_off=True), total_runs=1)
        assert plan(done, now=NOW + HOUR) == Plan()


class TestSingleInstants:
    def test_s15_what_is_passed_over_is_neither_fired_nor_missed(self) -> None:
        schedule = replace(stored(MINUTES), passed_over=minutes(2, 3))
        assert plan(schedule, now=NOW + 3 * MINUTE) == Plan(fire=minutes(1), next_fire=NOW + 4 * MINUTE)
        assert plan(schedule, now=NOW + 5 * MINUTE) == Plan(fire=minutes(5), next_fire=NOW + 6 * MINUTE, missed=2)

    def test_s15_what_is_passed_over_does_not_fire_even_if_next_fire_says_so(self) -> None:
        schedule = replace(stored(MINUTES), passed_over=minutes(1))
        assert plan(schedule, now=NOW + MINUTE) == Plan(next_fire=NOW + 2 * MINUTE)

    def test_s15_what_was_added_fires_between_the_others(self) -> None:
        schedule = replace(stored(every(hours=1)), added=minutes(90))
        schedule = fired(schedule, plan(schedule, now=NOW + HOUR))
        assert schedule.next_fire == NOW + 90 * MINUTE
        assert plan(schedule, now=NOW + 90 * MINUTE) == Plan(fire=minutes(90), next_fire=NOW + 2 * HOUR)

    def test_s15_a_clocked_instant_can_be_moved(self) -> None:
        schedule = replace(stored(clocked(NOW + HOUR)), passed_over=(NOW + HOUR,), added=(NOW + 2 * HOUR,))
        schedule = replace(schedule, next_fire=NOW + 2 * HOUR)
        assert plan(schedule, now=NOW + 2 * HOUR) == Plan(fire=(NOW + 2 * HOUR,))


class TestPausesWithAnEnd:
    def test_s14_nothing_fires_before_the_end_of_the_pause(self) -> None:
        paused = replace(stored(MINUTES), paused_by="ann", paused_until=NOW + 10 * MINUTE)
        assert plan(paused, now=NOW + 5 * MINUTE) == Plan(next_fire=NOW + 10 * MINUTE)
        assert owed(paused, now=NOW + 5 * MINUTE) == 0

    def test_s14_a_clocked_instant_in_the_pause_is_late_and_keeps_its_name(self) -> None:
        paused = replace(stored(clocked(NOW)), paused_by="ann", paused_until=NOW + HOUR)
        waiting = replace(paused, next_fire=plan(paused, now=NOW).next_fire)
        assert waiting.next_fire == NOW + HOUR
        assert plan(replace(waiting, paused_by=None, paused_until=None), now=NOW + HOUR) == Plan(fire=(NOW,))


class TestBackfills:
    def backfill(self, *instants: int, **fields: Any) -> Schedule:
        return stored(MINUTES, backfill=Backfill(of="daily", instants=instants), **fields)

    def test_s16_the_named_instants_are_fired_one_at_a_time_in_their_order(self) -> None:
        schedule, found = self.backfill(*minutes(-3, -1, -2)), []
        while schedule.next_fire is not None:
            decided = plan(schedule, now=NOW + SECOND)
            assert decided.next_fire != schedule.next_fire
            found += decided.fire
            schedule = fired(schedule, decided)
        assert tuple(found) == minutes(-3, -1, -2)
        assert schedule.missed == 0

    def test_s16_it_goes_on_where_it_stood_whatever_an_edit_did_to_next_fire(self) -> None:
        schedule = replace(self.backfill(*minutes(-3, -2, -1)), total_runs=2, next_fire=NOW)
        assert plan(schedule, now=NOW).fire == minutes(-1)

    def test_s16_an_instant_that_is_named_twice_is_fired_once(self) -> None:
        schedule = replace(self.backfill(*minutes(-2, -2, -1)), total_runs=1)
        assert plan(schedule, now=NOW + SECOND) == Plan(fire=minutes(-1))

    def test_s16_it_waits_for_the_end_of_a_pause(self) -> None:
        schedule = replace(self.backfill(*minutes(-2, -1)), paused_by="ann", paused_until=NOW + HOUR)
        waiting = replace(schedule, next_fire=plan(schedule, now=NOW).next_fire)
        assert waiting.next_fire == NOW + HOUR
        resumed = replace(waiting, paused_by=None, paused_until=None)
        assert plan(resumed, now=NOW + HOUR) == Plan(fire=minutes(-2), next_fire=NOW + HOUR + 1)


class TestOccasions:
    def test_s12_jitter_is_below_its_bound_repeatable_and_different_each_time(self) -> None:
        schedule = stored(MINUTES, jitter=30.0)
        delays = []
        for minute in range(1, 200):
            occasion = only(replace(schedule, next_fire=NOW + minute * MINUTE), now=NOW + minute * MINUTE)
            assert occasion == only(replace(schedule, next_fire=NOW + minute * MINUTE), now=NOW + minute * MINUTE)
            delays.append(occasion.start - occasion.nominal)
        assert 0 <= min(delays) < 3 * SECOND and 27 * SECOND < max(delays) < 30 * SECOND

    def test_s12_jitter_never_passes_the_next_instant(self) -> None:
        schedule = stored(MINUTES, jitter=86_400.0)
        for minute in range(1, 200):
            occasion = only(replace(schedule, next_fire=NOW + minute * MINUTE), now=NOW + minute * MINUTE)
            assert occasion.nominal <= occasion.start < occasion.nominal + MINUTE

    def test_s18_the_previous_instant_is_known(self) -> None:
        schedule = stored(crontab(0, 6))
        first = only(schedule, now=schedule.next_fire)
        assert (first.nominal, first.previous) == (NOW + 18 * HOUR, NOW - 6 * HOUR)
        schedule = fired(schedule, plan(schedule, now=first.nominal))
        assert only(schedule, now=schedule.next_fire).previous == first.nominal

    @given(crontabs | intervals, st.integers(0, 10**10), st.booleans())
    def test_s18_the_previous_instant_is_what_looking_back_finds(self, spec: Spec, later: int, spread: bool) -> None:
        try:
            schedule = stored(spec, timezone="America/New_York", spread=3600.0 * spread)
        except InvalidSchedule:  # fires in more than ten years
            return
        line = Line.of(schedule)
        nominal = line.next(NOW + later)
        if nominal is not None:
            due = replace(schedule, next_fire=nominal)
            assert only(due, now=nominal).previous == line.latest(nominal - 10 * 365 * DAY, nominal - 1)

    def test_s18_the_first_instant_of_an_interval_has_none_before_it(self) -> None:
        assert only(stored(MINUTES), now=NOW + MINUTE).previous is None

    def test_s18_the_previous_instant_is_the_one_before_it_even_if_that_was_missed(self) -> None:
        schedule = fired(stored(MINUTES), plan(stored(MINUTES), now=NOW + MINUTE))
        assert only(schedule, now=NOW + 9 * MINUTE).previous == NOW + 8 * MINUTE

    def test_s18_what_is_on_time_is_not_caught_up(self) -> None:
        assert not only(stored(MINUTES), now=NOW + MINUTE + 5 * SECOND).caught_up

    def test_s18_what_is_late_is_caught_up_and_so_is_all_but_the_newest(self) -> None:
        assert only(stored(MINUTES), now=NOW + MINUTE + 31 * SECOND).caught_up
        schedule = stored(MINUTES, catchup="all")
        found = occasions(schedule, plan(schedule, now=NOW + 3 * MINUTE), now=NOW + 3 * MINUTE)
        assert [each.caught_up for each in found] == [True, True, False]

    def test_s18_a_backfilled_instant_knows_the_one_before_it_on_the_line(self) -> None:
        anchor = NOW - HOUR
        backfill = replace(stored(MINUTES), anchor=anchor, backfill=Backfill(of="daily", instants=minutes(-1, -3)))
        backfill = replace(backfill, next_fire=NOW)
        occasion = only(backfill, now=NOW)
        assert (occasion.nominal, occasion.previous, occasion.caught_up) == (*minutes(-1, -2), False)

    def test_s18_so_does_one_of_a_spread_schedule(self) -> None:
        spread = stored(crontab(0), spread=3600.0)
        instants = tuple(Line.of(spread).between(NOW, NOW + 3 * HOUR))
        backfill = replace(spread, id="another", backfill=Backfill(of="daily", id=spread.id, instants=instants[1:]))
        assert only(replace(backfill, next_fire=NOW), now=NOW).previous == instants[0]
