"""Random steps, done to an engine and to the memory engine side by side.

Every answer must be the same, and after every step so must everything that can be seen. The store's time is ours: both
engines are told the same ``now``. Where the law leaves a choice (REPEATED or LOST once a message has moved on, the
wording of an engine's own errors) both choices are read as one.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal, TypeAlias, TypedDict

import timetable
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from msgspec import Raw, structs
from sightings import (
    ERRORS,
    EVERYTHING,
    POLICY,
    answer,
    chores,
    counted,
    everything,
    in_any_order,
    in_line,
    in_order_of_id,
    is_list_of,
    plain,
    same_verdicts,
)
from timetable import Shot, shots

from horarium.clock import ManualClock
from horarium.engines.memory import MemoryEngine
from horarium.engines.protocol import Engine
from horarium.engines.records import Action, DeadOwner, Member, Purge, Revoke, RunFilter, RunningNow
from horarium.message import Delivery, Message, Signature
from horarium.outcome import (
    ENDED,
    Crashed,
    ErrorRecord,
    Failed,
    Ignored,
    Outcome,
    Progress,
    Rejected,
    Released,
    Reported,
    Retried,
    Settlement,
    Succeeded,
    Verdict,
)
from horarium.schedules.record import Schedule

LEASE = 30.0
QUEUES = ("q", "r")
OOPS = ErrorRecord(class_path="builtins.ValueError", text="oops")
KILLED = ErrorRecord(class_path="builtins.Killed", text="signal 9")

FAST_DISK = Path("/dev/shm")  # no process dies here, so no write needs a real disk

pick = st.integers(min_value=0, max_value=10_000)  # taken modulo the number of things to pick from
some = st.lists(pick, max_size=3)
queues = st.sampled_from([QUEUES, QUEUES, ("q",), ("r", "q")])
tasks = st.sampled_from([None, None, ("t",), ("t", "u", "x")])


Same: TypeAlias = Callable[[Any, Any], bool]


class Order(TypedDict):
    """What is put."""

    queue: str
    task: str
    priority: int
    eta: float | None
    expires: float | None
    once: bool
    schedule: str | None
    count: int


orders = st.fixed_dictionaries(
    {
        "queue": st.sampled_from(QUEUES),
        "task": st.sampled_from(["t", "t", "u"]),
        "priority": st.sampled_from([5, 5, 2, 9]),
        "eta": st.sampled_from([None, None, None, -3.0, 4.0, 20.0]),
        "expires": st.sampled_from([None, None, None, None, 0.0, 3.0, 40.0]),
        "once": st.sampled_from([False, False, True]),
        "schedule": st.sampled_from([None, None, "s"]),
        "count": st.integers(1, 3),
    }
)


class Ending(TypedDict):
    """How a delivery is settled."""

    kind: int  # see SideBySide.settlement
    tells_times: bool
    follows_up: bool


endings = st.fixed_dictionaries({"kind": st.integers(0, 11), "tells_times": st.booleans(), "follows_up": st.booleans()})


class SideBySide(RuleBasedStateMachine):
    """The machine; a subclass says how the engine under test is opened."""

    open_subject: ClassVar[Callable[[Path], Engine]]

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory(dir=FAST_DISK if FAST_DISK.is_dir() else None)
        self.path = Path(self.folder.name) / "model.db"
        self.subject = type(self).open_subject(self.path)
        self.clock = ManualClock(self.subject.now())
        self.oracle: Engine = MemoryEngine(self.clock)
        self.messages: list[Message] = []
        self.deliveries: list[Delivery] = []
        self.owners: list[str] = []
        self.former: list[str] = ["owner 0"]  # given up, or gone without a word
        self.given_up: set[str] = set()
        self.schedules: list[Schedule] = []  # as they were read, some long ago
        self.names = 0
        self.forgotten: set[str] = set()
        self.last: tuple[Callable[[Engine], Any], Same | None, Any] | None = None

    # What happens

    @initialize(first=st.lists(orders, min_size=3, max_size=6))
    def open_the_shop(self, first: list[Order]) -> None:
        self.hire()
        self.hire()
        for order in first:
            self.put(order)
        self.save(self.schedule("s", "code", 1.0), self.schedule(self.name("s"), "person", 5.0))

    @rule(order=orders)
    def put(self, order: Order) -> None:
        eta, expires = order["eta"], order["expires"]
        batch = tuple(
            Message(
                id=self.name("m"),
                task=order["task"],
                args=Raw(b"[1]"),
                queue=order["queue"],
                priority=order["priority"],
                created=self.now,
                eta=None if eta is None else self.after(eta),
                expires=None if expires is None else self.after(expires),
                at_most_once=order["once"],
                schedule=order["schedule"],
                error_links=(Signature(task="on_error", options={"queue": ERRORS}),),
            )
            for _ in range(order["count"])
        )
        self.messages += batch
        self.both(lambda engine, now=self.now: engine.queue.put(batch, now=now))

    @rule(which=st.lists(pick, min_size=1, max_size=3))
    def put_again(self, which: list[int]) -> None:
        batch = self.choose(self.messages, which)
        new = self.both(lambda engine, now=self.now: engine.queue.put(batch, now=now))
        self.forgotten -= {message.id for message, is_new in zip(batch, new, strict=True) if is_new}

    @rule(who=pick, limit=st.integers(1, 6), queues=queues, tasks=tasks, endings=st.lists(endings, max_size=4))
    def work(
        self,
        who: int,
        limit: int,
        queues: tuple[str, ...],
        tasks: tuple[str, ...] | None,
        endings: list[Ending],
    ) -> None:
        """Claim, and settle some of what was claimed at once."""
        claimed = self.claim(self.choose(self.owners, [who])[0], limit, queues, tasks)
        for delivery, ending in zip(claimed, endings, strict=False):
            self.settle(self.settlement(delivery, ending))

    @rule(who=pick, endings=st.lists(endings, max_size=2))
    def work_some_more(self, who: int, endings: list[Ending]) -> None:
        self.work(who, 3, QUEUES, None, endings)

    @rule(who=pick, limit=st.integers(0, 2))
    def claim_as_a_ghost(self, who: int, limit: int) -> None:
        self.claim(self.choose(self.former, [who])[0], limit, QUEUES, None)

    @precondition(lambda self: self.deliveries)
    @rule(which=st.lists(st.integers(1, 9), min_size=1, max_size=3), ending=endings)
    def settle_a_recent_claim(self, which: list[int], ending: Ending) -> None:
        self.settle(*(self.settlement(self.deliveries[-index % len(self.deliveries)], ending) for index in which))

    @precondition(lambda self: self.deliveries)
    @rule(which=st.lists(pick, min_size=1, max_size=3), ending=endings)
    def settle_any_claim(self, which: list[int], ending: Ending) -> None:
        self.settle(*(self.settlement(delivery, ending) for delivery in self.choose(self.deliveries, which)))

    @rule()
    def repeat_last_call(self) -> None:
        """The answer was lost: the same call is made again."""
        if self.last is None:
            return
        ask, same, first = self.last
        if is_list_of(first, Verdict) and set(first) == {Verdict.RECORDED}:
            same = None  # nothing came between, so the law leaves no choice
        again = self.both(ask, same)
        if is_list_of(again, Delivery):
            self.deliveries += again

    @rule(who=st.lists(pick, min_size=1, max_size=3), running=some, lease=st.sampled_from([LEASE, LEASE, 2.0]))
    def renew(self, who: list[int], running: list[int], lease: float) -> None:
        among = [*self.owners, *self.owners, *self.former[-2:]]
        self.register(self.choose(among, who), self.choose(self.deliveries[-9:], running), lease)

    @rule(seconds=st.sampled_from([0.001, 1.0, 5.0, 10.0, 29.0, 31.0]))
    def wait(self, seconds: float) -> None:
        self.clock.advance(seconds)

    @rule()
    def maintain(self) -> None:
        self.do_chores(())

    @rule(who=pick, how=st.sampled_from(["crash", "crash", "end", "leave", "vanish"]), running=some)
    def lose_an_owner(self, who: int, how: str, running: list[int]) -> None:
        """An owner ends, and another comes in its place; of one that vanishes nobody is told."""
        owner = self.owners.pop(who % len(self.owners))
        self.former.append(owner)
        if how == "leave":
            self.both(lambda engine, now=self.now: engine.inspector.leave([owner], now=now))
        elif how != "vanish":
            ran = tuple(delivery.message.id for delivery in self.choose(self.deliveries[-9:], running))
            self.do_chores((DeadOwner(owner=owner, running=ran, error=KILLED if how == "crash" else None),))
        if how != "vanish":
            self.given_up.add(owner)
        self.hire()

    @rule(which=some, recent=some, terminate=st.booleans())
    def revoke(self, which: list[int], recent: list[int], terminate: bool) -> None:
        chosen = [message.id for message in self.choose(self.messages, which)]
        chosen += [delivery.message.id for delivery in self.choose(self.deliveries[-5:], recent)]
        self.act(Revoke(ids=(*chosen, "nobody's"), terminate=terminate))

    @rule(queues=st.sampled_from([("r",), ("x",), ("q", "r")]), which=some)
    def purge_or_forget(self, queues: tuple[str, ...], which: list[int]) -> None:
        if not which:
            self.act(Purge(queues=queues))
        chosen = [message.id for message in self.choose(self.messages, which)]
        self.both(lambda engine: engine.results.forget(chosen))
        self.forgotten |= {id for id, run in zip(chosen, self.oracle.results.read(chosen), strict=True) if run is None}

    @rule(
        which=st.lists(pick, min_size=1, max_size=2),
        how=st.sampled_from(["create", "edit", "pardon", "pause", "resume", "delete", "read", "read"]),
        soon=st.sampled_from([None, 1.0, 9.0]),
    )
    def tend_schedules(self, which: list[int], how: str, soon: float | None) -> None:
        """Edits are of what was read, perhaps long ago."""
        chosen: list[Schedule] = self.choose(self.schedules, which)
        names = [read.name for read in chosen]
        if how == "create":
            self.save(self.schedule(self.name("s"), "person", soon or 60.0))
        elif how == "delete":
            self.both(lambda engine: engine.schedules.delete([*names, "nobody's"]))
        elif how == "read":
            self.schedules += filter(None, self.both(lambda engine: engine.schedules.get(names)))
        else:
            next_fire = None if soon is None else self.after(soon)
            self.save(*(timetable.edited(read, how, next_fire=next_fire, now=self.now) for read in chosen))

    @rule(which=st.lists(pick, min_size=1, max_size=3), shot=shots)
    def fire(self, which: list[int], shot: Shot) -> None:
        """Fire schedules, as they are or as they were read, perhaps long ago."""
        current = [schedule for schedule in self.oracle.schedules.browse(EVERYTHING).schedules if schedule.next_fire]
        chosen = self.choose([*current, *current, *self.schedules[-3:]], which)
        firings = tuple(timetable.firing(read, shot, self.now) for read in chosen)
        self.both(lambda engine, now=self.now: engine.schedules.fire(firings, now=now))

    @rule(which=pick, shots=st.lists(shots, min_size=2, max_size=3))
    def fire_on(self, which: int, shots: list[Shot]) -> None:
        """Fire several instants of one schedule, one after the other, in one call."""
        for read in self.choose(self.oracle.schedules.browse(EVERYTHING).schedules, [which]):
            firings = timetable.firings_in_a_row(read, shots, self.now)
            self.both(lambda engine, now=self.now, firings=firings: engine.schedules.fire(firings, now=now))

    @rule()
    def reopen(self) -> None:
        if self.subject.capabilities.durable:
            self.subject.close()
            self.subject = type(self).open_subject(self.path)

    # What must be true after every step

    @invariant()
    def all_that_can_be_seen_is_the_same(self) -> None:
        self.compare(lambda engine: [plain(run) for run in everything(engine)])
        self.compare(in_line)
        self.compare(counted)
        self.compare(lambda engine: {each.member.owner: each for each in engine.inspector.workers(now=self.now)})
        self.compare(lambda engine: engine.schedules.browse(EVERYTHING))
        self.compare(lambda engine: engine.schedules.due(self.after(30), 3))

    @invariant()
    def nothing_is_lost(self) -> None:
        """Each message that was put is still there, unless it was to be forgotten; each stands in one place."""
        runs = {run.id: run for run in everything(self.oracle)}
        held = [each.message.id for each in self.oracle.inspector.find(RunFilter(), EVERYTHING).held]
        assert sorted(held) == sorted(id for id, run in runs.items() if run.state not in ENDED)
        assert sum(self.oracle.inspector.counts().states.values()) == len(runs)
        missing = {message.id for message in self.messages} - runs.keys() - self.forgotten
        assert not missing

    @invariant()
    def whatever_is_held_waits_for_a_run(self) -> None:
        held = self.oracle.inspector.find(RunFilter(), EVERYTHING).held
        active = {each.message.schedule for each in held}
        schedules = self.oracle.schedules.browse(EVERYTHING).schedules
        assert {schedule.name for schedule in schedules if schedule.held} <= active

    @invariant()
    def only_owners_that_were_not_given_up_hold_anything(self) -> None:
        for each in self.oracle.inspector.find(RunFilter(), EVERYTHING).held:
            assert each.owner not in self.given_up

    def teardown(self) -> None:
        """Whatever is due is seen by somebody: a last owner drains both engines to the end."""
        try:
            self.clock.advance(120)
            self.owners = ["the last"]
            self.register(self.owners, ())
            for queues in (QUEUES, (ERRORS,)):
                while batch := self.both(
                    lambda engine, now=self.now, queues=queues: in_order_of_id(
                        engine.queue.claim(queues, "the last", 100_000, now=now)
                    )
                ):
                    told = [Settlement(id=d.message.id, owner=d.owner, fence=d.fence, outcome=Ignored()) for d in batch]
                    self.both(lambda engine, now=self.now, told=told: engine.queue.settle(told, now=now, policy=POLICY))
            waiting = [each for each in self.oracle.inspector.find(RunFilter(), EVERYTHING).held if each.owner is None]
            assert not waiting
            self.all_that_can_be_seen_is_the_same()
        finally:
            self.subject.close()
            self.folder.cleanup()

    # How it is done

    @property
    def now(self) -> int:
        return self.clock.now()

    def after(self, seconds: float) -> int:
        return self.now + round(seconds * 1000)

    def name(self, kind: str) -> str:
        self.names += 1
        return f"{kind}{self.names}"

    def choose(self, things: Sequence[Any], which: list[int]) -> list[Any]:
        return [things[index % len(things)] for index in which] if things else []

    def both(self, ask: Callable[[Engine], Any], same: Same | None = None) -> Any:
        """Do one thing to both engines and compare the answers; return the oracle's."""
        expected, got = answer(ask, self.oracle), answer(ask, self.subject)
        assert same(expected, got) if same else expected == got, f"memory: {expected}, subject: {got}"
        self.last = ask, same, expected
        return expected

    def compare(self, look: Callable[[Engine], Any]) -> None:
        expected, got = look(self.oracle), look(self.subject)
        assert expected == got, f"memory: {expected}, subject: {got}"

    def hire(self) -> None:
        self.owners.append(self.name("owner "))
        self.register(self.owners[-1:], ())

    def register(self, owners: Sequence[str], running: Sequence[Delivery], lease: float = LEASE) -> None:
        ran = tuple(RunningNow(id=delivery.message.id, task="t", started=self.now) for delivery in running)
        members = [Member(owner=owner, kind="child", name=f"{owner}@host", running=ran) for owner in owners]
        self.both(lambda engine, now=self.now: in_any_order(engine.queue.renew(members, now=now, lease=lease)))

    def claim(self, owner: str, limit: int, queues: Sequence[str], tasks: Collection[str] | None) -> list[Delivery]:
        claimed = self.both(lambda engine, now=self.now: engine.queue.claim(queues, owner, limit, now=now, tasks=tasks))
        if not isinstance(claimed, list):
            return []
        assert owner not in self.given_up
        assert len(claimed) <= limit
        assert len(claimed) == 1 or not any(delivery.crashes for delivery in claimed)
        self.deliveries += claimed
        return claimed

    def settle(self, *told: Settlement) -> None:
        self.both(lambda engine, now=self.now: engine.queue.settle(told, now=now, policy=POLICY), same=same_verdicts)

    def settlement(self, delivery: Delivery, ending: Ending) -> Settlement:
        message = delivery.message
        again = structs.replace(message, retries=message.retries + 1, eta=message.created + 7000, queue="r")
        other = structs.replace(
            message,
            task="u" if message.task == "t" else "t",
            queue="q",
            priority=11 - message.priority,
            expires=message.created + 60_000 if message.expires is None else None,
            parent="p" if message.parent is None else None,
            at_most_once=not message.at_most_once,
        )
        outcomes: list[Outcome] = [
            Succeeded(result=Raw(b'{"a": 1}')),
            Succeeded(result=None),
            Failed(error=OOPS),
            Retried(message=again, error=OOPS),
            Retried(message=structs.replace(again, eta=None), error=OOPS),
            Retried(message=other, error=OOPS),
            Released(reason="stopping"),
            Released(reason="busy", delay=3.0),
            Crashed(error=KILLED),
            Rejected(reason="no"),
            Reported(state="BAKING", meta=Raw(b"[2]")),
            Reported(progress=Progress(done=1, total=2)),
        ]
        follow_up = Message(id=f"after {message.id}", task="t", queue="q", created=message.created, parent=message.id)
        return Settlement(
            id=message.id,
            owner=delivery.owner,
            fence=delivery.fence,
            outcome=outcomes[ending["kind"]],
            worker="w" if ending["tells_times"] else "",
            started=delivery.claimed if ending["tells_times"] else None,
            ended=delivery.claimed + 5 if ending["tells_times"] else None,
            follow_ups=(follow_up,) if ending["follows_up"] else (),
            logs=("line",) if ending["follows_up"] else (),
            keep=9.0 if ending["follows_up"] else None,
        )

    def act(self, action: Action) -> None:
        self.both(lambda engine, now=self.now: sorted(engine.inspector.act(action, now=now)))

    def do_chores(self, dead: tuple[DeadOwner, ...]) -> None:
        before = {run.id for run in everything(self.oracle)}
        done = self.both(lambda engine, now=self.now: chores(engine, now, dead))
        self.forgotten |= before - {run.id for run in everything(self.oracle)}
        self.given_up |= set(done.lapsed)
        for owner in done.lapsed:
            if owner in self.owners:
                self.owners.remove(owner)
                self.former.append(owner)
        while len(self.owners) < 2:
            self.hire()

    def schedule(self, name: str, owner: Literal["code", "person"], soon: float) -> Schedule:
        return timetable.schedule(name, owner, next_fire=self.after(soon), now=self.now)

    def save(self, *schedules: Schedule) -> None:
        saved = self.both(lambda engine, now=self.now: engine.schedules.save(schedules, now=now))
        if isinstance(saved, list):
            self.schedules += saved
