"""Transactions of moves, and what they bring about for those that wait behind gates.

Arrivals and dooms are recorded in the transaction that settles (or ends) a message; here they are carried out, in short
transactions of their own behind it, which need no flush: what a crash undoes is found by the next maintain. So the
members of a chord never wait for each other's flushes, and a chain of any length ends without recursion.

A transaction here locks blocked messages only, in the order of ids, and then what comes later in the workflow.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TypeVar

import msgspec
from msgspec import Raw
from psycopg.errors import LockNotAvailable

from horarium.clock import Instant, Seconds, milliseconds
from horarium.engines.postgres.connection import transaction
from horarium.engines.postgres.moves import Moves, end, release, set_aside_unreadable
from horarium.engines.postgres.rows import GATED
from horarium.engines.postgres.sql import Database, array
from horarium.engines.postgres.topics import Topics
from horarium.engines.records import RESULT_TOPIC, SCHEDULE_TOPIC
from horarium.outcome import ENDS, error_of
from horarium.workflow.gates import Doom, doomed

T = TypeVar("T")

DOOMED_AT_ONCE = 1000  # messages ended by one transaction
DOOMING = 10  # such transactions of one call; what is left is maintain's
LOCK_PATIENCE: Seconds = 1.0  # for whoever holds a blocked message; a caller's transaction may do so for long

_decode_doom = msgspec.json.Decoder(Doom).decode


def carry_out(
    db: Database, now: Instant, topics: Topics, work: Callable[[Moves], T], *, durable: bool = True, dooms: bool = True
) -> T:
    """Do ``work`` and write what it moved, all or nothing; then see to those whose waiting became vain by it (unless
    ``dooms`` is false: the caller does), and wake whoever waits for what was released."""
    with transaction(db, durable=durable):
        moves = Moves(db, now)
        result = work(moves)
        moves.write()
        if moves.news.tell(db, now):
            moves.topics.add(SCHEDULE_TOPIC)
    topics.announce(db, moves.topics)
    if moves.has_doomed and dooms:
        carry_out_dooms(db, now, topics)
    return result


def see_to_gates(db: Database, now: Instant, topics: Topics, ids: Collection[str]) -> None:
    """Count what has arrived at these gates, and release whoever waited for it last. What cannot be locked for now is
    left to the next maintain."""
    if not ids:
        return
    with suppress(LockNotAvailable):
        with db.connection.pipeline(), _brief(db):  # three round trips, where nothing is opened
            moves = Moves(db, now)
            release_open(moves, ids)
            moves.write()
            moves.news.tell(db, now)
        topics.announce(db, moves.topics)
        if moves.has_doomed:
            carry_out_dooms(db, now, topics)


def release_open(moves: Moves, ids: Collection[str]) -> None:
    """Count what has arrived at gates, inside of a transaction, and release whoever waited for it last."""
    asked = array(sorted(ids))
    with moves.db.connection.pipeline():
        moves.db.run("lock_blocked", ids=asked)
        moves.db.run("lock_gates", ids=asked)
        counted = moves.db.run("count_arrivals", ids=asked)
    numbers: dict[str, int] = dict(counted.fetchall())
    if not numbers:
        return
    values: dict[int, list[Raw]] = {}
    for number, value in moves.db.fetch("arrivals", numbers=array(numbers.values())):
        values.setdefault(number, []).append(Raw(value.encode()))
    for entry in moves.entries(numbers):
        if entry.owner == GATED and not set_aside_unreadable(moves, entry):
            release(moves, entry, values.get(numbers[entry.id], []))


def carry_out_dooms(db: Database, now: Instant, topics: Topics, *, limit: int = DOOMED_AT_ONCE * DOOMING) -> int:
    """End the blocked messages that wait in vain, and those that wait for them, up to a bound; return how many dooms
    were taken up. What somebody else is ending, or has locked, is left."""
    left = limit
    with suppress(LockNotAvailable):
        while left > 0:
            with _brief(db):
                moves = Moves(db, now)
                taken = _end_doomed(moves, min(left, DOOMED_AT_ONCE))
                moves.write()
                if moves.news.tell(db, now):
                    moves.topics.add(SCHEDULE_TOPIC)
            topics.announce(db, moves.topics)
            left -= taken
            if not taken:
                break
    return limit - left


def _end_doomed(moves: Moves, limit: int) -> int:
    rows = sorted(moves.db.fetch("take_dooms", limit=limit))
    wave = [(id, _decode_doom(doom)) for _, id, doom in rows]
    taken = 0
    while wave and taken < limit:  # what the last wave dooms beyond that is recorded again
        taken += len(wave)
        _end_wave(moves, wave)
        if taken < limit:
            wave, moves.dooms = moves.dooms, []
    return taken


def _end_wave(moves: Moves, wave: Sequence[tuple[str, Doom]]) -> None:
    entries = {entry.id: entry for entry in moves.entries(id for id, _ in wave)}
    for id, doom in wave:
        entry = entries.get(id)
        if entry is None or entry.owner != GATED or set_aside_unreadable(moves, entry):
            continue
        outcome, follows = doomed(entry.message, doom, now=moves.now)
        end(moves, entry, ENDS[type(outcome)], error=error_of(outcome))
        moves.put(follows)
        moves.topics.add(RESULT_TOPIC)


@contextmanager
def _brief(db: Database) -> Iterator[None]:
    """A transaction that needs no flush, and waits for no lock for long."""
    with transaction(db, durable=False):
        db.connection.execute(f"SET LOCAL lock_timeout = {milliseconds(LOCK_PATIENCE)}")
        yield
