"""Questions about schedules that are held until a run ends: the end of the hold, in whichever way that happens."""

from __future__ import annotations

import select

import pytest
from msgspec.structs import replace

from horarium.engines.records import SCHEDULE_TOPIC, DeadOwner, Revoke
from horarium.outcome import (
    Crashed,
    Outcome,
    Released,
    Reported,
    Retried,
    State,
    Verdict,
)
from horarium.schedules.record import Fate
from horarium.testing.conformance.candidate import DONE, KILLED, OOPS, settlement
from horarium.testing.conformance.notifier import LONG
from horarium.testing.conformance.schedules_ends import FAIL, WAYS, Watch


class TestHold(Watch):
    @pytest.mark.parametrize("way", WAYS)
    def test_a_held_schedule_is_due_again_when_its_run_has_ended(self, way: str) -> None:
        self.saved()
        run = self.about_to_end(way)
        self.hold()
        assert self.due() == []
        listener = self.engine.notifier.listen([SCHEDULE_TOPIC])
        self.end(way, run.id)
        assert self.run(run.id).state == WAYS[way][0]
        descriptor = listener.fileno()
        if descriptor is None:
            assert listener.wait(LONG)
        else:  # a listener that also looks by itself now and then must not wait until then
            assert select.select([descriptor], [], [], LONG)[0] == [descriptor]
        listener.close()
        assert not self.stored().held
        assert self.due() == [self.stored()]
        assert self.fire(self.firing(self.stored(), overlap="queue_one")) == [Fate.SENT]

    @pytest.mark.parametrize("outcome", ["retried", "released", "crashed", "reported", "marked", "lost"])
    def test_a_hold_outlasts_what_does_not_end_a_run(self, outcome: str) -> None:
        self.saved()
        run = self.fired()
        delivery = self.claim_one()
        held = self.hold()
        outcomes: dict[str, Outcome] = {
            "retried": Retried(message=run, error=OOPS),
            "released": Released(reason="stopping"),
            "crashed": Crashed(error=KILLED),
            "reported": Reported(state="HALF"),
            "lost": DONE,
        }
        if outcome == "marked":
            self.engine.inspector.act(Revoke(ids=(run.id,), terminate=True), now=self.now)
        else:
            self.settle(replace(delivery, fence=99) if outcome == "lost" else delivery, outcomes[outcome])
        self.maintain()
        assert self.stored() == held
        assert self.due() == []

    def test_a_hold_outlasts_a_death_that_is_not_the_last(self) -> None:
        self.saved()
        run = self.fired()
        self.claim_one()
        held = self.hold()
        self.maintain(DeadOwner(owner="a", running=(run.id,), error=KILLED))
        assert self.run(run.id).state == State.RETRY
        assert self.stored() == held

    def test_a_hold_ends_when_a_retry_takes_its_run_away_from_the_schedule(self) -> None:
        self.saved()
        run = self.fired()
        delivery = self.claim_one()
        self.hold()
        self.settle(delivery, Retried(message=replace(run, schedule=None, nominal=None, retries=1), error=OOPS))
        assert not self.stored().held
        assert self.due() == [self.stored()]

    def test_a_hold_outlasts_the_ends_of_other_runs(self) -> None:
        self.saved()
        self.saved("t")
        self.put_one()
        self.fired("t")
        others = self.claim("others")
        self.fired()
        held = self.hold()
        self.settle_all(*(settlement(other, DONE) for other in others))
        assert self.stored() == held

    def test_a_hold_outlasts_an_end_that_is_told_again(self) -> None:
        self.saved()
        self.fired()
        told = settlement(self.claim_one(), DONE)
        self.settle_all(told)
        self.fired()
        held = self.hold()
        assert self.settle_all(told) == [Verdict.REPEATED]
        assert self.settle_all(replace(told, outcome=FAIL)) == [Verdict.LOST]
        assert self.stored() == held

    def test_a_hold_ends_with_the_first_of_several_runs_and_may_begin_again(self) -> None:
        self.saved()
        self.fired()
        self.fired()
        first, second = self.claim()
        self.hold()
        self.settle(first, DONE)
        assert self.due() == [self.stored()]
        self.hold()
        self.settle(second, DONE)
        assert self.fire(self.firing(self.stored(), overlap="queue_one")) == [Fate.SENT]

    def test_an_edit_ends_a_hold(self) -> None:
        self.saved()
        self.fired()
        held = self.hold()
        (edited,) = self.save(replace(held, task="other"))
        assert not edited.held
        assert self.due() == [edited] == [self.stored()]
        self.hold()

    def test_nobody_can_save_a_hold(self) -> None:
        (saved,) = self.save(self.schedule(held=True))
        assert not saved.held
        assert self.due() == [saved]

    def test_the_end_of_a_run_wakes_no_paused_schedule(self) -> None:
        schedule = self.saved()
        self.save(replace(schedule, paused_by="eve"))
        self.fired()
        self.settle(self.claim_one(), DONE)
        assert self.due() == []
        assert self.stored().ended == self.now

    def test_making_way_ends_a_hold_too(self) -> None:
        self.saved()
        self.fired()
        self.hold()
        assert self.fire(self.firing(self.stored(), overlap="replace_queued")) == [Fate.SENT]
        assert self.due() == [self.stored()]
