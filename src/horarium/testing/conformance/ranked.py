"""Questions about Rank: messages that wait are given another priority, and stand in line by it."""

from __future__ import annotations

import pytest
from msgspec import Raw
from msgspec.structs import replace

from horarium.engines.records import Held, Page, Purge, Rank, Revoke, RunFilter
from horarium.message import Gate, Message, Slot, Unique
from horarium.outcome import Crashed, Failed, Released, Retried, State, Verdict
from horarium.testing.conformance.candidate import (
    DONE,
    ERROR_LINK,
    KILLED,
    LINK,
    OOPS,
    POLICY,
    Reopen,
    ids,
    settlement,
)
from horarium.testing.conformance.gated import Gates

HOUR = 3_600_000


class TestRank(Gates):
    def rank(self, priority: int, *ids: str) -> list[str]:
        return self.engine.inspector.act(Rank(ids=ids, priority=priority), now=self.now)

    def priority(self, id: str) -> int:
        return self.run(id).message.priority

    def listed(self) -> list[Held]:
        return list(self.engine.inspector.find(RunFilter(), Page()).held)

    def keyed(self, *ids: str, **fields: object) -> None:
        self.put(*(self.message(id=id, slot=Slot(key="k"), **fields) for id in ids))

    def test_claims_follow_the_new_priority(self) -> None:
        self.put(*(self.message(id=id) for id in "abcd"))
        assert self.rank(9, "c") == ["c"]
        assert self.rank(0, "a") == ["a"]
        assert ids(self.claim()) == ["c", "b", "d", "a"]

    def test_within_a_priority_the_due_instant_and_the_turn_of_its_put_are_kept(self) -> None:
        self.put_one(id="early", eta=self.now - 5000)
        self.put(*(self.message(id=id, priority=7 if id in "bd" else 2) for id in "abcde"))
        assert sorted(self.rank(7, "e", "a", "c", "early")) == ["a", "c", "e", "early"]
        assert ids(self.claim()) == ["early", "a", "b", "c", "d", "e"]

    def test_listings_and_runs_tell_it(self) -> None:
        self.put(*(self.message(id=id) for id in "ab"))
        self.rank(8, "b")
        assert [(each.message.id, each.message.priority) for each in self.listed()] == [("b", 8), ("a", 5)]
        assert (self.priority("a"), self.priority("b")) == (5, 8)
        assert self.engine.inspector.counts().queues["default"].ready == 2
        assert self.states() == {State.PENDING: 2}

    def test_nothing_but_the_priority_changes(self) -> None:
        message = self.put_one(
            args=Raw(b'["a\\n", 12345678901234567890123, 1.10, {}]'),
            kwargs=Raw(b'{"k": [ 1 , 2 ]}'),
            queue="q",
            eta=self.now + 1000,
            expires=self.now + HOUR,
            max_retries=2,
            time_limit=1.5,
            at_most_once=True,
            parent="p",
            root="r",
            links=(LINK,),
            error_links=(ERROR_LINK,),
            slot=Slot(key="k", size=2),
            unique=Unique(key="u", replaces=True),
            headers={"h": ["\n", None]},
            origin="here",
        )
        before = self.run(message.id)
        self.later(0.5)
        assert self.rank(1, message.id) == [message.id]
        assert self.run(message.id) == replace(before, message=replace(message, priority=1))
        (held,) = self.listed()
        assert (held.due, held.is_blocked) == (self.now + 500, False)
        self.later(1)
        (delivery,) = self.claim(queues=["q"])
        assert delivery.message == replace(message, priority=1)

    @pytest.mark.parametrize("priority", range(10))
    def test_every_priority_can_be_given(self, priority: int) -> None:
        self.put_one(id="a", priority=9 - priority)
        assert self.rank(priority, "a") == (["a"] if priority != 9 - priority else [])
        assert [each.message.priority for each in self.claim()] == [priority]

    def test_what_is_not_due_yet_has_it_when_it_is(self) -> None:
        self.put_one(id="later", eta=self.now + 1000, priority=1)
        assert self.rank(9, "later") == ["later"]
        assert self.claim() == []
        self.later(1)
        self.put_one(id="now", priority=8)
        assert ids(self.claim()) == ["later", "now"]

    def test_once_more_changes_nothing_and_strangers_are_passed_over(self) -> None:
        self.put_one(id="a")
        assert self.rank(7, "a", "nobody's", "a") == ["a"]
        assert self.rank(7, "a", "nobody's") == []
        assert self.rank(7) == []
        assert ids(self.claim()) == ["a"]

    def test_a_put_of_the_same_id_does_not_undo_it(self) -> None:
        message = self.put_one(id="a", priority=2)
        self.rank(7, "a")
        assert self.put(message) == [False]
        assert self.priority("a") == 7

    def test_what_is_in_hand_and_what_has_ended_stay_as_they_are(self) -> None:
        self.put(*(self.message(id=id) for id in "abc"))
        ended, held = self.claim(limit=2)
        self.settle(ended, DONE)
        before = [self.run(id) for id in "ab"]
        assert self.rank(9, "a", "b", "c") == ["c"]
        assert [self.run(id) for id in "ab"] == before
        assert self.settle(held, DONE) == Verdict.RECORDED
        assert self.priority("b") == 5

    def test_what_was_put_back_can_be_ranked_and_its_history_stays(self) -> None:
        self.put(*(self.message(id=id) for id in "abc"))
        first, second, third = self.claim()
        self.settle(first, Retried(message=first.message, error=OOPS))
        self.settle(second, Released(reason="so"))
        self.settle(third, Crashed(error=KILLED))
        before = self.run("a")
        assert sorted(self.rank(1, "a", "c")) == ["a", "c"]
        after = self.run("a")
        assert (after.state, after.attempts, after.error) == (State.RETRY, before.attempts, before.error)
        self.later(1)
        assert ids(self.claim()) == ["b", "a"]  # what crashed a process before is delivered alone
        (alone,) = self.claim("b")
        assert (alone.message.id, alone.crashes, alone.message.priority) == ("c", 1, 1)

    def test_a_retry_is_the_tasks_own_and_has_the_priority_that_it_says(self) -> None:
        self.put_one(id="a", priority=2)
        self.rank(6, "a")
        delivery = self.claim_one()
        self.settle(delivery, Retried(message=delivery.message, error=OOPS))
        assert self.priority("a") == 6

    def test_what_was_ranked_can_be_cancelled(self) -> None:
        self.put(*(self.message(id=id) for id in "ab"))
        self.rank(9, "a")
        assert self.engine.inspector.act(Revoke(ids=("a",)), now=self.now) == ["a"]
        assert self.rank(3, "a") == []
        assert ids(self.claim()) == ["b"]
        assert self.states() == {State.REVOKED: 1, State.RECEIVED: 1}

    def test_what_was_ranked_can_be_purged(self) -> None:
        self.put(*(self.message(id=id) for id in "ab"))
        self.rank(9, "a")
        assert sorted(self.engine.inspector.act(Purge(), now=self.now)) == ["a", "b"]
        assert self.claim() == []
        assert self.engine.inspector.counts().queues == {}

    def test_what_was_ranked_expires(self) -> None:
        self.put(*(self.message(id=id, expires=self.now + 1000) for id in "ab"))
        self.rank(9, "a")
        self.later(1)
        assert self.maintain().expired == 2
        assert self.states() == {State.EXPIRED: 2}
        assert self.claim() == []

    def test_what_was_ranked_is_met_as_overdue_by_a_claim(self) -> None:
        self.put_one(id="a", expires=self.now + 1000)
        self.rank(9, "a")
        self.later(1)
        assert self.claim() == []
        assert self.run("a").state == State.EXPIRED

    def test_the_newest_of_a_key_takes_the_place_of_one_that_was_ranked(self) -> None:
        newest = Unique(key="u", replaces=True)
        self.put_one(id="a", unique=newest)
        self.rank(9, "a")
        assert self.put(self.message(unique=newest, task="newer", priority=3)) == ["a"]
        (delivery,) = self.claim()
        assert (delivery.message.task, delivery.message.priority) == ("newer", 3)

    def test_a_blocked_one_has_it_once_its_gate_opens(self) -> None:
        self.chord(priority=1)
        assert self.rank(8, "body") == ["body"]
        assert self.rank(8, "body") == []
        (held,) = [each for each in self.listed() if each.message.id == "body"]
        assert (held.is_blocked, held.message.priority, held.message.gate) == (True, 8, Gate(size=2))
        for delivery in self.claim():
            self.succeed(delivery)
        self.put_one(id="other", priority=7)
        body, other = self.claim()
        assert (body.message.id, body.message.priority, self.args(body)) == ("body", 8, [[1, 1]])
        assert other.message.id == "other"

    def test_a_blocked_one_keeps_what_has_arrived_before(self) -> None:
        self.chord()
        first, second = self.claim()
        self.succeed(first)
        self.rank(8, "body")
        self.succeed(second)
        assert ids(self.claim()) == ["body"]

    def test_a_blocked_one_is_doomed_all_the_same(self) -> None:
        self.chord()
        self.rank(8, "body")
        self.settle(self.claim()[0], Failed(error=OOPS), joins=())
        assert (self.state("body"), self.priority("body")) == (State.FAILURE, 8)
        assert self.rank(2, "body") == []

    def test_of_those_that_stand_aside_the_one_that_was_raised_comes_next(self) -> None:
        self.keyed("a", "b", "c", "d")
        (held,) = self.claim()
        assert self.rank(9, "c") == ["c"]
        assert self.claim("b") == []
        self.settle(held, DONE)
        order = []
        while taken := self.claim("b"):
            order += ids(taken)
            self.settle_all(*(settlement(each, DONE) for each in taken))
        assert order == ["c", "b", "d"]

    def test_one_whose_turn_it_is_and_that_was_lowered_lets_the_next_one_have_it(self) -> None:
        self.keyed("a", "b", "c")
        (held,) = self.claim()
        self.settle(held, DONE)  # b is back in line
        assert self.rank(0, "b") == ["b"]
        assert ids(self.claim("b", limit=1)) == ["c"]
        self.put_one(id="free", priority=1)
        assert ids(self.claim("b")) == ["free"]

    def test_those_aside_are_back_in_line_and_the_first_of_the_others_too(self) -> None:
        self.keyed("a", "b", "c", "d", "e")
        self.claim()
        assert {each.message.id for each in self.listed() if each.is_blocked} == set("bcde")
        self.rank(0, "e", "d")
        assert [(each.message.id, each.is_blocked) for each in self.listed()][1:] == [
            ("b", False),
            ("d", False),
            ("e", False),
            ("c", True),
        ]
        counts = self.engine.inspector.counts().queues["default"]
        assert (counts.claimed, counts.ready, counts.blocked) == (1, 3, 1)

    def test_several_of_a_slot_can_be_ranked_in_one_call(self) -> None:
        self.keyed("a", "b", "c", "d", "e")
        (held,) = self.claim()
        assert self.rank(7, "d", "b", "a") in (["d", "b"], ["b", "d"])  # a is in hand
        assert {each.message.id: each.message.priority for each in self.listed()} == {
            "a": 5,
            "b": 7,
            "c": 5,
            "d": 7,
            "e": 5,
        }
        order = []
        while held:
            self.settle(held, DONE)
            held = next(iter(self.claim()), None)  # type: ignore[assignment]
            order += [held.message.id] if held else []
        assert order == ["b", "d", "c", "e"]
        assert self.engine.inspector.counts().queues == {}

    def test_one_aside_that_was_ranked_can_be_cancelled_and_purged(self) -> None:
        self.keyed("a", "b", "c", "d")
        self.claim()
        self.rank(9, "b", "c")
        assert self.claim("b") == []  # they stand aside again, at their new places
        self.rank(1, "c")
        assert self.engine.inspector.act(Revoke(ids=("b",)), now=self.now) == ["b"]
        assert sorted(self.engine.inspector.act(Purge(), now=self.now)) == ["c", "d"]
        assert self.states() == {State.RECEIVED: 1, State.REVOKED: 3}
        assert self.engine.inspector.counts().queues["default"].blocked == 0

    def test_one_of_many_thousands_is_found(self) -> None:
        self.put(*(self.message(id=f"m{number}") for number in range(3000)))
        assert self.rank(9, "m2999") == ["m2999"]
        assert ids(self.claim(limit=2)) == ["m2999", "m0"]

    def test_hundreds_can_be_ranked_in_one_call(self) -> None:
        self.put(*(self.message(id=f"m{number:04}") for number in range(1200)))
        last = [f"m{number:04}" for number in range(600, 1200)]
        assert sorted(self.rank(6, *last)) == last
        assert ids(self.claim(limit=601)) == [*last, "m0000"]

    def test_it_survives_the_engine(self, reopen: Reopen) -> None:
        if not self.engine.capabilities.durable:
            pytest.skip("declared: not durable")
        self.put(*(self.message(id=id) for id in "ab"))
        self.rank(9, "b")
        self.engine.close()
        self.engine = reopen()
        assert ids(self.claim()) == ["b", "a"]

    def test_a_listener_hears_when_one_is_back_in_line(self) -> None:
        self.keyed("a", "b")
        self.claim()
        assert self.claim("b") == []
        listener = self.engine.notifier.listen(["queue:default"])
        self.claim("b")  # an idle look, as workers make before they wait
        self.rank(9, "b")
        assert listener.wait(10.0)
        listener.close()

    def test_a_firing_that_was_ranked_tells_its_schedule(self) -> None:
        (schedule,) = self.save(self.schedule())
        self.fire(self.firing(schedule))
        (message,) = self.active("s")
        assert self.rank(9, message.id) == [message.id]
        self.later(60)
        self.settle(self.claim_one(), DONE, started=self.now, ended=self.now)
        assert self.stored().ended == self.now

    def active(self, schedule: str) -> list[Message]:
        return [each.message for each in self.engine.inspector.find(RunFilter(schedule=schedule), Page()).held]

    def test_a_crash_of_what_was_ranked_ends_it_as_dead_with_its_priority(self) -> None:
        self.put_one(id="a", at_most_once=True)
        self.rank(9, "a")
        self.settle_all(settlement(self.claim_one(), Crashed(error=KILLED)))
        assert (self.run("a").state, self.priority("a")) == (State.DEAD, 9)
        assert self.engine.queue.maintain(now=self.now, policy=POLICY).returned == 0
