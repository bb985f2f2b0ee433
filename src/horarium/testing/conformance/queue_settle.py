"""Questions about Queue.settle: what each outcome does."""

from __future__ import annotations

import pytest
from msgspec import Raw
from msgspec.structs import replace

from horarium.engines.records import ATTEMPTS_KEPT
from horarium.outcome import (
    Failed,
    Outcome,
    Progress,
    Released,
    Reported,
    Retried,
    State,
    Succeeded,
    Verdict,
)
from horarium.testing.conformance.candidate import (
    DONE,
    ENDS,
    OOPS,
    Candidate,
    ids,
    settlement,
)


class TestSettle(Candidate):
    @pytest.mark.parametrize(("outcome", "state", "error"), ENDS)
    def test_an_end_is_final(self, outcome: Outcome, state: State, error: str | None) -> None:
        message = self.put_one()
        delivery = self.claim_one()
        self.later(2)
        times = {"started": self.now - 1500, "ended": self.now - 500}
        assert self.settle(delivery, outcome, logs=("one", "two"), **times) == Verdict.RECORDED
        run = self.run(message.id)
        assert (run.state, run.changed, run.started, run.ended) == (state, self.now, times["started"], times["ended"])
        assert (run.error.class_path if run.error else None) == error
        assert (run.worker, run.logs, run.has_ended) == ("a@host", ("one", "two"), True)
        (attempt,) = run.attempts
        assert (attempt.number, attempt.worker, attempt.outcome) == (1, "a@host", type(outcome).__name__.lower())
        assert (attempt.started, attempt.ended) == (times["started"], times["ended"])
        self.later(3000)
        assert self.claim("b") == []
        assert self.states() == {state: 1}

    def test_a_result_and_an_error_are_kept_to_the_letter(self) -> None:
        good, bad = self.put_one(), self.put_one()
        first, second = self.claim()
        result = Raw(b'{"n": 1.50, "text": "\\u00e4 \xc3\xa4"}')
        self.settle_all(settlement(first, Succeeded(result=result)), settlement(second, Failed(error=OOPS)))
        assert self.run(good.id).result == result
        assert (self.run(bad.id).error, self.run(bad.id).result) == (OOPS, None)

    def test_a_result_that_nobody_wants_is_not_kept(self) -> None:
        message = self.put_one(ignore_result=True)
        assert self.settle(self.claim_one(), Succeeded(result=None)) == Verdict.RECORDED
        run = self.run(message.id)
        assert (run.state, run.result) == (State.SUCCESS, None)

    def test_an_end_without_a_time_ends_now(self) -> None:
        message = self.put_one()
        self.settle(self.claim_one(), DONE)
        assert self.run(message.id).ended == self.now

    def test_follow_ups_wait_as_soon_as_the_end_is_recorded(self) -> None:
        self.put_one()
        follow_ups = (self.message(id="next"), self.message(id="later", eta=self.now + 1000))
        self.settle(self.claim_one(), DONE, follow_ups=follow_ups)
        assert [self.run(id).state for id in ("next", "later")] == [State.PENDING] * 2
        assert ids(self.claim()) == ["next"]

    def test_a_follow_up_that_is_stored_already_is_left_as_it_is(self) -> None:
        known = self.put_one(priority=0)
        self.put_one()
        fresh = self.message()
        again = self.message(id=known.id, task="other")
        assert self.settle(self.claim_one(), DONE, follow_ups=(again, fresh)) == Verdict.RECORDED
        assert self.run(known.id).message.task == "t"
        assert self.run(fresh.id).state == State.PENDING

    def test_a_retry_takes_the_messages_place(self) -> None:
        message = self.put_one()
        delivery = self.claim_one()
        again = replace(message, retries=1, eta=self.now + 5000, args=Raw(b"[2]"), queue="slow")
        assert self.settle(delivery, Retried(message=again, error=OOPS), started=self.now) == Verdict.RECORDED
        run = self.run(message.id)
        assert (run.state, run.error, run.message, run.ended) == (State.RETRY, OOPS, again, None)
        assert (run.worker, run.started) == ("", None)
        assert [(attempt.number, attempt.outcome) for attempt in run.attempts] == [(1, "retried")]
        self.later(4.999)
        assert self.claim(queues=["default", "slow"]) == []
        self.later(0.001)
        (delivery,) = self.claim("b", queues=["slow"])
        assert (delivery.message, delivery.attempt, delivery.crashes) == (again, 2, 0)

    def test_a_retry_without_an_eta_is_due_at_once(self) -> None:
        message = self.put_one(eta=self.now - 5)
        self.settle(self.claim_one(), Retried(message=replace(message, eta=None), error=OOPS))
        assert self.claim_one().attempt == 2

    def test_success_after_a_retry_clears_the_error_and_keeps_both_attempts(self) -> None:
        message = self.put_one()
        self.settle(self.claim_one(), Retried(message=message, error=OOPS))
        self.settle(self.claim_one("b"), DONE)
        run = self.run(message.id)
        assert (run.state, run.error) == (State.SUCCESS, None)
        assert [(attempt.number, attempt.worker, attempt.outcome, attempt.error) for attempt in run.attempts] == [
            (1, "a@host", "retried", OOPS),
            (2, "b@host", "succeeded", None),
        ]

    def test_a_run_remembers_only_its_newest_attempts(self) -> None:
        message = self.put_one()
        for _ in range(ATTEMPTS_KEPT + 1):
            self.settle(self.claim_one(), Retried(message=message, error=OOPS))
        assert [attempt.number for attempt in self.run(message.id).attempts] == list(range(2, ATTEMPTS_KEPT + 2))

    def test_a_released_delivery_is_ready_at_once_and_not_charged(self) -> None:
        message = self.put_one()
        assert self.settle(self.claim_one(), Released(reason="stopping")) == Verdict.RECORDED
        run = self.run(message.id)
        assert (run.state, run.worker, run.attempts) == (State.PENDING, "", ())
        delivery = self.claim_one("b")
        assert (delivery.attempt, delivery.fence, delivery.crashes) == (1, 2, 0)

    def test_a_delivery_released_while_it_ran_shows_its_attempt(self) -> None:
        message = self.put_one()
        self.settle(self.claim_one(), Released(reason="stopping"), started=self.now)
        assert [(each.number, each.outcome) for each in self.run(message.id).attempts] == [(1, "released")]
        assert self.claim_one("b").attempt == 1

    def test_a_release_may_ask_for_a_delay(self) -> None:
        self.put_one()
        self.settle(self.claim_one(), Released(reason="busy", delay=2.0))
        self.later(1.999)
        assert self.claim() == []
        self.later(0.001)
        assert len(self.claim()) == 1

    def test_reports_change_the_run_while_it_is_in_hand(self) -> None:
        message = self.put_one()
        delivery = self.claim_one()
        self.later(1)
        started = Reported(state=State.STARTED)
        assert self.settle(delivery, started, started=self.now) == Verdict.RECORDED
        run = self.run(message.id)
        assert (run.state, run.started, run.changed, run.attempts) == (State.STARTED, self.now, self.now, ())
        progress = Progress(done=1, total=3, note="one", at=self.now)
        self.settle(delivery, Reported(progress=progress))
        assert self.settle(delivery, Reported(state="BAKING", meta=Raw(b'{"oven":1}'))) == Verdict.RECORDED
        assert self.settle(delivery, Reported(state="BAKING", meta=Raw(b'{"oven":1}'))) == Verdict.RECORDED
        run = self.run(message.id)
        assert (run.state, run.meta, run.progress) == ("BAKING", Raw(b'{"oven":1}'), progress)
        assert self.settle(delivery, DONE) == Verdict.RECORDED

    def test_a_waiting_run_shows_nothing_of_the_attempt_before(self) -> None:
        message = self.put_one()
        delivery = self.claim_one()
        self.settle(delivery, Reported(state="BAKING", meta=Raw(b"1"), progress=Progress(done=1)), started=self.now)
        self.settle(delivery, Released(reason="stopping"))
        run = self.run(message.id)
        assert (run.state, run.worker, run.started, run.meta, run.progress) == (State.PENDING, "", None, None, None)

    def test_a_report_that_comes_too_late_is_lost(self) -> None:
        message = self.put_one()
        delivery = self.claim_one()
        self.settle(delivery, DONE)
        assert self.settle(delivery, Reported(state="BAKING")) == Verdict.LOST
        assert self.run(message.id).state == State.SUCCESS

    def test_each_delivery_is_judged_for_itself(self) -> None:
        self.put(*(self.message() for _ in range(3)))
        first, second, third = self.claim()
        stale = settlement(replace(second, fence=second.fence + 7), DONE, follow_ups=(self.message(id="never"),))
        verdicts = self.settle_all(settlement(first, DONE), stale, settlement(third, Failed(error=OOPS)))
        assert verdicts == [Verdict.RECORDED, Verdict.LOST, Verdict.RECORDED]
        assert self.states() == {State.SUCCESS: 1, State.RECEIVED: 1, State.FAILURE: 1}
        assert self.engine.results.read(["never"]) == [None]

    def test_nothing_settled_is_fine(self) -> None:
        assert self.settle_all() == []
