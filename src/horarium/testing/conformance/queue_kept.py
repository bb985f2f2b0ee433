"""Questions about what is kept of ended runs: how many, and in which words."""

from __future__ import annotations

from msgspec import Raw
from msgspec.structs import replace

from horarium.message import Message
from horarium.outcome import Failed, Reported, State, Succeeded, Verdict
from horarium.testing.conformance.candidate import DONE, OOPS, POLICY, Candidate, settlement


class TestKept(Candidate):
    def test_of_too_many_ended_runs_those_that_ended_first_go_first(self) -> None:
        ended = self.ended(5)
        waiting, in_hand = self.put_one(eta=self.now + 1000), self.put_one()
        self.claim()
        assert self.maintain(policy=replace(POLICY, most=5)).forgotten == 0
        assert self.maintain(policy=replace(POLICY, most=3)).forgotten == 2
        assert self.maintain(policy=replace(POLICY, most=3)).forgotten == 0
        assert [run is None for run in self.engine.results.read(ended)] == [True, True, False, False, False]
        assert self.run(waiting.id).state == State.PENDING
        assert self.run(in_hand.id).state == State.RECEIVED
        assert self.states() == {State.SUCCESS: 3, State.PENDING: 1, State.RECEIVED: 1}

    def test_the_surplus_goes_in_batches_whatever_it_ended_as_and_stood_in(self) -> None:
        for number in range(6):
            message = self.put_one(schedule="s" if number % 2 else None, parent="p" if number % 3 else None)
            self.settle(self.claim_one(), Failed(error=OOPS) if number % 2 else DONE)
            self.later(0.001)
        small = replace(POLICY, most=1, batch=2)
        calls = [self.maintain(policy=small)]
        while calls[-1].more:
            calls.append(self.maintain(policy=small))
        assert [call.forgotten for call in calls if call.forgotten] == [2, 2, 1]
        assert self.states() == {State.FAILURE: 1}
        assert self.run(message.id).state == State.FAILURE

    def test_what_has_a_keep_of_its_own_goes_last(self) -> None:
        failed = self.put_one()
        self.settle(self.claim_one(), Failed(error=OOPS), keep=10 * POLICY.keep)
        self.later(1)
        ended = self.ended(3)
        assert self.maintain(policy=replace(POLICY, most=2)).forgotten == 2
        assert [run is None for run in self.engine.results.read([failed.id, *ended])] == [False, True, True, False]
        assert self.maintain(policy=replace(POLICY, most=0)).forgotten == 2
        assert self.states() == {}

    def test_an_end_keeps_the_message_as_it_is_told(self) -> None:
        message = self.put_one(args=Raw(b'["4111"]'), kwargs=Raw(b'{"n":1}'), unique=None, schedule="s")
        delivery = self.claim_one()
        kept = replace(message, args=Raw(b'["-"]'), headers={"redacted": True})
        told = settlement(delivery, Succeeded(result=Raw(b"7")), message=kept, started=self.now, ended=self.now)
        assert self.settle_all(told) == [Verdict.RECORDED]
        assert self.settle_all(told) == [Verdict.REPEATED]
        run = self.run(message.id)
        assert (run.message, run.state, run.result) == (kept, State.SUCCESS, Raw(b"7"))
        assert [attempt.outcome for attempt in run.attempts] == ["succeeded"]
        assert self.put(message) == [False]

    def test_log_lines_are_kept_with_a_plain_success_and_told_while_it_runs(self) -> None:
        message = self.put_one()
        delivery = self.claim_one()
        assert self.settle(delivery, Reported(), logs=("one",), started=self.now) == Verdict.RECORDED
        assert self.run(message.id).logs == ("one",)
        assert self.settle(delivery, DONE, logs=("one", "two"), started=self.now, ended=self.now) == Verdict.RECORDED
        quick = self.put_one()
        self.settle(self.claim_one(), DONE, logs=("three",), started=self.now, ended=self.now)
        assert [self.run(each.id).logs for each in (message, quick)] == [("one", "two"), ("three",)]
        assert [len(self.run(each.id).attempts) for each in (message, quick)] == [1, 1]

    def ended(self, number: int) -> list[str]:
        """Let so many runs succeed, one after the other; return their ids."""
        found: list[Message] = []
        for _ in range(number):
            found.append(self.put_one())
            self.settle(self.claim_one(), DONE, started=self.now, ended=self.now)
            self.later(0.001)
        return [message.id for message in found]
