"""What lies in the store, and values: how messages, records and members are written and read back.

Of each message there is ``msg`` (where it stands in line, and its JSON) and, from its first claim on, ``rec``: its
whole state as a JSON array, so that a script compares and extends it as text. What most runs do not have (attempts
before the last, an error, progress, log lines) is in the record's last element, its tail; a success at the first
attempt has its times and its result there, and its attempt is read from the record.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Sequence

import msgspec
from msgspec import Raw, Struct

from horarium.clock import Instant
from horarium.engines.records import ATTEMPTS_KEPT, Member, RunFilter
from horarium.message import Message
from horarium.outcome import Attempt, ErrorRecord, Progress, Run, Settlement, State

WAITING, HELD, ENDED = 0, 1, 2  # the phases of a record
EXPIRES, INDEXED, CRASHED, SPECIAL = 1, 2, 4, 8  # the flags of a place in line

encode = msgspec.json.Encoder().encode
_decode_message = msgspec.json.Decoder(Message).decode


class Tail(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What only some runs have. ``error`` is left out where it is that of the last attempt (a traceback is long)."""

    settled: int | None = None  # mark of the last settlement that was recorded, to know it again
    keep: int | None = None  # ms to be kept after the end; None: the policy's
    started: Instant | None = None
    ended: Instant | None = None
    attempts: tuple[Attempt, ...] = ()
    error: ErrorRecord | None = None
    repeats_last: bool = False  # the error is the last attempt's
    metas: tuple[Raw, ...] = ()  # none or one: msgspec cannot decode ``Raw | None``
    progress: Progress | None = None
    logs: tuple[str, ...] = ()
    results: tuple[Raw, ...] = ()  # none or one

    def with_attempt(self, attempt: Attempt) -> Tail:
        return msgspec.structs.replace(self, attempts=(*self.attempts, attempt)[-ATTEMPTS_KEPT:])


NO_TAIL = Tail()
NO_HAND = Raw(b'""')


class Record(Struct, frozen=True, array_like=True):
    """The state of a message. The scripts know the order of these fields: see lua/claim.lua and lua/settle.lua."""

    phase: int
    fence: int
    owner: str
    attempt: int
    crashes: int
    changed: Instant
    worker: str
    state: str
    cancel: str | None  # revoke or terminate: asked for while in hand
    flags: int
    hand: Raw  # while it is in hand: its queue and task; h counts by this very text
    tail: Tail


def fresh(put: Instant) -> Record:
    """Return the record of a message that was never claimed: none is stored."""
    return Record(WAITING, 0, "", 0, 0, put, "", State.PENDING, None, 0, NO_HAND, NO_TAIL)


def queue_of(hand: bytes | Raw) -> str:
    """Return the queue of what a record says of one in hand; '' if that is nothing. Older versions named it alone."""
    try:
        found = msgspec.json.decode(hand, type=str | tuple[str, str])
    except msgspec.DecodeError:
        return ""
    return found if isinstance(found, str) else found[0]


_decode_record = msgspec.json.Decoder(Record).decode


class Entry(Struct, eq=False):
    """A message and where it stands, as it was looked at."""

    id: str
    turn: int
    due: Instant
    put: Instant  # when it was stored
    text: bytes  # the message, JSON
    record: Record
    guard: str  # digest of the stored record, '' where there is none
    blocked: str = ""  # why, and its queue: see lua/parts/blocks.lua
    seen: str = ""  # digest of what is stored of the message, where it is blocked
    is_damaged: bool = False  # the record cannot be read
    stored: bytes = b""  # the message, and what stands in front of it

    @property
    def is_aside(self) -> bool:
        return self.blocked.startswith("aside;")

    @property
    def message(self) -> Message:
        """Raises: msgspec.DecodeError for one that is malformed or from another version."""
        return _decode_message(self.text)

    @property
    def readable_message(self) -> Message:
        """The message; of one that cannot be decoded, what is known without: a listing must not end there."""
        try:
            return _decode_message(self.text)
        except msgspec.DecodeError:
            return Message(id=self.id, task="", queue=queue_of(self.record.hand), created=self.put)


def to_entry(id: str, stored: bytes, record: bytes | None, blocked: bytes | None = None) -> Entry:
    """Return the entry of what is stored; one with strange bytes in front of its message stands at the end."""
    turn, due, put, text = _split(stored)
    entry = Entry(id, turn, due, put, text, fresh(put), "" if record is None else guard_of(record), stored=stored)
    if blocked is not None:
        entry.blocked, entry.seen = blocked.decode(errors="replace"), guard_of(stored)
    if record is not None:
        try:
            entry.record = _readable_tail(_decode_record(record))
        except msgspec.DecodeError:
            entry.is_damaged = True
    return entry


def guard_of(record: bytes) -> str:
    """Return the digest by which a record or a message is known again; parts/moves.lua makes the same."""
    return hashlib.sha1(record, usedforsecurity=False).hexdigest()


