"""Questions about messages that wait for others: gates, joins, and what becomes of the blocked ones."""

from __future__ import annotations

import pytest
from msgspec import Raw
from msgspec.structs import replace

from horarium.engines.records import Page, Purge, Revoke, RunFilter, Seal
from horarium.message import Gate, Join, Signature
from horarium.outcome import (
    Failed,
    Replaced,
    Retried,
    State,
    Succeeded,
    Verdict,
)
from horarium.testing.conformance.candidate import LINK, OOPS, Reopen, ids, settlement
from horarium.testing.conformance.gated import BODY_LINK, Gates, chain, group, task


class TestGates(Gates):
    def test_a_message_with_a_gate_is_not_given_out(self) -> None:
        self.put(self.body())
        assert self.claim() == []
        assert self.state("body") == State.PENDING

    def test_it_is_given_out_when_all_it_waits_for_have_succeeded(self) -> None:
        self.chord()
        held = self.deliveries()
        self.succeed(held["h0"], '"first"')
        assert self.claim() == []
        self.succeed(held["h1"], '{"second":2}')
        (body,) = self.claim()
        assert (body.message.id, self.args(body), body.message.gate) == ("body", [["first", {"second": 2}]], None)
        assert (body.attempt, body.fence) == (1, 1)

    def test_values_come_in_the_order_of_places_whoever_was_first(self) -> None:
        self.chord(12)
        for delivery in reversed(self.claim()):
            self.succeed(delivery, f'"{delivery.message.id}"')
        (body,) = self.claim()
        assert self.args(body) == [[f"h{i}" for i in range(12)]]

    def test_values_are_passed_on_byte_for_byte(self) -> None:
        values = [
            "12345678901234567890123",
            "0.1000000000000000055",
            '"\\u00e4 % %1 \\\\ \\" é☃𝒳 \\u0000"',
            "null",
            '{"a":[]}',
        ]
        self.put(self.body(len(values)), *self.header(len(values)))
        for delivery, value in zip(self.claim(), values, strict=True):
            self.succeed(delivery, value)
        (body,) = self.claim()
        assert bytes(body.message.args) == f"[[{','.join(values)}]]".encode()

    def test_its_own_arguments_follow_the_values(self) -> None:
        self.chord(args=Raw(b'["x", 2]'), kwargs=Raw(b'{"y":3}'))
        for delivery in self.claim():
            self.succeed(delivery)
        (body,) = self.claim()
        assert (self.args(body), bytes(body.message.kwargs)) == ([[1, 1], "x", 2], b'{"y":3}')

    def test_a_link_gives_the_value_alone_and_an_immutable_one_nothing(self) -> None:
        gate = Gate(size=1, gives="value", is_link=True)
        self.put(self.message(id="next", args=Raw(b"[7]"), gate=gate))
        self.put(self.message(id="still", args=Raw(b"[7]"), gate=replace(gate, gives="nothing")))
        self.put_one(id="first", joins=(Join(id="next"), Join(id="still")))
        self.succeed(self.claim_one(), "5")
        assert {delivery.message.id: self.args(delivery) for delivery in self.claim()} == {"next": [5, 7], "still": [7]}

    def test_the_value_may_be_another_than_the_result_that_is_kept(self) -> None:
        self.chord(1)
        (member,) = self.claim()
        self.settle(member, Succeeded(result=None), joins=member.message.joins, value=Raw(b"9"))
        (body,) = self.claim()
        assert (self.args(body), self.run("h0").result) == ([[9]], None)

    def test_a_success_without_a_value_gives_null(self) -> None:
        self.chord(1)
        (member,) = self.claim()
        self.settle(member, Succeeded(result=None), joins=member.message.joins)
        assert self.args(self.claim_one()) == [[None]]

    def test_a_settlement_that_is_made_twice_arrives_once(self) -> None:
        self.chord()
        held = self.deliveries()
        assert self.succeed(held["h0"]) == Verdict.RECORDED
        assert self.succeed(held["h0"]) == Verdict.REPEATED
        assert self.claim() == []

    def test_a_lost_settlement_does_not_arrive(self) -> None:
        self.chord(1)
        (member,) = self.claim()
        self.engine.inspector.leave(["a"], now=self.now)
        assert self.succeed(member) == Verdict.LOST
        assert ids(self.claim("b")) == ["h0"]

    def test_a_retry_arrives_when_it_succeeds(self) -> None:
        self.chord(1)
        (member,) = self.claim()
        self.settle(member, Retried(message=replace(member.message, retries=1), error=OOPS))
        (again,) = self.claim()
        assert again.message.joins == member.message.joins
        self.succeed(again)
        assert ids(self.claim()) == ["body"]

    def test_a_released_body_that_is_retried_or_put_back_has_no_gate_any_more(self) -> None:
        self.chord(1)
        self.succeed(self.claim_one())
        body = self.claim_one()
        self.settle(body, Retried(message=replace(body.message, retries=1), error=OOPS))
        self.engine.inspector.leave(["a"], now=self.now)
        (again,) = self.claim("b")
        assert (again.message.id, self.args(again)) == ("body", [[1]])
        self.engine.inspector.leave(["b"], now=self.now)
        assert ids(self.claim("c")) == ["body"]

    def test_its_eta_and_its_countdown_hold_after_the_last_has_arrived(self) -> None:
        self.put(self.message(id="eta", eta=self.now + 5_000, gate=Gate(size=1)))
        self.put(self.message(id="countdown", gate=Gate(size=1, countdown=3.0)))
        self.put_one(id="first", joins=(Join(id="eta", place=0), Join(id="countdown", place=0)))
        self.later(1)
        self.succeed(self.claim_one())
        assert self.claim() == []
        self.later(2.999)
        assert self.claim() == []
        self.later(0.001)
        assert ids(self.claim()) == ["countdown"]
        self.later(1)
        assert ids(self.claim()) == ["eta"]

    def test_expires_in_counts_from_the_release(self) -> None:
        self.put(self.body(1, gate=Gate(size=1, expires_in=2.0)), *self.header(1))
        self.later(10)
        self.succeed(self.claim_one())
        assert self.run("body").message.expires == self.now + 2_000
        self.later(2)
        assert self.claim() == []
        self.maintain()
        assert self.state("body") == State.EXPIRED

    def test_arrivals_at_a_gate_that_is_not_there_are_passed_over(self) -> None:
        self.put_one(id="first", joins=(Join(id="nobody", place=0),))
        assert self.succeed(self.claim_one()) == Verdict.RECORDED
        assert self.put(self.message(id="nobody", gate=Gate(size=1))) == [True]
        assert self.claim() == []

    def test_many_arrive_in_one_call(self) -> None:
        self.put(self.body(300), *self.header(300))
        batch = [
            settlement(each, Succeeded(result=Raw(b"1")), joins=each.message.joins, started=self.now, ended=self.now)
            for each in self.claim("a", 300)
        ]
        assert set(self.settle_all(*batch)) == {Verdict.RECORDED}
        assert self.args(self.claim_one()) == [[1] * 300]

    def test_arrivals_survive_the_engine(self, reopen: Reopen) -> None:
        if not self.engine.capabilities.durable:
            pytest.skip("declared: not durable")
        self.chord()
        held = self.deliveries()
        self.succeed(held["h1"], '"late"')
        self.engine.close()
        self.engine = reopen()
        self.succeed(held["h0"], '"early"')
        assert self.args(self.claim_one()) == [["early", "late"]]

    def test_links_and_joins_go_together(self) -> None:
        self.put(self.body(1), replace(self.header(1)[0], links=(LINK,)))
        member = self.claim_one()
        self.succeed(member, follow_ups=(self.message(id="linked"),))
        assert sorted(ids(self.claim())) == ["body", "linked"]

    def test_a_listener_hears_of_what_was_released(self) -> None:
        self.put(self.body(1, queue="bodies"), *self.header(1))
        member = self.claim_one()
        listener = self.engine.notifier.listen(["queue:bodies"])
        self.claim("b", queues=["bodies"])  # an idle look, as workers make before they wait
        self.succeed(member)
        assert listener.wait(10.0)
        listener.close()


