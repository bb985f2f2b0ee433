"""Messages, from stored to settled, in memory."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from msgspec.structs import replace

from horarium.clock import Instant, Seconds, milliseconds
from horarium.engines.memory.maintain import maintain
from horarium.engines.memory.store import Entry, Owner, Store, with_attempt
from horarium.engines.protocol import DeadOwner, Maintenance, MaintenancePolicy, Member, Renewal
from horarium.errors import OwnerLost
from horarium.message import Delivery, Message
from horarium.outcome import (
    Attempt,
    Crashed,
    Expired,
    Failed,
    Ignored,
    Outcome,
    Rejected,
    Released,
    Reported,
    Retried,
    Revoked,
    Run,
    Settlement,
    State,
    Succeeded,
    Verdict,
    error_of,
)

ENDS: dict[type[Outcome], State] = {
    Succeeded: State.SUCCESS,
    Failed: State.FAILURE,
    Revoked: State.REVOKED,
    Expired: State.EXPIRED,
    Rejected: State.REJECTED,
    Ignored: State.IGNORED,
}


class MemoryQueue:
    def __init__(self, store: Store) -> None:
        self._store = store

    def put(
        self, messages: Sequence[Message], *, now: Instant, visible: Callable[[], None] | None = None
    ) -> list[bool]:
        with self._store.lock:
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
    ) -> list[Delivery]:
        with self._store.lock:
            holder = self._store.owners.get(owner)
            if holder is None or holder.given_up is not None:
                raise OwnerLost(owner)
            batch: list[Entry] = []
            overdue: list[Entry] = []
            for entry in self._store.in_line(queues, now):
                if len(batch) >= limit or (batch and batch[0].crashes):
                    break
                if tasks is not None and entry.message.task not in tasks:
                    continue
                if entry.is_overdue(now):
                    overdue.append(entry)
                elif entry.crashes and batch:
                    break
                else:
                    batch.append(entry)
            for entry in overdue:
                self._store.expire(entry, now)
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
        with self._store.lock:
            return [self._settle(settlement, now, policy) for settlement in settlements]

    def _settle(self, settlement: Settlement, now: Instant, policy: MaintenancePolicy) -> Verdict:
        entry = self._store.entries.get(settlement.id)
        if entry is None:
            return Verdict.LOST
        if (entry.owner, entry.fence) != (settlement.owner, settlement.fence):
            return Verdict.REPEATED if entry.settled == settlement else Verdict.LOST
        entry.run = _noted(entry.run, entry.attempt, settlement)
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
            case Released(delay=delay):
                self._store.give_back(entry, now, delay=delay)
            case Crashed(error=error):
                self._store.crash(entry, error, now, policy, ended=settlement.ended)
            case outcome:
                result = outcome.result if isinstance(outcome, Succeeded) else None
                self._store.end(
                    entry, ENDS[type(outcome)], now, error=error_of(outcome), result=result, ended=settlement.ended
                )
        if not isinstance(settlement.outcome, Reported):
            entry.settled, entry.keep = settlement, settlement.keep
        self._store.put(settlement.follow_ups, now)
        return Verdict.RECORDED

    def maintain(self, *, now: Instant, policy: MaintenancePolicy, dead: Sequence[DeadOwner] = ()) -> Maintenance:
        with self._store.lock:
            return maintain(self._store, now, policy, dead)


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
