"""A play in one process: workers, schedulers, a producer, a janitor and a person call an engine as the real ones do,
on a clock that is moved by hand, while a plan of faults strikes. When it is over the judge of the crash tests decides.

Whoever is answered EngineUnavailable makes the same call again, as the seam's law allows; nobody does anything else
about a fault. A play is the same each time, so a strike can be told by its verb, its moment and its number.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from itertools import count
from typing import TypeVar

import firings
import history
import msgspec
from faults import Died, FaultyEngine, Plan
from ground import ending_of
from history import Event, History
from msgspec import Raw
from msgspec.structs import replace

from horarium import Horarium, every
from horarium.clock import ManualClock
from horarium.engines.protocol import Engine
from horarium.engines.records import DeadOwner, MaintenancePolicy, Member, Page, Revoke, RunFilter, RunningNow
from horarium.errors import EngineUnavailable, OwnerLost, ScheduleConflict
from horarium.message import Delivery, Message, Signature
from horarium.outcome import (
    Attempt,
    ErrorRecord,
    Failed,
    Outcome,
    Progress,
    Released,
    Reported,
    Retried,
    Run,
    Settlement,
    State,
    Succeeded,
)
from horarium.scheduler.beat import Scheduler
from horarium.schedules import policy

T = TypeVar("T")
LEASE = 10.0
MARGIN = 1.0
STEP = 0.2  # seconds between two turns
POLICY = MaintenancePolicy(crash_limit=100, crash_delays=(1.0,), keep=1e6)
KILLED = ErrorRecord(class_path="horarium.errors.WorkerLostError", text="signal 9")
OOPS = ErrorRecord(class_path="builtins.ValueError", text="oops")
ROUNDS = 12
SLOW_TURNS = 8  # so long that a frozen worker thaws in the middle of another's run of the same message
TRIES = 50  # far more than any plan of faults strikes in a row
LATER = Signature(task="plain", args=Raw(b'["later"]'), immutable=True)


class Play:
    """``breakage`` wraps the faulty engine once more: a fault of the engine's own making."""

    def __init__(self, engine: Engine, plan: Plan, breakage: Callable[[Engine], Engine] | None = None) -> None:
        self.clock = ManualClock(engine.now())
        self.real = engine
        faulty: Engine = FaultyEngine(engine, plan, self.clock)  # type: ignore[assignment]
        self.engine = breakage(faulty) if breakage else faulty
        self.app = Horarium("play", engine=self.engine, clock=self.clock, set_as_current=False)
        self.app.add_task(lambda: None, {"name": "tick"})
        self.history = History()
        self.on_stage: Actor | None = None
        self.is_hanging = False
        self.schedulers = [Beat(self), Beat(self)]
        self.workers: list[Worker] = [Worker(self, "one"), Worker(self, "two")]
        self.janitor = Janitor(self)
        self.cast: list[Actor] = [Producer(self), *self.workers, *self.schedulers, self.janitor, Person(self)]

    def perform(self) -> list[str]:
        """Play to the end; return what the judge complains of."""
        for _ in range(ROUNDS):
            for actor in self.cast:
                self.act(actor)
        wrong = self._firings()
        for _ in range(40):
            for actor in (*self.workers, self.janitor):
                self.act(actor)
            self.clock.advance(1.0)
            if not self.real.inspector.counts().queues:
                break
        self.cast = [self.janitor]
        for worker in self.workers:
            self.act(Leave(worker))
        self.clock.advance(2 * LEASE)  # of those that died at the very end
        self.real.results.forget(["foreign"])  # a person who died had no time to
        return wrong + history.complaints(self._account())

    def act(self, actor: Actor) -> None:
        before, self.on_stage = self.on_stage, actor
        self.clock.advance(STEP)
        try:
            actor.turn()
        except Died:
            actor.died()
        finally:
            self.on_stage = before

    def hang(self) -> None:
        """Whoever is on stage stands still for more than three leases; the others go on."""
        if self.is_hanging:
            return
        self.is_hanging = True
        frozen = self.on_stage
        for _ in range(11):
            self.clock.advance(0.3 * LEASE)
            for actor in self.cast:
                if actor is not frozen:
                    self.act(actor)
        self.is_hanging = False

    def again(self, call: Callable[[], T]) -> T:
        """Make a call, and the same call again while it is answered that the store cannot be reached."""
        for _ in range(TRIES):
            try:
                return call()
            except EngineUnavailable:
                continue
        raise AssertionError(f"expected a call to be answered within {TRIES} tries")

    def witness(self, kind: str, delivery: Delivery) -> None:
        at = self.clock.now() * 1_000_000
        self.history.events.append(Event(kind, delivery.message.id, delivery.attempt, delivery.fence, 0, at))

    def _firings(self) -> list[str]:
        (schedule,) = self.real.schedules.get(["often"])
        assert schedule is not None
        runs = [run for run in self._runs() if run.message.schedule == "often"]
        if not runs:
            return ["not exercised: nothing was fired"]
        return firings.complaints(schedule, runs, [])

    def _runs(self) -> list[Run]:
        runs, page = [], Page(limit=500)
        while True:
            found = self.real.results.search(RunFilter(), page)
            runs += found.runs
            if found.next is None:
                return runs
            page = Page(limit=500, after=found.next)

    def _account(self) -> History:
        held = self.real.inspector.find(RunFilter(), Page(limit=500)).held
        members = self.real.inspector.workers(now=self.clock.now())
        self.history.runs = [ending_of(run, 0) for run in self._runs()]
        self.history.states = self.real.inspector.counts().states
        self.history.held = sum(each.owner is not None for each in held)
        self.history.owners = [record.member.owner for record in members if record.alive]
        return self.history


