"""Executes: one delivery in, one settlement out. Shared by the pools, which differ only in where the code runs.

``begin`` puts the delivery on the board; whoever runs it hands the performance to ``finish``. If the delivery was
ended from outside meanwhile (a hard limit, a revocation), ``finish`` discards what the code came to: the outcome that
was recorded stands.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING

from msgspec.structs import replace

from horarium import codec, signals
from horarium.app import signalling
from horarium.app.perform import Performance, settlement_of
from horarium.app.redacting import Redaction
from horarium.clock import Clock, Instant, Seconds
from horarium.event import Finished, Observer, Received
from horarium.message import Delivery, Message
from horarium.outcome import (
    Expired,
    Failed,
    Outcome,
    Released,
    Reported,
    Retried,
    Revoked,
    Settlement,
    Succeeded,
    told,
)
from horarium.worker.archivist import Archivist
from horarium.worker.board import FOREVER, SlotRow
from horarium.worker.feed import Feed
from horarium.worker.limits import LimitBook, Limits
from horarium.worker.output import CURRENT, Bounds, Capture
from horarium.worker.settle import Settler
from horarium.workflow.follow import follow_ups

if TYPE_CHECKING:
    from horarium.app.task import Task


TELL_LINES_EVERY: Seconds = 1.0  # with the reports of a run that goes on


class Attempt:
    """A delivery that is being run in a slot. ``lock`` guards ``is_over``: whoever sets it settles the delivery."""

    __slots__ = (
        "_redaction",
        "capture",
        "delivery",
        "is_over",
        "limits",
        "lock",
        "row",
        "since",
        "started",
        "task",
        "told",
    )

    def __init__(
        self,
        delivery: Delivery,
        task: Task,
        limits: Limits,
        row: SlotRow,
        started: Instant,
        since: Seconds,
        bounds: Bounds,
        now: Callable[[], Instant],
    ) -> None:
        self.delivery = delivery
        self.task = task
        self.limits = limits
        self.row = row
        self.started = started
        self.since = since
        self.capture = Capture(bounds, now, self)
        self.told = since  # when its lines were last told while it runs
        self._redaction: Redaction | None = None
        self.lock = Lock()
        self.is_over = False

    def is_first_to_end(self) -> bool:
        """Take the right to settle; False for everybody but the first who asks."""
        with self.lock:
            if self.is_over:
                return False
            self.is_over = True
            return True

    @property
    def redaction(self) -> Redaction:
        """What takes the secrets out of what it says."""
        if self._redaction is None:
            self._redaction = Redaction(self.task, self.delivery.message)
        return self._redaction

    def line(self, text: str) -> str:
        """Return the next one of its log lines without secrets."""
        return self.redaction.line(text)

    def are_plain(self, texts: Sequence[str]) -> bool:
        """Whether there is no sign of a secret in its next log lines."""
        return self.redaction.are_plain(texts)

    @property
    def soft_deadline(self) -> Seconds:
        return FOREVER if self.limits.soft is None else self.since + self.limits.soft

    @property
    def hard_deadline(self) -> Seconds:
        return FOREVER if self.limits.hard is None else self.since + self.limits.hard


class Executor:
    """What all slots of a child have in common."""

    def __init__(
        self,
        *,
        tasks: Mapping[str, Task],
        settler: Settler,
        feed: Feed,
        clock: Clock,
        observer: Observer,
        limits: LimitBook,
        worker: str,
        output: Bounds,
        output_level: int,
        keep_failed: Seconds | None = None,
        lease: Callable[[], Seconds] = lambda: FOREVER,
        finished_one: Callable[[], None] | None = None,
        archivist: Archivist | None = None,
    ) -> None:
        self.tasks = tasks
        self.clock = clock
        self.worker = worker
        self.feed = feed
        self._settler = settler
        self._observer = observer
        self._limits = limits
        self._output = output
        self._output_level = output_level
        self._keep_failed = keep_failed  # how long failures stay readable; None: as other runs
        self._lease = lease  # until when this child may work (monotonic)
        self._finished_one = finished_one
        self._archivist = archivist
        self._active: set[str] = set()
        self._pid = os.getpid()
        self._ended_in_line: set[str] = set()  # revoked with terminate while they stand in line here

    @property
    def running(self) -> int:
        """How many deliveries were begun and are not settled."""
        return len(self._active)

    def begin(self, delivery: Delivery, row: SlotRow) -> Attempt | None:
        """Show that a delivery starts; None when it is not to be started, and is settled already."""
        message = delivery.message
        now, since = self.clock.now(), self.clock.monotonic()
        if since >= self._lease():  # frozen for long, and thawed before the zygote: others may have ended it by now
            self.refuse(delivery, Released(reason="the lease has lapsed"))
            return None
        if self._ended_in_line and message.id in self._ended_in_line:
            self.refuse(delivery, Revoked(reason="terminated before it was started"))
            return None
        if message.expires is not None and message.expires <= now:
            self.refuse(delivery, Expired())
            return None
        task = self.tasks.get(message.task)
        if task is None:  # claim was told the names; a store that errs in this must not cost the child its life
            if signals.task_unknown.receivers:
                signalling.unknown(delivery, self.worker)
            self.refuse(delivery, Released(reason=f"unknown task {message.task}", delay=5.0))
            return None
        limits = self._limits.of(message, task)
        attempt = Attempt(delivery, task, limits, row, now, since, self._output, self.clock.now)
        try:
            deadline, _ = attempt.hard_deadline, attempt.soft_deadline
        except TypeError as error:  # a limit set past every check: one task's mistake must not cost the child its life
            self.refuse(delivery, Failed(error=codec.encode_error(error)))
            return None
        self._active.add(message.id)
        row.start(delivery, now=now, since=since, deadline=deadline)
        if signals.task_received.receivers:
            signalling.received(delivery, self.worker)
        if self._observer.is_detailed:
            self._observer.tell(Received(delivery=delivery))
        return attempt

    def reporter(self, attempt: Attempt) -> Callable[[Reported], None]:
        """Return what a performance calls to report a state or progress."""
        return partial(self._report, attempt)

    def end_in_line(self, ids: Iterable[str]) -> None:
        """Let those of these ids that stand in line here not be started. The others are not kept: whatever is still
        held somewhere is named again with the next renewal."""
        in_line = {delivery.message.id for delivery in tuple(self.feed.line)}
        self._ended_in_line = in_line & self._ended_in_line.union(ids)

    def end_copy(self, performance: Performance) -> None:
        """End this process if it is a copy that the task's code has forked and let return: settling and claiming are
        the parent's alone. No exit handlers run; the exit code is what the copy came to."""
        if os.getpid() != self._pid:
            os._exit(_exit_code_of(performance.outcome))

    def finish(self, attempt: Attempt, performance: Performance) -> bool:
        """Settle what the code came to; False when it was ended from outside, and this counts for nothing."""
        if not attempt.is_first_to_end():
            return False
        delivery, outcome, capture = attempt.delivery, performance.outcome, attempt.capture
        logs = capture.close(self._output_level) if capture.is_used else ()
        if performance.children and self._archivist is not None:
            self._archivist.note_children(delivery.message.id, performance.children)
        is_safe = self._add(settlement_of(delivery, performance, worker=self.worker, logs=logs), delivery)
        self._off_the_board(attempt, is_safe=is_safe)
        self._learn(outcome, performance)
        if self._observer.is_detailed or type(outcome) is not Succeeded:
            self._tell(attempt, outcome, performance)
        if self._finished_one is not None:
            self._finished_one()
        return True

    def end(self, attempt: Attempt, outcome: Outcome, text: str) -> bool:
        """End a delivery from outside, whatever its code still does; False when it has just ended by itself."""
        if not attempt.is_first_to_end():
            return False
        now = self.clock.now()
        delivery = attempt.delivery
        is_safe = self._settle(
            delivery,
            outcome,
            started=attempt.started,
            ended=now,
            follow_ups=follow_ups(delivery.message, outcome, now=now),
            logs=attempt.capture.so_far(),
        )
        self._off_the_board(attempt, is_safe=is_safe)
        runtime = self.clock.monotonic() - attempt.since
        signalling.ended_from_outside(attempt.task, delivery, self.worker, outcome)
        self._observer.tell(Finished(delivery=delivery, outcome=outcome, runtime=runtime, result_text=text))
        return True

    def refuse(self, delivery: Delivery, outcome: Outcome) -> None:
        """Settle a delivery that was never started."""
        self._settle(delivery, outcome, follow_ups=follow_ups(delivery.message, outcome, now=self.clock.now()))
        if not isinstance(outcome, Released):
            task = self.tasks.get(delivery.message.task, delivery.message.task)
            signalling.ended_from_outside(task, delivery, self.worker, outcome)
            self._observer.tell(Finished(delivery=delivery, outcome=outcome, runtime=0.0))

    def broken_off(self, attempt: Attempt, error: BaseException) -> Performance:
        """Return the performance of a run that an exception broke off outside the task's own code: a soft limit that
        struck while its result was being noted, KeyboardInterrupt, or a fault of ours."""
        outcome = Failed(error=attempt.redaction.error(codec.encode_error(error)))
        if signals.task_internal_error.receivers and isinstance(error, Exception):
            signalling.internal_error(attempt.task, attempt.delivery.message, error)
        text = attempt.redaction.text(repr(error))
        return conclude(attempt, outcome, text, now=self.clock.now(), until=self.clock.monotonic())

    def _off_the_board(self, attempt: Attempt, *, is_safe: bool) -> None:
        """Last of all: what is neither on the board nor in the ledger would look as if it had never been started."""
        if not is_safe and attempt.delivery.message.at_most_once:
            self._settler.wait_until_recorded()
        attempt.row.finish()
        self._active.discard(attempt.delivery.message.id)

    def _report(self, attempt: Attempt, reported: Reported) -> None:
        """Record a report, and with it what the run has said so far: once in a while, as it may be much."""
        if attempt.is_over:
            return
        logs: tuple[str, ...] = ()
        if attempt.capture.is_changed and (now := self.clock.monotonic()) - attempt.told >= TELL_LINES_EVERY:
            attempt.told, logs = now, attempt.capture.so_far()
        self._settle(attempt.delivery, reported, started=attempt.started, logs=logs)

    def _settle(
        self,
        delivery: Delivery,
        outcome: Outcome,
        *,
        started: Instant | None = None,
        ended: Instant | None = None,
        follow_ups: tuple[Message, ...] = (),
        logs: tuple[str, ...] = (),
    ) -> bool:
        """Hand an outcome to the settler; see _add."""
        settlement = Settlement(
            id=delivery.message.id,
            owner=delivery.owner,
            fence=delivery.fence,
            outcome=outcome,
            worker=self.worker,
            started=started,
            ended=ended,
            follow_ups=follow_ups,
            logs=logs,
        )
        return self._add(settlement, delivery)

    def _add(self, settlement: Settlement, delivery: Delivery) -> bool:
        """Hand a settlement to the settler; tell whether it is safe from this process's death."""
        if self._keep_failed is not None and isinstance(settlement.outcome, Failed):
            settlement = replace(settlement, keep=self._keep_failed)
        return self._settler.add(settlement, delivery)

    def _learn(self, outcome: Outcome, performance: Performance) -> None:
        self.feed.note_run(performance.runtime)
        if type(outcome) is Retried:
            self.feed.note_due(outcome.message.due)
        for message in performance.follow_ups:
            if message.eta is not None:
                self.feed.note_due(message.eta)

    def _tell(self, attempt: Attempt, outcome: Outcome, performance: Performance) -> None:
        self._observer.tell(
            Finished(
                delivery=attempt.delivery,
                outcome=outcome,
                runtime=performance.runtime,
                # What is said of an error is redacted already, and few results say more than a number or a word.
                result_text=attempt.redaction.text(performance.text),
                expected=performance.expected,
            )
        )


