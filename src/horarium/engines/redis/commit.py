"""Moves that are decided here and carried out there: look, decide, commit, and look again at what has changed.

Claims and plain successes, the road of nearly every message, are scripts of their own. Everything else (retries,
crashes, cancelling, chores) needs rules that only Python knows, such as what follows an end. A move names the record
that it was decided on by its digest, and the script carries it out only if that record is still there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

import msgspec

from horarium.clock import Instant
from horarium.engines.redis.connection import Store
from horarium.engines.redis.gates import Turned, carried_out, left_behind, look_at_turned, read_turned
from horarium.engines.redis.intake import pack, put_arguments
from horarium.engines.redis.move import Move
from horarium.engines.redis.rows import Entry, to_entry
from horarium.errors import EngineUnavailable

BATCH = 500  # moves of one script: some 10 ms in which the server answers nobody else
TRIES = 100  # each one means that somebody else has moved that very message in between


Decide: TypeAlias = Callable[[Entry], Move | None]


def look(store: Store, ids: Sequence[str]) -> list[Entry | None]:
    """Look at messages; None for one that is not there."""
    if not ids:
        return []
    found = store.call("look", ids)
    return [
        None if stored is None else to_entry(id, stored, record, blocked)
        for id, stored, record, blocked in zip(ids, found[::3], found[1::3], found[2::3], strict=True)
    ]


def commit(
    store: Store, ids: Iterable[str], decide: Decide, now: Instant, *, turned: list[Turned] | None = None
) -> dict[str, Move]:
    """Make the move of each message, whatever else happens to it meanwhile; ``decide`` is asked anew where it did.

    Each move is all or nothing; one that is None, or whose message is not there, is none. Returns those that were made.
    The gates that they turn are carried out at the end, or added to ``turned`` for the caller to do so.
    """
    chosen = list(dict.fromkeys(ids))
    made: dict[str, Move] = {}
    gates: list[Turned] = [] if turned is None else turned
    was_refused = False
    for start in range(0, len(chosen), BATCH):
        pending = chosen[start : start + BATCH]
        for _ in range(TRIES):
            moves = _decided(look(store, pending), decide)
            done = _carry_out(store, moves, now, "each", gates)
            made |= done
            pending = [move.id for move in moves if move.id not in done]
            if not pending:
                break
            was_refused = True
        else:
            raise restless(store)
    if turned is None:
        carry_out(store, gates, now)
    if was_refused:  # perhaps by our own, whose answer was lost: then nobody was told of what it has turned
        carry_out(store, left_behind(store, BATCH), now)
    return made


def commit_together(
    store: Store,
    ids: Iterable[str],
    decide: Decide,
    now: Instant,
    *,
    absent: Callable[[str], Entry | None] = lambda id: None,
) -> dict[str, Move]:
    """The same, all or nothing for all of them. ``absent`` makes the entry of an id that is not there."""
    chosen = list(dict.fromkeys(ids))
    turned: list[Turned] = []
    for round in range(TRIES):
        found = zip(chosen, look(store, chosen), strict=True)
        moves = _decided([entry or absent(id) for id, entry in found], decide)
        done = _carry_out(store, moves, now, "all", turned)
        if len(done) == len(moves):
            carry_out(store, turned, now)
            if round > 0:
                carry_out(store, left_behind(store, BATCH), now)
            return done
    raise restless(store)


def carry_out(store: Store, turned: Sequence[Turned], now: Instant) -> None:
    """Carry out what has become of gates, and what comes of that."""
    pending, refused = list(turned), 0
    while pending:
        moves = [carried_out(store, each, now) for each in pending[:BATCH]]
        more: list[Turned] = []
        done = _carry_out(store, moves, now, "each", more)
        refused = 0 if done else refused + 1
        if refused == TRIES:
            raise restless(store)
        missed = [move.id for move in moves if move.id not in done]
        if missed:  # by others; or by ourselves, but the answer was lost, and with it what that has turned
            more += [*look_at_turned(store, missed), *left_behind(store, BATCH)]
        pending = list({each.entry.id: each for each in [*pending[BATCH:], *more]}.values())


def _decided(entries: Iterable[Entry | None], decide: Decide) -> list[Move]:
    moves = (decide(entry) for entry in entries if entry is not None)
    return [move for move in moves if move is not None]


def _carry_out(store: Store, moves: list[Move], now: Instant, how: str, turned: list[Turned]) -> dict[str, Move]:
    """Send the moves; return those that were made, and add the gates that they have turned."""
    if not moves:
        return {}
    arguments: list[str | bytes | int] = [now, how, b""]
    told = []
    for move in moves:
        for message in move.follow_ups:
            arguments += put_arguments(message)
        told.append(msgspec.structs.replace(move, puts=len(move.follow_ups), follow_ups=()))
    arguments[2] = pack(told)
    done, gates = store.call("commit", arguments)
    turned += read_turned(store, gates)
    return {move.id: move for move, is_done in zip(moves, done, strict=True) if is_done}


def restless(store: Store) -> EngineUnavailable:
    return EngineUnavailable(
        f"expected the store {store.address.url} to leave a message alone for a moment, but it changed {TRIES} times "
        "between a look and a move; try again"
    )
