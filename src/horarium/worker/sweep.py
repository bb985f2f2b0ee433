"""Sweeps: gives back what dead children held, at once, and does the store's chores now and then.

Any worker sweeps for all. Its own dead it reports by name; those of others it finds by their lapsed leases.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from random import Random
from threading import Event, Thread
from types import MappingProxyType
from typing import Any

from msgspec.structs import replace

from horarium import signals
from horarium.app import signalling
from horarium.clock import Clock, Instant, Seconds
from horarium.engines.protocol import Engine
from horarium.engines.records import QUEUE_TOPIC, RESULT_TOPIC, DeadOwner, Maintenance, Page, RunFilter
from horarium.errors import EngineUnavailable
from horarium.event import Finished, GivenUp, Observer, OwnersExpired, Recovered, Troubled
from horarium.message import Delivery
from horarium.outcome import Failed, Outcome, Run, Settlement, State, Verdict
from horarium.worker.board import Running
from horarium.worker.gauge import Gauge
from horarium.worker.options import WorkerOptions
from horarium.worker.patience import Patience
from horarium.worker.room import Room
from horarium.worker.roster import Burial
from horarium.worker.scorer import Scorer
from horarium.workflow.follow import follow_ups

LONGEST_TROUBLE: Seconds = 2.0
SETTLE_BATCH = 500
SEARCHED = 200  # of the latest dead runs, for those that the store itself gave up


class Sweeper:
    """One thread with a connection of its own. ``bury`` never waits; what is buried stays on the list until the store
    has taken it in. Telling the store twice is harmless."""

    def __init__(
        self,
        engine: Engine,
        clock: Clock,
        options: WorkerOptions,
        observer: Observer,
        random: Random,
        *,
        failed: Callable[[Exception], None],
        watch: Callable[[], None] = lambda: None,
        queues: Callable[[], Iterable[str]] = lambda: (),
        settled: Callable[[Sequence[str]], None] = lambda ids: None,
        tasks: Mapping[str, Any] = MappingProxyType({}),  # Any: as receivers of signals are given them
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._options = options
        self._observer = observer
        self._random = random
        self._failed = failed
        self._watch = watch  # called after the chores; may ask the store
        self._scorer = Scorer(engine.series, clock, observer, random)
        self._gauge = Gauge(engine, clock, self._scorer, random, queues=queues)
        self._tasks = tasks  # the senders of signals, by name
        self._settled = settled  # told of runs that have ended, or may have
        self._patience = Patience(LONGEST_TROUBLE, random)
        self._room = Room(engine, clock, random, runs=options.keep_runs, size=options.keep_runs_bytes)
        self._burials: deque[Burial] = deque()
        self._wake = Event()
        self._closing = False
        self._ended = Event()
        self._thread = Thread(target=self._run, name="horarium-sweep", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def bury(self, burial: Burial) -> None:
        """Tell the store of a dead child as soon as possible."""
        self._burials.append(burial)
        self._wake.set()

    def finish(self, timeout: Seconds) -> bool:
        """Bury who is left and stop; tell whether that was done within ``timeout``."""
        self._closing = True
        self._wake.set()
        return self._ended.wait(timeout)

    def _run(self) -> None:
        try:
            due = self._clock.monotonic()
            while not (self._closing and not self._burials):
                try:
                    due = self._sweep(due)
                except EngineUnavailable as error:
                    self._wait_after(error)
                    continue
                if self._patience.reset():
                    self._observer.tell(Recovered(where="sweep"))
                if not self._burials and not self._closing:
                    self._wake.wait(max(0.0, min(due, self._gauge.due) - self._clock.monotonic()))
                    self._wake.clear()
        except Exception as error:  # noqa: BLE001  # a store that cannot be worked with, or a fault: the worker ends
            self._failed(error)
        finally:
            self._ended.set()

    def _sweep(self, due: Seconds) -> Seconds:
        """Bury the dead, and do the chores if they are due; return when they are due next."""
        while self._burials:
            burial = self._burials[0]
            self._record(burial.finished)
            self._settled([one.id for one in burial.finished])
            for running, outcome in burial.outcomes:
                self._settle(burial.dead.owner, running, outcome)
                self._settled([running.id])
            self._maintain([burial.dead])
            self._settled(burial.dead.running)
            self._burials.popleft()
        if not self._closing:
            self._gauge.look()
        if self._clock.monotonic() < due:
            self._scorer.add()
            return due
        if not self._closing:
            self._maintain([])
            self._watch()
        self._scorer.add()
        return self._clock.monotonic() + self._options.sweep * (0.8 + 0.4 * self._random.random())

    def _maintain(self, dead: Sequence[DeadOwner]) -> None:
        policy = self._options.policy
        if not dead and (most := self._room.most()) is not None:
            policy = replace(policy, most=most)
        while True:
            now, began = self._clock.now(), self._clock.monotonic()
            done = self._engine.queue.maintain(now=now, policy=policy, dead=dead)
            if policy.most is not None and not done.more:  # in the last round little is removed, but all is counted
                self._room.rest(self._clock.monotonic() - began)
            self._announce(done)
            ids = [id for owner in dead for id in owner.running]
            ours = self._engine.results.read(ids) if ids else []
            given_up = self._given_up(ours, now) if done.dead else []
            self._count(done, [run for run in ours if run is not None], given_up, now)
            for run in given_up:
                self._tell_given_up(run)
            if not done.more or (self._closing and not dead):
                return

    def _announce(self, done: Maintenance) -> None:
        topics = set()
        if done.returned:
            topics |= {QUEUE_TOPIC + queue for queue in self._options.queues}
        if done.dead or done.expired:
            topics.add(RESULT_TOPIC)
        if topics:
            self._engine.notifier.notify(topics)
        if done.lapsed:
            self._observer.tell(OwnersExpired(owners=done.lapsed, returned=done.returned))

    def _given_up(self, ours: Sequence[Run | None], now: Instant) -> list[Run]:
        """Return those that one maintain() gave up. It only counts them: they are looked for among what dead children
        of ours were running, and, since it may have been somebody else's, among the latest dead."""
        latest = self._engine.results.search(RunFilter(states=(State.DEAD,)), Page(limit=SEARCHED)).runs
        found = {run.id: run for run in (*ours, *latest) if run and run.state == State.DEAD and run.ended == now}
        return list(found.values())

    def _tell_given_up(self, run: Run) -> None:
        crashes = sum(attempt.outcome == "crashed" for attempt in run.attempts)
        reason = run.error.text if run.error is not None else ""
        if signals.task_failure.receivers:
            signalling.gave_up(self._sender(run), run)
        self._observer.tell(GivenUp(task=run.message.task, id=run.id, crashes=crashes, reason=reason))

    def _sender(self, run: Run) -> Any:  # Any: as receivers are given it
        """Return the task, as receivers expect it; its name when the app here does not know it."""
        return self._tasks.get(run.message.task, run.message.task)

    def _count(self, done: Maintenance, ours: Sequence[Run], given_up: Sequence[Run], now: Instant) -> None:
        """Count what one maintain() has ended or charged with a crash: of its task where that is known.

        What went back from somebody else's dead child is known to nobody, and is not counted.
        """
        if done.expired:
            self._scorer.note("expired", at=now, number=done.expired)
        for run in {run.id: run for run in (*ours, *given_up)}.values():
            if run.attempts and run.attempts[-1].outcome == "crashed" and run.attempts[-1].ended == now:
                self._scorer.note_attempt(run, run.attempts[-1])
        if (unnamed := done.dead - len(given_up)) > 0:
            self._scorer.note("crashed", at=now, number=unnamed)

    def _record(self, finished: Sequence[Settlement]) -> None:
        """Record what the dead child had come to. It may have done so itself: then this changes nothing."""
        for start in range(0, len(finished), SETTLE_BATCH):
            batch = finished[start : start + SETTLE_BATCH]
            verdicts = self._engine.queue.settle(batch, now=self._clock.now(), policy=self._options.policy)
            self._count_recorded(
                [each for each, verdict in zip(batch, verdicts, strict=True) if verdict is Verdict.RECORDED]
            )
        if finished:
            follow_up_queues = {QUEUE_TOPIC + message.queue for one in finished for message in one.follow_ups}
            self._engine.notifier.notify({RESULT_TOPIC} | follow_up_queues)

    def _count_recorded(self, settlements: Sequence[Settlement]) -> None:
        """Count what a dead child had come to and not recorded. What it had recorded, it has counted, or it died before
        it could: that is not worth finding out."""
        runs = self._engine.results.read([each.id for each in settlements])
        for run, each in zip(runs, settlements, strict=True):
            if run is not None:
                ended = self._clock.now() if each.ended is None else each.ended
                self._scorer.note_end(run, each.outcome, started=each.started, ended=ended)

    def _settle(self, owner: str, running: Running, outcome: Outcome) -> None:
        """Settle on behalf of a child that was killed for it. Its message is read back: the child had it."""
        run = self._engine.results.read([running.id])[0]
        if run is None:
            return
        now = self._clock.now()
        settlement = Settlement(
            id=running.id,
            owner=owner,
            fence=running.fence,
            outcome=outcome,
            worker=self._options.name,
            started=running.started,
            ended=now,
            follow_ups=follow_ups(run.message, outcome, now=now),
            keep=self._options.keep_failed if isinstance(outcome, Failed) else None,
        )
        (verdict,) = self._engine.queue.settle([settlement], now=now, policy=self._options.policy)
        if verdict is Verdict.LOST:
            return
        if verdict is Verdict.RECORDED:
            self._scorer.note_end(run, outcome, started=running.started, ended=now)
        topics = {RESULT_TOPIC} | {QUEUE_TOPIC + message.queue for message in settlement.follow_ups}
        self._engine.notifier.notify(topics)
        self._tell(run, running, settlement, now)

    def _tell(self, run: Run, running: Running, settlement: Settlement, now: int) -> None:
        delivery = Delivery(
            message=run.message,
            owner=settlement.owner,
            fence=running.fence,
            attempt=len(run.attempts) + 1,
            claimed=running.started,
        )
        signalling.ended_from_outside(self._sender(run), delivery, self._options.name, settlement.outcome)
        error = getattr(settlement.outcome, "error", None)
        text = f"{error.class_path.rpartition('.')[2]}({error.text!r})" if error is not None else "terminated"
        runtime = (now - running.started) / 1000
        self._observer.tell(Finished(delivery=delivery, outcome=settlement.outcome, runtime=runtime, result_text=text))

    def _wait_after(self, error: EngineUnavailable) -> None:
        is_first = not self._patience.failures
        wait = self._patience.next_wait()
        if is_first:
            self._observer.tell(Troubled(where="sweep", reason=str(error), wait=wait))
        self._wake.wait(wait)
        self._wake.clear()
