"""Random steps, done to an engine and to the memory engine side by side.

Every answer must be the same, and after every step so must everything that can be seen. The store's time is ours: both
engines are told the same ``now``. Where the law leaves a choice (REPEATED or LOST once a message has moved on, the
wording of an engine's own errors) both choices are read as one, or not asked for: what expires has neither a slot nor
a limit, since a claim may meet it or not, and what may meet at a gate is settled one by one.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Literal

import timetable
from endings import KILLED, Ending, endings, settlement, success
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule
from noticeboard import Noticeboard
from orders import (
    LIMITS,
    QUEUES,
    Canvas,
    Order,
    calls_of,
    canvases,
    members,
    messages_of,
    open_body,
    orders,
)
from sightings import (
    ERRORS,
    EVERYTHING,
    POLICY,
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

from horarium.engines.records import Action, DeadOwner, Limit, Member, Purge, Rank, Revoke, RunFilter, RunningNow, Seal
from horarium.message import Delivery, Message
from horarium.outcome import ENDED, Settlement, Succeeded, Verdict
from horarium.schedules.record import Schedule

LEASE = 30.0

pick = st.integers(min_value=0, max_value=10_000)  # taken modulo the number of things to pick from
some = st.lists(pick, max_size=3)
queues = st.sampled_from([QUEUES, QUEUES, ("q",), ("r", "q")])
tasks = st.sampled_from([None, None, ("t",), ("t", "u", "x")])
limits = st.sampled_from(LIMITS)
gate_steps = st.lists(
    st.tuples(st.sampled_from(["open", "join", "seal", "seal"]), st.integers(0, 3)), min_size=1, max_size=3
)


class SideBySide(Noticeboard):
    """The machine."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[Message] = []
        self.deliveries: list[Delivery] = []
        self.owners: list[str] = []
        self.former: list[str] = ["owner 0"]  # given up, or gone without a word
        self.given_up: set[str] = set()
        self.schedules: list[Schedule] = []  # as they were read, some long ago
        self.gates: list[str] = []  # of which nobody knew the size when they were put
        self.stored: set[str] = set()
        self.forgotten: set[str] = set()

    # What happens

    @initialize(first=st.lists(orders, min_size=2, max_size=4), canvas=canvases)
    def open_the_shop(self, first: list[Order], canvas: Canvas) -> None:
        self.hire()
        self.hire()
        for order in first:
            self.put(order)
        self.send(canvas)
        self.tend_gates(0, [("open", 2)])
        self.save(self.schedule("s", "code", 1.0), self.schedule(self.name("s"), "person", 5.0))

    @rule(order=orders)
    def put(self, order: Order) -> None:
        self.store(messages_of(order, self.name, self.now))

    @rule(canvas=canvases)
    def send(self, canvas: Canvas) -> None:
        for messages in calls_of(canvas, self.name, self.now):
            self.store(messages)

    @rule(which=pick, steps=gate_steps)
    def tend_gates(self, which: int, steps: list[tuple[str, int]]) -> None:
        """Open a gate, let others join it, perhaps too late or too many, and say how many there are, perhaps twice."""
        if not self.gates or steps[0][0] == "open":
            body = open_body(self.name, self.now, expires=self.after(20) if which % 2 else None)
            self.gates.append(body.id)
            self.store((body,))
            which = -1
        for gate in self.choose(self.gates, [which]):
            for step, count in steps:
                if step == "seal":
                    self.act(Seal(id=gate, size=count))
                else:
                    self.store(members(gate, count, self.name, self.now))

    @rule(which=st.lists(pick, min_size=1, max_size=3))
    def put_again(self, which: list[int]) -> None:
        self.store(tuple(self.choose(self.messages, which)))

    @rule(
        who=pick,
        limit=st.integers(1, 6),
        queues=queues,
        tasks=tasks,
        limits=limits,
        endings=st.lists(endings, max_size=4),
    )
    def work(
        self,
        who: int,
        limit: int,
        queues: tuple[str, ...],
        tasks: tuple[str, ...] | None,
        limits: Mapping[str, Limit] | None,
        endings: list[Ending],
    ) -> None:
        """Claim, and settle some of what was claimed at once."""
        claimed = self.claim(self.choose(self.owners, [who])[0], limit, queues, tasks, limits)
        for delivery, ending in zip(claimed, endings, strict=False):
            self.settle((delivery, ending))

    @rule(who=pick, limits=limits, endings=st.lists(endings, max_size=2))
    def work_some_more(self, who: int, limits: Mapping[str, Limit] | None, endings: list[Ending]) -> None:
        self.work(who, 3, QUEUES, None, limits, endings)
        self.work(who + 1, 3, QUEUES, None, limits, [])

    @rule(who=pick, rounds=st.integers(1, 3))
    def work_well(self, who: int, rounds: int) -> None:
        """Whatever is claimed succeeds, all in one call; so workflows come to their ends."""
        for _ in range(rounds):
            claimed = self.claim(self.choose(self.owners, [who])[0], 6, QUEUES, None)
            self.record([success(delivery) for delivery in claimed])

    @rule(who=pick, limit=st.integers(0, 2))
    def claim_as_a_ghost(self, who: int, limit: int) -> None:
        self.claim(self.choose(self.former, [who])[0], limit, QUEUES, None)

    @precondition(lambda self: self.deliveries)
    @rule(which=st.lists(st.integers(1, 9), min_size=1, max_size=3), ending=endings)
    def settle_a_recent_claim(self, which: list[int], ending: Ending) -> None:
        self.settle(*((self.deliveries[-index % len(self.deliveries)], ending) for index in which))

    @precondition(lambda self: self.deliveries)
    @rule(which=st.lists(pick, min_size=1, max_size=3), ending=endings)
    def settle_any_claim(self, which: list[int], ending: Ending) -> None:
        self.settle(*((delivery, ending) for delivery in self.choose(self.deliveries, which)))

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

    @rule(which=st.lists(pick, min_size=1, max_size=3), recent=some, priority=st.sampled_from([0, 4, 5, 6, 9]))
    def rank(self, which: list[int], recent: list[int], priority: int) -> None:
        chosen = [message.id for message in self.choose(self.messages, which)]
        chosen += [delivery.message.id for delivery in self.choose(self.deliveries[-5:], recent)]
        self.act(Rank(ids=(*chosen, "nobody's"), priority=priority))

    @rule(queues=st.sampled_from([("r",), ("x",), ("q", "r"), None]), which=some)
    def purge_or_forget(self, queues: tuple[str, ...] | None, which: list[int]) -> None:
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
        assert not self.stored - runs.keys() - self.forgotten

    @invariant()
    def no_slot_holds_more_than_there_is_room(self) -> None:
        slots: dict[str, list[int]] = {}
        for each in self.subject.inspector.find(RunFilter(), EVERYTHING).held:
            if each.owner is not None and each.message.slot is not None:
                slots.setdefault(each.message.slot.key, []).append(each.message.slot.size)
        assert all(len(sizes) <= max(sizes) for sizes in slots.values())

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
        """Whatever is due is seen by somebody: a last owner drains both engines to the end. What waits then, waits for
        others that never came."""
        try:
            others = [*self.owners, *self.former]
            self.both(lambda engine, now=self.now: engine.inspector.leave(others, now=now))
            self.register(["the last"], ())
            self.clock.advance(120)
            while sum(self.drain(queues) for queues in (QUEUES, (ERRORS,))):
                self.clock.advance(10)  # what the last ones have let into line may be due later
                self.all_that_can_be_seen_is_the_same()
            held = self.oracle.inspector.find(RunFilter(), EVERYTHING).held
            assert all(each.message.gate is not None for each in held if each.owner is None)
            self.do_chores(())
            self.act(Purge())
            self.all_that_can_be_seen_is_the_same()
        finally:
            self.close()

    def drain(self, queues: tuple[str, ...]) -> int:
        """Let the last owner take all there is and end it well; tell how much it was."""
        count = 0
        while batch := self.both(
            lambda engine, now=self.now: in_order_of_id(engine.queue.claim(queues, "the last", 100_000, now=now))
        ):
            self.record([success(delivery) for delivery in batch])
            count += len(batch)
        return count

    # How it is done

    def store(self, batch: tuple[Message, ...]) -> None:
        self.messages += batch
        placed = self.both(lambda engine, now=self.now: engine.queue.put(batch, now=now))
        new = {message.id for message, is_new in zip(batch, placed, strict=True) if is_new is True}
        self.stored |= new
        self.forgotten -= new

    def hire(self) -> None:
        self.owners.append(self.name("owner "))
        self.register(self.owners[-1:], ())

    def register(self, owners: Sequence[str], running: Sequence[Delivery], lease: float = LEASE) -> None:
        ran = tuple(RunningNow(id=delivery.message.id, task="t", started=self.now) for delivery in running)
        members = [Member(owner=owner, kind="child", name=f"{owner}@host", running=ran) for owner in owners]
        self.both(lambda engine, now=self.now: in_any_order(engine.queue.renew(members, now=now, lease=lease)))

    def claim(
        self,
        owner: str,
        limit: int,
        queues: Sequence[str],
        tasks: Collection[str] | None,
        limits: Mapping[str, Limit] | None = None,
    ) -> list[Delivery]:
        claimed = self.both(
            lambda engine, now=self.now: engine.queue.claim(queues, owner, limit, now=now, tasks=tasks, limits=limits)
        )
        if not isinstance(claimed, list):
            return []
        assert owner not in self.given_up
        assert len(claimed) <= limit
        assert len(claimed) == 1 or not any(delivery.crashes for delivery in claimed)
        self.deliveries += claimed
        return claimed

    def settle(self, *chosen: tuple[Delivery, Ending]) -> None:
        self.record([settlement(delivery, ending) for delivery, ending in chosen])

    def record(self, told: Sequence[Settlement]) -> None:
        """Settle in one call; but one by one where the law does not say which comes first: where a success and a doom
        might meet at a gate, or more arrive than it waits for."""
        joins = {message.id: message.joins for message in self.messages if message.joins}
        is_open = any(
            not isinstance(each.outcome, Succeeded) or any(join.id in self.gates for join in each.joins)
            for each in told
            if each.joins or each.id in joins
        )
        for part in [[each] for each in told] if is_open else [told]:
            self.both(
                lambda engine, now=self.now, part=part: engine.queue.settle(part, now=now, policy=POLICY),
                same=same_verdicts,
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
