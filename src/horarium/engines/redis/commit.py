"""Moves that are decided here and carried out there: look, decide, commit, and look again at what has changed.

Claims and plain successes, the road of nearly every message, are scripts of their own. Everything else (retries,
crashes, cancelling, chores) needs rules that only Python knows, such as what follows an end. A move names the record
that it was decided on by its digest, and the script carries it out only if that record is still there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Literal, TypeAlias

import msgspec
from msgspec import Struct

from horarium.clock import Instant
from horarium.engines.redis.connection import Store
from horarium.engines.redis.rows import Entry, put_arguments, to_entry
from horarium.errors import EngineUnavailable
from horarium.message import Message

BATCH = 500  # moves of one script: some 10 ms in which the server answers nobody else
TRIES = 100  # each one means that somebody else has moved that very message in between


class Move(Struct, omit_defaults=True, kw_only=True):
    """What lua/commit.lua is to do with one message; what is left out is left alone. Names are those of the script."""

    id: str
    guard: str  # digest of the record that it was decided on
    creates: bool = False  # the message may be absent
    record: str | None = None
    message: str | None = None
    leave: tuple[str, str, str] | None = None  # queue, slot, member
    join: tuple[str, str, int, str, str] | None = None  # queue, slot, due, member, task
    owner: str | None = None  # out of whose hands
    queue: str | None = None  # with it: the queue as JSON
    terminate: str | None = None  # whose process is to end it
    unexpire: bool = False
    expire: Instant | None = None
    from_: str | None = msgspec.field(default=None, name="from")  # states, for the counts
    to: str | None = None
    age: Instant | None = None
    created: Instant | None = None  # with index
    index: tuple[str, ...] = ()
    unindex: tuple[str, ...] = ()
    sent: str | None = None  # what a schedule has sent, where that has changed; see rows.sent_of
    tells: Literal["succeeded", "failed", "ended"] | None = None  # its schedule: how it has ended
    forget: bool = False
    until_key: Literal["end", "endk"] | None = None
    until_at: Instant | None = None
    mark: Literal["-", "+"] | None = None
    puts: int = 0
    follow_ups: tuple[Message, ...] = ()  # sent beside it


Decide: TypeAlias = Callable[[Entry], Move | None]

pack = msgspec.msgpack.Encoder().encode


def look(store: Store, ids: Sequence[str]) -> list[Entry | None]:
    """Look at messages; None for one that is not there."""
    if not ids:
        return []
    found = store.call("look", ids)
    return [
        None if stored is None else to_entry(id, stored, record)
        for id, stored, record in zip(ids, found[::2], found[1::2], strict=True)
    ]


def commit(store: Store, ids: Iterable[str], decide: Decide, now: Instant) -> dict[str, Move]:
    """Make the move of each message, whatever else happens to it meanwhile; ``decide`` is asked anew where it did.

    Each move is all or nothing; one that is None, or whose message is not there, is none. Returns those that were made.
    """
    chosen = list(dict.fromkeys(ids))
    made: dict[str, Move] = {}
    for start in range(0, len(chosen), BATCH):
        pending = chosen[start : start + BATCH]
        for _ in range(TRIES):
            moves = _decided(look(store, pending), decide)
            done = _carry_out(store, moves, now, "each")
            made |= done
            pending = [move.id for move in moves if move.id not in done]
            if not pending:
                break
        else:
            raise restless(store)
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
    for _ in range(TRIES):
        found = zip(chosen, look(store, chosen), strict=True)
        moves = _decided([entry or absent(id) for id, entry in found], decide)
        done = _carry_out(store, moves, now, "all")
        if len(done) == len(moves):
            return done
    raise restless(store)


def _decided(entries: Iterable[Entry | None], decide: Decide) -> list[Move]:
    moves = (decide(entry) for entry in entries if entry is not None)
    return [move for move in moves if move is not None]


def _carry_out(store: Store, moves: list[Move], now: Instant, how: str) -> dict[str, Move]:
    """Send the moves; return those that were made."""
    if not moves:
        return {}
    arguments: list[str | bytes | int] = [now, how, b""]
    told = []
    for move in moves:
        for message in move.follow_ups:
            arguments += put_arguments(message)
        told.append(msgspec.structs.replace(move, puts=len(move.follow_ups), follow_ups=()))
    arguments[2] = pack(told)
    done = store.call("commit", arguments)
    return {move.id: move for move, is_done in zip(moves, done, strict=True) if is_done}


def restless(store: Store) -> EngineUnavailable:
    return EngineUnavailable(
        f"expected the store {store.address.url} to leave a message alone for a moment, but it changed {TRIES} times "
        "between a look and a move; try again"
    )
