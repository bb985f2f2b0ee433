"""Questions about Schedules.fire: several instants at once, instants that were fired before, kinds of firings."""

from __future__ import annotations

from typing import get_args

import pytest
from msgspec.structs import replace

from horarium.clock import Instant
from horarium.message import Message
from horarium.outcome import State
from horarium.schedules.record import Fate, Firing, Overlap, Schedule
from horarium.testing.conformance.candidate import Candidate

MINUTE = 60_000


class TestInstants(Candidate):
    def test_all_instants_of_a_firing_are_sent(self) -> None:
        schedule, due = self.saved()
        self.later(600)
        firing = self.firing(schedule, due, due + MINUTE, due + 2 * MINUTE, next_fire=due + 3 * MINUTE, missed=4)
        assert self.fire(firing) == [Fate.SENT]
        assert {delivery.message.nominal for delivery in self.claim()} == {due, due + MINUTE, due + 2 * MINUTE}
        moved = replace(schedule, last_fire=due + 2 * MINUTE, next_fire=due + 3 * MINUTE, total_runs=3, missed=4)
        assert self.stored() == moved

    def test_of_instants_of_which_some_were_fired_only_the_others_are_sent(self) -> None:
        schedule, due = self.saved()
        self.fire(self.firing(schedule))
        again = self.set_back(due)
        firing = self.firing(again, due, due + MINUTE, next_fire=due + 2 * MINUTE, missed=1)
        assert self.fire(firing) == [Fate.SENT]
        assert self.states() == {State.PENDING: 2}
        stored = self.stored()
        assert (stored.total_runs, stored.missed, stored.last_fire) == (2, 1, due + MINUTE)
        assert stored.next_fire == due + 2 * MINUTE

    @pytest.mark.parametrize("overlap", get_args(Overlap))
    def test_instants_that_were_all_fired_before_are_passed_whatever_is_active(self, overlap: Overlap) -> None:
        schedule, due = self.saved()
        self.fire(self.firing(schedule, due, due + MINUTE, next_fire=due + 2 * MINUTE))
        again = self.set_back(due)
        firing = self.firing(again, due, due + MINUTE, next_fire=due + 3 * MINUTE, missed=1, overlap=overlap)
        assert self.fire(firing) == [Fate.REPEATED]
        assert self.stored() == replace(again, next_fire=due + 3 * MINUTE, missed=1)
        assert self.states() == {State.PENDING: 2}

    def test_an_older_instant_does_not_take_back_the_last_fire(self) -> None:
        schedule, due = self.saved()
        self.fire(self.firing(schedule, due + 5 * MINUTE, next_fire=due))
        assert self.fire(self.firing(self.stored(), kind="backfill")) == [Fate.SENT]
        stored = self.stored()
        assert (stored.last_fire, stored.total_runs) == (due + 5 * MINUTE, 2)

    def test_a_backfill_does_not_take_the_place_of_the_automatic_firing(self) -> None:
        schedule, due = self.saved()
        backfill = self.firing(schedule, kind="backfill", messages=(self.of_s(due),), next_fire=due)
        assert self.fire(backfill, self.firing(schedule)) == [Fate.SENT, Fate.SENT]
        assert self.states() == {State.PENDING: 2}
        assert self.stored().total_runs == 2

    def test_a_backfill_fires_an_instant_once(self) -> None:
        schedule, due = self.saved()
        backfill = self.firing(schedule, kind="backfill")
        assert self.fire(backfill, backfill) == [Fate.SENT, Fate.LOST]
        again = self.firing(self.set_back(due), kind="backfill")
        assert self.fire(again) == [Fate.REPEATED]
        assert self.states() == {State.PENDING: 1}
        assert self.stored().total_runs == 1

    def test_a_backfill_of_an_old_version_changes_nothing(self) -> None:
        schedule, _ = self.saved()
        (edited,) = self.save(replace(schedule, task="other"))
        assert self.fire(self.firing(schedule, kind="backfill")) == [Fate.LOST]
        assert self.stored() == edited
        assert self.states() == {}

    @pytest.mark.parametrize(
        ("overlap", "second", "states"),
        [
            ("allow", Fate.SENT, {State.PENDING: 2}),
            ("skip", Fate.SKIPPED, {State.PENDING: 1}),
            ("queue_one", Fate.HELD, {State.PENDING: 1}),
            ("cancel_previous", Fate.SENT, {State.PENDING: 1, State.REVOKED: 1}),
            ("replace_queued", Fate.SENT, {State.PENDING: 1, State.REVOKED: 1}),
        ],
    )
    def test_a_firing_sees_what_those_before_it_in_the_call_did(
        self, overlap: Overlap, second: Fate, states: dict[str, int]
    ) -> None:
        schedule, due = self.saved()
        one = self.firing(schedule, overlap=overlap)
        other = self.next_of(one, overlap=overlap)
        assert self.fire(one, other) == [Fate.SENT, second]
        assert self.states() == states
        assert self.stored().next_fire == (due + MINUTE if second is Fate.HELD else due + 2 * MINUTE)

    def test_the_instants_of_one_firing_are_not_in_the_way_of_each_other(self) -> None:
        schedule, due = self.saved()
        firing = self.firing(schedule, due, due + MINUTE, next_fire=due + 2 * MINUTE, overlap="queue_one")
        assert self.fire(firing) == [Fate.SENT]
        assert self.states() == {State.PENDING: 2}

    @pytest.mark.parametrize("overlap", get_args(Overlap))
    def test_a_manual_firing_ignores_what_is_active(self, overlap: Overlap) -> None:
        schedule, due = self.saved()
        self.fire(self.firing(schedule))
        self.fire(self.next_of(self.firing(schedule), overlap="queue_one"))
        held = self.stored()
        by_hand = self.firing(held, kind="manual", messages=(self.of_s(due + 1),), overlap=overlap, missed=7)
        assert self.fire(by_hand) == [Fate.SENT]
        assert self.stored() == held
        assert self.states() == {State.PENDING: 2}

    def test_a_manual_firing_counts_as_active(self) -> None:
        schedule, due = self.saved()
        self.fire(self.firing(schedule, kind="manual", messages=(self.of_s(due),)))
        assert self.fire(self.firing(schedule, overlap="skip")) == [Fate.SKIPPED]

    def test_what_a_schedule_is_told_to_be_is_what_is_read(self) -> None:
        (saved,) = self.save(self.schedule(catchup_spacing=1.5, passed_over=(1, 2), added=(3,), description="why"))
        assert self.stored() == saved

    def saved(self) -> tuple[Schedule, Instant]:
        (schedule,) = self.save(self.schedule())
        assert schedule.next_fire is not None
        return schedule, schedule.next_fire

    def set_back(self, next_fire: Instant) -> Schedule:
        """Edit the schedule so that it comes to an instant again."""
        (schedule,) = self.save(replace(self.stored(), next_fire=next_fire))
        return schedule

    def of_s(self, nominal: Instant) -> Message:
        return self.message(schedule="s", nominal=nominal)

    def next_of(self, firing: Firing, **fields: object) -> Firing:
        """Return the firing of the instant after another firing's, read before that one was made."""
        return self.firing(replace(self.stored(), next_fire=firing.next_fire), **fields)