class TestSeal(Gates):
    def test_a_gate_without_a_size_waits_until_it_is_told(self) -> None:
        self.put(self.body(None), *self.header(2))
        for delivery in self.claim():
            self.succeed(delivery)
        assert self.claim() == []
        assert self.engine.inspector.act(Seal(id="body", size=2), now=self.now) == ["body"]
        assert self.args(self.claim_one()) == [[1, 1]]

    def test_a_sealed_gate_waits_for_the_rest(self) -> None:
        self.put(self.body(None), *self.header(2))
        self.engine.inspector.act(Seal(id="body", size=2), now=self.now)
        for delivery in self.claim():
            assert self.state("body") == State.PENDING
            self.succeed(delivery)
        assert ids(self.claim()) == ["body"]

    def test_a_gate_is_sealed_once(self) -> None:
        self.put(self.body(None), *self.header(2))
        self.engine.inspector.act(Seal(id="body", size=2), now=self.now)
        assert self.engine.inspector.act(Seal(id="body", size=1), now=self.now) == []
        assert self.engine.inspector.act(Seal(id="nobody", size=1), now=self.now) == []
        self.succeed(self.claim("a", 1)[0])
        assert ids(self.claim()) == ["h1"]

    def test_an_empty_header_opens_the_gate_at_once(self) -> None:
        self.put(self.body(None))
        self.engine.inspector.act(Seal(id="body", size=0), now=self.now)
        assert self.args(self.claim_one()) == [[]]

    def test_a_gate_that_is_widened_waits_for_more(self) -> None:
        self.chord()
        held = self.deliveries()
        added = self.message(id="added", joins=(Join(id="body", place=10**9),))
        self.succeed(held["h0"], "0", widens={"body": 1}, follow_ups=(added,))
        self.succeed(held["h1"], "1")
        (third,) = self.claim()
        self.succeed(third, "2")
        assert self.args(self.claim_one()) == [[0, 1, 2]]

    def test_widening_twice_by_the_same_settlement_widens_once(self) -> None:
        self.chord()
        held = self.deliveries()
        for _ in range(2):
            self.succeed(held["h0"], widens={"body": 1})
        self.succeed(held["h1"])
        assert self.claim() == []
        self.put_one(id="added", joins=(Join(id="body", place=7),))
        self.succeed(self.claim_one())
        assert ids(self.claim()) == ["body"]

    def test_an_open_gate_can_be_widened_too(self) -> None:
        self.put(self.body(None), *self.header(1))
        self.succeed(self.claim_one(), widens={"body": 1}, follow_ups=(self.header(2)[1],))
        self.engine.inspector.act(Seal(id="body", size=1), now=self.now)
        self.succeed(self.claim_one())
        assert self.args(self.claim_one()) == [[1, 1]]


