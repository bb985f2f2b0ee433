"""Settles: flushes all outcomes that gathered while the last flush was under way.

So an idle worker answers at once, and a busy one settles hundreds in one round trip, without a timer. What cannot be
recorded because the store is away is kept and tried again, until the child's lease ends and with it the child.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from random import Random
from threading import Event, Lock, Thread
from typing import TypeAlias

import msgspec

from horarium.app.perform import NOT_COMMITTED
from horarium.clock import Clock, Seconds
from horarium.engines.protocol import Engine
from horarium.engines.records import QUEUE_TOPIC, RESULT_TOPIC, MaintenancePolicy
from horarium.errors import EngineError, EngineUnavailable
from horarium.event import Observer, Recovered, Refused, Troubled
from horarium.message import Delivery
from horarium.outcome import (
    Crashed,
    ErrorRecord,
    Failed,
    Outcome,
    Released,
    Replaced,
    Reported,
    Retried,
    Settlement,
    Verdict,
)
from horarium.worker.archivist import Archivist
from horarium.worker.hand import Hand
from horarium.worker.ledger import Ledger
from horarium.worker.patience import Patience
from horarium.worker.scorer import Scorer

BATCH = 500  # settlements of one round trip
BACKED_UP = 5_000  # with so many unrecorded, nothing more is claimed
LONGEST_WAIT: Seconds = 2.0
SHORT_WAIT: Seconds = 0.005

_Entry: TypeAlias = tuple[Settlement, Delivery, int]  # with its size in the ledger

# Does what is due beside settling; returns after how long it wants to be called again, None: when it is woken.
Chore = Callable[[], Seconds | None]


class Settler:
    """One thread that tells the engine what became of deliveries.

    ``add`` is safe from every thread and never waits. A delivery that was added is this object's until
    the engine has answered.
    """

    def __init__(
        self,
        engine: Engine,
        clock: Clock,
        policy: MaintenancePolicy,
        observer: Observer,
        *,
        ledger: Ledger | None = None,
        hand: Hand | None = None,
        random: Random | None = None,
        chore: Chore = lambda: None,
        archivist: Archivist | None = None,
        scorer: Scorer | None = None,
    ) -> None:
        self._engine = engine
        self._queue = engine.queue
        self._notifier = engine.notifier
        self._clock = clock
        self._policy = policy
        self._observer = observer
        self._chore = chore
        self._ledger = ledger or Ledger()
        self._hand = hand
        self._archivist = archivist  # of the settling thread
        self._scorer = scorer  # of the settling thread, too
        self._lock = Lock()  # keeps the order of the ledger that of _pending
        self._patience = Patience(LONGEST_WAIT, random or Random())
        self._pending: deque[_Entry] = deque()
        self._idle = False
        self._wake = Event()
        self._closing = False
        self._ended = Event()
        self._between_tries = Event()  # never set: what is waited for between two tries is only time
        self._added = 0
        self._recorded = 0
        self.refused = 0
        self.thread = Thread(target=self._run, name="horarium-settle", daemon=True)

    def start(self) -> None:
        self.thread.start()

    def add(self, settlement: Settlement, delivery: Delivery) -> bool:
        """Take over a settlement of this delivery; tell whether the outcome survives this process, if it is one of a
        delivery that was started."""
        size = 0
        is_outcome = type(settlement.outcome) is not Reported and settlement.started is not None
        with self._lock:
            if is_outcome:
                size = self._ledger.append(settlement)
            self._pending.append((settlement, delivery, size))
            self._added += 1
        if self._idle:  # waking costs ten times as much as looking whether that is needed
            self._wake.set()
        return size > 0

    def wait_until_recorded(self) -> None:
        """Wait until all that was added so far is with the store."""
        goal = self._added
        while self._recorded < goal:
            self._wake.set()
            self._between_tries.wait(SHORT_WAIT)

    def wake(self) -> None:
        """Let the chore be called soon."""
        self._wake.set()

    @property
    def is_backed_up(self) -> bool:
        """Whether so much is unrecorded that no more work should be taken on."""
        return len(self._pending) > BACKED_UP

    def drain(self, timeout: Seconds) -> bool:
        """Record everything, then end the thread; tell whether that was done within ``timeout``. May be repeated."""
        self._closing = True
        self._wake.set()
        return self._ended.wait(timeout)

    def _run(self) -> None:
        while True:
            wait = self._sooner(self._chore())
            if not self._pending:
                if self._closing:
                    break
                if self._archivist is not None:
                    self._archivist.rest()
                self._idle = True
                if not self._pending:  # one may have come before _idle was seen
                    self._wake.wait(wait)
                self._wake.clear()
                self._idle = False
                continue
            batch = [self._pending.popleft() for _ in range(min(BATCH, len(self._pending)))]
            self._flush(_without_stale_reports(batch))
            self._ledger.strike(sum(size for _, _, size in batch))
            self._recorded += len(batch)
        if self._archivist is not None:
            self._archivist.close()
        if self._scorer is not None:
            self._scorer.add()
        self._ended.set()

    def _sooner(self, wait: Seconds | None) -> Seconds | None:
        """Let what was counted be added, if it is time; return how long nothing else is due."""
        other = None if self._scorer is None else self._scorer.add_if_due()
        return wait if other is None else other if wait is None else min(wait, other)

    def _flush(self, batch: list[_Entry]) -> None:
        """Record a batch, however often that has to be tried. Whatever is unknown may be sent again safely."""
        settlements = [settlement for settlement, _, _ in batch]
        while True:
            try:
                if self._archivist is not None:
                    self._archivist.write_before(batch)
                verdicts = self._queue.settle(settlements, now=self._clock.now(), policy=self._policy)
                if self._archivist is not None:
                    self._archivist.write_after(batch, verdicts)
            except EngineUnavailable as error:
                self._wait_after(error)
            except Exception as error:  # noqa: BLE001  # one of them, or the store, is bad: told below, one by one
                if isinstance(error, EngineError) and self._is_store_bad():
                    self._wait_after(error)  # nothing was answered: it all stays in the ledger
                    continue
                self._flush_singly(batch, error)
                return
            else:
                if self._patience.reset():
                    self._observer.tell(Recovered(where="settle"))
                if self._hand is not None:
                    self._hand.put_down(settlements)
                if self._scorer is not None:
                    self._scorer.note_settled(batch, verdicts)
                if not self._engine.capabilities.announces:
                    self._announce(batch)
                if Verdict.LOST in verdicts:
                    self._note_refused(batch, verdicts)
                return

    def _announce(self, batch: Sequence[_Entry]) -> None:
        """Wake whoever waits for results, and for what these outcomes have put into queues."""
        topics = set()
        for settlement, delivery, _ in batch:
            match settlement.outcome:
                case Reported():
                    continue
                case Released() | Retried() | Crashed():
                    topics.add(QUEUE_TOPIC + delivery.message.queue)
                case Replaced(message=successor):
                    topics.add(QUEUE_TOPIC + successor.queue)
                case _:
                    topics.add(RESULT_TOPIC)
            for message in settlement.follow_ups:
                topics.add(QUEUE_TOPIC + message.queue)
        if topics:
            self._notifier.notify(topics)

    def _flush_singly(self, batch: list[_Entry], error: Exception) -> None:
        if len(batch) > 1:
            for entry in batch:
                self._flush([entry])
            return
        settlement, delivery, size = batch[0]
        self._observer.tell(Troubled(where=f"settle {settlement.id}", reason=f"{type(error).__name__}: {error}"))
        if isinstance(error, EngineError) or isinstance(settlement.outcome, Failed | Reported):
            return  # it stays in hand, and goes back to its queue when this owner ends
        self._flush([(_unrecordable(settlement, error), delivery, size)])

    def _is_store_bad(self) -> bool:
        try:
            self._engine.check()
        except EngineError:
            return True
        return False

    def _wait_after(self, error: EngineError) -> None:
        is_first = not self._patience.failures
        wait = self._patience.next_wait()
        if is_first:
            self._observer.tell(Troubled(where="settle", reason=str(error), wait=wait))
        self._between_tries.wait(wait)  # not on _wake, which every new outcome sets

    def _note_refused(self, batch: Sequence[_Entry], verdicts: Sequence[Verdict]) -> None:
        for (settlement, delivery, _), verdict in zip(batch, verdicts, strict=True):
            if verdict is Verdict.LOST and not _is_expected_to_be_lost(settlement.outcome):
                self.refused += 1
                task = delivery.message.task
                self._observer.tell(Refused(task=task, id=settlement.id, attempt=delivery.attempt))


def _is_expected_to_be_lost(outcome: Outcome) -> bool:
    """Whether a refusal is nothing to tell of: a report that comes late, and what stands guard over a success that the
    task has recorded in a transaction of its own."""
    return isinstance(outcome, Reported) or (isinstance(outcome, Failed) and outcome.error == NOT_COMMITTED)


def _without_stale_reports(batch: list[_Entry]) -> list[_Entry]:
    """Keep of the reports in a batch only the newest of each kind per delivery: a loop that reports its progress a
    thousand times a second must not write a thousand rows. One that tells lines of the log is a kind of its own."""
    if not any(isinstance(settlement.outcome, Reported) for settlement, _, _ in batch):
        return batch
    newest: dict[tuple[str, int, bool, bool], int] = {}
    for position, (settlement, _, _) in enumerate(batch):
        if isinstance(settlement.outcome, Reported):
            kind = settlement.outcome.state is None, bool(settlement.logs)
            newest[settlement.id, settlement.fence, *kind] = position
    keep = set(newest.values())
    return [
        entry for position, entry in enumerate(batch) if position in keep or not isinstance(entry[0].outcome, Reported)
    ]


def _unrecordable(settlement: Settlement, error: Exception) -> Settlement:
    outcome: Outcome = Failed(
        error=ErrorRecord(
            class_path=f"{type(error).__module__}.{type(error).__qualname__}",
            text=f"expected an outcome that the store can record, got one that it refuses: {error}",
        )
    )
    return msgspec.structs.replace(settlement, outcome=outcome, follow_ups=(), logs=(), message=None)