class Actor:
    def __init__(self, play: Play) -> None:
        self.play = play
        self.engine = play.engine

    def turn(self) -> None:
        raise NotImplementedError

    def died(self) -> None:
        """Another process takes the place; most need to know nothing of the one before."""

    @property
    def now(self) -> int:
        return self.play.clock.now()


class Producer(Actor):
    """Sends what it has in hand until it is accepted; a new process starts with the next batch."""

    def __init__(self, play: Play) -> None:
        super().__init__(play)
        self._batches = count()

    def turn(self) -> None:
        number = next(self._batches)
        if number >= 6:
            return
        messages = self._batch(number)
        self.play.history.invoked.update(message.id for message in messages)
        self.play.again(lambda: self.engine.queue.put(messages, now=self.now))
        self.play.history.accepted.update({message.id: message.id for message in messages})

    def _batch(self, number: int) -> list[Message]:
        def message(task: str, **options: object) -> Message:
            id = f"{task}-{number}"
            fields = {"args": Raw(msgspec.json.encode([id])), "created": self.now, **options}
            return Message(id=id, task=task, **fields)  # type: ignore[arg-type]

        return [
            message("plain"),
            message("linked", links=(LATER, LATER)),
            message("flaky", priority=number),
            message("failing", error_links=(LATER,)),
            message("reporting"),
            message("returning"),
            message("crashing"),
            *([message("slow", priority=9)] if number % 3 == 0 else []),
            message("plain-late", eta=self.now + 1500),
            message("expiring", expires=self.now - 1 if number % 2 else self.now + 60_000_000),
            message("cancelled", eta=self.now + 60_000_000),
        ]


class Worker(Actor):
    """Renews, claims, runs, settles. Trusts its lease no longer than a real one does."""

    def __init__(self, play: Play, name: str) -> None:
        super().__init__(play)
        self._name = name
        self._generations = count(1)
        self.owner = ""
        self._line: list[Delivery] = []
        self._running: Delivery | None = None
        self._is_lost = True
        self._is_in_doubt = False
        self._slow_turns = 0
        self._trusted = 0.0

    def turn(self) -> None:
        if self._is_lost:
            self._begin()
        self.renew()
        if self._running is not None:
            self._slow_turns += 1
            if self._slow_turns < SLOW_TURNS:
                return
            self._end(self._running)
        if not self._line:
            self._claim()
        while self._line:
            if self.play.clock.monotonic() > self._trusted:
                self.renew()  # it was frozen, or slow
                continue
            self._run(self._line.pop(0))
            if self._running is not None:
                return  # it will take a while
        if self._is_in_doubt:
            # The answer to a claim was lost: only the end of this owner gives back what it may hold unknowingly.
            self.leave()

    def died(self) -> None:
        """The one that bore it tells the store, or nobody does and the lease tells."""
        running = (self._running.message.id,) if self._running else ()
        if self._name == "one":
            self.play.janitor.dead.append(DeadOwner(owner=self.owner, running=running, error=KILLED))
        self._is_lost, self._running = True, None

    def leave(self) -> None:
        owner = self.owner
        self.play.again(lambda: self.engine.inspector.leave([owner], now=self.now))
        self._is_lost = True

    def renew(self) -> None:
        running = self._running
        report = (
            (RunningNow(id=running.message.id, task=running.message.task, started=self.now),)
            if running is not None
            else ()
        )
        member = Member(owner=self.owner, kind="child", name=self._name, running=report, tasks=("tick",))
        sent = self.play.clock.monotonic()
        renewal = self.play.again(lambda: self.engine.queue.renew([member], now=self.now, lease=LEASE))
        if self.owner in renewal.lost:
            self._line.clear()
            self._is_lost = True
            return
        self._trusted = sent + LEASE - MARGIN

    def _begin(self) -> None:
        self.owner = f"{self._name}/{next(self._generations)}"
        self._line, self._is_lost, self._is_in_doubt = [], False, False

    def _claim(self) -> None:
        def claim() -> list[Delivery]:
            try:
                return self.engine.queue.claim(["default"], self.owner, 4, now=self.now)
            except EngineUnavailable:
                self._is_in_doubt = True
                raise

        try:
            self._line = [] if self._is_lost else self.play.again(claim)
        except OwnerLost:
            self._is_lost = True

    def _run(self, delivery: Delivery) -> None:
        self._running = delivery
        self.play.witness("start", delivery)
        self.play.clock.advance(0.01)
        task = delivery.message.task
        if task == "crashing" and delivery.attempt == 1:
            raise Died
        if task == "reporting":
            progress = Progress(done=1.0, at=self.now)
            self._settle(delivery, Reported(state="HALFWAY", meta=Raw(b"{}"), progress=progress))
        self.renew()
        if task == "slow":
            self._slow_turns = 0
        else:
            self._end(delivery)

    def _end(self, delivery: Delivery) -> None:
        self.play.witness("end", delivery)
        self._settle(delivery, _outcome(delivery))
        self._running = None

    def _settle(self, delivery: Delivery, outcome: Outcome) -> None:
        from horarium.workflow.follow import follow_ups

        settlement = Settlement(
            id=delivery.message.id,
            owner=delivery.owner,
            fence=delivery.fence,
            outcome=outcome,
            worker=self._name,
            started=self.now,
            ended=self.now,
            follow_ups=follow_ups(delivery.message, outcome, now=self.now),
        )
        self.play.again(lambda: self.engine.queue.settle([settlement], now=self.now, policy=POLICY))


