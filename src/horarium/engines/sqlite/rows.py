"""Rows and values: how messages, runs and histories are written into columns and read back.

A run's history is what only some runs have: attempts before the last, an error, progress, log lines. A success at the
first attempt has none; its attempt is read from the columns.
"""

from __future__ import annotations

import zlib

import msgspec
from msgspec import Raw, Struct

from horarium.clock import Instant
from horarium.engines.records import ATTEMPTS_KEPT, Member
from horarium.engines.sqlite.sql import Row
from horarium.message import Message
from horarium.outcome import Attempt, ErrorRecord, Progress, Run, Settlement, State

GATED, ASIDE, WAITING, HELD, ENDED = -1, -2, 0, 1, 2  # the phases

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


def encode_message(message: Message) -> bytes:
    return _encode(message)


def decode_message(text: bytes) -> Message:
    """Raises: msgspec.DecodeError for one that is malformed or from another version."""
    return _decode_message(text)


def encode_history(history: History) -> bytes | None:
    """Return the column's value; None where there is nothing to tell."""
    if history == NO_HISTORY:
        return None
    if history.error is not None and history.attempts and history.attempts[-1].error == history.error:
        history = msgspec.structs.replace(history, error=None, repeats_last=True)
    return _encode(history)


def decode_history(text: bytes | None) -> History:
    """Return the history of a row; one that cannot be read is lost, and its run goes on without."""
    if text is None:
        return NO_HISTORY
    try:
        history = _decode_history(text)
    except msgspec.DecodeError:
        return NO_HISTORY
    if history.repeats_last:
        history = msgspec.structs.replace(history, error=history.attempts[-1].error, repeats_last=False)
    return history


def mark_of(settlement: Settlement) -> int:
    """Return a number by which this very settlement is known again; owner and fence are part of it."""
    return zlib.crc32(_encode(settlement))


def to_run(row: Row) -> Run:
    """Return the run of a row.

    Its columns: id, phase, state, task, queue, created, attempt, cancel, worker, started, ended, changed, message,
    result, history.
    """
    (id, phase, state, task, queue, created, attempt, cancel, worker, started, ended, changed, text, result, told) = row
    history = decode_history(told)
    attempts = history.attempts
    if phase == ENDED and state == State.SUCCESS and not attempts and attempt:
        attempts = (Attempt(number=attempt, worker=worker, outcome="succeeded", started=started, ended=ended),)
    return Run(
        message=readable_message(text, id=id, task=task, queue=queue, created=created),
        state=state,
        changed=changed,
        result=None if result is None else Raw(result),
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


def from_run(run: Run) -> dict[str, object]:
    """Return an ended run of another store's as columns. Raises: ValueError for one that has not ended."""
    if not run.has_ended:
        raise ValueError(f"expected a run that has ended, got {run.id} in state {run.state}")
    message = run.message
    return {
        "id": run.id,
        "state": str(run.state),
        "queue": message.queue,
        "task": message.task,
        "rank": -message.priority,
        "due": message.due,
        "expires": message.expires,
        "once": message.at_most_once,
        "attempt": run.attempts[-1].number if run.attempts else 0,
        "cancel": run.cancel,
        "schedule": message.schedule,
        "parent": message.parent,
        "root": message.root,
        "worker": run.worker,
        "started": run.started,
        "ended": run.ended,
        "changed": run.changed,
        "message": encode_message(message),
        "result": None if run.result is None else bytes(run.result),
        "history": encode_history(_history_of(run)),
    }


def _history_of(run: Run) -> History:
    """Return what the columns do not tell; the only attempt of a plain success is read from them."""
    attempts = run.attempts
    if len(attempts) == 1 and run.state == State.SUCCESS:
        [only] = attempts
        told = Attempt(number=only.number, worker=run.worker, outcome="succeeded", started=run.started, ended=run.ended)
        attempts = () if only == told else attempts
    return History(
        attempts=attempts,
        error=run.error,
        metas=() if run.meta is None else (run.meta,),
        progress=run.progress,
        logs=run.logs,
    )


def readable_message(text: bytes, *, id: str, task: str, queue: str, created: Instant) -> Message:
    """Return a stored message; of one that cannot be decoded, what its columns tell: a listing must not end there."""
    try:
        return _decode_message(text)
    except msgspec.DecodeError:
        return Message(id=id, task=task, queue=queue, created=created)


class _NewerMember(Member, frozen=True, omit_defaults=True, kw_only=True):
    kind: str  # type: ignore[assignment]  # one that a newer Horarium knows


_decode_member = msgspec.json.Decoder(Member).decode
_decode_newer_member = msgspec.json.Decoder(_NewerMember).decode


def readable_member(text: bytes, *, owner: str, name: str) -> Member:
    """Return a stored member; of one that a newer Horarium has written, what can be read: neither a listing nor a
    chore must end there."""
    for decode in (_decode_member, _decode_newer_member):
        try:
            return decode(text)
        except msgspec.DecodeError:
            continue
    return Member(owner=owner, kind="worker", name=name)
