"""Questions that need several users of one store: threads always, other engine objects where the engine is shared."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import pytest

from horarium.engines.protocol import Engine
from horarium.engines.records import DeadOwner, Maintenance, Member, Placed
from horarium.outcome import State, Verdict
from horarium.testing.conformance.candidate import DONE, KILLED, LEASE, POLICY, Candidate, Reopen, settlement


class TestSharing(Candidate):
    def test_threads_claim_disjoint_deliveries(self) -> None:
        self.put(*(self.message() for _ in range(400)))
        self.drain([self.engine] * 4)

    def test_two_engines_on_one_store_claim_disjoint_deliveries(self, reopen: Reopen) -> None:
        self.needs_sharing()
        self.put(*(self.message() for _ in range(400)))
        other = reopen()
        self.drain([self.engine, other, self.engine, other])

    def test_what_one_engine_does_the_other_sees(self, reopen: Reopen) -> None:
        self.needs_sharing()
        other = reopen()
        message = self.put_one()
        assert other.queue.put([message], now=self.now) == [False]
        delivery = self.claim_one("a")
        assert other.queue.settle([settlement(delivery, DONE)], now=self.now, policy=POLICY) == [Verdict.RECORDED]
        assert self.run(message.id).state == State.SUCCESS
        assert other.schedules.save([self.schedule()], now=self.now) == [self.stored()]

    def test_a_hint_of_one_engine_wakes_the_listeners_of_the_other(self, reopen: Reopen) -> None:
        self.needs_sharing()
        listener = reopen().notifier.listen(["queue:default"])
        assert not listener.wait(0.1)
        self.engine.notifier.notify(["queue:default"])
        assert listener.wait(10.0)
        listener.close()

    def test_messages_put_at_once_by_many_are_stored_once(self) -> None:
        messages = [self.message() for _ in range(50)]
        new: list[Placed] = []

        def put(number: int) -> None:
            for message in messages:
                new.extend(self.engine.queue.put([message], now=self.now))

        self.at_once(put, 4)
        assert (len(new), new.count(True)) == (200, 50)
        assert self.states() == {State.PENDING: 50}

    def test_chores_done_by_many_at_once_are_done_once(self) -> None:
        self.put(*(self.message() for _ in range(40)))
        running = [delivery.message.id for delivery in self.claim("a", 40)]
        self.put(*(self.message(expires=self.now) for _ in range(40)))
        dead = DeadOwner(owner="a", running=tuple(running[:10]), error=KILLED)
        done: list[Maintenance] = []
        self.at_once(lambda number: done.append(self.maintain(dead)), 4)
        assert sum(each.returned for each in done) == 40
        assert sum(each.expired for each in done) == 40
        assert self.states() == {State.RETRY: 10, State.PENDING: 30, State.EXPIRED: 40}

    def test_a_delivery_settled_at_once_by_many_is_recorded_once(self) -> None:
        self.put(*(self.message() for _ in range(30)))
        told = [settlement(delivery, DONE, follow_ups=(self.message(),)) for delivery in self.claim("a", 30)]
        verdicts: list[Verdict] = []

        def settle(number: int) -> None:
            for each in told:
                verdicts.extend(self.engine.queue.settle([each], now=self.now, policy=POLICY))

        self.at_once(settle, 3)
        assert (verdicts.count(Verdict.RECORDED), verdicts.count(Verdict.REPEATED)) == (30, 60)
        assert self.states() == {State.SUCCESS: 30, State.PENDING: 30}

    def needs_sharing(self) -> None:
        if not self.engine.capabilities.shared:
            pytest.skip("declared: not shared")

    def at_once(self, act: Callable[[int], object], many: int) -> None:
        """Run ``act`` in threads that start together; whatever one of them raises is raised here."""
        together = threading.Barrier(many)
        raised: list[BaseException] = []

        def run(number: int) -> None:
            together.wait()
            try:
                act(number)
            except BaseException as error:  # noqa: BLE001 - it is raised again in the main thread
                raised.append(error)

        threads = [threading.Thread(target=run, args=(number,)) for number in range(many)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if raised:
            raise raised[0]

    def drain(self, engines: Sequence[Engine]) -> None:
        """Let one worker per engine claim and settle until nothing is left; each message must be done once."""
        seen: list[str] = []
        verdicts: list[Verdict] = []

        def work(number: int) -> None:
            engine, owner = engines[number], f"owner {number}"
            engine.queue.renew([Member(owner=owner, kind="child", name=owner)], now=self.now, lease=LEASE)
            while batch := engine.queue.claim(["default"], owner, 7, now=self.now):
                seen.extend(delivery.message.id for delivery in batch)
                told = [settlement(delivery, DONE) for delivery in batch]
                verdicts.extend(engine.queue.settle(told, now=self.now, policy=POLICY))

        before = sum(self.states().values())
        self.at_once(work, len(engines))
        assert len(seen) == len(set(seen)) == before
        assert set(verdicts) == {Verdict.RECORDED}
        assert self.states() == {State.SUCCESS: before}