def _outcome(delivery: Delivery) -> Outcome:
    message = delivery.message
    match message.task:
        case "failing":
            return Failed(error=OOPS)
        case "flaky" if message.retries < 2:
            return Retried(message=replace(message, retries=message.retries + 1), error=OOPS)
        case "returning" if delivery.fence == 1:
            return Released(reason="not now")
        case _:
            return Succeeded(result=Raw(b"[%d]" % delivery.fence))


class Leave(Actor):
    """The orderly end of a worker."""

    def __init__(self, worker: Worker) -> None:
        super().__init__(worker.play)
        self._worker = worker

    def turn(self) -> None:
        self._worker.leave()

    def died(self) -> None:
        self.turn()  # by its supervisor


class Beat(Actor):
    """A real scheduler, turn by turn."""

    def __init__(self, play: Play) -> None:
        super().__init__(play)
        self._scheduler = Scheduler(play.app)
        entry = play.app.schedule_entry("often", {"task": "tick", "schedule": every(1)})
        self._often = policy.create(replace(entry, owner="person"), now=self.now)

    def turn(self) -> None:
        def save() -> None:
            if self.engine.schedules.get(["often"]) != [None]:
                return
            try:
                self.engine.schedules.save([self._often], now=self.now)
            except ScheduleConflict:
                return  # it was saved, though we were not told

        self.play.again(save)
        self.play.again(lambda: self._scheduler.tick(self.now))

    def died(self) -> None:
        self._scheduler = Scheduler(self.play.app)


class Janitor(Actor):
    """Buries the dead, and does the store's chores."""

    def __init__(self, play: Play) -> None:
        super().__init__(play)
        self.dead: list[DeadOwner] = []

    def turn(self) -> None:
        dead = tuple(self.dead)
        while self.play.again(lambda: self.engine.queue.maintain(now=self.now, policy=POLICY, dead=dead)).more:
            pass
        self.dead = self.dead[len(dead) :]


class Person(Actor):
    """Looks at everything, cancels, edits, and remembers a run of another store for a while."""

    def turn(self) -> None:
        again, engine = self.play.again, self.engine
        waiting = again(lambda: engine.inspector.find(RunFilter(tasks=("cancelled",)), Page(limit=10))).held
        ids = tuple(held.message.id for held in waiting)
        self.play.history.revoked.update(ids)
        again(lambda: engine.inspector.act(Revoke(ids=ids), now=self.now))
        assert not ids or {run.state for run in again(lambda: engine.results.read(ids)) if run} == {State.REVOKED}
        again(engine.inspector.counts)
        again(lambda: engine.inspector.workers(now=self.now))
        again(lambda: engine.results.search(RunFilter(), Page(limit=5)))
        again(lambda: engine.results.briefs(["tick"], 5))
        self._remember()
        self._edit()

    def _remember(self) -> None:
        again, results = self.play.again, self.engine.results
        again(lambda: results.forget(["foreign"]))
        message = Message(id="foreign", task="plain", created=self.now)
        attempt = Attempt(number=1, worker="w", outcome="succeeded", ended=self.now)
        run = Run(message=message, state=State.SUCCESS, changed=self.now, ended=self.now, attempts=(attempt,))
        again(lambda: results.record([run], keep=1e6, now=self.now))
        (found,) = again(lambda: results.read(["foreign"]))
        assert found is not None and (found.state, found.attempts) == (State.SUCCESS, (attempt,))
        again(lambda: results.forget(["foreign"]))
        assert again(lambda: results.read(["foreign"])) == [None]

    def _edit(self) -> None:
        again, schedules = self.play.again, self.engine.schedules
        entry = self.play.app.schedule_entry("rare", {"task": "tick", "schedule": every(10**6)})
        rare = policy.create(replace(entry, owner="person"), now=self.now)
        with suppress(ScheduleConflict):  # it was saved, though we were not told
            again(lambda: schedules.save([rare], now=self.now))
        assert "rare" in {each.name for each in again(lambda: schedules.browse(Page(limit=10))).schedules}
        again(lambda: schedules.delete(["rare"]))
        assert again(lambda: schedules.get(["rare"])) == [None]