class TestBlocked(Gates):
    def test_a_blocked_message_is_counted_apart(self) -> None:
        self.put(self.body(2, queue="q"), self.message(queue="q"))
        counts = self.engine.inspector.counts().queues["q"]
        assert (counts.ready, counts.scheduled, counts.claimed, counts.blocked) == (1, 0, 0, 1)
        assert counts.tasks == {"t": 1}

    def test_blocked_messages_are_listed_last_by_put(self) -> None:
        self.put(self.body(2, priority=9), self.message(id="other", gate=Gate(size=1)), self.message(id="m"))
        held = self.engine.inspector.find(RunFilter(), Page()).held
        assert [(each.message.id, each.is_blocked, each.owner) for each in held] == [
            ("m", False, None),
            ("body", True, None),
            ("other", True, None),
        ]
        first = self.engine.inspector.find(RunFilter(), Page(limit=2))
        second = self.engine.inspector.find(RunFilter(), Page(limit=2, after=first.next))
        assert [each.message.id for each in (*first.held, *second.held)] == ["m", "body", "other"]

    def test_a_blocked_message_can_be_revoked(self) -> None:
        self.chord()
        assert self.engine.inspector.act(Revoke(ids=("body",)), now=self.now) == ["body"]
        for delivery in self.claim():
            self.succeed(delivery)
        assert (self.state("body"), self.claim()) == (State.REVOKED, [])

    def test_purging_a_queue_ends_what_is_blocked_in_it(self) -> None:
        self.chord(queue="bodies")
        assert self.engine.inspector.act(Purge(queues=("bodies",)), now=self.now) == ["body"]
        assert self.state("body") == State.REVOKED

    def test_a_blocked_message_expires(self) -> None:
        self.chord(expires=self.now + 1000, error_links=(BODY_LINK,))
        self.later(1)
        self.maintain()
        assert self.state("body") == State.EXPIRED
        assert BODY_LINK.task in [delivery.message.task for delivery in self.claim()]

    def test_a_blocked_message_is_not_new(self) -> None:
        self.chord()
        assert self.put(self.message(id="body")) == [False]
        assert self.claim("a", 1)[0].message.id == "h0"

    def test_a_blocked_message_comes_back_as_it_was_put(self) -> None:
        body = self.body(2, group="g", group_index=3, joins=(Join(id="next", place=4), Join(id="last")))
        self.put(body)
        assert self.run("body").message == body

    def test_an_ended_body_can_be_forgotten_with_all_it_had(self) -> None:
        self.chord()
        self.succeed(self.deliveries()["h0"])
        self.engine.inspector.act(Revoke(ids=("body",)), now=self.now)
        assert self.engine.results.forget(["body"]) == 1
        self.put(self.body(1))
        assert self.claim() == []


