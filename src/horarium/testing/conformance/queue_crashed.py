"""Questions about Queue.settle of crashed and of marked deliveries."""

from __future__ import annotations

import pytest

from horarium.engines.records import Revoke
from horarium.message import derived_id
from horarium.outcome import (
    Crashed,
    Outcome,
    Released,
    Retried,
    State,
    Verdict,
)
from horarium.testing.conformance.candidate import (
    DONE,
    ERROR_LINK,
    KILLED,
    OOPS,
    POLICY,
    Candidate,
    ids,
    settlement,
)


class TestCrashed(Candidate):
    def test_a_crash_is_charged_and_waits_longer_each_time(self) -> None:
        message = self.put_one()
        for crashes, delay in ((1, 1.0), (2, 10.0)):
            delivery = self.claim_one()
            assert delivery.crashes == crashes - 1
            self.settle(delivery, Crashed(error=KILLED))
            run = self.run(message.id)
            assert (run.state, run.error, run.attempts[-1].outcome) == (State.RETRY, KILLED, "crashed")
            self.now += round(delay * 1000) - 1
            assert self.claim() == []
            self.now += 1
        assert self.claim_one().crashes == 2

    def test_too_many_crashes_make_it_dead(self) -> None:
        message = self.put_one(error_links=(ERROR_LINK,))
        for _ in range(POLICY.crash_limit):
            self.later(60)
            self.settle(self.claim_one(), Crashed(error=KILLED), started=self.now - 50, ended=self.now - 10)
        run = self.run(message.id)
        assert (run.state, run.error, run.ended) == (State.DEAD, KILLED, self.now - 10)
        assert [attempt.number for attempt in run.attempts] == [1, 2, 3]
        assert self.run(derived_id(message.id, "error_link", 0)).state == State.PENDING
        self.later(600)
        assert message.id not in ids(self.claim())

    def test_a_retry_between_does_not_pardon_crashes(self) -> None:
        message = self.put_one()
        for outcome in (Crashed(error=KILLED), Retried(message=message, error=OOPS), Released(reason="r")):
            self.later(60)
            self.settle(self.claim_one(), outcome)
        self.later(60)
        assert self.claim_one().crashes == 1

    def test_an_at_most_once_message_is_dead_at_its_first_crash(self) -> None:
        message = self.put_one(at_most_once=True, error_links=(ERROR_LINK,))
        self.settle(self.claim_one(), Crashed(error=KILLED))
        assert (self.run(message.id).state, self.run(message.id).error) == (State.DEAD, KILLED)
        assert self.run(derived_id(message.id, "error_link", 0)).state == State.PENDING

    def test_the_last_crash_told_twice_sends_its_error_links_once(self) -> None:
        self.put_one(at_most_once=True, error_links=(ERROR_LINK,))
        told = settlement(self.claim_one(), Crashed(error=KILLED))
        assert self.settle_all(told, told) == [Verdict.RECORDED, Verdict.REPEATED]
        assert self.states() == {State.DEAD: 1, State.PENDING: 1}

    @pytest.mark.parametrize("kind", ["retried", "released", "crashed"])
    @pytest.mark.parametrize("terminate", [False, True])
    def test_a_marked_delivery_never_waits_again(self, kind: str, terminate: bool) -> None:
        message = self.put_one(at_most_once=True, error_links=(ERROR_LINK,))
        delivery = self.claim_one()
        self.engine.inspector.act(Revoke(ids=(message.id,), terminate=terminate), now=self.now)
        outcomes: dict[str, Outcome] = {
            "retried": Retried(message=message, error=OOPS),
            "released": Released(reason="stopping"),
            "crashed": Crashed(error=KILLED),
        }
        assert self.settle(delivery, outcomes[kind]) == Verdict.RECORDED
        run = self.run(message.id)
        assert (run.state, run.ended) == (State.REVOKED, self.now)
        assert run.error is not None
        assert run.error.class_path == "horarium.errors.TaskRevokedError"
        self.later(600)
        assert self.claim() == []
        assert self.states() == {State.REVOKED: 1}

    def test_a_marked_delivery_may_still_succeed(self) -> None:
        message = self.put_one()
        delivery = self.claim_one()
        self.engine.inspector.act(Revoke(ids=(message.id,)), now=self.now)
        assert self.settle(delivery, DONE) == Verdict.RECORDED
        assert self.run(message.id).state == State.SUCCESS
