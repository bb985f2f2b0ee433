"""The chores: taking back what dead owners hold, ending what is overdue, forgetting what is old."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct

from horarium.clock import Instant, milliseconds
from horarium.engines.records import (
    FIRING_KEEP,
    JOURNAL_KEPT,
    TOMBSTONE_KEEP,
    DeadOwner,
    Maintenance,
    MaintenancePolicy,
)
from horarium.engines.sqlite.connection import Connection, Store
from horarium.engines.sqlite.moves import Entry, crash, die, entries, expire, give_back, set_aside_unreadable
from horarium.engines.sqlite.rows import readable_member
from horarium.engines.sqlite.sql import change, fetch
from horarium.outcome import Attempt, ErrorRecord, State, told


class Loss(Struct, frozen=True):
    """What is known of an owner that is gone. ``is_certain``: what was not running was never started.

    ``running`` None: its last report names nothing that it still holds, so all of it may have been running.
    """

    name: str
    held: list[Entry]
    running: frozenset[str] | None
    error: ErrorRecord | None
    is_certain: bool

    def was_running(self, entry: Entry) -> bool:
        return self.running is None or entry.id in self.running


class Tally:
    """What one call has done, and how much it may still touch."""

    def __init__(self, policy: MaintenancePolicy) -> None:
        self.left = policy.batch
        self.returned = self.dead = self.expired = self.forgotten = 0
        self.lapsed: list[str] = []
        self.more = False


def maintain(store: Store, now: Instant, policy: MaintenancePolicy, dead: Sequence[DeadOwner]) -> Maintenance:
    """Do the chores, each in a transaction of its own; see Queue.maintain.

    None of them needs to be flushed: what a power loss undoes is found and done again.
    """
    with store.read() as db:
        owners, overdue, old, traces = _look(db, now, policy)
    tally = Tally(policy)
    if owners or dead:
        _take_back_from_lost(store, now, policy, dead, tally)
    if overdue:
        _end_overdue(store, now, tally)
    if old:
        _forget_old(store, now, policy, tally)
    if policy.most is not None and tally.left:
        _forget_surplus(store, policy.most, tally)
    if traces:
        _sweep_up(store, now, policy)
    if not tally.left:  # the bound was met: was that all?
        with store.read() as db:
            tally.more = any(_look(db, now, policy)[:3]) or bool(_surplus(db, policy.most))
    return Maintenance(
        returned=tally.returned,
        dead=tally.dead,
        expired=tally.expired,
        forgotten=tally.forgotten,
        lapsed=tuple(tally.lapsed),
        more=tally.more,
    )


def _look(db: Connection, now: Instant, policy: MaintenancePolicy) -> tuple[int, int, int, int]:
    values = {
        "now": now,
        "keep": milliseconds(policy.keep),
        "buried": now - milliseconds(TOMBSTONE_KEEP),
        "fired": now - milliseconds(FIRING_KEEP),
        "journal": JOURNAL_KEPT,
    }
    owners, overdue, old, traces = fetch(db, "chores", values)[0]
    return owners, overdue, old, traces


def _take_back_from_lost(
    store: Store, now: Instant, policy: MaintenancePolicy, dead: Sequence[DeadOwner], tally: Tally
) -> None:
    """Give up the dead and the lapsed, and put back what they hold."""
    with store.write("never") as db:
        for each in dead:
            change(db, "give_up", {"owner": each.owner, "now": now})
        tally.lapsed = [owner for (owner,) in fetch(db, "lapse", {"now": now})]
        for loss in [*_known(db, dead), *_presumed(db, {each.owner for each in dead}, now)]:
            # What ran comes last: should the bound cut it off, the next call still knows that it ran.
            for entry in sorted(loss.held, key=loss.was_running):
                if not tally.left:
                    return
                tally.left -= 1
                _take_back(db, entry, loss, now, policy)
                tally.returned += entry.state in (State.PENDING, State.RETRY)
                tally.dead += entry.state == State.DEAD


def _known(db: Connection, dead: Sequence[DeadOwner]) -> Iterator[Loss]:
    for each in dead:
        for name, _ in fetch(db, "owner", {"owner": each.owner}):
            held = list(entries(db, "entries_held", {"owner": each.owner}))
            yield Loss(name, held, frozenset(each.running), each.error, True)


def _presumed(db: Connection, known: set[str], now: Instant) -> Iterator[Loss]:
    """Yield the losses of owners, given up or lapsed, of whose end nobody told."""
    for owner, name, seen, member in fetch(db, "lost_owners"):
        if owner in known:
            continue
        held = list(entries(db, "entries_held", {"owner": owner}))
        reported = frozenset(running.id for running in readable_member(member, owner=owner, name=name).running)
        error = told("WorkerLostError", f"{name} was last heard of {(now - seen) / 1000:g} s ago; its lease has lapsed")
        is_known = any(entry.id in reported for entry in held)
        yield Loss(name, held, reported if is_known else None, error, False)


def _take_back(db: Connection, entry: Entry, loss: Loss, now: Instant, policy: MaintenancePolicy) -> None:
    if set_aside_unreadable(db, entry, now):  # whoever claimed it ended before it could do so
        return
    was_running = loss.was_running(entry)
    if was_running and loss.error is not None:
        _note_crash(entry, loss.error, now)
        crash(db, entry, loss.error, now, policy)
    elif entry.message.at_most_once and entry.cancel is None and (was_running or not loss.is_certain):
        error = loss.error or told("WorkerLostError", f"{loss.name} ended while it ran; it may be started only once")
        _note_crash(entry, error, now)
        die(db, entry, error, now)
    else:
        give_back(db, entry, now)


def _note_crash(entry: Entry, error: ErrorRecord, now: Instant) -> None:
    entry.note(
        Attempt(
            number=entry.attempt, worker=entry.worker, outcome="crashed", started=entry.started, ended=now, error=error
        )
    )


def _end_overdue(store: Store, now: Instant, tally: Tally) -> None:
    with store.write("never") as db:
        for entry in entries(db, "entries_overdue", {"now": now, "limit": tally.left}):
            expire(db, entry, now)
            tally.expired += 1
    tally.left -= tally.expired


def _forget_old(store: Store, now: Instant, policy: MaintenancePolicy, tally: Tally) -> None:
    before = now - milliseconds(policy.keep)
    with store.write("never") as db:
        tally.forgotten = change(db, "forget_old", {"before": before, "limit": tally.left})
        tally.forgotten += change(db, "forget_kept", {"now": now, "limit": tally.left - tally.forgotten})
    tally.left -= tally.forgotten


def _surplus(db: Connection, most: int | None) -> int:
    return 0 if most is None else max(0, fetch(db, "count_surplus", {"most": most})[0][0])


def _forget_surplus(store: Store, most: int, tally: Tally) -> None:
    with store.read() as db:
        if not _surplus(db, most):
            return
    with store.write("never") as db:
        surplus = min(_surplus(db, most), tally.left)
        for statement in ("forget_surplus", "forget_surplus_kept"):
            forgotten = change(db, statement, {"limit": surplus}) if surplus else 0
            tally.forgotten += forgotten
            tally.left -= forgotten
            surplus -= forgotten


def _sweep_up(store: Store, now: Instant, policy: MaintenancePolicy) -> None:
    """Drop what only had to be remembered for a while."""
    with store.write("never") as db:
        change(db, "bury_owners", {"buried": now - milliseconds(TOMBSTONE_KEEP)})
        change(db, "prune_notes", (now,))
        change(db, "prune_journal", (JOURNAL_KEPT,))
        change(db, "prune_firings", {"fired": now - milliseconds(FIRING_KEEP), "limit": policy.batch})
