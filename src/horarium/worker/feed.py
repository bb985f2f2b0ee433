"""The feed: claims deliveries for the slots of one child, and no more than can start within a moment.

It claims only when a slot is free and nothing claimed before is left. How many: what the measured run time says can
start within START_WITHIN, doubling from one, so a child that knows nothing yet, or has just been surprised, takes
one. Deliveries that wait behind a task that turned out slow are given back, uncharged, for other children to take.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from heapq import heappop, heappush
from random import Random

from horarium.clock import Clock, Instant, Seconds
from horarium.engines.protocol import Listener, Queue
from horarium.engines.records import Limit
from horarium.errors import EngineUnavailable
from horarium.event import Observer, Recovered, Troubled
from horarium.message import Delivery
from horarium.worker.hand import Hand
from horarium.worker.pace import Pace
from horarium.worker.patience import Patience
from horarium.worker.turns import Together, Turns

START_WITHIN: Seconds = 0.05
MOST_AT_ONCE = 200
SLOW: Seconds = 0.1  # a line that has not moved for so long is given back
# A note that work has come may be lost, and nobody tells when a delayed message comes due, so every child looks by
# itself. An idle look costs the store about 0.1 ms.
LOOK_EVERY: Seconds = 0.5
# Two processes know the time of a server on another host within a millisecond or so. What was put just now may be
# in the future for a child that has just run out of work, or was told of it: it looks again soon, before it rests.
QUICK_LOOKS: tuple[Seconds, ...] = (0.003, 0.02)
LONGEST_TROUBLE: Seconds = 2.0
WEIGHT = 0.2  # of the newest run time in the average


class Feed:
    """Deliveries for one child. One thread calls ``refill``; the others may be called from any thread.

    A delivery in ``line`` belongs to whoever pops it; until then ``withdraw`` may take it back.
    """

    def __init__(
        self,
        queue: Queue,
        listener: Listener,
        clock: Clock,
        *,
        owner: str,
        queues: Sequence[str],
        tasks: Collection[str],
        limits: Mapping[str, Limit] | None = None,
        turns: Turns | None = None,
        observer: Observer,
        noted_look: Callable[[Instant], None],
        may_claim: Callable[[], bool] = lambda: True,
        lined_up: Callable[[], None] = lambda: None,
        quick_looks: tuple[Seconds, ...] = (),
        hand: Hand | None = None,
        random: Random | None = None,
        listen: Callable[[Sequence[str]], Listener] | None = None,
    ) -> None:
        self.line: deque[Delivery] = deque()
        self.stopping = False
        self._queue = queue
        self._listener = listener
        self._clock = clock
        self._owner = owner
        self._queues = tuple(queues)
        self._heard = self._queues  # what the listener listens for
        self._listen = listen  # makes a listener for other queues
        self._tasks = tasks
        self._limits = limits
        self._turns = turns or Together()
        self._pace = Pace()
        self._observer = observer
        self._noted_look = noted_look
        self._may_claim = may_claim
        self._lined_up = lined_up  # called when more was claimed than can start at once
        self._hand = hand
        self._is_in_doubt = False  # the answer to a claim was lost: it may have given us something
        self._has_doubted = False  # ever
        self._patience = Patience(LONGEST_TROUBLE, random or Random())
        self._run_time: Seconds | None = None  # a weighted average; None: nothing has run yet
        self._last_batch = 0
        self._moved: Seconds = 0.0
        self._quick_looks = quick_looks
        self._looks_left: list[Seconds] = []
        self._due: list[Instant] = []  # when retries of this child come due

    def refill(self, slots: int) -> bool:
        """Claim for so many free slots, waiting until there is something; False when the child is to stop.

        Raises: OwnerLost, StoreUnusable.
        """
        while not self.stopping:
            if self._listen is not None and self._heard != self._queues:
                self._hear(self._queues, self._listen)
                continue
            if not self._may_claim():
                self._listener.wait(START_WITHIN)
                continue
            try:
                claimed = self._claim(slots)
            except EngineUnavailable as error:
                self._wait_after(error)
                continue
            if claimed:
                self._moved = self._clock.monotonic()
                self._looks_left = list(self._quick_looks)
                self.line.extend(claimed)
                if len(claimed) > slots:
                    self._lined_up()
                return True
            self._last_batch = 0
            if self._listener.wait(self._until_next_look()):
                self._looks_left = list(self._quick_looks)
        return False

    def change(self, queues: tuple[str, ...], tasks: Collection[str], limits: Mapping[str, Limit] | None) -> None:
        """Claim for these from now on; a claim that is under way may still be for those before."""
        self._queues, self._tasks, self._limits = queues, tasks, limits
        self._listener.wake()

    def pop(self) -> Delivery | None:
        """Take the first of the line; None when it is empty."""
        try:
            delivery = self.line.popleft()
        except IndexError:
            return None
        self._moved = self._clock.monotonic()
        return delivery

    def note_run(self, runtime: Seconds) -> None:
        """Learn from a run. The average leans to the longer ones: to claim too few costs a round trip, to claim too
        many makes work wait."""
        if self._run_time is None:
            self._run_time = runtime
        elif runtime > self._run_time:
            self._run_time += (runtime - self._run_time) * 2 * WEIGHT
        else:
            self._run_time += (runtime - self._run_time) * WEIGHT

    def note_due(self, due: Instant) -> None:
        """Remember that something comes due, so that it need not wait for the next ordinary look."""
        if len(self._due) < MOST_AT_ONCE:
            heappush(self._due, due)

    def withdraw(self) -> list[Delivery]:
        """Take back all that has not been started."""
        taken = []
        try:
            while True:
                taken.append(self.line.popleft())
        except IndexError:
            return taken

    def withdraw_if_stuck(self) -> list[Delivery]:
        """Take back what waits behind a slow task; the next batch starts small again."""
        if not self.line or self._clock.monotonic() - self._moved < SLOW:
            return []
        self._last_batch = 0
        self._run_time = max(self._run_time or 0.0, START_WITHIN)
        return self.withdraw()

    def stop(self) -> None:
        """Claim no more; ends a wait. Safe from every thread."""
        self.stopping = True
        self._listener.wake()

    def _hear(self, queues: tuple[str, ...], listen: Callable[[Sequence[str]], Listener]) -> None:
        """Listen for these queues from now on. Whoever wakes or stops us meanwhile is seen by the next look."""
        before, self._listener = self._listener, listen(queues)
        self._heard = queues
        before.close()

    def _claim(self, slots: int) -> list[Delivery]:
        now = self._clock.now()
        was_in_doubt, self._is_in_doubt = self._is_in_doubt, True
        self._has_doubted = self._has_doubted or was_in_doubt
        known = self._hand.known() if self._hand is not None and self._has_doubted else frozenset()
        claimed = self._ask(self._batch(slots), now)
        if known:  # a store may answer with what lost answers said, later than we found out by ourselves
            claimed = [delivery for delivery in claimed if (delivery.message.id, delivery.fence) not in known]
        if self._hand is not None:
            self._hand.take(claimed)
        # After the claim, so that the store's own way of answering again comes first.
        self._is_in_doubt = was_in_doubt and not self._take_up(claimed, now)
        self._noted_look(now)
        if self._patience.reset():
            self._observer.tell(Recovered(where="claim"))
        return claimed

    def _ask(self, most: int, now: Instant) -> list[Delivery]:
        """Claim from the first of our queues, in the order of turns, that has something."""
        tasks, limits = self._tasks, self._limits
        if not self._queues or not tasks:
            return []  # all of it is paused
        for queues in self._turns.plan(self._queues):
            number = self._turns.share(queues, most)
            if limits is None:
                claimed = self._queue.claim(queues, self._owner, number, now=now, tasks=tasks)
            else:
                claimed = self._queue.claim(queues, self._owner, number, now=now, tasks=tasks, limits=limits)
                self._pace.note(claimed, limits, self._clock.monotonic())
            if claimed:
                self._turns.note(queues, len(claimed))
                return claimed
        return []

    def _take_up(self, claimed: list[Delivery], now: Instant) -> bool:
        """Add what an earlier claim handed over whose answer was lost; False when the store could not be asked."""
        if self._hand is None:
            return True
        try:
            claimed += self._hand.overlooked(now)
        except EngineUnavailable:
            return False  # what was claimed now must not wait for it: the next claim asks again
        return True

    def _batch(self, slots: int) -> int:
        by_time = int(START_WITHIN / self._run_time) if self._run_time else MOST_AT_ONCE
        each = max(1, min(by_time, 2 * self._last_batch, MOST_AT_ONCE))
        self._last_batch = each
        return min(slots * each, max(slots, MOST_AT_ONCE))

    def _wait_after(self, error: EngineUnavailable) -> None:
        is_first = not self._patience.failures
        wait = self._patience.next_wait()
        if is_first:
            self._observer.tell(Troubled(where="claim", reason=str(error), wait=wait))
        self._listener.wait(wait)

    def _until_next_look(self) -> Seconds:
        wait = self._looks_left.pop(0) if self._looks_left else LOOK_EVERY
        if self._limits is not None and (pause := self._pace.wait(self._clock.monotonic())) is not None:
            wait = min(wait, pause)
        now = self._clock.now()
        while self._due and self._due[0] <= now:
            heappop(self._due)
        if self._due:
            wait = min(wait, (self._due[0] - now) / 1000)
        return wait