def _exit_code_of(outcome: Outcome) -> int:
    """Return what a copy's parent is to learn from its end; the copy may have left the interpreter as programs do."""
    if isinstance(outcome, Failed) and outcome.error.class_path.endswith("SystemExit"):
        return 0 if outcome.error.text in ("", "0", "None") else 1
    return 0 if isinstance(outcome, Succeeded) else 1


class captured:
    """Let what is printed and logged in a ``with`` block go to an attempt's capture."""

    __slots__ = ("_capture", "_token")

    def __init__(self, attempt: Attempt) -> None:
        self._capture = attempt.capture

    def __enter__(self) -> None:
        self._token = CURRENT.set(self._capture)

    def __exit__(self, *exc: object) -> None:
        CURRENT.reset(self._token)


def conclude(attempt: Attempt, outcome: Outcome, text: str, *, now: Instant, until: Seconds) -> Performance:
    """Return the performance of an attempt that did not come to one by itself."""
    return Performance(
        outcome=outcome,
        settles=outcome,
        follow_ups=follow_ups(attempt.delivery.message, outcome, now=now),
        started=attempt.started,
        ended=now,
        runtime=until - attempt.since,
        text=text,
    )


def over_time(message: Message, limit: Seconds | None) -> tuple[Outcome, str]:
    """Return the outcome of a task that ran into its hard limit, and what is said about it."""
    text = f"expected the task to end within its time_limit of {limit:g} s, it was ended by force" if limit else ""
    error = told("TimeLimitExceeded", text)
    return Failed(error=error), f"TimeLimitExceeded({limit:g})" if limit else "TimeLimitExceeded()"
