"""Scorer: counts what has been recorded, and adds it to the store's series about once a second.

Only what the store has taken is counted, so that a chart never shows more than there is. Counting is a side issue: what
cannot be added is let go, and neither a task nor its process is the worse for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from random import Random
from typing import TypeAlias

from horarium.app.perform import NOT_COMMITTED
from horarium.clock import Clock, Instant, Seconds
from horarium.engines.protocol import Series
from horarium.event import Observer, Recovered, Troubled
from horarium.message import Delivery
from horarium.outcome import Attempt, Failed, Outcome, Released, Reported, Run, Settlement, Succeeded, Verdict
from horarium.tally import BOUNDS, WIDTH_MS, Reading, Tally, bin_of
from horarium.worker.patience import Patience

ADD_EVERY: Seconds = 1.0
LONGEST_WAIT: Seconds = 30.0  # after a store has refused; each try may hold the settling thread up for some seconds
MOST_NAMES = 500  # pairs of task and queue; what comes later is counted under its task alone
FINEST = WIDTH_MS["10s"]

_Entry: TypeAlias = tuple[Settlement, Delivery, int]


class Scorer:
    """Used by one thread. What is counted of a run is told by ``note``, or from settlements by ``note_settled``."""

    def __init__(self, series: Series, clock: Clock, observer: Observer, random: Random) -> None:
        self._series = series
        self._clock = clock
        self._observer = observer
        self._patience = Patience(LONGEST_WAIT, random)
        self._scores: dict[tuple[Instant, str, str], _Score] = {}  # by bucket, task, queue
        self._readings: list[Reading] = []
        self._names: set[tuple[str, str]] = set()
        self._due: Seconds = 0.0
        self._earliest: Seconds = 0.0  # after a refusal

    def note_settled(self, batch: Iterable[_Entry], verdicts: Sequence[Verdict]) -> None:
        """Count what the store has recorded of this process's own settlements.

        One that was recorded before is counted, too: the first answer was lost, or it would not have been asked again.
        """
        now = self._clock.now()
        for (settlement, delivery, _), verdict in zip(batch, verdicts, strict=True):
            outcome = settlement.outcome
            kind = type(outcome)
            if kind is Reported or (kind is Released and settlement.started is None):
                continue  # it goes on, or never began
            if verdict is Verdict.LOST:
                if not _is_guard(outcome):
                    continue
                kind = Succeeded  # recorded by the task itself, in a transaction of its own: the guard came too late
            message = delivery.message
            ended = now if settlement.ended is None else settlement.ended
            self.note(_word(kind), message.task, message.queue, at=ended, started=settlement.started, due=message.due)

    def note_end(self, run: Run, outcome: Outcome, *, started: Instant | None, ended: Instant) -> None:
        """Count an end that was settled on behalf of another process."""
        message = run.message
        self.note(_word(type(outcome)), message.task, message.queue, at=ended, started=started, due=message.due)

    def note_attempt(self, run: Run, attempt: Attempt) -> None:
        """Count an attempt that the store has ended itself."""
        ended = self._clock.now() if attempt.ended is None else attempt.ended
        self.note(attempt.outcome, run.message.task, run.message.queue, at=ended, started=attempt.started)

    def note(
        self,
        word: str,
        task: str = "",
        queue: str = "",
        *,
        at: Instant,
        started: Instant | None = None,
        due: Instant | None = None,
        number: int = 1,
    ) -> None:
        """Count an outcome. ``task`` "": nobody knows of which."""
        if not self._scores and not self._readings:
            self._due = self._clock.monotonic() + ADD_EVERY
        key = (at - at % FINEST, task, queue)
        score = self._scores.get(key)
        if score is None:
            key = (key[0], task, self._known(task, queue))
            score = self._scores.setdefault(key, _Score())
        score.counts[word] = score.counts.get(word, 0) + number
        if started is not None:
            score.note_ran(max(0, at - started) / 1000)
            if due is not None:
                score.note_waited(max(0, started - due) / 1000)  # by two clocks, perhaps

    def read(self, readings: Iterable[Reading]) -> None:
        """Take along how queues stand."""
        if not self._scores and not self._readings:
            self._due = self._clock.monotonic() + ADD_EVERY
        self._readings += readings

    def add_if_due(self) -> Seconds | None:
        """Add what was counted, if it is time; return after how long it will be, None: as long as nothing comes."""
        if not self._scores and not self._readings:
            return None
        now = self._clock.monotonic()
        wait = max(self._due, self._earliest) - now
        if wait > 0:
            return wait
        self.add()
        return None

    def add(self) -> None:
        """Add what was counted, unless the store has just refused; whatever it comes to now, it is told and let go.
        Adding again could count twice."""
        if (not self._scores and not self._readings) or self._clock.monotonic() < self._earliest:
            return
        tallies = [score.tally(at, task, queue) for (at, task, queue), score in self._scores.items()]
        readings, self._readings, self._scores = self._readings, [], {}
        try:
            self._series.add(tallies, readings, now=self._clock.now())
        except Exception as error:  # noqa: BLE001  # not even a fault of ours in this may cost the process its life
            is_first = not self._patience.failures
            wait = self._patience.next_wait()
            self._earliest = self._clock.monotonic() + wait
            if is_first:
                reason = f"what has ended is not counted for charts: {type(error).__name__}: {error}"
                self._observer.tell(Troubled(where="series", reason=reason, wait=wait))
        else:
            if self._patience.reset():
                self._observer.tell(Recovered(where="series"))

    def _known(self, task: str, queue: str) -> str:
        """Return the queue under which a pair is counted: queues may be as many as customers."""
        if (task, queue) not in self._names:
            if len(self._names) >= MOST_NAMES:
                return ""
            self._names.add((task, queue))
        return queue


class _Score:
    """A tally that grows."""

    __slots__ = ("counts", "ran", "ran_sum", "waited", "waited_sum")

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self.ran: list[int] = []
        self.ran_sum = 0.0
        self.waited: list[int] = []
        self.waited_sum = 0.0

    def note_ran(self, seconds: Seconds) -> None:
        if not self.ran:
            self.ran = [0] * (len(BOUNDS) + 1)
        self.ran[bin_of(seconds)] += 1
        self.ran_sum += seconds

    def note_waited(self, seconds: Seconds) -> None:
        if not self.waited:
            self.waited = [0] * (len(BOUNDS) + 1)
        self.waited[bin_of(seconds)] += 1
        self.waited_sum += seconds

    def tally(self, at: Instant, task: str, queue: str) -> Tally:
        return Tally(
            at=at,
            task=task,
            queue=queue,
            counts=self.counts,
            ran=tuple(self.ran),
            ran_sum=self.ran_sum,
            waited=tuple(self.waited),
            waited_sum=self.waited_sum,
        )


_WORDS: dict[type, str] = {}


def _word(kind: type) -> str:
    """Return the word of an outcome, as Attempt.outcome has it."""
    word = _WORDS.get(kind)
    if word is None:
        word = _WORDS[kind] = kind.__name__.lower()
    return word


def _is_guard(outcome: Outcome) -> bool:
    return isinstance(outcome, Failed) and outcome.error == NOT_COMMITTED
