"""The ledger: outcomes that a child has come to and the store does not know yet, in memory that survives the child.

Settling lags behind running by a round trip, and in a round trip many short tasks end. If the child dies then, the
supervisor finds their outcomes here and records them; so they neither run again nor, if they must run at most once,
run twice. A ring of bytes: the child's threads append under a lock, its settling thread moves the head on, the
supervisor reads when the child is dead. Both ends are single words, so an entry is there whole or not at all.
"""

from __future__ import annotations

import mmap
from struct import Struct as Layout

import msgspec
from msgspec import Raw, Struct

from horarium.outcome import (
    Crashed,
    Expired,
    Failed,
    Ignored,
    Outcome,
    Rejected,
    Released,
    Replaced,
    Retried,
    Revoked,
    Settlement,
    Succeeded,
)

ROOM_BYTES = 256 * 1024  # about a thousand outcomes; pages that are never written cost nothing

_SIZE = Layout("=q")
_HEAD, _TAIL = 0, 1
_START = 16


class _KeptSuccess(Struct, frozen=True, tag="Succeeded"):
    """A success as it is read back: ``Raw | None`` cannot be, so what there is of result and value stands before the
    entry."""

    result: Raw


class _Kept(Settlement, frozen=True, kw_only=True):
    outcome: (  # type: ignore[assignment]
        _KeptSuccess | Failed | Retried | Replaced | Released | Crashed | Revoked | Expired | Rejected | Ignored
    )
    value: Raw = Raw(b"null")


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(_Kept).decode
_MARKS = (b"-", b"+")  # nothing, something


class Ledger:
    """Make it before the fork, one for each place on the board."""

    def __init__(self, room_bytes: int = ROOM_BYTES) -> None:
        self._room = room_bytes
        self._memory = mmap.mmap(-1, _START + room_bytes)
        self._words = memoryview(self._memory).cast("q")

    def append(self, settlement: Settlement) -> int:
        """Enter an outcome; return its size, 0 when there is no room for it. One caller at a time."""
        outcome = settlement.outcome
        has_result = type(outcome) is Succeeded and outcome.result is not None
        has_value = settlement.value is not None
        entry = _MARKS[has_result] + _MARKS[has_value] + _encode(settlement)
        size = _SIZE.size + len(entry)
        words = self._words
        tail = words[_TAIL]
        if tail + size - words[_HEAD] > self._room:
            return 0
        self._write(tail, _SIZE.pack(len(entry)) + entry)
        words[_TAIL] = tail + size
        return size

    def strike(self, size: int) -> None:
        """Take out the oldest entries, of this total size: the store knows them. One caller at a time."""
        self._words[_HEAD] += size

    def read(self) -> list[Settlement]:
        """Return what is in it, oldest first."""
        head, tail = self._words[_HEAD], self._words[_TAIL]
        found = []
        while head < tail:
            (size,) = _SIZE.unpack(self._read(head, _SIZE.size))
            found.append(_restore(self._read(head + _SIZE.size, size)))
            head += _SIZE.size + size
        return found

    def clear(self) -> None:
        """Make it ready for the child's successor."""
        self._words[_HEAD] = self._words[_TAIL]

    def _write(self, position: int, entry: bytes) -> None:
        start = position % self._room
        first = min(len(entry), self._room - start)
        self._memory[_START + start : _START + start + first] = entry[:first]
        if first < len(entry):
            self._memory[_START : _START + len(entry) - first] = entry[first:]

    def _read(self, position: int, size: int) -> bytes:
        start = position % self._room
        first = min(size, self._room - start)
        return self._memory[_START + start : _START + start + first] + self._memory[_START : _START + size - first]


def _restore(entry: bytes) -> Settlement:
    kept = _decode(entry[2:])
    outcome: Outcome
    match kept.outcome:
        case _KeptSuccess(result=result):
            outcome = Succeeded(result=result if entry[:1] == _MARKS[True] else None)
        case other:
            outcome = other
    fields = {name: getattr(kept, name) for name in Settlement.__struct_fields__}
    value = kept.value if entry[1:2] == _MARKS[True] else None
    return Settlement(**{**fields, "outcome": outcome, "value": value})
