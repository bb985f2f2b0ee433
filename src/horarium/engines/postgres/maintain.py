"""The chores: taking back what dead owners hold, ending what is overdue, forgetting what is old."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct

from horarium.clock import Instant, Seconds, milliseconds
from horarium.engines.postgres.aftermath import carry_out, carry_out_dooms, see_to_gates
from horarium.engines.postgres.connection import Store, transaction
from horarium.engines.postgres.moves import Entry, Moves, crash, die, expire, give_back, set_aside_unreadable
from horarium.engines.postgres.rows import readable_member
from horarium.engines.postgres.sql import Database, array
from horarium.engines.postgres.topics import Topics
from horarium.engines.records import (
    FIRING_KEEP,
    JOURNAL_KEPT,
    TOMBSTONE_KEEP,
    DeadOwner,
    Maintenance,
    MaintenancePolicy,
)
from horarium.outcome import Attempt, ErrorRecord, State, told

KEY_LOOK: Seconds = 3600.0  # how often a unique key is looked at; nearly all are forgotten with their holders


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

    def report(self) -> Maintenance:
        return Maintenance(
            returned=self.returned,
            dead=self.dead,
            expired=self.expired,
            forgotten=self.forgotten,
            lapsed=tuple(self.lapsed),
            more=self.more,
        )


def maintain(
    store: Store, topics: Topics, now: Instant, policy: MaintenancePolicy, dead: Sequence[DeadOwner]
) -> Maintenance:
    """Do the chores, each in a transaction of its own; see Queue.maintain.

    None needs to be flushed: what a crash of the server undoes is found and done again. A chore whose answer was
    lost is done once more, and then counts only what was still left to do.
    """
    tally = Tally(policy)
    owners, overdue, old, traces, waiting = store.carry_out(lambda db, again: _look(db, now, policy))
    if owners or dead:
        store.carry_out(lambda db, again: _take_back_from_lost(db, topics, now, policy, dead, tally))
    if overdue:
        store.carry_out(lambda db, again: _end_overdue(db, topics, now, tally))
    if waiting or owners or dead or overdue:
        store.carry_out(lambda db, again: _see_to_blocked(db, topics, now, tally))
    if old:
        store.carry_out(lambda db, again: _forget_old(db, now, policy, tally))
    most = policy.most
    if most is not None and tally.left:
        store.carry_out(lambda db, again: _forget_surplus(db, most, tally))
    if traces:
        store.carry_out(lambda db, again: _sweep_up(db, now, policy))
    if not tally.left:  # the bound was met: was that all?
        owners, overdue, old, _, waiting = store.carry_out(lambda db, again: _look(db, now, policy))
        tally.more = owners or overdue or old or waiting
        tally.more = tally.more or (most is not None and store.carry_out(lambda db, again: _surplus(db, most)) > 0)
    return tally.report()


def _look(db: Database, now: Instant, policy: MaintenancePolicy) -> tuple[bool, bool, bool, bool, bool]:
    ((owners, overdue, old, traces, waiting),) = db.fetch(
        "chores",
        now=now,
        keep=milliseconds(policy.keep),
        buried=now - milliseconds(TOMBSTONE_KEEP),
        fired=now - milliseconds(FIRING_KEEP),
        looked=now - milliseconds(KEY_LOOK),
        journal=JOURNAL_KEPT,
    )
    return owners, overdue, old, traces, waiting


def _take_back_from_lost(
    db: Database, topics: Topics, now: Instant, policy: MaintenancePolicy, dead: Sequence[DeadOwner], tally: Tally
) -> None:
    """Give up the dead and the lapsed, and put back what they hold."""

    def work(moves: Moves) -> list[Entry]:
        if dead:
            db.run("give_up", owners=array(sorted({each.owner for each in dead})), now=now)
        lapsed.extend(owner for (owner,) in db.fetch("lapse", now=now))
        losses = [*_known(moves, dead), *_presumed(moves, {each.owner for each in dead}, now)]
        # What ran comes last: should the bound cut it off, the next call still knows that it ran.
        lost = [(entry, loss) for loss in losses for entry in sorted(loss.held, key=loss.was_running)]
        for entry, loss in lost[: tally.left]:
            _take_back(moves, entry, loss, policy)
        return [entry for entry, _ in lost[: tally.left]]

    lapsed: list[str] = []
    moved = carry_out(db, now, topics, work, durable=False, dooms=False)
    tally.lapsed = lapsed
    tally.left -= len(moved)
    tally.returned += sum(entry.state in (State.PENDING, State.RETRY) for entry in moved)
    tally.dead += sum(entry.state == State.DEAD for entry in moved)


def _known(moves: Moves, dead: Sequence[DeadOwner]) -> Iterator[Loss]:
    if not dead:
        return
    asked = array({each.owner for each in dead})
    names: dict[str, str] = dict(moves.db.fetch("known_owners", owners=asked))
    held = _held_by(moves, asked)
    for each in dead:
        if each.owner in names:
            yield Loss(names[each.owner], held.pop(each.owner, []), frozenset(each.running), each.error, True)


def _presumed(moves: Moves, known: set[str], now: Instant) -> Iterator[Loss]:
    """Yield the losses of owners, given up or lapsed, of whose end nobody told."""
    lost = [row for row in moves.db.fetch("lost_owners") if row[0] not in known]
    held = _held_by(moves, array(row[0] for row in lost)) if lost else {}
    for owner, name, seen, member in lost:
        theirs = held.get(owner, [])
        reported = frozenset(running.id for running in readable_member(member, owner=owner, name=name).running)
        error = told("WorkerLostError", f"{name} was last heard of {(now - seen) / 1000:g} s ago; its lease has lapsed")
        is_known = any(entry.id in reported for entry in theirs)
        yield Loss(name, theirs, reported if is_known else None, error, False)


def _held_by(moves: Moves, owners: str) -> dict[str, list[Entry]]:
    held: dict[str, list[Entry]] = {}
    for entry in moves.read(moves.db.fetch("entries_held", owners=owners)):
        held.setdefault(entry.owner or "", []).append(entry)
    return held


def _take_back(moves: Moves, entry: Entry, loss: Loss, policy: MaintenancePolicy) -> None:
    if set_aside_unreadable(moves, entry):  # whoever claimed it ended before it could do so
        return
    was_running = loss.was_running(entry)
    if was_running and loss.error is not None:
        _note_crash(entry, loss.error, moves.now)
        crash(moves, entry, loss.error, policy)
    elif entry.message.at_most_once and entry.cancel is None and (was_running or not loss.is_certain):
        error = loss.error or told("WorkerLostError", f"{loss.name} ended while it ran; it may be started only once")
        _note_crash(entry, error, moves.now)
        die(moves, entry, error)
    else:
        give_back(moves, entry)


def _note_crash(entry: Entry, error: ErrorRecord, now: Instant) -> None:
    entry.note(
        Attempt(
            number=entry.attempt, worker=entry.worker, outcome="crashed", started=entry.started, ended=now, error=error
        )
    )


def _end_overdue(db: Database, topics: Topics, now: Instant, tally: Tally) -> None:
    def work(moves: Moves) -> int:
        entries = moves.read(db.fetch("entries_overdue", now=now, limit=tally.left))
        for entry in entries:
            expire(moves, entry)
        return len(entries)

    expired = carry_out(db, now, topics, work, durable=False, dooms=False)
    tally.expired += expired
    tally.left -= expired


def _see_to_blocked(db: Database, topics: Topics, now: Instant, tally: Tally) -> None:
    """Carry out what was released or doomed by somebody who ended before he could do so."""
    doomed = carry_out_dooms(db, now, topics, limit=tally.left)
    tally.left = max(0, tally.left - doomed)
    with transaction(db, durable=False):
        db.run("drop_strays", limit=tally.left)
    gates = [id for (id,) in db.fetch("pending_gates", limit=tally.left)]
    see_to_gates(db, now, topics, gates)
    tally.left -= len(gates)


def _forget_old(db: Database, now: Instant, policy: MaintenancePolicy, tally: Tally) -> None:
    with transaction(db, durable=False):
        forgotten = db.change("forget_old", before=now - milliseconds(policy.keep), limit=tally.left)
        forgotten += db.change("forget_kept", now=now, limit=tally.left - forgotten)
    tally.forgotten += forgotten
    tally.left -= forgotten


def _surplus(db: Database, most: int) -> int:
    ((found,),) = db.fetch("count_surplus", most=most)
    return max(0, int(found))


def _forget_surplus(db: Database, most: int, tally: Tally) -> None:
    """Each statement counts again, in the snapshot in which it removes; so the second is left out where the first has
    removed all."""
    surplus = min(_surplus(db, most), tally.left)
    for statement in ("forget_surplus", "forget_surplus_kept"):
        if surplus <= 0:
            return
        with transaction(db, durable=False):
            forgotten = db.change(statement, most=most, limit=tally.left)
        tally.forgotten += forgotten
        tally.left -= forgotten
        surplus -= forgotten


def _sweep_up(db: Database, now: Instant, policy: MaintenancePolicy) -> None:
    """Drop what only had to be remembered for a while."""
    with transaction(db, durable=False):
        db.run("bury_owners", buried=now - milliseconds(TOMBSTONE_KEEP))
        db.run("prune_firings", fired=now - milliseconds(FIRING_KEEP), limit=policy.batch)
        db.run("prune_keys", now=now, before=now - milliseconds(KEY_LOOK), limit=policy.batch)
        db.run("prune_notes", now=now, limit=policy.batch)
        db.run("prune_journal", kept=JOURNAL_KEPT)
