"""Outbound: gives messages of the store to Celery's workers, and settles each when Celery tells its end.

A message in hand is in hand for one turn only. Given to Celery it goes back into the store, marked, into a queue of its
own that no worker reads, and is looked at now and then until Celery has kept its result: so a bridge that dies has
nothing to lose, and any number of them may run. Without a store of Celery's results nobody can know the end: the run
ends as IGNORED, which says just that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase

from horarium.bridge.carrier import BrokerAway, Carrier
from horarium.bridge.celery_results import CeleryResults
from horarium.bridge.connect import open_carrier
from horarium.bridge.endings import lost_result, outcome_of
from horarium.bridge.membership import Membership
from horarium.bridge.outgoing import envelope_of, handed_over, handed_over_at, home_queue, is_handed_over, waiting_queue
from horarium.bridge.part import BATCH, Surroundings
from horarium.clock import Instant, Seconds
from horarium.codec import encode_error
from horarium.engines.protocol import Engine, Listener
from horarium.engines.records import QUEUE_TOPIC, RESULT_TOPIC, MaintenancePolicy
from horarium.errors import OwnerLost
from horarium.event import BridgeReturned, BridgeSent, Refused
from horarium.message import Delivery, Message
from horarium.outcome import (
    ErrorRecord,
    Failed,
    Ignored,
    Outcome,
    Released,
    Retried,
    Settlement,
    Succeeded,
    Verdict,
    error_of,
)
from horarium.workflow.follow import follow_ups

FIRST_LOOK: Seconds = 0.2  # after a message was given to Celery; those that take long are looked at less often
LONGEST_LOOK: Seconds = 30.0
LOOKED_AFTER = 8  # the next look comes after this part of the time that it has taken so far
NAMES_EVERY: Seconds = 0.5  # between two looks at which tasks wait, where patterns choose among them
MAINTAIN_EVERY: Seconds = 5.0
MOST_TOLD = 1000  # names of tasks that the store is told of as known by Celery's workers
_GLOB_MARKS = frozenset("*?[")


class Outbound:
    """To the queues of one broker. ``queues``: from a queue here to the queue there; ``tasks``: globs, () for all."""

    name = "bridge out"

    def __init__(
        self,
        around: Surroundings,
        url: str,
        queues: Mapping[str, str],
        results: str | None,
        *,
        tasks: tuple[str, ...] = (),
        patience: Seconds,
        policy: MaintenancePolicy,
    ) -> None:
        self._around = around
        self._url = url
        self._queues = dict(queues)
        self._waiting = tuple(waiting_queue(queue) for queue in queues) if results else ()
        self._results_url = results
        self._patterns = tasks
        self._patience = patience
        self._policy = policy
        self._membership = Membership(around, (*queues, *self._waiting))
        self._carrier: Carrier | None = None
        self._results: CeleryResults | None = None
        self._listener: Listener | None = None
        self._names: frozenset[str] = frozenset()
        self._told = {name for name in tasks if not _GLOB_MARKS & set(name)}  # as known here, see Membership
        self._named_at = self._maintained_at = float("-inf")  # readings of the monotonic clock

    def turn(self, wait: Seconds) -> bool:
        carrier = self._carrier = self._carrier or open_carrier(self._url, self._around.app.clock)
        if self._results_url and self._results is None:
            self._results = CeleryResults(self._results_url)
        engine = self._around.app.engine
        if self._listener is None:
            self._listener = engine.notifier.listen([QUEUE_TOPIC + queue for queue in self._queues])
        self._maintain(engine)
        found = self._send(engine, carrier) + self._look(engine)
        if not found and wait > 0:
            self._listener.wait(min(wait, FIRST_LOOK) if self._results else wait)
        return found > 0

    def close(self) -> None:
        carrier, results, listener = self._carrier, self._results, self._listener
        self._carrier = self._results = self._listener = None
        for each in (carrier, results, listener):
            if each is not None:
                each.close()
        self._membership.leave()

    def _send(self, engine: Engine, carrier: Carrier) -> int:
        """Give what is due to Celery; return how many were in hand."""
        deliveries = self._claim(engine, tuple(self._queues), patterns=True)
        settlements: list[Settlement] = []
        for place, delivery in enumerate(deliveries):
            try:
                settlements.append(self._sent(engine, carrier, delivery))
            except BrokerAway as error:
                settlements += [self._settlement(each, Released(reason=str(error))) for each in deliveries[place:]]
                self._settle(engine, deliveries, settlements)
                raise
        self._settle(engine, deliveries, settlements)
        return len(deliveries)

    def _sent(self, engine: Engine, carrier: Carrier, delivery: Delivery) -> Settlement:
        message, counts = delivery.message, self._around.counts
        queue = self._queues[home_queue(message)]
        now = engine.now()
        if not is_handed_over(message):
            try:
                envelope = envelope_of(
                    message,
                    ranked=carrier.directions.outwards,
                    queue_there=self._queues.get,
                    keeps_result=self._results is not None,
                )
                carrier.send(queue, envelope)
            except BrokerAway:
                raise
            except Exception as error:  # noqa: BLE001  # what Celery cannot be told fails its run, and stops no other
                counts.failed += 1
                return self._settlement(delivery, Failed(error=encode_error(error)), started=now, ended=now)
            counts.sent += 1
            if len(self._told) < MOST_TOLD:
                self._told.add(message.task)
            self._around.observer.tell(BridgeSent(task=message.task, id=message.id, queue=queue))
        if self._results is None:
            return self._settlement(delivery, Ignored(), started=now, ended=engine.now())
        now = engine.now()
        waits = handed_over(message, now=now, look=now + round(FIRST_LOOK * 1000))
        note = f"given to Celery's queue {queue}; its result is awaited"
        outcome = Retried(message=waits, error=ErrorRecord(class_path="horarium.errors.Retry", text=note))
        return self._settlement(delivery, outcome, started=now, ended=now)

    def _look(self, engine: Engine) -> int:
        """Settle those that Celery has ended; return how many that were. The others wait on."""
        if self._results is None:
            return 0
        deliveries = self._claim(engine, self._waiting, patterns=False)
        now = engine.now()
        settlements = []
        for delivery, record in zip(
            deliveries, self._results.read([each.message.id for each in deliveries]), strict=True
        ):
            outcome = self._outcome(delivery.message, record, now)
            started = None if isinstance(outcome, Released) else handed_over_at(delivery.message)
            settlements.append(self._settlement(delivery, outcome, started=started, ended=now))
        self._settle(engine, deliveries, settlements)
        ended = [each for each in settlements if not isinstance(each.outcome, Released)]
        self._around.counts.returned += len(ended)
        return len(ended)

    def _outcome(self, message: Message, record: bytes | None, now: Instant) -> Outcome:
        if not is_handed_over(message):  # made anew from one that was: it is to be given to Celery itself
            error = ErrorRecord(class_path="horarium.errors.Retry", text="to be given to Celery")
            return Retried(message=_sent_home(message), error=error)
        outcome = outcome_of(record, message) if record is not None else None
        if outcome is not None:
            return outcome
        age = (now - handed_over_at(message)) / 1000
        if age >= self._patience:
            return lost_result(message, self._patience)
        return Released(
            reason="Celery has not told its end", delay=min(LONGEST_LOOK, max(FIRST_LOOK, age / LOOKED_AFTER))
        )

    def _claim(self, engine: Engine, queues: Sequence[str], *, patterns: bool) -> list[Delivery]:
        now = engine.now()
        owner = self._membership.renew(engine, now=now, tasks=tuple(sorted(self._told)))
        names = self._known_names(engine) if patterns and self._patterns else None
        if names is not None and not names:
            return []
        try:
            return engine.queue.claim(queues, owner, BATCH, now=now, tasks=names)
        except OwnerLost:
            self._membership.forget()
            return []

    def _known_names(self, engine: Engine) -> frozenset[str]:
        """Return the names among the waiting that the patterns mean: a store chooses by whole names."""
        clock = self._around.app.clock
        if clock.monotonic() - self._named_at >= NAMES_EVERY:
            counts = engine.inspector.counts(most=0).queues
            waiting = {name for queue in self._queues if queue in counts for name in counts[queue].tasks}
            self._names = frozenset(
                name for name in waiting if any(fnmatchcase(name, pattern) for pattern in self._patterns)
            )
            self._named_at = clock.monotonic()
        return self._names

    def _settlement(
        self, delivery: Delivery, outcome: Outcome, *, started: Instant | None = None, ended: Instant | None = None
    ) -> Settlement:
        message = delivery.message
        # Without a store of results the links went along with the message: Celery sends them.
        following = (
            follow_ups(message, outcome, now=ended or message.created) if not isinstance(outcome, Ignored) else ()
        )
        return Settlement(
            id=message.id,
            owner=delivery.owner,
            fence=delivery.fence,
            outcome=outcome,
            worker=self._around.name,
            started=started,
            ended=ended,
            follow_ups=following,
            joins=message.joins if isinstance(outcome, Succeeded) else (),
        )

    def _settle(self, engine: Engine, deliveries: Sequence[Delivery], settlements: Sequence[Settlement]) -> None:
        if not settlements:
            return
        verdicts = engine.queue.settle(settlements, now=engine.now(), policy=self._policy)
        engine.notifier.notify(
            {RESULT_TOPIC} | {QUEUE_TOPIC + each.queue for one in settlements for each in one.follow_ups}
        )
        observer = self._around.observer
        for delivery, settlement, verdict in zip(deliveries, settlements, verdicts, strict=True):
            message, outcome = delivery.message, settlement.outcome
            if verdict is Verdict.LOST:
                observer.tell(Refused(task=message.task, id=message.id, attempt=delivery.attempt))
            elif not isinstance(outcome, Released | Retried) and not (
                isinstance(outcome, Ignored) and not self._results
            ):
                error = error_of(outcome)
                text = error.text if error is not None else type(outcome).__name__.lower()
                observer.tell(BridgeReturned(task=message.task, id=message.id, text=text, to="Horarium"))

    def _maintain(self, engine: Engine) -> None:
        """Do the store's chores now and then, as every worker does: there may be none."""
        clock = self._around.app.clock
        if clock.monotonic() - self._maintained_at >= MAINTAIN_EVERY:
            engine.queue.maintain(now=engine.now(), policy=self._policy)
            self._maintained_at = clock.monotonic()


def _sent_home(message: Message) -> Message:
    from msgspec.structs import replace

    return replace(message, queue=home_queue(message), eta=None)
