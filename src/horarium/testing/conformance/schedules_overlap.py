"""Questions about Schedules.fire while earlier runs of the schedule have not ended."""

from __future__ import annotations

from typing import get_args

import pytest
from msgspec.structs import replace

from horarium.clock import Instant
from horarium.engines.records import Revoke
from horarium.message import Message
from horarium.outcome import Crashed, Retried, Revoked, State
from horarium.schedules.record import Fate, Overlap, Schedule
from horarium.testing.conformance.candidate import DONE, KILLED, OOPS, Candidate, ids

WAITING = ["waiting", "delayed", "retrying", "crashed"]
STANDINGS = [*WAITING, "in hand"]
FOR_EVER = 10**12


class TestOverlap(Candidate):
    @pytest.mark.parametrize("overlap", get_args(Overlap))
    def test_with_nothing_active_a_firing_is_sent(self, overlap: Overlap) -> None:
        schedule = self.saved()
        self.put_one(schedule="other")
        self.put_one()
        self.active("waiting")
        self.end_all("s")
        assert self.fire(self.firing(schedule, overlap=overlap)) == [Fate.SENT]
        assert (self.stored().total_runs, self.stored().held) == (1, False)

    @pytest.mark.parametrize("standing", STANDINGS)
    def test_allow_sends_beside_what_is_active(self, standing: str) -> None:
        schedule = self.saved()
        run = self.active(standing)
        before = self.run(run.id)
        assert self.fire(self.firing(schedule)) == [Fate.SENT]
        assert self.run(run.id) == before
        assert self.stored().total_runs == 1

    @pytest.mark.parametrize("standing", STANDINGS)
    def test_skip_passes_the_instant_and_counts_it(self, standing: str) -> None:
        schedule = self.saved()
        run = self.active(standing)
        before = self.run(run.id)
        firing = self.firing(schedule, overlap="skip", missed=2)
        assert self.fire(firing) == [Fate.SKIPPED]
        assert self.stored() == replace(schedule, next_fire=firing.next_fire, missed=2, skipped=1)
        assert self.engine.results.read([firing.messages[0].id]) == [None]
        assert self.run(run.id) == before

    def test_a_skipped_instant_is_not_fired_later(self) -> None:
        schedule = self.saved()
        self.active("waiting")
        self.fire(self.firing(schedule, overlap="skip"))
        self.end_all("s")
        (again,) = self.save(replace(self.stored(), next_fire=schedule.next_fire))
        assert self.fire(self.firing(again)) == [Fate.REPEATED]
        assert self.claim() == []

    def test_skip_counts_each_instant_that_was_not_fired_before(self) -> None:
        schedule, due = self.saved(), self.now + 60_000
        self.fire(self.firing(schedule))
        (again,) = self.save(replace(self.stored(), next_fire=due))
        several = self.firing(again, due, due + 1, due + 2, overlap="skip")
        assert self.fire(several) == [Fate.SKIPPED]
        assert (self.stored().skipped, self.stored().total_runs) == (2, 1)
        assert self.stored().last_fire == due

    @pytest.mark.parametrize("standing", STANDINGS)
    def test_queue_one_holds_the_schedule_and_changes_nothing_else(self, standing: str) -> None:
        schedule = self.saved()
        run = self.active(standing)
        before = self.run(run.id)
        firing = self.firing(schedule, overlap="queue_one", missed=2)
        assert self.fire(firing) == [Fate.HELD]
        assert self.stored() == replace(schedule, held=True)
        assert self.engine.results.read([firing.messages[0].id]) == [None]
        assert self.run(run.id) == before

    def test_a_held_schedule_is_not_due_and_holds_up_no_other(self) -> None:
        schedule = self.saved()
        (other,) = self.save(self.schedule("other", next_fire=self.now + 70_000))
        self.active("in hand")
        self.fire(self.firing(schedule, overlap="queue_one"))
        assert self.engine.schedules.due(self.now + FOR_EVER, 1) == [other]
        assert self.engine.schedules.due(self.now + FOR_EVER, 10) == [other]

    def test_a_held_firing_may_be_tried_again_and_is_held_again(self) -> None:
        schedule = self.saved()
        self.active("in hand")
        firing = self.firing(schedule, overlap="queue_one")
        assert self.fire(firing, firing) == [Fate.HELD, Fate.HELD]
        assert self.fire(firing) == [Fate.HELD]
        assert self.stored() == replace(schedule, held=True)

    @pytest.mark.parametrize("overlap", ["allow", "skip", "cancel_previous", "replace_queued"])
    def test_a_hold_ends_when_the_schedule_moves_on(self, overlap: Overlap) -> None:
        schedule = self.saved()
        self.active("waiting")
        self.fire(self.firing(schedule, overlap="queue_one"))
        self.fire(self.firing(schedule, overlap=overlap))
        assert not self.stored().held
        assert self.engine.schedules.due(self.now + FOR_EVER, 10) == [self.stored()]

    def test_a_hold_ends_when_the_schedule_moves_on_without_sending(self) -> None:
        schedule = self.saved()
        self.active("waiting")
        self.fire(self.firing(schedule, overlap="queue_one"))
        missed = self.firing(schedule, messages=(), missed=1, overlap="queue_one")
        assert self.fire(missed) == [Fate.SENT]
        assert self.stored() == replace(schedule, next_fire=missed.next_fire, missed=1)

    @pytest.mark.parametrize("standing", WAITING)
    @pytest.mark.parametrize("overlap", ["cancel_previous", "replace_queued"])
    def test_what_waits_makes_way(self, overlap: Overlap, standing: str) -> None:
        schedule = self.saved()
        run = self.active(standing)
        firing = self.firing(schedule, overlap=overlap)
        assert self.fire(firing) == [Fate.SENT]
        ended = self.run(run.id)
        assert (ended.state, ended.ended) == (State.REVOKED, self.now)
        assert ended.error is not None
        assert ended.error.class_path == "horarium.errors.TaskRevokedError"
        self.later(3600)
        assert ids(self.claim()) == [firing.messages[0].id]
        stored = self.stored()
        assert (stored.total_runs, stored.next_fire, stored.ended) == (1, firing.next_fire, ended.ended)

    def test_cancel_previous_marks_what_is_in_hand_to_be_terminated(self) -> None:
        schedule = self.saved()
        run = self.active("in hand")
        waiting = self.active("waiting")
        assert self.fire(self.firing(schedule, overlap="cancel_previous")) == [Fate.SENT]
        assert self.run(waiting.id).state == State.REVOKED
        assert (self.run(run.id).state, self.run(run.id).cancel) == (State.RECEIVED, "terminate")
        assert self.renew("a").terminate == (run.id,)

    def test_cancel_previous_makes_a_mark_stronger(self) -> None:
        schedule = self.saved()
        run = self.active("in hand")
        self.engine.inspector.act(Revoke(ids=(run.id,)), now=self.now)
        self.fire(self.firing(schedule, overlap="cancel_previous"))
        assert self.run(run.id).cancel == "terminate"

    def test_what_was_cancelled_is_active_until_it_has_ended(self) -> None:
        schedule = self.saved()
        run = self.put_one(schedule="s", nominal=self.now)
        delivery = self.claim_one()
        self.fire(self.firing(schedule, overlap="cancel_previous"))
        self.end_all("s")
        after = self.stored()
        assert self.fire(self.firing(after, overlap="queue_one")) == [Fate.HELD]
        self.settle(delivery, Revoked(reason="terminated"))
        assert self.run(run.id).state == State.REVOKED
        assert self.fire(self.firing(after, overlap="queue_one")) == [Fate.SENT]

    def test_replace_queued_leaves_alone_what_is_in_hand(self) -> None:
        schedule = self.saved()
        run = self.active("in hand")
        before = self.run(run.id)
        waiting = self.active("waiting")
        assert self.fire(self.firing(schedule, overlap="replace_queued")) == [Fate.SENT]
        assert self.run(waiting.id).state == State.REVOKED
        assert self.run(run.id) == before
        assert self.renew("a").terminate == ()

    @pytest.mark.parametrize(
        ("overlap", "fate"),
        [
            ("skip", Fate.SKIPPED),
            ("queue_one", Fate.HELD),
            ("cancel_previous", Fate.SENT),
            ("replace_queued", Fate.SENT),
        ],
    )
    def test_up_to_max_active_runs_are_in_nobodys_way(self, overlap: Overlap, fate: Fate) -> None:
        self.saved()
        runs = [self.active("in hand"), self.active("waiting")]
        assert self.fire(self.firing(self.stored(), overlap=overlap, max_active=3)) == [Fate.SENT]
        assert [self.run(run.id).state for run in runs] == [State.RECEIVED, State.PENDING]
        assert self.fire(self.firing(self.stored(), overlap=overlap, max_active=3)) == [fate]
        has_made_way = fate is Fate.SENT
        assert self.run(runs[1].id).state == (State.REVOKED if has_made_way else State.PENDING)

    @pytest.mark.parametrize("overlap", get_args(Overlap))
    def test_messages_of_others_are_neither_counted_nor_touched(self, overlap: Overlap) -> None:
        schedule = self.saved()
        others = [self.put_one(schedule=name, nominal=self.now) for name in ("t", "ss", "S", "")] + [self.put_one()]
        assert self.fire(self.firing(schedule, overlap=overlap)) == [Fate.SENT]
        self.active("delayed")
        self.fire(self.firing(self.stored(), overlap=overlap))
        assert {self.run(other.id).state for other in others} == {State.PENDING}

    def test_what_a_deleted_schedule_of_the_same_name_left_behind_is_active(self) -> None:
        self.fire(self.firing(self.saved()))
        self.engine.schedules.delete(["s"])
        assert self.fire(self.firing(self.saved(), overlap="skip")) == [Fate.SKIPPED]

    def test_each_firing_of_a_call_has_its_own_fate(self) -> None:
        schedules = self.save(*(self.schedule(name) for name in "abcd"))
        runs = [self.put_one(schedule=name, nominal=self.now) for name in "abcd"]
        overlaps = ["allow", "skip", "queue_one", "replace_queued"]
        firings = [self.firing(each, overlap=overlap) for each, overlap in zip(schedules, overlaps, strict=True)]
        assert self.fire(*firings) == [Fate.SENT, Fate.SKIPPED, Fate.HELD, Fate.SENT]
        assert [self.run(run.id).state for run in runs] == [State.PENDING] * 3 + [State.REVOKED]
        assert [self.stored(name).held for name in "abcd"] == [False, False, True, False]

    @pytest.mark.parametrize("overlap", get_args(Overlap))
    def test_a_firing_that_is_lost_touches_nothing(self, overlap: Overlap) -> None:
        schedule = self.saved()
        run = self.active("waiting")
        assert self.fire(self.firing(schedule, overlap=overlap, expected=self.now)) == [Fate.LOST]
        assert self.stored() == schedule
        assert self.run(run.id).state == State.PENDING

    def saved(self) -> Schedule:
        (schedule,) = self.save(self.schedule())
        return schedule

    def active(self, standing: str) -> Message:
        """Put a message of the schedule s that has not ended. Only one is ever in the hands of anybody."""
        eta: Instant | None = self.now + 600_000 if standing == "delayed" else None
        run = self.put_one(schedule="s", nominal=self.now, eta=eta)
        if standing in ("waiting", "delayed"):
            return run
        delivery = self.claim_one()
        if standing == "retrying":
            self.settle(delivery, Retried(message=replace(run, retries=1, eta=self.now + 60_000), error=OOPS))
        elif standing == "crashed":
            self.settle(delivery, Crashed(error=KILLED))
        return run

    def end_all(self, schedule: str) -> None:
        """Let what waits and is due run, and succeed; put back whatever is another schedule's."""
        for delivery in self.claim("ender"):
            if delivery.message.schedule == schedule:
                self.settle(delivery, DONE)
