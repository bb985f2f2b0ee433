"""The chores of the memory engine, one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from msgspec import Struct

from horarium.clock import Instant, milliseconds
from horarium.engines.memory.store import Entry, Owner, Store, with_attempt
from horarium.engines.records import FIRING_KEEP, TOMBSTONE_KEEP, DeadOwner, Maintenance, MaintenancePolicy
from horarium.outcome import Attempt, ErrorRecord, State, told

T = TypeVar("T")


class Loss(Struct, frozen=True):
    """What is known of an owner that is gone. ``is_certain``: what was not running was never started."""

    owner: Owner
    running: frozenset[str]
    error: ErrorRecord | None
    is_certain: bool


class Budget:
    """How much one call may still touch, and whether that was too little."""

    def __init__(self, size: int) -> None:
        self.left = size
        self.is_exceeded = False

    def take(self, items: list[T]) -> list[T]:
        taken = items[: self.left]
        self.left -= len(taken)
        self.is_exceeded = self.is_exceeded or len(taken) < len(items)
        return taken


def maintain(store: Store, now: Instant, policy: MaintenancePolicy, dead: Sequence[DeadOwner]) -> Maintenance:
    """Do the chores; see Queue.maintain. The caller holds the lock."""
    budget = Budget(policy.batch)
    losses = _known_losses(store, dead)
    lapsed = [owner for owner in store.owners.values() if owner.given_up is None and owner.lease_until <= now]
    lapsed = [owner for owner in lapsed if all(loss.owner is not owner for loss in losses)]
    losses += _presumed_losses(store, {loss.owner.member.owner for loss in losses}, now)
    for owner in [*(loss.owner for loss in losses), *lapsed]:
        owner.given_up = now if owner.given_up is None else owner.given_up
    taken = budget.take([(entry, loss) for loss in losses for entry in loss.owner.held.values()])
    for entry, loss in taken:
        _take_back(store, entry, loss, now, policy)
    became = [entry.run.state for entry, _ in taken]  # noted now: one that was put back may expire below
    overdue = budget.take([entry for entry in store.entries.values() if entry.is_waiting and entry.is_overdue(now)])
    for entry in overdue:
        store.expire(entry, now)
    old = budget.take([entry for entry in store.entries.values() if _is_old(entry, now, policy)])
    old += budget.take(_surplus(store, old, policy))
    for entry in old:
        store.forget(entry)
    _sweep_up(store, now)
    return Maintenance(
        returned=became.count(State.PENDING) + became.count(State.RETRY),
        dead=became.count(State.DEAD),
        expired=len(overdue),
        forgotten=len(old),
        lapsed=tuple(owner.member.owner for owner in lapsed),
        more=budget.is_exceeded,
    )


def _known_losses(store: Store, dead: Sequence[DeadOwner]) -> list[Loss]:
    return [
        Loss(store.owners[each.owner], frozenset(each.running), each.error, True)
        for each in dead
        if each.owner in store.owners
    ]


def _presumed_losses(store: Store, known: set[str], now: Instant) -> list[Loss]:
    """Return those of the owners, given up or lapsed, of whose end nobody told."""
    losses = []
    for name, owner in store.owners.items():
        if name in known or owner.is_alive(now):
            continue
        reported = {running.id for running in owner.member.running} & owner.held.keys()
        error = told(
            "WorkerLostError",
            f"{owner.member.name} was last heard of {(now - owner.seen) / 1000:g} s ago; its lease has lapsed",
        )
        losses.append(Loss(owner, frozenset(reported or owner.held), error, False))
    return losses


def _take_back(store: Store, entry: Entry, loss: Loss, now: Instant, policy: MaintenancePolicy) -> None:
    was_running = entry.run.id in loss.running
    if was_running and loss.error is not None:
        _note_crash(entry, loss.error, now)
        store.crash(entry, loss.error, now, policy)
    elif entry.message.at_most_once and entry.run.cancel is None and (was_running or not loss.is_certain):
        error = loss.error or told(
            "WorkerLostError", f"{loss.owner.member.name} ended while it ran; it may be started only once"
        )
        _note_crash(entry, error, now)
        store.die(entry, error, now)
    else:
        store.give_back(entry, now)


def _note_crash(entry: Entry, error: ErrorRecord, now: Instant) -> None:
    run = entry.run
    attempt = Attempt(
        number=entry.attempt, worker=run.worker, outcome="crashed", started=run.started, ended=now, error=error
    )
    entry.run = with_attempt(run, attempt)


def _is_old(entry: Entry, now: Instant, policy: MaintenancePolicy) -> bool:
    keep = policy.keep if entry.keep is None else entry.keep
    return entry.run.has_ended and entry.run.changed + milliseconds(keep) <= now


def _surplus(store: Store, old: Sequence[Entry], policy: MaintenancePolicy) -> list[Entry]:
    """Return what is too much of the runs that have ended, besides the old ones, in the order in which it goes."""
    if policy.most is None:
        return []
    gone = {entry.run.id for entry in old}
    ended = [entry for entry in store.entries.values() if entry.run.has_ended and entry.run.id not in gone]
    ended.sort(key=lambda entry: (entry.keep is not None, entry.run.changed + milliseconds(entry.keep or 0)))
    return ended[: max(0, len(ended) - policy.most)]


def _sweep_up(store: Store, now: Instant) -> None:
    """Drop what only had to be remembered for a while."""
    buried = now - milliseconds(TOMBSTONE_KEEP)
    gone = [name for name, owner in store.owners.items() if owner.given_up is not None and owner.given_up <= buried]
    for name in gone:
        if not store.owners[name].held:
            del store.owners[name]
    fired = now - milliseconds(FIRING_KEEP)
    store.notes = {key: note for key, note in store.notes.items() if note.expires is None or now < note.expires}
    store.firings = {firing for firing in store.firings if firing[1] > fired}
