"""Questions about firings and the ends of runs at the same moment. Every wait is bounded by LONG."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from horarium.clock import SystemClock
from horarium.engines.records import SCHEDULE_TOPIC
from horarium.outcome import Failed, State
from horarium.schedules.record import Fate, Overlap
from horarium.testing.conformance.candidate import DONE, OOPS, POLICY, Candidate, settlement

LONG = 60.0
NAMES = tuple(f"s{number:02}" for number in range(30))


class TestRace(Candidate):
    @pytest.mark.parametrize("batch", [1, len(NAMES)])
    def test_no_schedule_is_held_without_a_run_that_could_end_its_hold(self, batch: int) -> None:
        """A run ends while the next firing is decided: either the firing sees the end, or the end sees the hold."""
        schedules = self.save(*(self.schedule(name) for name in NAMES))
        self.fire(*map(self.firing, schedules))
        settlements = [settlement(delivery, DONE) for delivery in self.claim()]
        firings = [self.firing(self.stored(name), overlap="queue_one") for name in NAMES]
        fates: list[Fate] = []

        def settle() -> None:
            for start in range(0, len(NAMES), batch):
                self.settle_all(*settlements[start : start + batch])

        def fire() -> None:
            for start in range(0, len(NAMES), batch):
                fates.extend(self.fire(*firings[start : start + batch]))

        together(settle, fire)
        assert set(fates) <= {Fate.SENT, Fate.HELD}
        assert [self.stored(name).held for name in NAMES] == [False] * len(NAMES)
        due = {schedule.name for schedule in self.engine.schedules.due(self.now + 10**12, len(NAMES))}
        assert due == set(NAMES)
        assert self.states().get(State.PENDING, 0) == fates.count(Fate.SENT)

    @pytest.mark.parametrize("overlap", ["skip", "queue_one", "cancel_previous", "replace_queued"])
    def test_firings_and_ends_in_any_order_do_not_block_one_another(self, overlap: Overlap) -> None:
        """Both touch schedules and runs, in batches: whoever takes locks must take them in one order."""
        schedules = self.save(*(self.schedule(name) for name in NAMES))
        self.fire(*map(self.firing, schedules))
        settlements = [settlement(delivery, Failed(error=OOPS)) for delivery in self.claim()]
        half = len(settlements) // 2
        firings = [self.firing(self.stored(name), overlap=overlap) for name in NAMES]
        fates: list[Fate] = []
        together(
            lambda: self.settle_all(*settlements[:half]),
            lambda: self.settle_all(*settlements[: half - 1 : -1]),
            lambda: fates.extend(self.fire(*firings[::-1])),
            lambda: self.engine.queue.maintain(now=self.now, policy=POLICY),
        )
        assert len(fates) == len(NAMES)
        stored = [self.stored(name) for name in NAMES]
        assert [each.failures for each in stored] == [1] * len(NAMES)
        assert not any(each.held for each in stored)
        assert sum(each.total_runs for each in stored) == len(NAMES) + fates.count(Fate.SENT)
        assert sum(each.skipped for each in stored) == fates.count(Fate.SKIPPED)

    def test_what_makes_way_may_be_claimed_at_the_same_moment(self) -> None:
        """A run that waits is either claimed, and then marked, or revoked, and then never claimed."""
        schedules = self.save(*(self.schedule(name) for name in NAMES))
        self.fire(*map(self.firing, schedules))
        firings = [self.firing(self.stored(name), overlap="cancel_previous") for name in NAMES]
        self.renew("a")
        old = {f"{schedule.id}-{schedule.next_fire}" for schedule in schedules}
        claimed: set[str] = set()

        def claim() -> None:
            while True:
                taken = self.engine.queue.claim(["default"], "a", 3, now=self.now)
                claimed.update(delivery.message.id for delivery in taken)
                if not taken:
                    return

        together(lambda: self.fire(*firings[:15]), lambda: self.fire(*firings[:14:-1]), claim)
        revoked = {id for id in old if self.run(id).state == State.REVOKED}
        assert claimed & old == old - revoked
        assert {self.run(id).cancel for id in old - revoked} <= {"terminate"}

    def test_ends_that_are_told_at_once_are_all_counted(self) -> None:
        self.save(self.schedule())
        for _ in range(40):
            self.fire(self.firing(self.stored()))
        settlements = [settlement(delivery, Failed(error=OOPS)) for delivery in self.claim()]

        def part(number: int) -> Callable[[], object]:
            return lambda: [self.settle_all(each) for each in settlements[number::4]]

        together(*map(part, range(4)))
        assert self.stored().failures == 40

    def test_never_more_than_max_active_runs_are_active(self) -> None:
        """Two schedulers and two workers, each as fast as it can: every instant runs, two at a time at the most."""
        self.save(self.schedule())
        active: list[int] = []
        clock = SystemClock()
        give_up = clock.monotonic() + LONG

        def is_over() -> bool:
            assert clock.monotonic() < give_up, f"expected 20 firings, got {self.stored()}"
            return self.stored().total_runs >= 20

        def schedule() -> None:
            listener = self.engine.notifier.listen([SCHEDULE_TOPIC])
            while not is_over():
                due = self.engine.schedules.due(self.now + 10**12, 10)
                firings = [self.firing(each, overlap="queue_one", max_active=2) for each in due]
                if Fate.SENT not in self.fire(*firings):
                    listener.wait(0.1)
            listener.close()

        def work(owner: str) -> None:
            self.renew(owner)
            while not is_over():
                for delivery in self.engine.queue.claim(["default"], owner, 1, now=self.now):
                    states = self.states()
                    active.append(states.get(State.PENDING, 0) + states.get(State.RECEIVED, 0))
                    self.settle(delivery, DONE)

        together(schedule, schedule, lambda: work("a"), lambda: work("b"))
        assert max(active) <= 2
        states = self.states()
        fired = self.stored().total_runs
        assert fired in (20, 21)  # one scheduler may send the next one after the other one's twentieth
        assert states.get(State.SUCCESS, 0) + states.get(State.PENDING, 0) == fired
        assert states.get(State.PENDING, 0) <= 2


def together(*works: Callable[[], object]) -> None:
    """Carry out all at the same time; raise what any of them raised."""
    start = threading.Barrier(len(works))

    def work(each: Callable[[], object]) -> None:
        start.wait(LONG)
        each()

    with ThreadPoolExecutor(len(works)) as pool:
        for future in [pool.submit(work, each) for each in works]:
            future.result(timeout=LONG)
