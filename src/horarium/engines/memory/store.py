"""What the memory engine remembers, and the few moves of a message from which its verbs are made.

Nothing here takes the lock: the verbs do, once, around everything they do.
"""

from __future__ import annotations

import heapq
import threading
from bisect import bisect_left, insort
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager

from msgspec import Raw, Struct, field
from msgspec.structs import replace

from horarium.clock import Instant, Seconds, milliseconds
from horarium.engines.records import (
    ATTEMPTS_KEPT,
    JOURNAL_KEPT,
    QUEUE_TOPIC,
    RESULT_TOPIC,
    SCHEDULE_TOPIC,
    MaintenancePolicy,
    Member,
    Note,
    Placed,
    RunFilter,
)
from horarium.message import Delivery, FiringKind, Join, Message, Unique, successor, superseded
from horarium.outcome import ENDS, Attempt, Crashed, ErrorRecord, Expired, Revoked, Run, Settlement, State, error_of
from horarium.schedules.record import FAILED, SUCCEEDED, Schedule
from horarium.tally import Reading, Tally, Width
from horarium.workflow.follow import follow_ups
from horarium.workflow.gates import Doom, doomed, dooms, released


class Entry(Struct, eq=False):
    """A message and where it stands. It waits (in line), is in hand (``owner``), or has ended (run.has_ended)."""

    run: Run
    seq: int  # the order of puts
    due: Instant
    owner: str | None = None
    fence: int = 0
    attempt: int = 0
    crashes: int = 0
    settled: Settlement | None = None  # the last one recorded, to know it again
    is_aside: bool = False  # it waits for its slot, out of the line
    size: int | None = None  # of its gate; None: not known yet
    widened: int = 0  # by so many
    arrived: dict[str, tuple[int, Raw]] = field(default_factory=dict)  # at its gate: place and value of each id
    keep: Seconds | None = None
    first: Message | None = None  # as it was put

    @property
    def message(self) -> Message:
        return self.run.message

    @property
    def is_waiting(self) -> bool:
        return self.owner is None and not self.run.has_ended

    @property
    def is_blocked(self) -> bool:
        return self.is_waiting and (self.message.gate is not None or self.is_aside)

    def is_overdue(self, now: Instant) -> bool:
        return self.message.expires is not None and self.message.expires <= now


class Owner(Struct, eq=False):
    """A member as the store knows it, and what it holds."""

    member: Member
    seen: Instant
    lease_until: Instant
    given_up: Instant | None = None
    held: dict[str, Entry] = field(default_factory=dict)

    def is_alive(self, now: Instant) -> bool:
        return self.given_up is None and now < self.lease_until


