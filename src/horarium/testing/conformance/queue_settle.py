"""Questions about Queue.settle."""

from __future__ import annotations

import pytest
from msgspec import Raw
from msgspec.structs import replace

from horarium.engines.protocol import ATTEMPTS_KEPT, Revoke
from horarium.message import derived_id
from horarium.outcome import (
    Crashed,
    Expired,
    Failed,
    Ignored,
    Outcome,
    Progress,
    Rejected,
    Released,
    Reported,
    Retried,
    Revoked,
    Settlement,
    State,
    Succeeded,
    Verdict,
)
from horarium.testing.conformance.candidate import (
    DONE,
    ERROR_LINK,
    KILLED,
    LEASE,
    OOPS,
    POLICY,
    Candidate,
    ids,
    settlement,
)

ENDS: list[tuple[Outcome, State, str | None]] = [
    (DONE, State.SUCCESS, None),
    (Failed(error=OOPS), State.FAILURE, OOPS.class_path),
    (Revoked(reason="by hand"), State.REVOKED, "horarium.errors.TaskRevokedError"),
    (Expired(), State.EXPIRED, "horarium.errors.TaskExpiredError"),
    (Rejected(reason="no good"), State.REJECTED, "horarium.errors.Reject"),
    (Ignored(), State.IGNORED, None),
]


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
