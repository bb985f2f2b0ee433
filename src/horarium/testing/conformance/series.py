"""Questions about the Series: what has happened, counted by time."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Thread

import pytest

from horarium.clock import Instant
from horarium.tally import (
    BOUNDS,
    KEPT,
    PRUNED,
    WIDTH_MS,
    Reading,
    Tally,
    Width,
    bin_of,
    bucket_of,
    oldest_kept,
)
from horarium.testing.conformance.candidate import Candidate, Reopen

FAR = 2**50
BINS = len(BOUNDS) + 1


def histogram(*seconds: float) -> tuple[int, ...]:
    bins = [0] * BINS
    for each in seconds:
        bins[bin_of(each)] += 1
    return tuple(bins)


class TestSeries(Candidate):
    def add(self, *tallies: Tally) -> None:
        self.engine.series.add(tallies, now=self.now)

    def read(self, *readings: Reading) -> None:
        self.engine.series.add([], readings, now=self.now)

    def tally(self, at: Instant | None = None, task: str = "t", queue: str = "q", **counts: int) -> Tally:
        return Tally(at=self.now if at is None else at, task=task, queue=queue, counts=counts or {"succeeded": 1})

    def all(self, width: Width = "1h", since: Instant = 0, until: Instant = FAR) -> list[Tally]:
        return self.engine.series.tallies(width, since=since, until=until)

    def names(self, **asked: Sequence[str]) -> list[tuple[str, str]]:
        found = self.engine.series.tallies("1h", since=0, until=FAR, **asked)
        return [(each.task, each.queue) for each in found]

    def test_an_empty_store_has_counted_nothing(self) -> None:
        assert self.all() == []
        assert self.engine.series.readings("10s", since=0, until=FAR) == []
        self.add()
        assert self.all() == []

    @pytest.mark.parametrize("width", list(WIDTH_MS))
    def test_what_happened_is_in_the_bucket_of_each_width(self, width: Width) -> None:
        self.add(self.tally(failed=2, succeeded=3))
        assert self.all(width) == [self.tally(bucket_of(self.now, width), failed=2, succeeded=3)]

    def test_adding_sums_up_what_is_counted(self) -> None:
        one = Tally(
            at=self.now,
            task="t",
            queue="q",
            counts={"succeeded": 2, "failed": 1},
            ran=histogram(0.25, 2.0, 100_000.0),
            ran_sum=100_002.25,
            waited=histogram(0.0),
            waited_sum=0.0,
        )
        other = Tally(
            at=self.now,
            task="t",
            queue="q",
            counts={"succeeded": 1, "retried": 4},
            ran=histogram(0.25),
            ran_sum=0.25,
            waited=histogram(0.0, 60.0),
            waited_sum=60.0,
        )
        self.add(one)
        self.add(other, one)
        (found,) = self.all()
        assert found.counts == {"succeeded": 5, "failed": 2, "retried": 4}
        assert found.ran == histogram(*[0.25, 2.0, 100_000.0] * 2, 0.25)
        assert found.waited == histogram(0.0, 0.0, 0.0, 60.0)
        assert found.ran_sum == pytest.approx(200_004.75)
        assert found.waited_sum == 60.0

    def test_a_truth_value_counts_as_one_and_can_be_read_again(self) -> None:
        self.add(self.tally(failed=True, succeeded=False))
        (found,) = self.all()
        assert found.counts == {"failed": 1} and type(found.counts["failed"]) is int
        self.add(self.tally(failed=True))
        assert [each.counts for each in self.all()] == [{"failed": 2}]

    def test_a_tally_without_durations_adds_to_one_that_has_some(self) -> None:
        timed = Tally(at=self.now, task="t", queue="q", counts={"failed": 1}, ran=histogram(1.0), ran_sum=1.0)
        self.add(self.tally(expired=1))
        self.add(timed)
        self.add(self.tally(expired=1))
        (found,) = self.all()
        assert (found.counts, found.ran, found.ran_sum) == ({"failed": 1, "expired": 2}, histogram(1.0), 1.0)
        assert (found.waited, found.waited_sum) == ((), 0.0)

    def test_what_happened_in_different_buckets_is_kept_apart_and_comes_in_order(self) -> None:
        start = bucket_of(self.now, "1h")
        self.add(*(self.tally(start + at, task, queue) for at in (20_000, 0, 9_999) for task in "ba" for queue in "yx"))
        places = [(each.at - start, each.task, each.queue) for each in self.all("10s")]
        assert places == [(at, task, queue) for at in (0, 20_000) for task in "ab" for queue in "xy"]
        assert [each.counts["succeeded"] for each in self.all("10s")] == [2, 2, 2, 2, 1, 1, 1, 1]
        assert [each.counts["succeeded"] for each in self.all("1m")] == [3, 3, 3, 3]

    def test_a_time_begins_with_its_first_moment_and_ends_before_its_last(self) -> None:
        start = bucket_of(self.now, "1m")
        self.add(*(self.tally(start + 10_000 * place) for place in range(5)))
        found = self.all("10s", since=start + 10_000, until=start + 30_000)
        assert [each.at - start for each in found] == [10_000, 20_000]
        assert self.all("10s", since=start + 1, until=start + 10_000) == []

    def test_tasks_and_queues_can_be_asked_for(self) -> None:
        self.add(*(self.tally(task=task, queue=queue) for task in ("a", "b", "") for queue in ("x", "y")))
        assert self.names(tasks=["b", ""]) == [("", "x"), ("", "y"), ("b", "x"), ("b", "y")]
        assert self.names(queues=["y", "z"]) == [("", "y"), ("a", "y"), ("b", "y")]
        assert self.names(tasks=["a"], queues=["x"]) == [("a", "x")]
        assert self.names(tasks=[]) == self.names(queues=[]) == []

    @pytest.mark.parametrize("name", [" ", "a:b", '["a","b"]', "%_*?[x]\\", "é☃𝒳", "{y}", "'", '"', "a b"])
    def test_names_may_be_odd(self, name: str) -> None:
        self.add(self.tally(task=name, queue="q"), self.tally(task="t", queue=name), self.tally())
        assert self.names(tasks=[name]) == [(name, "q")]
        assert self.names(queues=[name]) == [("t", name)]
        self.read(Reading(at=self.now, queue=name, ready=1))
        assert [each.queue for each in self.readings(queues=[name])] == [name]

    def readings(self, width: Width = "1h", queues: Sequence[str] | None = None) -> list[Reading]:
        return self.engine.series.readings(width, since=0, until=FAR, queues=queues)

    def test_of_the_readings_of_a_bucket_the_greatest_of_each_number_is_kept(self) -> None:
        start = bucket_of(self.now, "1m")
        self.read(Reading(at=start, queue="q", ready=9, claimed=1, oldest=10.25))
        self.read(Reading(at=start + 1, queue="q", ready=10, claimed=0, oldest=9.5), Reading(at=start, queue="p"))
        self.read(Reading(at=start + 10_000, queue="q", ready=2, claimed=100, oldest=0.5))
        assert self.readings("10s") == [
            Reading(at=start, queue="p"),
            Reading(at=start, queue="q", ready=10, claimed=1, oldest=10.25),
            Reading(at=start + 10_000, queue="q", ready=2, claimed=100, oldest=0.5),
        ]
        assert self.readings("1m", ["q"]) == [Reading(at=start, queue="q", ready=10, claimed=100, oldest=10.25)]
        assert self.readings(queues=[]) == []

    @pytest.mark.parametrize("width", list(WIDTH_MS))
    def test_old_buckets_are_removed(self, width: Width) -> None:
        self.add(self.tally(failed=1))
        self.read(Reading(at=self.now, queue="q", ready=1))
        first = bucket_of(self.now, width)
        self.now = first + round(KEPT[width] * 1000)
        self.add(self.tally())
        assert self.all(width)[0].counts == {"failed": 1}
        self.later(WIDTH_MS[width] / 1000)
        self.add(self.tally())
        assert first not in [each.at for each in self.all(width)]
        assert self.readings(width) == []

    def test_what_is_too_old_is_not_added(self) -> None:
        old = oldest_kept("10s", bucket_of(self.now, "10s")) - 10_000
        self.add(self.tally(old))
        self.read(Reading(at=old, queue="q", ready=1))
        assert (self.all("10s"), self.readings("10s")) == ([], [])
        assert len(self.all("1m")) == len(self.readings("1m")) == 1

    def test_one_call_removes_a_bounded_number_and_the_next_ones_the_rest(self) -> None:
        self.add(*(self.tally(self.now - 10_000 * place, task) for place in range(700) for task in ("a", "b")))
        self.later(KEPT["10s"] + 7000.0 + 20.0)
        self.add()
        left = len(self.all("10s"))
        assert 0 < left <= 1400 - PRUNED
        for _ in range(2):
            self.add()
        assert self.all("10s") == []

    def test_many_buckets_come_in_one_answer(self) -> None:
        start = bucket_of(self.now, "1h") - 3_600_000
        self.add(*(self.tally(start + 10_000 * place) for place in range(450)))
        assert [each.at for each in self.all("10s")] == [start + 10_000 * place for place in range(450)]

    def test_those_who_add_at_once_lose_nothing(self, reopen: Reopen) -> None:
        others = [self.engine, reopen()] if self.engine.capabilities.shared else [self.engine]
        told = [
            Tally(at=self.now, task=task, queue="q", counts={"succeeded": 1}, ran=histogram(1.0), ran_sum=1.0)
            for task in "abc"
        ]

        def add(engine_number: int) -> None:
            for turn in range(15):
                order = told if (turn + engine_number) % 2 else told[::-1]
                others[engine_number % len(others)].series.add(order, now=self.now)

        threads = [Thread(target=add, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for found in self.all():
            assert (found.counts, found.ran, found.ran_sum) == ({"succeeded": 60}, histogram(*[1.0] * 60), 60.0)
        assert self.names() == [("a", "q"), ("b", "q"), ("c", "q")]

    def test_what_was_counted_survives_the_engine(self, reopen: Reopen) -> None:
        if not self.engine.capabilities.durable:
            pytest.skip("declared: not durable")
        self.add(self.tally())
        self.engine.close()
        self.engine = reopen()
        assert self.names() == [("t", "q")]