class Store:
    """Everything that is remembered. ``lock`` guards all of it. ``notify``: wakes whoever waits for a topic."""

    def __init__(self, notify: Callable[[Collection[str]], None]) -> None:
        self._notify = notify
        self.lock = threading.Lock()
        self.entries: dict[str, Entry] = {}
        self.owners: dict[str, Owner] = {}
        self.schedules: dict[str, Schedule] = {}  # by name
        self.firings: set[tuple[str, Instant, FiringKind]] = set()  # schedule id, nominal, kind
        self.uniques: dict[str, tuple[str, Instant | None]] = {}  # key: holder's id, until
        self.buckets: dict[str, tuple[float, Instant]] = {}  # what a rate had left, and when
        self.notes: dict[str, Note] = {}
        self.journal: deque[tuple[int, Raw]] = deque(maxlen=JOURNAL_KEPT)
        self.journal_end = 0
        self.tallies: dict[tuple[Width, Instant, str, str], Tally] = {}  # width, bucket, task, queue
        self.readings: dict[tuple[Width, Instant, str], Reading] = {}  # width, bucket, queue
        self._dooms: deque[tuple[str, Doom]] = deque()  # to be carried out before the verb returns
        self._lines: dict[tuple[str, int], list[tuple[Instant, int, str]]] = {}  # (queue, priority): (due, seq, id)
        self._seq = 0

    # Moves of a message, in the order of its life.

    @contextmanager
    def changing(self, now: Instant) -> Iterator[None]:
        """Hold the lock; what the changes doom is carried out before it is let go."""
        with self.lock:
            yield
            while self._dooms:
                self._carry_out(*self._dooms.popleft(), now)

    def put(self, messages: Iterable[Message], now: Instant) -> list[Placed]:
        named = [(message.id, message) for message in messages]  # whatever is wrong shows before anything is stored
        return [self._put(id, message, now) for id, message in named]

    def _put(self, id: str, message: Message, now: Instant) -> Placed:
        if id in self.entries:
            return False
        holder = self._holder(message.unique, now)
        if holder is not None:
            if message.unique is not None and message.unique.replaces and holder.is_waiting:
                self._supersede(holder, message, now)
            return holder.run.id
        self._seq += 1
        run = Run(message=message, state=State.PENDING, changed=now)
        entry = Entry(run=run, seq=self._seq, due=now if message.eta is None else message.eta, first=message)
        self.entries[id] = entry
        self._hold_unique(entry, now)
        self._line_up(entry)
        self._set_gate(entry, now)
        return True

    def _holder(self, unique: Unique | None, now: Instant) -> Entry | None:
        """Return the message that holds a unique key, if any does."""
        id, until = self.uniques.get(unique.key, ("", None)) if unique is not None else ("", None)
        return self.entries.get(id) if until is None or now < until else None

    def _hold_unique(self, entry: Entry, now: Instant) -> None:
        unique = entry.message.unique
        if unique is not None:
            until = None if unique.lasts is None else now + milliseconds(unique.lasts)
            self.uniques[unique.key] = entry.run.id, until

    def _release_unique(self, entry: Entry) -> None:
        unique = entry.message.unique
        if unique is not None and self.uniques.get(unique.key, ("", None))[0] == entry.run.id:
            del self.uniques[unique.key]

    def _supersede(self, entry: Entry, newer: Message, now: Instant) -> None:
        self._leave_line(entry)
        self._free_slot(entry)  # it may not want the slot any more, or not before long
        entry.run = replace(entry.run, message=superseded(entry.message, newer))
        entry.due = now if newer.eta is None else newer.eta
        self._hold_unique(entry, now)
        self._line_up(entry)

    def rank(self, entries: Sequence[Entry], priority: int) -> None:
        """Give messages that wait another priority, and their places there."""
        slots: dict[str, Entry] = {}
        for entry in entries:
            slot = entry.message.slot if entry.message.gate is None else None
            if entry.message.gate is None:
                self._leave_line(entry)
            entry.run = replace(entry.run, message=replace(entry.message, priority=priority))
            self._line_up(entry)
            if slot is not None:
                slots[slot.key] = entry
                self._notify([QUEUE_TOPIC + entry.message.queue])
        for entry in slots.values():
            self._free_slot(entry)

    # Gates.

    def _set_gate(self, entry: Entry, now: Instant) -> None:
        gate = entry.message.gate
        entry.size, entry.widened, entry.arrived = gate.size if gate is not None else None, 0, {}
        self._look_at_gate(entry, now)

    def widen(self, id: str, by: int) -> None:
        entry = self.entries.get(id)
        if entry is not None and entry.is_waiting and entry.message.gate is not None:
            entry.widened += by

    def seal(self, id: str, size: int, now: Instant) -> bool:
        entry = self.entries.get(id)
        if entry is None or not entry.is_waiting or entry.message.gate is None or entry.size is not None:
            return False
        entry.size = size
        self._look_at_gate(entry, now)
        return True

    def arrive(self, join: Join, member: str, value: Raw, now: Instant) -> None:
        entry = self.entries.get(join.id)
        if entry is not None and entry.is_waiting and entry.message.gate is not None:
            entry.arrived.setdefault(member, (join.place or 0, value))
            self._look_at_gate(entry, now)

    def _look_at_gate(self, entry: Entry, now: Instant) -> None:
        """Release a message if everything that it waits for has arrived."""
        if entry.message.gate is None or entry.size is None or len(entry.arrived) < entry.size + entry.widened:
            return
        values = [value for _, _, value in sorted((place, id, value) for id, (place, value) in entry.arrived.items())]
        message = released(entry.message, values, now=now)
        entry.run = replace(entry.run, message=message, changed=now)
        entry.arrived = {}
        entry.due = now if message.eta is None else max(now, message.eta)
        self._line_up(entry)
        self._notify([QUEUE_TOPIC + message.queue])

    def _carry_out(self, id: str, doom: Doom, now: Instant) -> None:
        entry = self.entries.get(id)
        if entry is None or not entry.is_waiting or entry.message.gate is None:
            return
        outcome, follows = doomed(entry.message, doom, now=now)
        self.end(entry, ENDS[type(outcome)], now, error=error_of(outcome))
        self.put(follows, now)
        self._notify([RESULT_TOPIC, *(QUEUE_TOPIC + message.queue for message in follows)])

    def in_line(self, queues: Sequence[str], now: Instant) -> Iterator[Entry]:
        """Yield the due messages of the queues in the order of claims. Do not move any of them meanwhile."""
        wanted = set(queues)
        for priority in sorted({priority for queue, priority in self._lines if queue in wanted}, reverse=True):
            for due, _, id in heapq.merge(*(self._lines.get((queue, priority), ()) for queue in wanted)):
                if due > now:
                    break
                yield self.entries[id]

    def hand_over(self, entry: Entry, owner: Owner, now: Instant) -> Delivery:
        self._leave_line(entry)
        entry.owner = owner.member.owner
        entry.fence += 1
        entry.attempt += 1
        if entry.message.unique is not None and entry.message.unique.until == "start":
            self._release_unique(entry)
        owner.held[entry.run.id] = entry
        entry.run = replace(entry.run, state=State.RECEIVED, changed=now, worker=owner.member.name)
        return Delivery(
            message=entry.message,
            owner=entry.owner,
            fence=entry.fence,
            attempt=entry.attempt,
            crashes=entry.crashes,
            claimed=now,
        )

    def put_back(self, entry: Entry, run: Run, state: State, now: Instant, *, due: Instant) -> None:
        """Let a message in hand wait again, as ``run`` has it; one that is marked ends instead."""
        if entry.run.cancel is not None:
            self.revoke(entry, "terminated" if entry.run.cancel == "terminate" else "revoked", now)
            return
        self._let_go(entry)
        before = entry.message
        message = successor(before, run.message)
        entry.run = replace(
            run, message=message, state=state, changed=now, worker="", started=None, meta=None, progress=None
        )
        entry.due = due
        self._line_up(entry)
        self._set_gate(entry, now)
        if run.message.schedule != before.schedule:  # it will not hear of the end of this run any more
            self._tell_schedule(before, entry.run)

    def give_back(self, entry: Entry, now: Instant, *, delay: Seconds = 0.0) -> None:
        """Put a message back as if it had never been claimed, but for its fence."""
        entry.attempt -= 1
        due = now + milliseconds(delay) if delay > 0 else entry.due
        self.put_back(entry, entry.run, State.PENDING, now, due=due)

    def crash(
        self,
        entry: Entry,
        error: ErrorRecord,
        now: Instant,
        policy: MaintenancePolicy,
        *,
        ended: Instant | None = None,
    ) -> None:
        """Charge a message in hand with the death of its process."""
        entry.crashes += 1
        is_hopeless = entry.message.at_most_once or entry.crashes >= policy.crash_limit
        if is_hopeless and entry.run.cancel is None:
            self.die(entry, error, now, ended=ended)
            return
        delays = policy.crash_delays or (0.0,)
        delay = delays[min(entry.crashes, len(delays)) - 1]
        self.put_back(entry, replace(entry.run, error=error), State.RETRY, now, due=now + milliseconds(delay))

    def end(
        self,
        entry: Entry,
        state: State,
        now: Instant,
        *,
        error: ErrorRecord | None = None,
        result: Raw | None = None,
        ended: Instant | None = None,
    ) -> None:
        if entry.owner is None:
            self._leave_line(entry)
            self._free_slot(entry)
        else:
            self._let_go(entry)
        entry.run = replace(
            entry.run, state=state, changed=now, ended=now if ended is None else ended, error=error, result=result
        )
        self._release_unique(entry)
        if dooms(state):
            self._dooms += [(join.id, Doom(id=entry.run.id, state=state, error=error)) for join in entry.message.joins]
        if entry.message.schedule is not None:
            self._tell_schedule(entry.message, entry.run)

    def _tell_schedule(self, message: Message, run: Run) -> None:
        schedule = self.schedules.get(message.schedule or "")
        if schedule is None:
            return
        failures, succeeded = schedule.failures, schedule.succeeded
        if run.state in SUCCEEDED:
            failures, succeeded = 0, _later(succeeded, message.nominal)
        elif run.state in FAILED:
            failures += 1
        self.schedules[schedule.name] = replace(
            schedule, failures=failures, succeeded=succeeded, ended=_later(schedule.ended, run.changed), held=False
        )
        if schedule.held:
            self._notify([SCHEDULE_TOPIC])

    def active(self, schedule: str) -> list[Entry]:
        """Return what a schedule has fired and has not ended, by put."""
        fired = [entry for entry in self.entries.values() if entry.message.schedule == schedule]
        return [entry for entry in fired if not entry.run.has_ended]

    def revoke(self, entry: Entry, reason: str, now: Instant) -> None:
        self.end(entry, State.REVOKED, now, error=error_of(Revoked(reason=reason)))

    def expire(self, entry: Entry, now: Instant) -> None:
        self.end(entry, State.EXPIRED, now, error=error_of(Expired()))
        self.put(follow_ups(entry.message, Expired(), now=now), now)

    def die(self, entry: Entry, error: ErrorRecord, now: Instant, *, ended: Instant | None = None) -> None:
        self.end(entry, State.DEAD, now, error=error, ended=ended)
        self.put(follow_ups(entry.message, Crashed(error=error), now=now), now)

    def record(self, run: Run, keep: Seconds) -> None:
        """Take over an ended run of another store's; one that has not ended here stays as it is."""
        known = self.entries.get(run.id)
        if known is None or known.run.has_ended:
            self.entries[run.id] = Entry(run=run, seq=0, due=run.message.due, keep=keep)

    def forget(self, entry: Entry) -> None:
        """Remove an ended run."""
        del self.entries[entry.run.id]

    def _let_go(self, entry: Entry) -> None:
        if entry.owner is not None:
            del self.owners[entry.owner].held[entry.run.id]
            entry.owner = None
            self._free_slot(entry)

    def _line_up(self, entry: Entry) -> None:
        if entry.message.gate is None and not entry.is_aside:
            insort(self._lines.setdefault(_line(entry), []), _place(entry))

    def _leave_line(self, entry: Entry) -> None:
        if entry.is_blocked:
            entry.is_aside = False
            return
        line = self._lines[_line(entry)]
        del line[bisect_left(line, _place(entry))]

    # Slots.

    def in_slot(self, key: str) -> int:
        """Count what is in hand of a slot's key."""
        held = [entry for entry in self.entries.values() if entry.owner is not None]
        return sum(entry.message.slot is not None and entry.message.slot.key == key for entry in held)

    def step_aside(self, entry: Entry) -> None:
        self._leave_line(entry)
        entry.is_aside = True

    def _free_slot(self, entry: Entry) -> None:
        """Let the first of each queue and task that stands aside for the same slot back into line."""
        slot = entry.message.slot
        if slot is None:
            return
        firsts: dict[tuple[str, str], Entry] = {}
        for other in self.entries.values():
            if other.is_waiting and other.is_aside and other.message.slot and other.message.slot.key == slot.key:
                line = other.message.queue, other.message.task
                if line not in firsts or _turn(other) < _turn(firsts[line]):
                    firsts[line] = other
        for other in firsts.values():
            other.is_aside = False
            self._line_up(other)
            self._notify([QUEUE_TOPIC + other.message.queue])


