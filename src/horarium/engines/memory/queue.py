"""Messages, from stored to settled, in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence

from msgspec.structs import replace

from horarium.clock import Instant, Seconds, milliseconds
from horarium.engines.memory.maintain import maintain
from horarium.engines.memory.store import Entry, Owner, Store, with_attempt
from horarium.engines.records import DeadOwner, Limit, Maintenance, MaintenancePolicy, Member, Placed, Renewal
from horarium.errors import OwnerLost
from horarium.message import Delivery, Message
from horarium.outcome import (
    ENDS,
    Attempt,
    Crashed,
    Released,
    Replaced,
    Reported,
    Retried,
    Run,
    Settlement,
    State,
    Succeeded,
    Verdict,
    error_of,
)
from horarium.rate import refilled
from horarium.workflow.follow import NULL


class MemoryQueue:
    def __init__(self, store: Store) -> None:
        self._store = store

    def put(
        self, messages: Sequence[Message], *, now: Instant, visible: Callable[[], None] | None = None
    ) -> list[Placed]:
        with self._store.changing(now):
            are_new = self._store.put(messages, now)
        if visible is not None:
            visible()
        return are_new

    def claim(
        self,
        queues: Sequence[str],
        owner: str,
        limit: int,
        *,
        now: Instant,
        tasks: Collection[str] | None = None,
        limits: Mapping[str, Limit] | None = None,
    ) -> list[Delivery]:
        with self._store.changing(now):
            holder = self._store.owners.get(owner)
            if holder is None or holder.given_up is not None:
                raise OwnerLost(owner)
            room = Room(self._store, limits or {}, now)
            batch: list[Entry] = []
            overdue: list[Entry] = []
            aside: list[Entry] = []
            for entry in self._store.in_line(queues, now):
                if len(batch) >= limit or (batch and batch[0].crashes):
                    break
                if tasks is not None and entry.message.task not in tasks:
                    continue
                if entry.is_overdue(now):
                    overdue.append(entry)
                elif not room.for_task(entry):
                    continue
                elif not room.for_slot(entry):
                    aside.append(entry)
                elif entry.crashes and batch:
                    break
                else:
                    room.take(entry)
                    batch.append(entry)
            for entry in overdue:
                self._store.expire(entry, now)
            for entry in aside:
                self._store.step_aside(entry)
            room.close()
            return [self._store.hand_over(entry, holder, now) for entry in batch]

    def renew(self, members: Sequence[Member], *, now: Instant, lease: Seconds) -> Renewal:
        lost: list[str] = []
        terminate: list[str] = []
        with self._store.lock:
            for member in members:
                owner = self._store.owners.get(member.owner)
                if owner is None:
                    owner = self._store.owners[member.owner] = Owner(member, now, now)
                if owner.given_up is not None:
                    lost.append(member.owner)
                    continue
                owner.member, owner.seen, owner.lease_until = member, now, now + milliseconds(lease)
                terminate += [id for id, entry in owner.held.items() if entry.run.cancel == "terminate"]
        return Renewal(lost=tuple(lost), terminate=tuple(terminate))

    def settle(self, settlements: Sequence[Settlement], *, now: Instant, policy: MaintenancePolicy) -> list[Verdict]:
        with self._store.changing(now):
            return [self._settle(settlement, now, policy) for settlement in settlements]

    def _settle(self, settlement: Settlement, now: Instant, policy: MaintenancePolicy) -> Verdict:
        entry = self._store.entries.get(settlement.id)
        if entry is None:
            return Verdict.LOST
        if (entry.owner, entry.fence) != (settlement.owner, settlement.fence):
            return Verdict.REPEATED if entry.settled == settlement else Verdict.LOST
        entry.run = _noted(entry.run, entry.attempt, settlement)
        for gate, by in settlement.widens.items():
            self._store.widen(gate, by)
        match settlement.outcome:
            case Reported(state=state, meta=meta, progress=progress):
                run = entry.run
                entry.run = replace(
                    run,
                    state=state or run.state,
                    changed=now if state else run.changed,
                    meta=run.meta if meta is None else meta,
                    progress=progress or run.progress,
                )
            case Retried(message=message, error=error):
                due = now if message.eta is None else message.eta
                run = replace(entry.run, message=message, error=error)
                self._store.put_back(entry, run, State.RETRY, now, due=due)
            case Replaced(message=message):
                due = now if message.eta is None else message.eta
                self._store.put_back(entry, replace(entry.run, message=message), State.PENDING, now, due=due)
            case Released(delay=delay):
                self._store.give_back(entry, now, delay=delay)
            case Crashed(error=error):
                self._store.crash(entry, error, now, policy, ended=settlement.ended)
            case outcome:
                result = outcome.result if isinstance(outcome, Succeeded) else None
                self._store.end(
                    entry, ENDS[type(outcome)], now, error=error_of(outcome), result=result, ended=settlement.ended
                )
                if settlement.message is not None:
                    entry.run = replace(entry.run, message=settlement.message)
        if not isinstance(settlement.outcome, Reported):
            entry.settled, entry.keep = settlement, settlement.keep
        self._store.put(settlement.follow_ups, now)
        if isinstance(settlement.outcome, Succeeded):
            value = settlement.value or settlement.outcome.result or NULL
            for join in settlement.joins:
                self._store.arrive(join, settlement.id, value, now)
        return Verdict.RECORDED

    def maintain(self, *, now: Instant, policy: MaintenancePolicy, dead: Sequence[DeadOwner] = ()) -> Maintenance:
        with self._store.changing(now):
            return maintain(self._store, now, policy, dead)


class Room:
    """What a claim may still take of the tasks that have a limit, and of the keys that have a slot."""

    def __init__(self, store: Store, limits: Mapping[str, Limit], now: Instant) -> None:
        self._store = store
        self._limits = limits
        self._now = now
        self._tokens: dict[str, float] = {}
        self._running: Counter[str] = Counter()
        self._slots: dict[str, int] = {}
        if any(limit.running is not None for limit in limits.values()):
            held = (entry for owner in store.owners.values() for entry in owner.held.values())
            self._running.update(entry.message.task for entry in held)

    def for_task(self, entry: Entry) -> bool:
        limit = self._limits.get(entry.message.task)
        if limit is None:
            return True
        if limit.running is not None and self._running[entry.message.task] >= limit.running:
            return False
        return limit.rate is None or self._left(limit) >= 1

    def for_slot(self, entry: Entry) -> bool:
        slot = entry.message.slot
        if slot is None:
            return True
        taken = self._slots.setdefault(slot.key, self._store.in_slot(slot.key))
        return taken < slot.size

    def take(self, entry: Entry) -> None:
        limit, slot = self._limits.get(entry.message.task), entry.message.slot
        self._running[entry.message.task] += 1
        if limit is not None and limit.rate is not None:
            self._tokens[limit.bucket] = self._left(limit) - 1
        if slot is not None:
            self._slots[slot.key] += 1

    def close(self) -> None:
        """Remember what the buckets have left."""
        self._store.buckets.update({bucket: (left, self._now) for bucket, left in self._tokens.items()})

    def _left(self, limit: Limit) -> float:
        """Return what a bucket has left now; it is full when it was never used, or not for long."""
        left, at = self._store.buckets.get(limit.bucket, (float(limit.burst), self._now))
        held = refilled(left, at, self._now, rate=limit.rate or 0.0, burst=limit.burst)
        return self._tokens.setdefault(limit.bucket, held)


def _noted(run: Run, attempt: int, settlement: Settlement) -> Run:
    """Return the run with what the settlement tells of the attempt."""
    outcome = settlement.outcome
    unstarted = isinstance(outcome, Released) and settlement.started is None
    if not isinstance(outcome, Reported) and not unstarted:
        run = with_attempt(
            run,
            Attempt(
                number=attempt,
                worker=settlement.worker or run.worker,
                outcome=type(outcome).__name__.lower(),
                started=settlement.started,
                ended=settlement.ended,
                error=error_of(outcome),
            ),
        )
    return replace(
        run,
        worker=settlement.worker or run.worker,
        started=run.started if settlement.started is None else settlement.started,
        logs=settlement.logs or run.logs,
    )
