"""Questions about Queue.settle under tokens that are spent, stale or somebody else's."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from horarium.outcome import (
    Crashed,
    Failed,
    Outcome,
    Released,
    Reported,
    Retried,
    Settlement,
    State,
    Verdict,
)
from horarium.testing.conformance.candidate import (
    DONE,
    ENDS,
    KILLED,
    LEASE,
    OOPS,
    Candidate,
    settlement,
)


class TestStaleTokens(Candidate):
    @pytest.mark.parametrize("outcome", [outcome for outcome, _, _ in ENDS])
    def test_an_end_told_twice_changes_nothing(self, outcome: Outcome) -> None:
        message = self.put_one()
        told = settlement(self.claim_one(), outcome, follow_ups=(self.message(),))
        self.settle_all(told)
        before = self.run(message.id)
        self.later(1)
        assert self.settle_all(told) == [Verdict.REPEATED]
        assert self.run(message.id) == before
        assert len(self.claim()) == 1

    def test_an_end_told_twice_in_one_call_is_recorded_once(self) -> None:
        message = self.put_one()
        told = settlement(self.claim_one(), DONE)
        assert self.settle_all(told, told) == [Verdict.RECORDED, Verdict.REPEATED]
        assert len(self.run(message.id).attempts) == 1

    def test_another_end_under_a_spent_token_is_lost(self) -> None:
        message = self.put_one()
        delivery = self.claim_one()
        self.settle(delivery, DONE)
        assert self.settle(delivery, Failed(error=OOPS)) == Verdict.LOST
        assert self.settle(delivery, Released(reason="stopping")) == Verdict.LOST
        assert self.run(message.id).state == State.SUCCESS

    @pytest.mark.parametrize("kind", ["retried", "released", "crashed"])
    def test_a_put_back_told_twice_changes_nothing(self, kind: str) -> None:
        message, told = self.put_back(kind)
        before = self.run(message)
        assert self.settle_all(told) == [Verdict.REPEATED]
        assert self.run(message) == before
        self.later(60)
        delivery = self.claim_one("b")
        assert delivery.crashes == (1 if kind == "crashed" else 0)

    @pytest.mark.parametrize("kind", ["retried", "released", "crashed"])
    def test_a_put_back_told_again_does_not_touch_the_next_claim(self, kind: str) -> None:
        message, told = self.put_back(kind)
        self.later(60)
        delivery = self.claim_one("b")
        before = self.run(message)
        assert self.settle_all(told) in ([Verdict.REPEATED], [Verdict.LOST])
        assert self.run(message) == before
        assert self.claim("c") == []
        assert self.settle(delivery, DONE) == Verdict.RECORDED

    def test_a_put_back_told_again_to_the_same_owner_does_not_touch_its_next_claim(self) -> None:
        message, told = self.put_back("released")
        delivery = self.claim_one("a")
        assert self.settle_all(told) in ([Verdict.REPEATED], [Verdict.LOST])
        assert self.run(message).state == State.RECEIVED
        assert self.settle(delivery, DONE) == Verdict.RECORDED

    @pytest.mark.parametrize(
        "outcome", [DONE, Failed(error=OOPS), Released(reason="r"), Crashed(error=KILLED), Reported(state="X")]
    )
    def test_an_owner_that_was_given_up_cannot_settle(self, outcome: Outcome) -> None:
        message = self.put_one()
        stale = self.claim_one("a")
        self.later(LEASE)
        self.maintain()
        assert self.settle(stale, outcome, follow_ups=(self.message(id="never"),)) == Verdict.LOST
        self.later(60)
        current = self.claim_one("b")
        assert self.settle(stale, outcome) == Verdict.LOST
        assert self.run(message.id).state == State.RECEIVED
        assert self.settle(current, DONE) == Verdict.RECORDED
        assert self.settle(stale, outcome) == Verdict.LOST
        assert self.engine.results.read(["never"]) == [None]

    def test_a_lapsed_lease_still_settles_until_the_owner_is_given_up(self) -> None:
        self.put_one()
        delivery = self.claim_one()
        self.later(LEASE * 10)
        assert self.settle(delivery, DONE) == Verdict.RECORDED

    def test_a_settlement_by_somebody_else_is_lost(self) -> None:
        message = self.put_one()
        delivery = self.claim_one("a")
        self.renew("b")
        assert self.settle(replace(delivery, owner="b"), DONE) == Verdict.LOST
        assert self.settle(replace(delivery, fence=delivery.fence + 1), DONE) == Verdict.LOST
        assert self.run(message.id).state == State.RECEIVED

    def test_an_unknown_id_is_lost(self) -> None:
        self.put_one()
        delivery = self.claim_one()
        self.settle(delivery, DONE)
        self.engine.results.forget([delivery.message.id])
        assert self.settle(delivery, DONE) == Verdict.LOST

    def put_back(self, kind: str) -> tuple[str, Settlement]:
        message = self.put_one()
        outcomes: dict[str, Outcome] = {
            "retried": Retried(message=replace(message, retries=1, eta=self.now + 1000), error=OOPS),
            "released": Released(reason="stopping"),
            "crashed": Crashed(error=KILLED),
        }
        told = settlement(self.claim_one("a"), outcomes[kind], started=self.now, ended=self.now)
        assert self.settle_all(told) == [Verdict.RECORDED]
        return message.id, told