def matches(run: Run, filter: RunFilter) -> bool:
    """Tell whether every given part of the filter holds for the run."""
    message = run.message
    return (
        (not filter.states or run.state in filter.states)
        and (not filter.tasks or message.task in filter.tasks)
        and (not filter.queues or message.queue in filter.queues)
        and (filter.schedule is None or message.schedule == filter.schedule)
        and (filter.parent is None or message.parent == filter.parent)
        and (filter.root is None or message.root == filter.root)
        and (filter.id_prefix is None or message.id.startswith(filter.id_prefix))
        and (filter.since is None or message.created >= filter.since)
        and (filter.until is None or message.created < filter.until)
    )


def with_attempt(run: Run, attempt: Attempt) -> Run:
    return replace(run, attempts=(*run.attempts, attempt)[-ATTEMPTS_KEPT:])


def _later(one: Instant | None, other: Instant | None) -> Instant | None:
    return max((instant for instant in (one, other) if instant is not None), default=None)


def _line(entry: Entry) -> tuple[str, int]:
    return entry.message.queue, entry.message.priority


def _turn(entry: Entry) -> tuple[int, Instant, int]:
    return -entry.message.priority, entry.due, entry.seq


def _place(entry: Entry) -> tuple[Instant, int, str]:
    return entry.due, entry.seq, entry.run.id
