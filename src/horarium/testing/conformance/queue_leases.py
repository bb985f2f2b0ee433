"""Questions about Queue.renew and Queue.maintain."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from horarium.engines.records import TOMBSTONE_KEEP, DeadOwner, Maintenance, Member, Revoke
from horarium.message import derived_id
from horarium.outcome import Reported, State, Verdict
from horarium.testing.conformance.candidate import DONE, ERROR_LINK, KILLED, LEASE, POLICY, Candidate, ids


class TestLeases(Candidate):
    def test_a_renewal_registers_and_stores_what_is_reported(self) -> None:
        member = Member(owner="a", kind="child", name="a@host", pid=7, queues=("x",), tasks=("t",), processed=3)
        assert self.engine.queue.renew([member], now=self.now, lease=LEASE) == self.renew()
        newer = replace(member, processed=4)
        self.later(1)
        self.engine.queue.renew([newer], now=self.now, lease=LEASE)
        (record,) = self.engine.inspector.workers(now=self.now)
        assert (record.member, record.seen, record.alive, record.held) == (newer, self.now, True, 0)
        assert record.lease_until == self.now + round(LEASE * 1000)

    def test_a_renewed_lease_does_not_lapse(self) -> None:
        self.put_one()
        delivery = self.claim_one()
        for _ in range(5):
            self.later(LEASE - 1)
            assert self.renew("a").lost == ()
            assert self.maintain().lapsed == ()
        assert self.settle(delivery, DONE) == Verdict.RECORDED

    def test_a_lapsed_lease_may_be_renewed_until_the_owner_is_given_up(self) -> None:
        self.put_one()
        delivery = self.claim_one()
        self.later(LEASE * 3)
        assert self.renew("a").lost == ()
        assert self.maintain().lapsed == ()
        assert self.settle(delivery, DONE) == Verdict.RECORDED

    def test_an_owner_that_was_given_up_is_never_taken_back(self) -> None:
        self.renew("a", "b")
        self.later(LEASE - 1)
        self.renew("b")
        self.later(1)
        assert self.maintain().lapsed == ("a",)
        assert self.renew("a", "b", "c").lost == ("a",)
        self.later(TOMBSTONE_KEEP - 60)
        self.renew("c")
        self.maintain()
        assert self.renew("a").lost == ("a",)

    def test_a_renewal_lists_what_is_to_be_terminated(self) -> None:
        kill, leave = self.put_one(), self.put_one()
        delivery, _ = self.claim("a")
        self.put_one()
        self.claim("b")
        self.engine.inspector.act(Revoke(ids=(leave.id,)), now=self.now)
        assert self.renew("a", "b").terminate == ()
        self.engine.inspector.act(Revoke(ids=(kill.id,), terminate=True), now=self.now)
        assert self.renew("b").terminate == ()
        assert self.renew("a", "b").terminate == (kill.id,)
        assert self.renew("a").terminate == (kill.id,)
        self.settle(delivery, DONE)
        assert self.renew("a").terminate == ()

    def test_nobody_renewed_is_fine(self) -> None:
        assert self.renew().lost == ()


class TestMaintenance(Candidate):
    def test_with_nothing_to_do_nothing_is_done(self) -> None:
        self.put_one()
        self.claim_one()
        self.put_one(eta=self.now + 1000)
        done = self.maintain()
        assert (done.returned, done.dead, done.expired, done.forgotten, done.lapsed, done.more) == (0,) * 4 + (
            (),
            False,
        )
        assert self.states() == {State.RECEIVED: 1, State.PENDING: 1}

    def test_a_dead_owners_running_delivery_is_charged_and_the_others_go_back_free(self) -> None:
        running, idle = self.put_one(), self.put_one()
        self.claim("a")
        done = self.maintain(DeadOwner(owner="a", running=(running.id,), error=KILLED))
        assert (done.returned, done.dead, done.lapsed) == (2, 0, ())
        assert (self.run(running.id).state, self.run(running.id).error) == (State.RETRY, KILLED)
        assert [(each.number, each.worker, each.outcome) for each in self.run(running.id).attempts] == [
            (1, "a@host", "crashed")
        ]
        assert (self.run(idle.id).state, self.run(idle.id).attempts) == (State.PENDING, ())
        (free,) = self.claim("b")
        assert (free.message.id, free.attempt, free.fence, free.crashes) == (idle.id, 1, 2, 0)
        self.later(1)
        (suspect,) = self.claim("b")
        assert (suspect.message.id, suspect.attempt, suspect.fence, suspect.crashes) == (running.id, 2, 2, 1)

    def test_an_orderly_end_charges_nobody(self) -> None:
        message = self.put_one()
        self.claim("a")
        assert self.maintain(DeadOwner(owner="a", running=(message.id,))).returned == 1
        delivery = self.claim_one("b")
        assert (delivery.attempt, delivery.crashes) == (1, 0)

    def test_a_dead_owner_is_given_up(self) -> None:
        self.put_one()
        stale = self.claim_one("a")
        self.maintain(DeadOwner(owner="a", error=KILLED))
        assert self.renew("a").lost == ("a",)
        assert self.settle(stale, DONE) == Verdict.LOST

    def test_a_dead_owner_told_twice_is_dealt_with_once(self) -> None:
        message = self.put_one()
        self.claim("a")
        dead = DeadOwner(owner="a", running=(message.id, "nobody's"), error=KILLED)
        assert self.maintain(dead, DeadOwner(owner="stranger", running=(message.id,), error=KILLED)).returned == 1
        self.later(1)
        self.claim_one("b")
        assert self.maintain(dead).returned == 0
        assert self.run(message.id).state == State.RECEIVED

    def test_crashes_add_up_to_dead_whoever_counts_them(self) -> None:
        message = self.put_one(error_links=(ERROR_LINK,))
        for number in range(POLICY.crash_limit):
            self.later(60)
            self.claim_one(f"owner {number}")
            done = self.maintain(DeadOwner(owner=f"owner {number}", running=(message.id,), error=KILLED))
            assert (done.returned, done.dead) == ((1, 0) if number < POLICY.crash_limit - 1 else (0, 1))
        run = self.run(message.id)
        assert (run.state, run.error, run.ended, len(run.attempts)) == (
            State.DEAD,
            KILLED,
            self.now,
            POLICY.crash_limit,
        )
        assert self.run(derived_id(message.id, "error_link", 0)).state == State.PENDING

    @pytest.mark.parametrize("error", [KILLED, None])
    def test_a_running_at_most_once_delivery_dies_with_its_process_and_an_unstarted_one_goes_back(
        self, error: object
    ) -> None:
        running, idle = (self.put_one(at_most_once=True, error_links=(ERROR_LINK,)) for _ in range(2))
        self.claim("a")
        dead = DeadOwner(owner="a", running=(running.id,), error=KILLED if error else None)
        done = self.maintain(dead)
        assert (done.returned, done.dead) == (1, 1)
        assert self.run(running.id).state == State.DEAD
        assert self.run(running.id).error is not None
        assert self.run(derived_id(running.id, "error_link", 0)).state == State.PENDING
        assert self.run(idle.id).state == State.PENDING

    def test_a_lapsed_owners_deliveries_go_back(self) -> None:
        message = self.put_one()
        self.claim_one("a")
        self.later(LEASE - 0.001)
        assert self.maintain().lapsed == ()
        self.later(0.001)
        done = self.maintain()
        assert (done.returned, done.lapsed) == (1, ("a",))
        run = self.run(message.id)
        assert run.state == State.RETRY
        assert run.error is not None
        assert run.error.class_path == "horarium.errors.WorkerLostError"
        assert self.maintain().lapsed == ()
        self.later(1)
        assert self.claim_one("b").crashes == 1

    def test_of_a_lapsed_owner_those_reported_running_are_charged(self) -> None:
        running, idle = self.put_one(), self.put_one()
        self.claim("a")
        self.renew("a", running=[running.id])
        self.later(LEASE)
        assert self.maintain().returned == 2
        assert self.run(idle.id).state == State.PENDING
        self.later(1)
        seen = [(each.message.id, each.attempt, each.crashes) for _ in range(2) for each in self.claim("b")]
        assert sorted(seen) == sorted([(idle.id, 1, 0), (running.id, 2, 1)])

    def test_of_a_lapsed_owner_all_are_charged_when_its_report_names_none_of_them(self) -> None:
        messages = [self.put_one(), self.put_one()]
        self.claim("a")
        self.renew("a", running=["finished long ago"])
        self.later(LEASE)
        assert self.maintain().returned == 2
        assert [self.run(message.id).state for message in messages] == [State.RETRY] * 2

    def test_of_a_lapsed_owner_no_at_most_once_delivery_is_started_again(self) -> None:
        running, unknown = (self.put_one(at_most_once=True) for _ in range(2))
        self.claim("a")
        self.renew("a", running=[running.id])
        self.later(LEASE)
        done = self.maintain()
        assert (done.returned, done.dead) == (0, 2)
        for message in (running, unknown):
            run = self.run(message.id)
            assert run.state == State.DEAD
            assert run.error is not None
            assert run.error.class_path == "horarium.errors.WorkerLostError"

    def test_a_marked_delivery_of_a_dead_owner_ends_as_revoked(self) -> None:
        message, once = self.put_one(), self.put_one(at_most_once=True)
        self.claim("a")
        self.engine.inspector.act(Revoke(ids=(message.id, once.id), terminate=True), now=self.now)
        done = self.maintain(DeadOwner(owner="a", running=(message.id, once.id), error=KILLED))
        assert (done.returned, done.dead) == (0, 0)
        assert self.states() == {State.REVOKED: 2}

    def test_a_delivery_put_back_shows_nothing_of_its_last_attempt(self) -> None:
        message = self.put_one()
        delivery = self.claim_one("a")
        self.settle(delivery, Reported(state="BAKING"), started=self.now)
        self.maintain(DeadOwner(owner="a"))
        run = self.run(message.id)
        assert (run.state, run.worker, run.started) == (State.PENDING, "", None)

    def test_waiting_messages_that_expired_are_ended(self) -> None:
        overdue = self.put_one(expires=self.now + 1000, queue="nobody reads", error_links=(ERROR_LINK,))
        future = self.put_one(expires=self.now + 1000, eta=self.now + 5000)
        in_hand = self.put_one(expires=self.now + 1000, priority=9)
        self.claim_one()
        self.later(0.999)
        assert self.maintain().expired == 0
        self.later(0.001)
        assert self.maintain().expired == 2
        states = [self.run(message.id).state for message in (overdue, future, in_hand)]
        assert states == [State.EXPIRED, State.EXPIRED, State.RECEIVED]
        assert self.run(derived_id(overdue.id, "error_link", 0)).state == State.PENDING

    def test_ended_runs_are_removed_after_their_keep(self) -> None:
        usual, short, waiting = self.put_one(), self.put_one(), self.put_one()
        first, second, _ = self.claim()
        self.settle(first, DONE)
        self.settle(second, DONE, keep=10.0)
        self.later(9.999)
        assert self.maintain().forgotten == 0
        self.later(0.001)
        self.renew("a", lease=10 * POLICY.keep)
        assert self.maintain().forgotten == 1
        assert self.engine.results.read([short.id]) == [None]
        self.later(POLICY.keep - 10.001)
        assert self.maintain().forgotten == 0
        self.later(0.001)
        assert self.maintain().forgotten == 1
        assert self.engine.results.read([usual.id]) == [None]
        assert self.run(waiting.id).state == State.RECEIVED
        assert self.states() == {State.RECEIVED: 1}

    def test_runs_that_the_engine_ended_are_removed_after_the_policys_keep(self) -> None:
        revoked = self.put_one()
        self.put_one(expires=self.now)
        self.engine.inspector.act(Revoke(ids=(revoked.id,)), now=self.now)
        assert self.maintain().expired == 1
        self.later(POLICY.keep)
        assert self.maintain().forgotten == 2
        assert self.states() == {}

    def test_one_call_touches_no_more_than_a_batch(self) -> None:
        small = replace(POLICY, batch=4)
        self.put(*(self.message() for _ in range(10)))
        running = ids(self.claim("a"))[:1]
        self.put(*(self.message(expires=self.now) for _ in range(10)))
        dead = DeadOwner(owner="a", running=tuple(running), error=KILLED)
        calls: list[Maintenance] = []
        while not calls or calls[-1].more:
            assert len(calls) < 20
            calls.append(self.maintain(dead, policy=small))
        assert all(call.returned + call.dead + call.expired + call.forgotten <= 4 for call in calls)
        assert len(calls) >= 5
        assert sum(call.returned for call in calls) == 10
        assert sum(call.expired for call in calls) == 10
        assert self.run(running[0]).state == State.RETRY
        assert self.states() == {State.RETRY: 1, State.PENDING: 9, State.EXPIRED: 10}

    def test_what_a_bounded_call_left_in_dead_hands_goes_back_later_in_any_case(self) -> None:
        self.put(*(self.message() for _ in range(5)))
        self.claim("a")
        self.maintain(DeadOwner(owner="a"), policy=replace(POLICY, batch=2))
        self.maintain()
        self.later(60)
        assert sum(len(self.claim("b")) for _ in range(5)) == 5