class TestReplaced(Gates):
    def test_another_message_runs_under_the_same_id(self) -> None:
        first = self.put_one(id="x", task="a", priority=9)
        held = self.claim_one()
        new = replace(first, task="b", args=Raw(b"[2]"), queue="other", priority=1)
        assert self.settle(held, Replaced(message=new)) == Verdict.RECORDED
        assert (self.run("x").state, self.run("x").message) == (State.PENDING, new)
        assert self.claim() == []
        (again,) = self.claim(queues=["other"])
        assert (again.message, again.attempt) == (new, 2)
        assert [attempt.outcome for attempt in self.run("x").attempts] == ["replaced"]

    def test_it_may_wait_for_what_is_put_with_it(self) -> None:
        self.chord(1)
        member = self.claim_one()
        new = replace(member.message, task="last", gate=Gate(size=1, gives="value", is_link=True))
        before = self.message(id="before", joins=(Join(id="h0"),))
        self.settle(member, Replaced(message=new), follow_ups=(before,))
        assert self.work_off() == [("t", []), ("last", ["t"]), ("body", [["last"]])]

    def test_what_fails_in_its_place_dooms_whoever_waits_for_it(self) -> None:
        self.chord(1)
        member = self.claim_one()
        new = replace(member.message, task="last", gate=Gate(size=1, gives="value", is_link=True))
        self.settle(member, Replaced(message=new), follow_ups=(self.message(id="before", joins=(Join(id="h0"),)),))
        self.settle(self.claim_one(), Failed(error=OOPS))
        assert [self.state(id) for id in ("before", "h0", "body")] == [State.FAILURE] * 3
        error = self.run("h0").error
        assert error is not None and (error.class_path, error.args) == (OOPS.class_path, OOPS.args)

    def test_one_that_is_marked_ends_instead(self) -> None:
        self.put_one(id="x")
        held = self.claim_one()
        self.engine.inspector.act(Revoke(ids=("x",)), now=self.now)
        self.settle(held, Replaced(message=replace(held.message, task="b")))
        assert (self.state("x"), self.claim()) == (State.REVOKED, [])

    def test_it_waits_for_its_eta(self) -> None:
        self.put_one(id="x")
        held = self.claim_one()
        self.settle(held, Replaced(message=replace(held.message, eta=self.now + 2000)))
        assert self.claim() == []
        self.later(2)
        assert ids(self.claim()) == ["x"]


class TestCanvas(Gates):
    """Whole workflows, as workflow.plan lays them."""

    def test_a_chain_passes_each_value_on(self) -> None:
        self.send(chain(task("a", 1), task("b", 2), replace(task("c", 3), immutable=True)))
        assert self.work_off() == [("a", [1]), ("b", ["a", 2]), ("c", [3])]

    def test_groups_and_tasks_in_a_chain(self) -> None:
        self.send(chain(task("a"), group(task("b"), task("c")), task("d"), group(task("e"), task("f"))))
        assert self.work_off(limit=1) == [
            ("a", []),
            ("b", ["a"]),
            ("c", ["a"]),
            ("d", [["b", "c"]]),
            ("e", ["d"]),
            ("f", ["d"]),
        ]

    def test_a_group_after_a_group_is_given_the_list(self) -> None:
        self.send(chain(group(task("a"), task("b")), group(task("c"), task("d")), task("e")))
        done = self.work_off()
        assert done[:2] == [("a", []), ("b", [])]
        assert done[2] == ("celery.accumulate", [["a", "b"]])
        assert done[-1] == ("e", [["c", "d"]])

    def test_every_member_of_a_chord_of_chords_runs_once(self) -> None:
        def chord(depth: int) -> Signature:
            members = tuple(task("t") if depth == 1 else chord(depth - 1) for _ in range(3))
            return Signature(task="chord", kind="chord", tasks=members, body=task("body"))

        self.send(chord(3))
        done = [name for name, _ in self.work_off()]
        assert (done.count("t"), done.count("body")) == (27, 13)
        assert self.states() == {State.SUCCESS: 40}

    def test_links_may_be_canvases(self) -> None:
        self.put_one(task="first", links=(chain(task("a"), group(task("b"), task("c"))),))
        member = self.claim_one()
        from horarium.workflow.follow import follow_ups

        done = Succeeded(result=Raw(b"5"))
        self.settle(member, done, follow_ups=follow_ups(member.message, done, now=self.now))
        assert self.work_off() == [("a", [5]), ("b", ["a"]), ("c", ["a"])]
