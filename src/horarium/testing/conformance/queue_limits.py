"""Questions about how much of a task a claim may take: limits, slots and unique keys."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from msgspec import Raw
from msgspec.structs import replace

from horarium.engines.records import Limit, Purge, Revoke
from horarium.message import Delivery, Slot, Unique
from horarium.outcome import Crashed, Failed, Released, Replaced, Retried, State
from horarium.testing.conformance.candidate import DONE, KILLED, OOPS, Candidate, Reopen, ids, settlement


class Limited(Candidate):
    def take(self, limits: Mapping[str, Limit], limit: int = 100, owner: str = "a") -> list[str]:
        return ids(self.deliveries(limits, limit, owner))

    def deliveries(self, limits: Mapping[str, Limit], limit: int = 100, owner: str = "a") -> list[Delivery]:
        self.renew(owner)
        return self.engine.queue.claim(["default"], owner, limit, now=self.now, limits=limits)


class TestLimits(Limited):
    def test_no_more_of_a_task_is_in_hand_than_its_limit(self) -> None:
        self.put(*(self.message(id=str(number)) for number in range(5)), self.message(id="u", task="u", priority=0))
        limits = {"t": Limit(running=2)}
        held = self.deliveries(limits)
        assert ids(held) == ["0", "1", "u"]
        assert self.take(limits, owner="b") == []
        self.settle(held[0], DONE)
        assert self.take(limits, owner="b") == ["2"]

    def test_whatever_leaves_a_hand_makes_room(self) -> None:
        self.put(*(self.message(id=str(number)) for number in range(9)))
        limits = {"t": Limit(running=1)}
        for outcome in (DONE, Failed(error=OOPS), Released(reason="slow"), Crashed(error=KILLED)):
            (held,) = self.deliveries(limits)
            assert self.take(limits) == []
            self.settle(held, outcome)
        (held,) = self.deliveries(limits)
        self.settle(held, Retried(message=replace(held.message, eta=self.now + 10_000), error=OOPS))
        assert len(self.take(limits)) == 1
        self.engine.inspector.leave(["a"], now=self.now)
        assert len(self.take(limits, owner="b")) == 1
        self.later(60)
        self.maintain()
        assert len(self.take(limits, owner="c")) == 1

    def test_what_was_taken_without_a_limit_counts_once_there_is_one(self) -> None:
        self.put(*(self.message(id=str(number)) for number in range(5)))
        self.claim("a", 3)
        assert self.take({"t": Limit(running=3)}, owner="b") == []
        assert self.take({"t": Limit(running=4)}, owner="b") == ["3"]

    def test_a_limit_of_none_at_all_takes_nothing_and_holds_up_nobody(self) -> None:
        self.put(self.message(id="first"), self.message(id="u", task="u"))
        assert self.take({"t": Limit(running=0)}) == ["u"]
        assert self.take({"t": Limit(rate=0.0, burst=0)}) == []
        assert self.take({}) == ["first"]

    def test_a_rate_gives_out_one_at_a_time(self) -> None:
        self.put(*(self.message(id=str(number)) for number in range(5)))
        limits = {"t": Limit(rate=0.5, bucket="t")}
        assert self.take(limits) == ["0"]
        self.later(1.9)
        assert self.take(limits) == []
        self.later(0.1)
        assert self.take(limits, owner="b") == ["1"]

    def test_a_rate_may_have_a_burst_and_fills_no_further(self) -> None:
        self.put(*(self.message(id=str(number)) for number in range(12)))
        limits = {"t": Limit(rate=10.0, burst=3, bucket="t")}
        assert self.take(limits) == ["0", "1", "2"]
        self.later(0.2)
        assert self.take(limits) == ["3", "4"]
        self.later(3600)
        assert self.take(limits) == ["5", "6", "7"]

    def test_those_who_name_another_bucket_have_a_rate_of_their_own(self) -> None:
        self.put(*(self.message(id=str(number)) for number in range(5)))
        assert self.take({"t": Limit(rate=0.1, bucket="t@a")}) == ["0"]
        assert self.take({"t": Limit(rate=0.1, bucket="t@b")}, owner="b") == ["1"]
        assert self.take({"t": Limit(rate=0.1, bucket="t@a")}) == []

    def test_two_tasks_may_share_a_bucket(self) -> None:
        self.put(self.message(id="t"), self.message(id="u", task="u"), self.message(id="v", task="u"))
        both = Limit(rate=1.0, bucket="api")
        assert self.take({"t": both, "u": both}) == ["t"]
        self.later(1)
        assert self.take({"t": both, "u": both}) == ["u"]

    def test_both_sides_of_a_limit_hold(self) -> None:
        self.put(*(self.message(id=str(number)) for number in range(5)))
        limits = {"t": Limit(running=1, rate=1000.0, burst=10, bucket="t")}
        assert self.take(limits) == ["0"]
        self.later(1)
        assert self.take(limits) == []

    def test_a_clock_that_went_back_gives_out_nothing_more(self) -> None:
        self.put(*(self.message(id=str(number)) for number in range(5)))
        limits = {"t": Limit(rate=1.0, bucket="t")}
        assert self.take(limits) == ["0"]
        self.later(-5)
        assert self.take(limits) == []

    def test_limited_ones_in_front_hold_up_nobody(self) -> None:
        self.put(*(self.message(priority=9) for _ in range(300)), self.message(id="u", task="u", priority=0))
        assert self.take({"t": Limit(running=0)}, limit=1) == ["u"]


class TestSlots(Limited):
    def keyed(self, id: str, key: str = "k", size: int = 1, **fields: object) -> None:
        self.put(self.message(id=id, slot=Slot(key=key, size=size), **fields))

    def test_one_of_a_key_is_in_hand_at_a_time(self) -> None:
        for id in "abc":
            self.keyed(id)
        self.put_one(id="free")
        held = self.claim()
        assert ids(held) == ["a", "free"]
        assert self.claim("b") == []
        self.settle(held[0], DONE)
        assert ids(self.claim("b")) == ["b"]

    def test_keys_do_not_wait_for_one_another(self) -> None:
        for id, key in (("a", "k"), ("b", "l"), ("c", "k")):
            self.keyed(id, key)
        assert ids(self.claim()) == ["a", "b"]

    def test_a_slot_may_have_room_for_more(self) -> None:
        for id in "abcd":
            self.keyed(id, size=2)
        held = self.claim()
        assert ids(held) == ["a", "b"]
        self.settle(held[1], Failed(error=OOPS))
        assert ids(self.claim()) == ["c"]

    def test_those_who_stood_aside_come_back_in_their_old_places(self) -> None:
        self.keyed("low", priority=1)
        self.keyed("a")
        self.keyed("b")
        self.keyed("high", priority=9)
        order = []
        while held := self.claim():
            order += ids(held)
            self.settle(held[0], DONE)
        assert order == ["high", "a", "b", "low"]

    def test_one_that_stands_aside_is_blocked_and_can_be_cancelled(self) -> None:
        for id in "abc":
            self.keyed(id)
        (held,) = self.claim()
        counts = self.engine.inspector.counts().queues["default"]
        assert (counts.claimed, counts.blocked, counts.ready) == (1, 2, 0)
        assert self.engine.inspector.act(Revoke(ids=("b",)), now=self.now) == ["b"]
        self.settle(held, DONE)
        assert ids(self.claim()) == ["c"]

    def test_cancelling_the_one_whose_turn_it_is_lets_the_next_one_have_it(self) -> None:
        for id in "abc":
            self.keyed(id)
        (held,) = self.claim()
        self.settle(held, DONE)
        self.engine.inspector.act(Revoke(ids=("b",)), now=self.now)
        assert ids(self.claim()) == ["c"]

    def test_purging_ends_those_aside_too(self) -> None:
        for id in "abc":
            self.keyed(id)
        self.claim()
        assert sorted(self.engine.inspector.act(Purge(), now=self.now)) == ["b", "c"]
        assert self.states() == {State.RECEIVED: 1, State.REVOKED: 2}

    def test_purging_ends_those_too_that_come_back_into_line_meanwhile(self) -> None:
        for id in "abcd":
            self.keyed(id)
        (held,) = self.claim()
        self.settle(held, DONE)  # b comes back; purged, it lets the next one have its turn
        assert sorted(self.engine.inspector.act(Purge(), now=self.now)) == ["b", "c", "d"]
        assert self.states() == {State.SUCCESS: 1, State.REVOKED: 3}

    def test_the_first_of_each_queue_and_task_comes_back(self) -> None:
        self.keyed("a")
        self.keyed("b", queue="other")
        self.keyed("c", task="u")
        (held,) = self.claim(queues=["default", "other"])
        assert self.claim("b", queues=["default", "other"]) == []
        self.settle(held, DONE)
        assert ids(self.claim("b", tasks=["u"])) == ["c"]

    def test_two_that_leave_in_one_call_let_two_come_back(self) -> None:
        for id in "abcdef":
            self.keyed(id, size=2)
        a, b = self.claim()
        self.settle_all(*(settlement(held, DONE, started=self.now, ended=self.now) for held in (a, b)))
        assert ids(self.claim()) == ["c", "d"]
        self.engine.inspector.leave(["a"], now=self.now)
        assert len(self.claim("b")) == 2

    def test_one_whose_turn_it_is_and_that_wants_the_slot_no_more_lets_the_next_one_have_it(self) -> None:
        later = Unique(key="u", replaces=True)
        self.keyed("a")
        self.keyed("b", unique=later)
        self.keyed("c")
        (held,) = self.claim()
        self.settle(held, DONE)
        assert self.put(self.message(unique=later, eta=self.now + 60_000, slot=Slot(key="k"))) == ["b"]
        assert ids(self.claim()) == ["c"]

    def test_what_replaces_one_another_in_one_put_frees_the_slot_each_time(self) -> None:
        for stored in (False, True):
            own = Unique(key=f"u{stored}", replaces=True)
            key = f"k{stored}"
            for id in "abc":
                self.put(self.message(id=f"{id}{stored}", slot=Slot(key=key)))
            (held,) = self.claim()
            assert self.engine.inspector.counts().queues["default"].blocked == 2
            if stored:
                self.put(self.message(id="without", unique=own))
            self.put(*(self.message(id=f"{number}{stored}", unique=own, slot=Slot(key=key)) for number in range(3)))
            assert self.engine.inspector.counts().queues["default"].blocked == 0
            self.settle(held, DONE)
            self.engine.inspector.act(Purge(), now=self.now)

    def test_a_retry_frees_the_slot_while_it_waits(self) -> None:
        self.keyed("a")
        self.keyed("b")
        (held,) = self.claim()
        assert self.claim("b") == []
        self.settle(held, Retried(message=replace(held.message, eta=self.now + 10_000), error=OOPS))
        assert ids(self.claim("b")) == ["b"]

    def test_a_dead_owner_frees_the_slots(self) -> None:
        self.keyed("a")
        self.keyed("b")
        self.claim()
        assert self.claim("b") == []
        self.later(60)
        self.maintain()
        assert len(self.claim("c")) == 1
        assert self.claim("d") == []

    def test_what_stands_aside_expires(self) -> None:
        self.keyed("a")
        self.keyed("b", expires=self.now + 1000)
        self.claim()
        self.later(1)
        self.maintain()
        assert self.run("b").state == State.EXPIRED

    def test_what_stands_aside_survives_the_engine(self, reopen: Reopen) -> None:
        if not self.engine.capabilities.durable:
            pytest.skip("declared: not durable")
        self.keyed("a")
        self.keyed("b")
        (held,) = self.claim()
        self.engine.close()
        self.engine = reopen()
        self.settle(held, DONE)
        assert ids(self.claim()) == ["b"]

    def test_a_listener_hears_when_one_is_back(self) -> None:
        self.keyed("a")
        self.keyed("b", queue="other")
        (held,) = self.claim()
        assert self.claim("b", queues=["other"]) == []
        listener = self.engine.notifier.listen(["queue:other"])
        self.claim("b", queues=["other"])  # an idle look, as workers make before they wait
        self.settle(held, DONE)
        assert listener.wait(10.0)
        listener.close()


class TestUnique(Limited):
    def test_a_second_one_is_answered_with_the_id_of_the_first(self) -> None:
        first = self.put_one(id="first", unique=Unique(key="k"))
        assert self.put(self.message(id="second", unique=Unique(key="k"))) == ["first"]
        assert self.put(self.message(id="other", unique=Unique(key="l")), self.message(id="none")) == [True, True]
        assert self.run("first").message == first
        assert self.engine.results.read(["second"]) == [None]

    def test_an_id_that_is_known_is_no_second_one(self) -> None:
        first = self.put_one(id="first", unique=Unique(key="k"))
        assert self.put(first) == [False]

    def test_a_call_may_hold_both(self) -> None:
        messages = [self.message(id=id, unique=Unique(key="k")) for id in ("a", "b")]
        assert self.put(*messages) == [True, "a"]
        assert self.put(*messages) == [False, "a"]

    def test_the_key_is_free_when_the_run_has_ended(self) -> None:
        self.put_one(id="a", unique=Unique(key="k"))
        held = self.claim_one()
        assert self.put(self.message(id="b", unique=Unique(key="k"))) == ["a"]
        self.settle(held, DONE, started=self.now, ended=self.now)
        assert self.put(self.message(id="c", unique=Unique(key="k"))) == [True]

    def test_retries_and_crashes_keep_the_key(self) -> None:
        self.put_one(id="a", unique=Unique(key="k"))
        held = self.claim_one()
        self.settle(held, Retried(message=replace(held.message, retries=1), error=OOPS))
        assert self.put(self.message(unique=Unique(key="k"))) == ["a"]
        self.settle(self.claim_one(), Crashed(error=KILLED))
        assert self.put(self.message(unique=Unique(key="k"))) == ["a"]

    @pytest.mark.parametrize("kind", [Retried, Replaced])
    def test_a_key_is_the_runs_whatever_takes_its_place(self, kind: type[Retried] | type[Replaced]) -> None:
        def put_back(unique: Unique | None) -> None:
            held = self.claim_one()
            message = replace(held.message, retries=1, unique=unique)
            self.settle(held, Retried(message=message, error=OOPS) if kind is Retried else Replaced(message=message))
            assert self.run("a").message.unique == Unique(key="k")

        self.put_one(id="a", unique=Unique(key="k"))
        put_back(None)
        assert self.put(self.message(unique=Unique(key="k"))) == ["a"]
        put_back(Unique(key="l", until="start"))
        assert self.put(self.message(unique=Unique(key="k"))) == ["a"]
        self.put_one(id="l", unique=Unique(key="l"), priority=0)
        self.settle(self.claim("a", 1)[0], DONE)
        assert self.put(self.message(unique=Unique(key="k")), self.message(unique=Unique(key="l"))) == [True, "l"]

    def test_whoever_ends_it_frees_the_key(self) -> None:
        self.put_one(id="a", unique=Unique(key="k"))
        self.engine.inspector.act(Revoke(ids=("a",)), now=self.now)
        self.put_one(id="b", unique=Unique(key="k"), expires=self.now + 1000)
        self.later(1)
        self.maintain()
        self.put_one(id="c", unique=Unique(key="k"))
        self.settle(self.claim_one(), Failed(error=OOPS))
        self.put_one(id="d", unique=Unique(key="k"))

    def test_until_start_frees_the_key_at_the_first_claim(self) -> None:
        unique = Unique(key="k", until="start")
        self.put_one(id="a", unique=unique)
        held = self.claim_one()
        assert self.put(self.message(id="b", unique=unique)) == [True]
        self.settle(held, Released(reason="slow"))
        assert self.put(self.message(id="c", unique=unique)) == ["b"]
        assert ids(self.claim()) == ["a", "b"]

    def test_a_key_lasts_as_long_as_it_says(self) -> None:
        unique = Unique(key="k", lasts=5.0)
        self.put_one(id="a", unique=unique)
        self.later(4.999)
        assert self.put(self.message(id="b", unique=unique)) == ["a"]
        self.later(0.001)
        assert self.put(self.message(id="c", unique=unique)) == [True]
        self.settle(self.claim_one(), DONE)
        assert self.put(self.message(id="d", unique=unique)) == ["c"]

    def test_the_newest_takes_the_place_of_the_one_that_waits(self) -> None:
        unique = Unique(key="k", until="start", replaces=True)
        self.put_one(id="a", args=Raw(b"[1]"), eta=self.now + 1000, unique=unique, joins=(), root="r")
        self.later(0.5)
        newer = self.message(id="b", args=Raw(b"[2]"), eta=self.now + 1000, unique=unique, queue="q", priority=7)
        assert self.put(newer) == ["a"]
        self.later(0.5)
        assert self.claim(queues=["default", "q"]) == []
        self.later(0.5)
        (held,) = self.claim(queues=["default", "q"])
        assert (held.message.id, held.message.args, held.message.root) == ("a", Raw(b"[2]"), "r")
        assert (held.message.queue, held.message.priority) == ("q", 7)

    def test_what_is_in_hand_is_not_replaced(self) -> None:
        unique = Unique(key="k", replaces=True)
        self.put_one(id="a", args=Raw(b"[1]"), unique=unique)
        self.claim_one()
        assert self.put(self.message(id="b", args=Raw(b"[2]"), unique=unique)) == ["a"]
        assert self.run("a").message.args == Raw(b"[1]")

    def test_follow_ups_and_firings_know_the_key_too(self) -> None:
        self.put_one(id="first")
        held = self.claim_one()
        self.put_one(id="a", unique=Unique(key="k"))
        self.settle(held, DONE, follow_ups=(self.message(id="b", unique=Unique(key="k")), self.message(id="c")))
        assert sorted(ids(self.claim())) == ["a", "c"]
        (schedule,) = self.save(self.schedule())
        firing = self.firing(schedule)
        (sent,) = firing.messages
        self.fire(replace(firing, messages=(replace(sent, unique=Unique(key="k")),)))
        assert self.claim() == []
        assert self.stored().next_fire == firing.next_fire

    def test_a_key_survives_the_engine(self, reopen: Reopen) -> None:
        if not self.engine.capabilities.durable:
            pytest.skip("declared: not durable")
        self.put_one(id="a", unique=Unique(key="k"))
        self.engine.close()
        self.engine = reopen()
        assert self.put(self.message(unique=Unique(key="k"))) == ["a"]

    @pytest.mark.parametrize("key", ["", " ", "a:b", "{x}", '"', "é☃𝒳", "%", "x" * 500, "\n"])
    def test_keys_may_be_odd(self, key: str) -> None:
        self.put_one(id="a", unique=Unique(key=key), slot=Slot(key=key))
        assert self.put(self.message(unique=Unique(key=key))) == ["a"]
        self.put_one(id="b", slot=Slot(key=key))
        (held,) = self.claim()
        self.settle(held, DONE)
        assert ids(self.claim()) == ["b"]
