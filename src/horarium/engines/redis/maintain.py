"""The chores: taking back what dead owners hold, ending what is overdue, forgetting what is old."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct

from horarium.clock import Instant, milliseconds
from horarium.engines.records import FIRING_KEEP, TOMBSTONE_KEEP, DeadOwner, Maintenance, MaintenancePolicy
from horarium.engines.redis.commit import carry_out, commit
from horarium.engines.redis.connection import Store
from horarium.engines.redis.gates import left_behind
from horarium.engines.redis.move import Move
from horarium.engines.redis.moves import crash, die, expire, forget, give_back, is_readable, note, set_aside
from horarium.engines.redis.rows import HELD, WAITING, Entry, readable_member, to_entry
from horarium.outcome import Attempt, ErrorRecord, State, told


class Loss(Struct, frozen=True):
    """What is known of an owner that is gone. ``is_certain``: what was not running was never started.

    ``running`` None: its last report names nothing that it still holds, so all of it may have been running.
    """

    owner: str
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
        self.became: list[str | None] = []  # what those taken back became
        self.expired = 0
        self.forgotten = 0
        self.lapsed: list[str] = []
        self.more = False


def maintain(store: Store, now: Instant, policy: MaintenancePolicy, dead: Sequence[DeadOwner]) -> Maintenance:
    """Do the chores in bounded steps; see Queue.maintain."""
    lapsed, owing, overdue, old, turned, traces = _look_round(store, now, policy)
    tally = Tally(policy)
    if lapsed or owing or dead:
        _take_back_from_lost(store, now, policy, dead, tally)
    if overdue:
        _end_overdue(store, now, tally)
    if turned and tally.left > 0:
        found = left_behind(store, tally.left)
        carry_out(store, found, now)
        tally.left -= len(found)
    surplus = 0
    if old or policy.most is not None:
        surplus = _forget_old(store, now, policy, tally)
    if traces:
        bury, prune = now - milliseconds(TOMBSTONE_KEEP), now - milliseconds(FIRING_KEEP)
        store.call("sweep", [bury, prune, policy.batch, now])
    if tally.left <= 0:  # the bound was met: was that all?
        tally.more = any(_look_round(store, now, policy)[:5])
    tally.more = tally.more or surplus > 0
    return Maintenance(
        returned=tally.became.count(State.PENDING) + tally.became.count(State.RETRY),
        dead=tally.became.count(State.DEAD),
        expired=tally.expired,
        forgotten=tally.forgotten,
        lapsed=tuple(tally.lapsed),
        more=tally.more,
    )


def held_by(store: Store, owner: str) -> tuple[bytes | None, Instant, list[Entry]]:
    """Return an owner's member (JSON; None: not known), when it was seen last, and what it holds by turn."""
    member, seen, *held = store.call("held", [owner])
    entries = [
        to_entry(id.decode(), stored, record)
        for id, stored, record in zip(held[::3], held[1::3], held[2::3], strict=True)
        if stored is not None
    ]
    entries.sort(key=lambda entry: entry.turn)
    return member, int(seen.partition(b";")[0]) if seen else 0, entries


def _look_round(store: Store, now: Instant, policy: MaintenancePolicy) -> list[int]:
    found: list[int] = store.call(
        "chores",
        [
            now,
            now - milliseconds(policy.keep),
            now - milliseconds(TOMBSTONE_KEEP),
            now - milliseconds(FIRING_KEEP),
        ],
    )
    return found


def _take_back_from_lost(
    store: Store, now: Instant, policy: MaintenancePolicy, dead: Sequence[DeadOwner], tally: Tally
) -> None:
    """Give up the dead and the lapsed, and put back what they hold."""
    lapsed = store.call("give_up", [now, "lapsed", *(each.owner for each in dead)])
    tally.lapsed = [owner.decode() for owner in lapsed]
    for loss in [*_known(store, dead), *_presumed(store, {each.owner for each in dead}, now)]:
        # What ran comes last: should the bound cut it off, the next call still knows that it ran.
        held = sorted(loss.held, key=loss.was_running)[: max(0, tally.left)]
        tally.left -= len(held)
        _take_back(store, held, loss, now, policy, tally)


