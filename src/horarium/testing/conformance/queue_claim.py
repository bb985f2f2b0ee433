"""Questions about Queue.claim."""

from __future__ import annotations

import pytest
from msgspec import Raw

from horarium.errors import OwnerLost
from horarium.message import derived_id
from horarium.outcome import Crashed, Released, State
from horarium.testing.conformance.candidate import DONE, ERROR_LINK, KILLED, LEASE, LINK, Candidate, ids


class TestClaim(Candidate):
    def test_a_claimed_message_is_in_hand_of_its_owner(self) -> None:
        message = self.put_one()
        delivery = self.claim_one("a")
        assert (delivery.message, delivery.owner, delivery.fence, delivery.attempt) == (message, "a", 1, 1)
        assert (delivery.crashes, delivery.claimed) == (0, self.now)
        run = self.run(message.id)
        assert (run.state, run.worker) == (State.RECEIVED, "a@host")

    def test_a_message_in_hand_is_given_to_nobody_else(self) -> None:
        self.put_one()
        self.claim_one("a")
        assert self.claim("a") == []
        assert self.claim("b") == []

    def test_no_more_than_the_limit_is_given(self) -> None:
        self.put(*(self.message() for _ in range(5)))
        assert [len(self.claim(limit=limit)) for limit in (0, 2, 10, 10)] == [0, 2, 3, 0]

    def test_higher_priority_comes_first_then_earlier_due_then_earlier_put(self) -> None:
        self.put_one(id="low", priority=1)
        self.put_one(id="normal, second")
        self.put_one(id="normal, third")
        self.put_one(id="normal, due before", eta=self.now - 10)
        self.put_one(id="high", priority=9)
        assert ids(self.claim()) == ["high", "normal, due before", "normal, second", "normal, third", "low"]

    def test_order_of_puts_holds_across_calls_and_claims(self) -> None:
        names = [f"m{number}" for number in range(20)]
        self.put(*(self.message(id=name) for name in names))
        taken = [id for _ in range(7) for id in ids(self.claim(limit=3))]
        assert taken == names

    def test_one_order_holds_over_several_queues(self) -> None:
        self.put_one(id="1", queue="x")
        self.put_one(id="2", queue="y")
        self.put_one(id="3", queue="x")
        self.put_one(id="0", queue="y", priority=6)
        assert ids(self.claim(limit=2, queues=["x", "y"])) == ["0", "1"]
        assert ids(self.claim(queues=["y", "x"])) == ["2", "3"]

    def test_only_the_queues_that_were_asked_for_are_looked_at(self) -> None:
        self.put_one(queue="x")
        assert self.claim(queues=["y"]) == []
        assert self.claim(queues=[]) == []
        assert len(self.claim(queues=["x", "x"])) == 1

    def test_an_eta_is_never_early(self) -> None:
        self.put_one(eta=self.now + 1000)
        assert self.claim() == []
        self.now += 999
        assert self.claim() == []
        self.now += 1
        assert len(self.claim()) == 1

    def test_a_future_message_holds_up_nobody(self) -> None:
        self.put(*(self.message(eta=self.now + 60_000, priority=9) for _ in range(30)))
        message = self.put_one(priority=0)
        assert ids(self.claim(limit=1)) == [message.id]

    def test_without_an_eta_a_message_is_due_at_once_whatever_its_sender_thinks_the_time_is(self) -> None:
        message = self.put_one(created=self.now + 3_600_000)
        assert ids(self.claim()) == [message.id]

    def test_an_expired_message_is_never_given_out(self) -> None:
        message = self.put_one(expires=self.now + 1000)
        self.now += 1000
        assert self.claim() == []
        run = self.run(message.id)
        assert (run.state, run.changed, run.ended) == (State.EXPIRED, self.now, self.now)
        assert run.error is not None
        assert run.error.class_path == "horarium.errors.TaskExpiredError"

    def test_a_message_may_start_until_it_expires(self) -> None:
        self.put_one(expires=self.now + 1000)
        self.now += 999
        assert len(self.claim()) == 1

    def test_expired_messages_do_not_use_up_the_limit(self) -> None:
        self.put(*(self.message(expires=self.now) for _ in range(5)))
        message = self.put_one()
        assert ids(self.claim(limit=1)) == [message.id]

    def test_expiring_sends_the_error_links(self) -> None:
        message = self.put_one(expires=self.now, error_links=(ERROR_LINK,), links=(LINK,))
        self.claim()
        linked = self.run(derived_id(message.id, "error_link", 0))
        assert linked.message.task == "on_error"
        assert linked.message.args == Raw(b'["' + message.id.encode() + b'"]')
        assert self.engine.results.read([derived_id(message.id, "link", 0)]) == [None]

    def test_an_owner_nobody_registered_gets_nothing(self) -> None:
        self.put_one()
        with pytest.raises(OwnerLost):
            self.engine.queue.claim(["default"], "stranger", 1, now=self.now)
        assert len(self.claim()) == 1

    def test_an_owner_that_was_given_up_gets_nothing(self) -> None:
        self.put_one()
        self.renew("a")
        self.later(LEASE)
        assert self.maintain().lapsed == ("a",)
        with pytest.raises(OwnerLost) as caught:
            self.engine.queue.claim(["default"], "a", 1, now=self.now)
        assert caught.value.owner == "a"

    def test_a_lapsed_owner_may_claim_until_it_is_given_up(self) -> None:
        self.put_one()
        self.renew("a")
        self.later(LEASE + 1)
        assert len(self.engine.queue.claim(["default"], "a", 1, now=self.now)) == 1

    def test_unknown_tasks_stay_and_hold_up_nobody(self) -> None:
        self.put(*(self.message(task="unknown", priority=9) for _ in range(30)))
        first = self.put_one(task="known")
        second = self.put_one(task="known too")
        assert ids(self.claim(tasks={"known", "known too"})) == [first.id, second.id]
        assert self.claim(tasks={"known"}) == []
        assert self.claim(tasks=()) == []
        assert len(self.claim(tasks=None)) == 30

    def test_attempt_and_fence_rise_with_each_claim(self) -> None:
        self.put_one()
        seen = []
        for _ in range(2):
            delivery = self.claim_one()
            seen.append((delivery.attempt, delivery.fence, delivery.crashes))
            self.settle(delivery, Crashed(error=KILLED))
            self.later(60)
        delivery = self.claim_one("b")
        assert [*seen, (delivery.attempt, delivery.fence, delivery.crashes)] == [(1, 1, 0), (2, 2, 1), (3, 3, 2)]

    def test_a_suspect_first_in_line_comes_alone(self) -> None:
        suspect = self.make_suspect(priority=9)
        others = [self.put_one(), self.put_one()]
        assert ids(self.claim()) == [suspect]
        assert ids(self.claim()) == [message.id for message in others]

    def test_a_suspect_further_down_the_line_ends_the_batch_before_it(self) -> None:
        suspect = self.make_suspect(priority=5)
        before, after = self.put_one(priority=6), self.put_one(priority=4)
        assert [ids(self.claim()) for _ in range(3)] == [[before.id], [suspect], [after.id]]

    def test_a_released_message_keeps_its_place(self) -> None:
        first, second = self.put_one(), self.put_one()
        self.later(5)
        self.settle(self.claim_one(), Released(reason="stopping"))
        assert ids(self.claim()) == [first.id, second.id]

    def test_what_has_ended_is_not_given_out(self) -> None:
        self.put_one()
        self.settle(self.claim_one(), DONE)
        self.later(3600)
        assert self.claim("b") == []

    def test_ten_thousand_messages_are_claimed_without_growing_slow(self) -> None:
        self.put(*(self.message() for _ in range(10_000)))
        claimed = {id for _ in range(100) for id in ids(self.claim(limit=100))}
        assert len(claimed) == 10_000

    def make_suspect(self, **fields: int) -> str:
        message = self.put_one(**fields)
        self.settle(self.claim_one(), Crashed(error=KILLED))
        self.later(60)
        return message.id