def decode_stored(stored: bytes) -> Message:
    """Return the message of what lies in ``msg``. Raises: msgspec.DecodeError."""
    return _decode_message(stored[_start(stored) :])


def stored_of(turn: int, due: Instant, put: Instant, text: bytes) -> bytes:
    """Return what is to lie in ``msg``."""
    return b"%014d;%d;%d;%b" % (turn, due, put, text)


def member_of(turn: int, flags: int, id: str) -> str:
    """Return a place in line: see lua/parts/lines.lua."""
    return f"{turn:014d}{flags:x}{id}"


def slot_of(message: Message) -> str:
    """Return which line of its queue a message stands in."""
    return f"{message.priority}:{message.task}"


def flags_of(message: Message, crashes: int = 0) -> int:
    expires = EXPIRES if message.expires is not None else 0
    indexed = INDEXED if message.schedule or message.parent or message.root else 0
    special = SPECIAL if message.slot is not None or message.unique is not None else 0
    return expires + indexed + special + (CRASHED if crashes else 0)


def indexes_of(message: Message) -> list[str]:
    """Return the indexes in which a run stands from the first; a plain message stands in none."""
    named = (("h", message.schedule), ("p", message.parent), ("r", message.root))
    return [f"{kind}:{value}" for kind, value in named if value]


def sent_of(message: Message) -> str:
    """Return what is kept of a message as long as a schedule waits for its end; '' for one that no schedule sent."""
    nominal = "" if message.nominal is None else message.nominal
    return f"{nominal};{message.schedule}" if message.schedule else ""


def shortened(tail: Tail) -> Tail:
    """Return the tail as it is to be stored."""
    if tail.error is not None and tail.attempts and tail.attempts[-1].error == tail.error:
        return msgspec.structs.replace(tail, error=None, repeats_last=True)
    return tail


def mark_of(settlement: Settlement) -> int:
    """Return a number by which this very settlement is known again; owner and fence are part of it."""
    return zlib.crc32(encode(settlement))


def to_run(entry: Entry) -> Run:
    record, tail = entry.record, entry.record.tail
    attempts = tail.attempts
    if record.phase == ENDED and record.state == State.SUCCESS and not attempts and tail.settled is not None:
        attempts = (
            Attempt(
                number=record.attempt,
                worker=record.worker,
                outcome="succeeded",
                started=tail.started,
                ended=tail.ended,
            ),
        )
    return Run(
        message=entry.readable_message,
        state=record.state,
        changed=record.changed,
        result=tail.results[0] if tail.results else None,
        error=tail.error,
        attempts=attempts,
        worker=record.worker,
        started=tail.started,
        ended=tail.ended,
        meta=tail.metas[0] if tail.metas else None,
        progress=tail.progress,
        logs=tail.logs,
        cancel=record.cancel,
    )


def matches(run: Run, filter: RunFilter) -> bool:
    """Tell whether every given part of the filter holds for the run."""
    message = run.message
    wanted: Sequence[tuple[tuple[str, ...], str]] = (
        (filter.states, run.state),
        (filter.tasks, message.task),
        (filter.queues, message.queue),
    )
    exact = ((filter.schedule, message.schedule), (filter.parent, message.parent), (filter.root, message.root))
    return (
        all(not several or value in several for several, value in wanted)
        and all(one is None or value == one for one, value in exact)
        and (filter.id_prefix is None or message.id.startswith(filter.id_prefix))
        and (filter.since is None or message.created >= filter.since)
        and (filter.until is None or message.created < filter.until)
    )


class _NewerMember(Member, frozen=True, omit_defaults=True, kw_only=True):
    kind: str  # type: ignore[assignment]  # one that a newer Horarium knows


_decode_member = msgspec.json.Decoder(Member).decode
_decode_newer_member = msgspec.json.Decoder(_NewerMember).decode


def readable_member(text: bytes | None, *, owner: str) -> Member:
    """Return a stored member; of one that a newer Horarium has written, what can be read: neither a listing nor a
    chore must end there."""
    for decode in (_decode_member, _decode_newer_member):
        try:
            return decode(text or b"")
        except msgspec.DecodeError:
            continue
    return Member(owner=owner, kind="worker", name=owner)


def _split(stored: bytes) -> tuple[int, Instant, Instant, bytes]:
    parts = stored.split(b";", 3)
    try:
        return int(parts[0]), int(parts[1]), int(parts[2]), parts[3]
    except (ValueError, IndexError):
        return 0, 0, 0, stored


def _start(stored: bytes) -> int:
    """Return where the message begins."""
    return stored.find(b";", stored.find(b";", stored.find(b";") + 1) + 1) + 1


def _readable_tail(record: Record) -> Record:
    tail = record.tail
    if tail.repeats_last and tail.attempts:
        tail = msgspec.structs.replace(tail, error=tail.attempts[-1].error, repeats_last=False)
        return msgspec.structs.replace(record, tail=tail)
    return record