def _known(store: Store, dead: Sequence[DeadOwner]) -> Iterator[Loss]:
    for each in dead:
        member, _, held = held_by(store, each.owner)
        if member is not None:
            name = readable_member(member, owner=each.owner).name
            yield Loss(each.owner, name, held, frozenset(each.running), each.error, True)


def _presumed(store: Store, known: set[str], now: Instant) -> Iterator[Loss]:
    """Yield the losses of owners, given up or lapsed, of whose end nobody told."""
    for owner in sorted(owner.decode() for owner in store.ask("SMEMBERS", f"{store.prefix}owing")):
        if owner in known:
            continue
        text, seen, held = held_by(store, owner)
        if not held:  # it has settled the last of it in the meantime, and will never claim again
            store.ask("SREM", f"{store.prefix}owing", owner)
            continue
        member = readable_member(text, owner=owner)
        reported = frozenset(running.id for running in member.running)
        error = told(
            "WorkerLostError", f"{member.name} was last heard of {(now - seen) / 1000:g} s ago; its lease has lapsed"
        )
        is_known = any(entry.id in reported for entry in held)
        yield Loss(owner, member.name, held, reported if is_known else None, error, False)


def _take_back(
    store: Store, held: Sequence[Entry], loss: Loss, now: Instant, policy: MaintenancePolicy, tally: Tally
) -> None:
    strange = {entry.id for entry in held if entry.record.phase != HELD}  # in its hands, but its record does not say so

    def decide(entry: Entry) -> Move | None:
        if entry.record.phase != HELD or entry.record.owner != loss.owner:
            entry.is_damaged = entry.is_damaged or entry.id in strange
            return set_aside(entry, loss.owner, now) if entry.is_damaged else None  # None: somebody else was faster
        return _taken_back(entry, loss, now, policy)

    made = commit(store, [entry.id for entry in held], decide, now)
    tally.became += [move.to for move in made.values()]


def _taken_back(entry: Entry, loss: Loss, now: Instant, policy: MaintenancePolicy) -> Move:
    if not is_readable(entry):  # whoever claimed it ended before it could set it aside
        return set_aside(entry, loss.owner, now)
    was_running = loss.was_running(entry)
    if was_running and loss.error is not None:
        _note_crash(entry, loss.error, now)
        return crash(entry, loss.error, now, policy)
    may_have_started = was_running or not loss.is_certain
    if entry.message.at_most_once and entry.record.cancel is None and may_have_started:
        error = loss.error or told("WorkerLostError", f"{loss.name} ended while it ran; it may be started only once")
        _note_crash(entry, error, now)
        return die(entry, error, now)
    return give_back(entry, now)


def _note_crash(entry: Entry, error: ErrorRecord, now: Instant) -> None:
    record = entry.record
    note(
        entry,
        Attempt(
            number=record.attempt,
            worker=record.worker,
            outcome="crashed",
            started=record.tail.started,
            ended=now,
            error=error,
        ),
    )


def _end_overdue(store: Store, now: Instant, tally: Tally) -> None:
    limit = max(0, tally.left)
    found = store.ask("ZRANGEBYSCORE", f"{store.prefix}exp", "-inf", now, "LIMIT", 0, limit) if limit else []
    tally.expired = end_overdue(store, [id.decode() for id in found], now)
    tally.left -= len(found)


def end_overdue(store: Store, ids: Sequence[str], now: Instant) -> int:
    """End waiting messages that are past their expires; return how many that were."""

    def decide(entry: Entry) -> Move | None:
        if entry.record.phase != WAITING:
            return None
        if not is_readable(entry):  # nobody knows its line; the claim that meets it sets it aside
            return Move(id=entry.id, guard=entry.guard, unexpire=True)
        expires = entry.message.expires
        return expire(entry, now) if expires is not None and expires <= now else None

    return sum(move.to is not None for move in commit(store, ids, decide, now).values())


def _forget_old(store: Store, now: Instant, policy: MaintenancePolicy, tally: Tally) -> int:
    """Forget what is old, and what is too much; return how much of that is left."""
    most = "" if policy.most is None else policy.most
    plain, left, surplus = store.call("forget", [now, now - milliseconds(policy.keep), max(0, tally.left), most])
    made = commit(store, [id.decode() for id in left], forget, now)
    tally.forgotten = plain + len(made)
    tally.left -= plain + len(left)
    return int(surplus)
