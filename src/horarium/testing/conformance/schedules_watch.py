"""Questions about what a schedule learns of its runs when they end."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from horarium.engines.records import DeadOwner, Page, RunFilter
from horarium.outcome import (
    Crashed,
    Ignored,
    Outcome,
    Rejected,
    State,
    Verdict,
)
from horarium.testing.conformance.candidate import DONE, KILLED, LEASE, settlement
from horarium.testing.conformance.schedules_ends import FAIL, WAYS, Watch


class TestWatch(Watch):
    @pytest.mark.parametrize("way", WAYS)
    def test_a_schedule_knows_how_its_runs_end(self, way: str) -> None:
        self.saved()
        for _ in range(2):
            self.fired()
            self.settle(self.claim_one(), FAIL)
        run = self.about_to_end(way)
        before = self.stored()
        assert (before.failures, before.succeeded, before.ended) == (2, None, self.now)
        self.later(1)
        self.end(way, run.id)
        added = WAYS[way][1]
        assert self.stored() == replace(
            before,
            failures=0 if added is None else 2 + added,
            succeeded=run.nominal if added is None else None,
            ended=self.run(run.id).changed,
        )

    def test_an_older_success_does_not_take_back_a_later_one(self) -> None:
        self.saved()
        older, later = self.fired(), self.fired()
        deliveries = {delivery.message.id: delivery for delivery in self.claim()}
        for message in (later, older):
            self.settle(deliveries[message.id], DONE)
            assert self.stored().succeeded == later.nominal

    def test_an_end_told_late_does_not_take_back_the_last_one(self) -> None:
        self.saved()
        self.fired()
        self.fired()
        first, second = self.claim()
        self.later(5)
        self.settle(first, DONE)
        self.later(-3)
        self.settle(second, DONE)
        assert self.stored().ended == self.now + 3_000

    def test_failures_are_counted_in_a_row(self) -> None:
        self.saved()
        counted = []
        for outcome in (FAIL, FAIL, DONE, FAIL, Rejected(reason="no"), Ignored(), FAIL):
            self.fired()
            self.settle(self.claim_one(), outcome)
            counted.append(self.stored().failures)
        assert counted == [1, 2, 0, 1, 2, 0, 1]

    def test_the_ends_of_one_call_are_told_in_their_order(self) -> None:
        self.saved()
        runs = [self.fired() for _ in range(4)]
        outcomes: list[Outcome] = [FAIL, DONE, FAIL, FAIL]
        settlements = [settlement(*each) for each in zip(self.claim(), outcomes, strict=True)]
        self.settle_all(*settlements)
        stored = self.stored()
        assert (stored.failures, stored.succeeded) == (2, runs[1].nominal)

    def test_each_schedule_is_told_of_its_own_runs(self) -> None:
        for name in "st":
            self.saved(name)
            self.fired(name)
        self.put_one()
        self.settle_all(
            *(settlement(delivery, FAIL if delivery.message.schedule != "t" else DONE) for delivery in self.claim())
        )
        assert [self.stored(name).failures for name in "st"] == [1, 0]

    def test_a_failure_told_twice_counts_once(self) -> None:
        self.saved()
        self.fired()
        delivery = self.claim_one()
        told = settlement(delivery, FAIL)
        assert self.settle_all(told, told) == [Verdict.RECORDED, Verdict.REPEATED]
        assert self.settle_all(told) == [Verdict.REPEATED]
        assert self.settle(delivery, Rejected(reason="no")) == Verdict.LOST
        assert self.settle(delivery, DONE) == Verdict.LOST
        assert (self.stored().failures, self.stored().succeeded) == (1, None)

    def test_a_death_told_twice_counts_once(self) -> None:
        self.saved()
        self.fired(at_most_once=True)
        told = settlement(self.claim_one(), Crashed(error=KILLED))
        assert self.settle_all(told, told) == [Verdict.RECORDED, Verdict.REPEATED]
        self.later(LEASE)
        self.maintain(DeadOwner(owner="a", error=KILLED))
        assert self.stored().failures == 1

    def test_retries_count_for_nothing_until_the_last(self) -> None:
        self.saved()
        self.fired()
        self.retry()
        assert (self.stored().failures, self.stored().ended) == (0, None)
        self.later(60)
        self.settle(self.claim_one(), FAIL)
        assert (self.stored().failures, self.stored().ended) == (1, self.now)

    def test_a_run_without_a_nominal_instant_ends_all_the_same(self) -> None:
        before = self.saved()
        self.put_one(schedule="s")
        self.settle(self.claim_one(), DONE)
        assert self.stored() == replace(before, ended=self.now)

    def test_a_run_that_was_fired_by_hand_is_told_too(self) -> None:
        before = self.saved()
        by_hand = self.message(schedule="s", nominal=self.now)
        self.fire(self.firing(before, kind="manual", messages=(by_hand,)))
        self.settle(self.claim_one(), DONE)
        assert self.stored() == replace(before, succeeded=self.now, ended=self.now)

    def test_an_edit_takes_nothing_back(self) -> None:
        self.saved()
        self.fired()
        self.fired()
        first, second = self.claim()
        self.settle(first, FAIL)
        read = self.stored()
        self.fire(self.firing(read, overlap="skip"))
        self.settle(second, DONE)
        now = self.stored()
        assert (now.skipped, now.failures, now.succeeded, now.ended) == (1, 0, second.message.nominal, self.now)
        edited = replace(read, task="other", next_fire=now.next_fire, succeeded=None, skipped=99, ended=1, total_runs=0)
        assert self.save(edited) == [replace(now, task="other", version=now.version + 1)] == [self.stored()]

    @pytest.mark.parametrize(("wanted", "found"), [(0, 0), (1, 1), (2, 2), (9, 2)])
    def test_an_edit_may_lower_the_failures_and_never_raise_them(self, wanted: int, found: int) -> None:
        self.saved()
        for _ in range(2):
            self.fired()
            self.settle(self.claim_one(), FAIL)
        (edited,) = self.save(replace(self.stored(), failures=wanted))
        assert edited.failures == found
        assert self.stored() == edited
        self.fired()
        self.settle(self.claim_one(), FAIL)
        assert self.stored().failures == found + 1

    def test_a_run_may_end_when_its_schedule_is_gone(self) -> None:
        self.saved()
        self.fired()
        self.engine.schedules.delete(["s"])
        assert self.settle(self.claim_one(), DONE) == Verdict.RECORDED
        assert self.engine.schedules.get(["s"]) == [None]

    def test_a_schedule_of_the_same_name_inherits_the_runs_of_a_deleted_one(self) -> None:
        self.saved()
        run = self.fired()
        self.engine.schedules.delete(["s"])
        new = self.saved()
        self.settle(self.claim_one(), DONE)
        assert self.stored() == replace(new, succeeded=run.nominal, ended=self.now)

    def test_a_record_of_another_store_tells_no_schedule(self) -> None:
        self.saved()
        message = self.fired()
        self.settle(self.claim_one(), FAIL)
        before = self.stored()
        copy = replace(self.run(message.id), message=replace(message, id="copy"), state=State.SUCCESS)
        self.later(1)
        self.engine.results.record([copy], keep=60.0, now=self.now)
        self.engine.results.forget([message.id])
        assert self.stored() == before

    def test_the_history_of_a_schedule_is_listed_the_latest_first(self) -> None:
        self.saved()
        self.saved("t")
        expected: list[str] = []
        for number in range(5):
            self.later(60)
            firing = self.firing(self.stored())
            self.fire(firing)
            self.fired("t", id=f"t{number}")
            expected.insert(0, firing.messages[0].id)
        for delivery in self.claim()[::2]:
            self.settle(delivery, DONE)
        found: list[str] = []
        after: str | None = None
        while len(found) < 10:
            page = self.engine.results.search(RunFilter(schedule="s"), Page(limit=2, after=after))
            found += [run.id for run in page.runs]
            after = page.next
            if after is None:
                break
        assert found == expected
