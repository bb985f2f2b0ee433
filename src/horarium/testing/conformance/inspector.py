"""Questions about Inspector."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from horarium.engines.records import MEMBER_LISTED, DeadOwner, Page, Purge, QueueCounts, Revoke, RunFilter
from horarium.errors import OwnerLost
from horarium.outcome import Crashed, Failed, Outcome, Retried, State, Verdict
from horarium.testing.conformance.candidate import DONE, ERROR_LINK, KILLED, LEASE, OOPS, Candidate, ids, settlement

HOUR = 3_600_000


class TestInspector(Candidate):
    def test_an_empty_store_counts_nothing(self) -> None:
        counts = self.engine.inspector.counts()
        assert (counts.queues, counts.states, counts.schedules) == ({}, {}, 0)

    def test_counts_tell_waiting_from_claimed_and_now_from_later(self) -> None:
        self.put_one(queue="x", eta=self.now - 2000, task="a")
        self.put_one(queue="x", eta=self.now - 1000, task="b")
        self.put_one(queue="x", eta=self.now - 1000, task="b")
        self.put_one(queue="x", eta=self.now + HOUR, task="c")
        self.put_one(queue="y")
        self.put_one(queue="z")
        self.settle(self.claim(queues=["y"])[0], DONE)
        self.claim(queues=["z"])
        self.save(self.schedule("one"), self.schedule("two"))
        counts = self.engine.inspector.counts()
        oldest = self.now - 2000
        assert counts.queues == {
            "x": QueueCounts(ready=3, scheduled=1, oldest_due=oldest, tasks={"a": 1, "b": 2}),
            "z": QueueCounts(claimed=1),
        }
        assert counts.states == {State.PENDING: 4, State.RECEIVED: 1, State.SUCCESS: 1}
        assert counts.schedules == 2

    def test_states_are_counted_no_further_than_asked(self) -> None:
        self.put(*(self.message(task="t") for _ in range(9)))
        first, second, *others = self.claim(limit=7)
        self.settle(first, Failed(error=OOPS))
        self.settle(second, Retried(message=replace(second.message, eta=self.now + HOUR), error=OOPS))
        self.settle_all(*(settlement(delivery, DONE) for delivery in others))
        every = {State.PENDING: 2, State.FAILURE: 1, State.RETRY: 1, State.SUCCESS: 5}
        for most in (0, 1, 2, 3, 5, 6):
            counts = self.engine.inspector.counts(most=most)
            assert counts.states == {state: min(number, most) for state, number in every.items() if most}
            assert counts.queues["default"].scheduled == 1
        assert self.engine.inspector.counts().states == every

    def test_found_messages_stand_as_they_would_be_claimed_those_in_hand_first(self) -> None:
        self.put_one(id="taken")
        self.claim_one("a")
        self.put_one(id="low", priority=0)
        self.put_one(id="future", eta=self.now + HOUR)
        self.put_one(id="next")
        self.put_one(id="high", priority=9)
        self.put_one(id="over", queue="other", priority=8)
        self.settle(self.claim(queues=["other"])[0], DONE)
        page = self.engine.inspector.find(RunFilter(), Page())
        assert [held.message.id for held in page.held] == ["taken", "high", "next", "future", "low"]
        first = page.held[0]
        assert (first.owner, first.fence, first.attempt, first.state) == ("a", 1, 1, State.RECEIVED)
        third = page.held[3]
        assert (third.owner, third.due, third.state, third.attempt) == (None, self.now + HOUR, State.PENDING, 0)

    def test_found_messages_tell_their_crashes(self) -> None:
        message = self.put_one()
        self.settle(self.claim_one(), Crashed(error=KILLED))
        (held,) = self.engine.inspector.find(RunFilter(), Page()).held
        assert (held.message.id, held.crashes, held.due, held.state) == (message.id, 1, self.now + 1000, State.RETRY)

    def test_finding_is_filtered_and_paged(self) -> None:
        self.put(*(self.message(priority=number % 3, task="x") for number in range(10)), self.message())
        self.claim(limit=2, tasks=["x"])
        seen: list[str] = []
        after = None
        while True:
            page = self.engine.inspector.find(RunFilter(tasks=("x",)), Page(limit=3, after=after))
            assert len(page.held) <= 3
            seen += [held.message.id for held in page.held]
            after = page.next
            if after is None:
                break
        assert len(set(seen)) == len(seen) == 10

    def test_revoking_a_waiting_message_ends_it_at_once(self) -> None:
        message = self.put_one(error_links=(ERROR_LINK,))
        future = self.put_one(eta=self.now + HOUR)
        revoked = self.engine.inspector.act(Revoke(ids=(message.id, future.id, "nobody's", message.id)), now=self.now)
        assert sorted(revoked) == sorted([message.id, future.id])
        run = self.run(message.id)
        assert (run.state, run.changed, run.ended) == (State.REVOKED, self.now, self.now)
        assert run.error is not None
        assert run.error.class_path == "horarium.errors.TaskRevokedError"
        self.later(3600)
        assert self.claim() == []
        assert self.states() == {State.REVOKED: 2}
        assert self.put(message) == [False]

    def test_revoking_a_message_that_waits_for_a_retry_ends_it(self) -> None:
        message = self.put_one()
        told = Retried(message=replace(message, eta=self.now + 1000), error=OOPS)
        self.settle(self.claim_one(), told)
        assert self.engine.inspector.act(Revoke(ids=(message.id,)), now=self.now) == [message.id]
        self.later(2)
        assert self.claim() == []
        assert len(self.run(message.id).attempts) == 1

    def test_revoking_a_delivery_marks_it(self) -> None:
        message = self.put_one()
        delivery = self.claim_one()
        mild, hard = Revoke(ids=(message.id,)), Revoke(ids=(message.id,), terminate=True)
        assert self.engine.inspector.act(mild, now=self.now) == [message.id]
        assert (self.run(message.id).state, self.run(message.id).cancel) == (State.RECEIVED, "revoke")
        assert self.engine.inspector.act(mild, now=self.now) == []
        assert self.engine.inspector.act(hard, now=self.now) == [message.id]
        assert self.engine.inspector.act(hard, now=self.now) == []
        assert self.engine.inspector.act(mild, now=self.now) == []
        assert self.run(message.id).cancel == "terminate"
        assert self.settle(delivery, Failed(error=OOPS)) == Verdict.RECORDED
        assert self.run(message.id).state == State.FAILURE

    def test_what_has_ended_cannot_be_revoked(self) -> None:
        message = self.put_one()
        self.settle(self.claim_one(), DONE)
        assert self.engine.inspector.act(Revoke(ids=(message.id,), terminate=True), now=self.now) == []
        assert (self.run(message.id).state, self.run(message.id).cancel) == (State.SUCCESS, None)

    @pytest.mark.parametrize("queues", [("x", "nobody's"), None])
    def test_a_purge_ends_what_waits_and_leaves_what_is_in_hand(self, queues: tuple[str, ...] | None) -> None:
        in_hand = self.put_one(queue="x")
        self.claim(queues=["x"])
        waiting, future = self.put_one(queue="x"), self.put_one(queue="x", eta=self.now + HOUR)
        other = self.put_one(queue="y")
        purged = self.engine.inspector.act(Purge(queues=queues), now=self.now)
        meant = [waiting.id, future.id] if queues else [waiting.id, future.id, other.id]
        assert sorted(purged) == sorted(meant)
        assert {self.run(id).state for id in purged} == {State.REVOKED}
        assert self.run(in_hand.id).state == State.RECEIVED
        assert self.run(other.id).state == (State.PENDING if queues else State.REVOKED)
        assert self.engine.inspector.act(Purge(queues=queues), now=self.now) == []
        assert self.engine.inspector.act(Purge(queues=()), now=self.now) == []

    def test_members_are_listed_the_living_first(self) -> None:
        self.put(*(self.message() for _ in range(3)))
        self.renew("old")
        self.later(LEASE)
        self.claim("busy", 2)
        self.renew("idle")
        records = self.engine.inspector.workers(now=self.now)
        assert {record.member.owner: (record.alive, record.held) for record in records} == {
            "busy": (True, 2),
            "idle": (True, 0),
            "old": (False, 0),
        }
        assert [record.alive for record in records] == [True, True, False]

    def test_a_member_that_was_given_up_stays_listed_for_a_while(self) -> None:
        self.renew("a", "b")
        self.engine.inspector.leave(["a"], now=self.now)
        self.maintain(DeadOwner(owner="b"))
        self.later(MEMBER_LISTED - 1)
        assert [record.alive for record in self.engine.inspector.workers(now=self.now)] == [False, False]
        self.later(1)
        self.maintain()
        assert self.engine.inspector.workers(now=self.now) == []

    def test_who_left_in_good_order_is_told_from_who_went_silent(self) -> None:
        self.renew("a", "b", "c")
        self.engine.inspector.leave(["a"], now=self.now)
        left_at = self.now
        self.later(LEASE)
        records = {each.member.owner: each for each in self.engine.inspector.workers(now=self.now)}
        assert (records["a"].given_up, records["b"].given_up) == (left_at, None)
        self.renew("c")
        self.maintain()
        records = {each.member.owner: each for each in self.engine.inspector.workers(now=self.now)}
        assert records["b"].given_up == self.now
        assert {owner: each.is_lost for owner, each in records.items()} == {"a": False, "b": True, "c": False}

    def test_who_left_is_gone_and_holds_nothing(self) -> None:
        message = self.put_one(at_most_once=True)
        stale = self.claim_one("a")
        self.engine.inspector.leave(["a", "stranger"], now=self.now)
        assert self.renew("a").lost == ("a",)
        with pytest.raises(OwnerLost):
            self.engine.queue.claim(["default"], "a", 1, now=self.now)
        assert self.settle(stale, DONE) == Verdict.LOST
        assert self.run(message.id).state == State.PENDING
        delivery = self.claim_one("b")
        assert (delivery.attempt, delivery.crashes) == (1, 0)
        self.engine.inspector.leave(["a"], now=self.now)
        assert ids(self.claim("c")) == []

    def test_the_sum_of_the_states_is_what_was_put(self) -> None:
        self.put(*(self.message(expires=self.now + 500 if number % 5 == 0 else None) for number in range(40)))
        outcomes: list[Outcome] = [DONE, Failed(error=OOPS), Crashed(error=KILLED)]
        for number, delivery in enumerate(self.claim(limit=12)):
            self.settle(delivery, outcomes[number % 3])
        self.engine.inspector.act(Revoke(ids=tuple(ids(self.claim("b", 4)))), now=self.now)
        self.later(1)
        self.claim("c", 3)
        self.maintain(DeadOwner(owner="b", error=KILLED))
        assert sum(self.states().values()) == 40
