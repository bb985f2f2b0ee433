"""Gates that have turned: what they are told of as, and how that is carried out.

A script that lets the last one arrive, or dooms, only notes it (see lua/parts/blocks.lua) and tells of it: what a
blocked message becomes is a rule of workflow/gates.py. Whoever was told carries it out before its verb returns, by a
move that holds only as long as nobody else has. Where a process dies in between, maintain finds the note.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import Raw, Struct

from horarium.clock import Instant
from horarium.engines.redis.connection import Answer, Store
from horarium.engines.redis.move import Move
from horarium.engines.redis.moves import end, is_readable, meet_doom, release
from horarium.engines.redis.rows import Entry, to_entry
from horarium.outcome import State, told
from horarium.workflow.gates import Doom

FIELDS = 6  # of lua/parts/blocks.lua: told_of
SCANNED = 1000  # arrivals read by one call

_decode_doom = msgspec.json.Decoder(Doom).decode


class Turned(Struct):
    """A gate that has turned, and its message as it was when that was told."""

    entry: Entry
    doom: bytes | None  # Doom as JSON
    arrived: list[bytes] | None  # flat pairs: id, "place;value"; None: they are many


def read_turned(store: Store, answer: Answer) -> list[Turned]:
    """Return what a script told of gates."""
    found = []
    for id, stored, record, why, doom, arrived in zip(*(answer[at::FIELDS] for at in range(FIELDS)), strict=True):
        if stored is None or why is None:
            _strike_off(store, id)  # somebody has cleaned up behind our back
        else:
            found.append(Turned(to_entry(id.decode(), stored, record, why), doom, arrived))
    return found


def look_at_turned(store: Store, ids: Sequence[str]) -> list[Turned]:
    """Look at gates again; those that were carried out meanwhile are left out."""
    return read_turned(store, store.call("turned", ["named", *ids])) if ids else []


def left_behind(store: Store, limit: int) -> list[Turned]:
    """Look for gates that somebody else has turned and may not carry out any more."""
    return read_turned(store, store.call("turned", ["any", limit]))


def carried_out(store: Store, turned: Turned, now: Instant) -> Move:
    """Return the move that carries it out."""
    entry = turned.entry
    if not is_readable(entry):
        error = told("DecodingError", "the stored message cannot be read")
        return end(entry, State.DEAD, now, error=error)
    if turned.doom is not None:
        return meet_doom(entry, _decode_doom(turned.doom), now)
    arrived = _scanned(store, entry.id) if turned.arrived is None else _pairs(turned.arrived)
    return release(entry, _in_order(arrived), now)


def _in_order(arrived: dict[bytes, bytes]) -> list[Raw]:
    """Return the values by place, then id."""
    values = []
    for id, text in arrived.items():
        place, _, value = text.partition(b";")
        values.append((int(place), id, value))
    values.sort()
    return [Raw(value) for _, _, value in values]


def _scanned(store: Store, id: str) -> dict[bytes, bytes]:
    """Return what has arrived at a large gate. It is read in stretches: it may be more than one answer should be."""
    found: dict[bytes, bytes] = {}
    cursor: bytes | int = 0
    while True:
        cursor, pairs = store.ask("HSCAN", f"{store.prefix}g:{id}", cursor, "COUNT", SCANNED)
        found |= _pairs(pairs)
        if int(cursor) == 0:
            return found


def _pairs(flat: Sequence[bytes]) -> dict[bytes, bytes]:
    return dict(zip(flat[::2], flat[1::2], strict=True))


def _strike_off(store: Store, id: bytes) -> None:
    store.ask("SREM", f"{store.prefix}turned", id)
    store.ask("ZREM", f"{store.prefix}blocked", id)
