"""Rows and values: how messages, runs and histories are written into columns and read back.

A run's history is what only some runs have: attempts before the last, an error, progress, log lines. A success at the
first attempt has none; its attempt is read from the columns. Documents are JSON in text columns, which the server never
looks into.
"""

from __future__ import annotations

import zlib
from hashlib import sha256

import msgspec
from msgspec import Raw, Struct

from horarium.clock import Instant
from horarium.engines.postgres.sql import Row
from horarium.engines.records import ATTEMPTS_KEPT, Member
from horarium.message import Message
from horarium.outcome import Attempt, ErrorRecord, Progress, Run, Settlement, State

# In place of an owner: what blocks a message that waits. Nobody bears such a name, and all others come behind them.
GATED = " gate"
ASIDE = " slot"
BLOCKED = frozenset({GATED, ASIDE})

JOINS = '"joins":'  # a message without it has none; to decode each one that ends would cost more than to look for this
UNIQUE = '"unique":'
LONGEST_KEY = 500  # characters; an index takes no more than 2,700 bytes

_encode = msgspec.json.Encoder().encode
_decode_message = msgspec.json.Decoder(Message).decode


class History(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What only some runs have. ``error`` is left out where it is that of the last attempt (a traceback is long)."""

    attempts: tuple[Attempt, ...] = ()
    error: ErrorRecord | None = None
    repeats_last: bool = False  # the error is the last attempt's
    metas: tuple[Raw, ...] = ()  # none or one: msgspec cannot decode ``Raw | None``
    progress: Progress | None = None
    logs: tuple[str, ...] = ()

    @property
    def meta(self) -> Raw | None:
        return self.metas[0] if self.metas else None

    def with_attempt(self, attempt: Attempt) -> History:
        return msgspec.structs.replace(self, attempts=(*self.attempts, attempt)[-ATTEMPTS_KEPT:])


NO_HISTORY = History()
_decode_history = msgspec.json.Decoder(History).decode


def encode_message(message: Message) -> str:
    return _encode(message).decode()


def decode_message(text: str) -> Message:
    """Raises: msgspec.DecodeError for one that is malformed or from another version."""
    return _decode_message(text)


def column_of(key: str | None) -> str | None:
    """Return the key of a slot, or a unique one, as a column and its index can hold it."""
    if key is None or (len(key) <= LONGEST_KEY and "\0" not in key):
        return key
    return f"sha256 {sha256(key.encode()).hexdigest()}"


def encode_member(member: Member) -> str:
    return _encode(member).decode()


def encode_raw(value: Raw | None) -> str | None:
    return None if value is None else bytes(value).decode()


def decode_raw(text: str | None) -> Raw | None:
    return None if text is None else Raw(text.encode())


def encode_history(history: History) -> str | None:
    """Return the column's value; None where there is nothing to tell."""
    if history == NO_HISTORY:
        return None
    if history.error is not None and history.attempts and history.attempts[-1].error == history.error:
        history = msgspec.structs.replace(history, error=None, repeats_last=True)
    return _encode(history).decode()


def decode_history(text: str | None) -> History:
    """Return the history of a row; one that cannot be read is lost, and its run goes on without."""
    if text is None:
        return NO_HISTORY
    try:
        history = _decode_history(text)
    except msgspec.DecodeError:
        return NO_HISTORY
    if history.repeats_last and history.attempts:
        history = msgspec.structs.replace(history, error=history.attempts[-1].error, repeats_last=False)
    return history


def mark_of(settlement: Settlement) -> int:
    """Return a number by which this very settlement is known again; owner and fence are part of it."""
    return zlib.crc32(_encode(settlement))


def to_run(row: Row) -> Run:
    """Return the run of a row.

    Its columns: id, has ended, state, task, queue, created, attempt, cancel, worker, started, ended, changed, message,
    result, history.
    """
    (
        id,
        has_ended,
        state,
        task,
        queue,
        created,
        attempt,
        cancel,
        worker,
        started,
        ended,
        changed,
        text,
        result,
        told,
    ) = row
    history = decode_history(told)
    attempts = history.attempts
    if has_ended and attempt and state == State.SUCCESS and not attempts:
        attempts = (Attempt(number=attempt, worker=worker, outcome="succeeded", started=started, ended=ended),)
    return Run(
        message=readable_message(text, id=id, task=task, queue=queue, created=created),
        state=state,
        changed=changed,
        result=decode_raw(result),
        error=history.error,
        attempts=attempts,
        worker=worker,
        started=started,
        ended=ended,
        meta=history.meta,
        progress=history.progress,
        logs=history.logs,
        cancel=cancel,
    )


def readable_message(text: str, *, id: str, task: str, queue: str, created: Instant) -> Message:
    """Return a stored message; of one that cannot be decoded, what its columns tell: a listing must not end there."""
    try:
        return _decode_message(text)
    except msgspec.DecodeError:
        return Message(id=id, task=task, queue=queue, created=created)


class _NewerMember(Member, frozen=True, omit_defaults=True, kw_only=True):
    kind: str  # type: ignore[assignment]  # one that a newer Horarium knows


_decode_member = msgspec.json.Decoder(Member).decode
_decode_newer_member = msgspec.json.Decoder(_NewerMember).decode


def readable_member(text: str, *, owner: str, name: str) -> Member:
    """Return a stored member; of one that a newer Horarium has written, what can be read: neither a listing nor a
    chore must end there."""
    for decode in (_decode_member, _decode_newer_member):
        try:
            return decode(text)
        except msgspec.DecodeError:
            continue
    return Member(owner=owner, kind="worker", name=name)
