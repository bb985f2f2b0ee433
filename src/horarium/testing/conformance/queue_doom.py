"""Questions about what becomes of messages whose waiting is in vain."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from horarium.engines.records import Page, Revoke, RunFilter
from horarium.message import Join
from horarium.outcome import (
    Crashed,
    ErrorRecord,
    Expired,
    Failed,
    Ignored,
    Outcome,
    Rejected,
    Revoked,
    State,
    Succeeded,
    Verdict,
)
from horarium.testing.conformance.candidate import KILLED, OOPS, ids
from horarium.testing.conformance.gated import BODY_LINK, Gates, chain, group, task


class TestDoom(Gates):
    @pytest.mark.parametrize(
        "outcome", [Failed(error=OOPS), Revoked(reason="by hand"), Expired(), Rejected(reason="no"), Ignored()]
    )
    def test_a_body_fails_with_a_chord_error_when_one_of_its_header_does_not_succeed(self, outcome: Outcome) -> None:
        self.chord()
        self.settle(self.deliveries()["h1"], outcome)
        run = self.run("body")
        assert (run.state, run.ended) == (State.FAILURE, self.now)
        assert run.error is not None
        assert (run.error.class_path, "h1" in run.error.text) == ("horarium.errors.ChordError", True)
        assert self.claim() == []

    def test_its_errbacks_are_called_once_with_its_own_id(self) -> None:
        self.chord(3, error_links=(BODY_LINK,))
        for delivery in self.claim():
            self.settle(delivery, Failed(error=OOPS))
        assert [(each.message.task, self.args(each)) for each in self.claim()] == [(BODY_LINK.task, ["body"])]

    @pytest.mark.parametrize(
        ("outcome", "state"),
        [
            (Failed(error=OOPS), State.FAILURE),
            (Revoked(reason="by hand"), State.REVOKED),
            (Expired(), State.EXPIRED),
            (Rejected(reason="no"), State.FAILURE),
            (Ignored(), State.IGNORED),
        ],
    )
    def test_the_rest_of_a_chain_ends_as_the_step_did_and_calls_nobody(self, outcome: Outcome, state: State) -> None:
        later = replace(task("b"), error_links=(task("late"),))
        self.send(chain(task("a"), later, task("c")))
        delivery = self.claim_one()
        self.settle(delivery, outcome)
        runs = self.engine.results.search(RunFilter(tasks=("b", "c")), Page()).runs
        assert [run.state for run in runs] == [state, state]
        assert self.claim() == []
        if isinstance(outcome, Failed):
            assert [_said(run.error) for run in runs] == [_said(OOPS)] * 2

    def test_a_long_chain_ends_whole(self) -> None:
        self.send(chain(*(task("t") for _ in range(300))))
        self.settle(self.claim_one(), Failed(error=OOPS))
        self.finish_chores()
        assert self.states() == {State.FAILURE: 300}

    def test_a_member_that_dies_of_crashes_dooms_the_body(self) -> None:
        self.chord(1)
        for _ in range(3):
            self.settle(self.claim_one(), Crashed(error=KILLED))
            self.later(100)
        assert (self.state("h0"), self.state("body")) == (State.DEAD, State.FAILURE)

    def test_a_member_that_expires_while_it_waits_dooms_the_body(self) -> None:
        self.put(self.body(1), self.message(id="h0", expires=self.now + 1000, joins=(Join(id="body", place=0),)))
        self.later(1)
        self.maintain()
        self.finish_chores()
        assert (self.state("h0"), self.state("body")) == (State.EXPIRED, State.FAILURE)

    def test_a_member_that_is_met_expired_by_a_claim_dooms_the_body(self) -> None:
        self.put(self.body(1), self.message(id="h0", expires=self.now + 1000, joins=(Join(id="body", place=0),)))
        self.later(1)
        assert self.claim() == []
        self.finish_chores()
        assert (self.state("h0"), self.state("body")) == (State.EXPIRED, State.FAILURE)

    def test_a_member_that_is_revoked_while_it_waits_dooms_the_body(self) -> None:
        self.chord()
        assert self.engine.inspector.act(Revoke(ids=("h0",)), now=self.now) == ["h0"]
        assert self.state("body") == State.FAILURE
        assert ids(self.claim()) == ["h1"]

    def test_a_member_that_is_lost_with_its_owner_dooms_the_body(self) -> None:
        member = replace(self.header(1)[0], at_most_once=True)
        self.put(self.body(1), member)
        self.claim_one()
        self.renew("a", running=["h0"])
        self.later(60)
        self.maintain()
        self.finish_chores()
        assert (self.state("h0"), self.state("body")) == (State.DEAD, State.FAILURE)

    def test_a_doomed_body_dooms_whoever_waits_for_it(self) -> None:
        header = group(task("a"), task("b"))
        self.send(chain(header, task("body"), group(task("x"), task("y")), task("end")))
        assert self.work_off(failing="a") == [("a", []), ("b", [])]
        assert self.states() == {State.FAILURE: 5, State.SUCCESS: 1}

    def test_late_arrivals_at_a_doomed_body_change_nothing(self) -> None:
        self.chord()
        held = self.deliveries()
        self.settle(held["h0"], Failed(error=OOPS))
        assert self.succeed(held["h1"]) == Verdict.RECORDED
        assert (self.state("body"), self.claim()) == (State.FAILURE, [])

    def test_a_body_that_runs_already_is_not_doomed(self) -> None:
        self.put(self.body(1), self.header(1)[0], self.message(id="stray", joins=(Join(id="body", place=5),)))
        held = self.deliveries()
        self.succeed(held["h0"])
        body = self.claim_one()
        self.settle(held["stray"], Failed(error=OOPS))
        assert self.settle(body, Succeeded(result=None)) == Verdict.RECORDED

    def finish_chores(self) -> None:
        while self.maintain().more:
            pass


def _said(error: ErrorRecord | None) -> tuple[str, bytes, str] | None:
    """Return what an error says; the traceback may be kept with the run that has failed, and nowhere else."""
    return None if error is None else (error.class_path, bytes(error.args), error.text)
