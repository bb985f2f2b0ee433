"""The moves of a message that has a history: put back, ended, charged, revoked.

Each works inside the caller's write transaction on an entry that was read in it. The two roads that nearly every
message takes (claim, success at the first attempt) are single statements elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec
from msgspec import Struct

from horarium.clock import Instant, Seconds, milliseconds
from horarium.engines.records import QUEUE_TOPIC, RESULT_TOPIC, MaintenancePolicy
from horarium.engines.sqlite.connection import Connection
from horarium.engines.sqlite.gates import drop_gate, note_doom, set_gate
from horarium.engines.sqlite.intake import insert
from horarium.engines.sqlite.rows import (
    GATED,
    NO_HISTORY,
    WAITING,
    History,
    decode_history,
    decode_message,
    encode_history,
    encode_message,
)
from horarium.engines.sqlite.slots import free_slot
from horarium.engines.sqlite.sql import change, fetch
from horarium.engines.sqlite.watch import tell_schedule
from horarium.message import Message, successor
from horarium.outcome import ENDS, Attempt, Crashed, ErrorRecord, Expired, Outcome, Revoked, State, error_of, told
from horarium.workflow.follow import follow_ups
from horarium.workflow.gates import doomed

UNIQUE = b'"unique":'


class Entry(Struct, eq=False):
    """A message and where it stands, as read; the moves below change it and then write it."""

    seq: int
    id: str
    phase: int
    state: str
    owner: str | None
    fence: int
    settled: int | None
    attempt: int
    crashes: int
    cancel: str | None
    due: Instant
    worker: str
    started: Instant | None
    keep: int | None
    schedule: str | None
    text: bytes
    history: History = NO_HISTORY

    @property
    def message(self) -> Message:
        return decode_message(self.text)

    def note(self, attempt: Attempt) -> None:
        self.history = self.history.with_attempt(attempt)


def entries(db: Connection, statement: str, parameters: dict[str, object]) -> Iterator[Entry]:
    """Yield the entries that one of the ``entr*`` statements finds; all are read before the first is yielded."""
    for row in fetch(db, statement, parameters):
        entry = Entry(*row)
        entry.history = decode_history(row[-1])
        yield entry


def end(
    db: Connection,
    entry: Entry,
    state: State,
    now: Instant,
    *,
    error: ErrorRecord | None = None,
    result: bytes | None = None,
    ended: Instant | None = None,
    message: bytes | None = None,
) -> None:
    """End a message that waits or is in hand. ``message``: what is kept in its place."""
    entry.history = msgspec.structs.replace(entry.history, error=error)
    change(
        db,
        "end",
        {
            "seq": entry.seq,
            "state": str(state),
            "settled": entry.settled,
            "attempt": entry.attempt,
            "crashes": entry.crashes,
            "worker": entry.worker,
            "started": entry.started,
            "ended": now if ended is None else ended,
            "now": now,
            "keep": entry.keep,
            "result": result,
            "history": encode_history(entry.history),
            "message": message,
        },
    )
    entry.state = state
    tell_schedule(db, entry.schedule, state, entry.text, now)
    if entry.phase == GATED:
        drop_gate(db, entry.id)
    if UNIQUE in entry.text:
        change(db, "release_unique", (entry.id,))
    free_slot(db, entry.text)
    note_doom(db, entry.id, entry.text, state, error, now)


def carry_out_dooms(db: Connection) -> None:
    """End the blocked messages whose waiting is in vain, and those that wait for them."""
    for id, doom, now in db.dooms:  # it grows as we go
        for entry in entries(db, "entry", {"id": id}):
            if entry.phase == GATED:
                outcome, follows = doomed(entry.message, doom, now=now)
                end(db, entry, ENDS[type(outcome)], now, error=error_of(outcome))
                insert(db, follows, now)
                db.topics |= {RESULT_TOPIC, *(QUEUE_TOPIC + message.queue for message in follows)}


def put_back(
    db: Connection,
    entry: Entry,
    state: State,
    now: Instant,
    *,
    due: Instant,
    message: Message | None = None,
    error: ErrorRecord | None = None,
) -> None:
    """Let a message in hand wait again, or end it as REVOKED if it is marked. ``error``: a new one, if there is."""
    if entry.cancel is not None:
        revoke(db, entry, "terminated" if entry.cancel == "terminate" else "revoked", now)
        return
    history = entry.history
    entry.history = History(attempts=history.attempts, error=error or history.error, logs=history.logs)
    message = None if message is None else successor(entry.message, message)
    sent = message or entry.message
    change(
        db,
        "put_back",
        {
            "seq": entry.seq,
            "state": str(state),
            "settled": entry.settled,
            "attempt": entry.attempt,
            "crashes": entry.crashes,
            "now": now,
            "keep": entry.keep,
            "history": encode_history(entry.history),
            "due": due,
            "queue": sent.queue,
            "task": sent.task,
            "rank": -sent.priority,
            "expires": sent.expires,
            "once": sent.at_most_once,
            "schedule": sent.schedule,
            "parent": sent.parent,
            "root": sent.root,
            "message": entry.text if message is None else encode_message(message),
            "phase": WAITING if sent.gate is None else GATED,
            "slot": None if sent.slot is None else sent.slot.key,
            "slot_size": None if sent.slot is None else sent.slot.size,
        },
    )
    entry.state = state
    free_slot(db, entry.text)
    if sent.gate is not None:
        set_gate(db, entry.id, sent.gate, now)
    if sent.schedule != entry.schedule:  # it will not hear of the end of this run any more
        tell_schedule(db, entry.schedule, state, entry.text, now)


def give_back(db: Connection, entry: Entry, now: Instant, *, delay: Seconds = 0.0) -> None:
    """Put a message back as if it had never been claimed, but for its fence."""
    entry.attempt -= 1
    put_back(db, entry, State.PENDING, now, due=now + milliseconds(delay) if delay > 0 else entry.due)


def crash(
    db: Connection,
    entry: Entry,
    error: ErrorRecord,
    now: Instant,
    policy: MaintenancePolicy,
    *,
    ended: Instant | None = None,
) -> None:
    """Charge a message in hand with the death of its process."""
    entry.crashes += 1
    is_hopeless = entry.crashes >= policy.crash_limit or entry.message.at_most_once
    if is_hopeless and entry.cancel is None:
        die(db, entry, error, now, ended=ended)
        return
    delays = policy.crash_delays or (0.0,)
    delay = delays[min(entry.crashes, len(delays)) - 1]
    put_back(db, entry, State.RETRY, now, due=now + milliseconds(delay), error=error)


def revoke(db: Connection, entry: Entry, reason: str, now: Instant) -> None:
    end(db, entry, State.REVOKED, now, error=error_of(Revoked(reason=reason)))


def expire(db: Connection, entry: Entry, now: Instant) -> None:
    end(db, entry, State.EXPIRED, now, error=error_of(Expired()))
    _follow(db, entry, Expired(), now)


def die(db: Connection, entry: Entry, error: ErrorRecord, now: Instant, *, ended: Instant | None = None) -> None:
    end(db, entry, State.DEAD, now, error=error, ended=ended)
    _follow(db, entry, Crashed(error=error), now)


def set_aside_unreadable(db: Connection, entry: Entry, now: Instant) -> bool:
    """End a message that nobody can read, alone, so that it stops no other; its bytes stay in the store. Tell whether
    it was such a one."""
    try:
        decode_message(entry.text)
    except msgspec.DecodeError as error:
        end(db, entry, State.DEAD, now, error=told("DecodingError", f"the stored message cannot be read: {error}"))
        return True
    return False


def cancel(db: Connection, entry: Entry, *, terminate: bool, now: Instant) -> bool:
    """Revoke what waits, mark what is in hand; tell whether that changed anything."""
    if entry.phase <= WAITING:
        revoke(db, entry, "revoked", now)
        return True
    mark = "terminate" if terminate else "revoke"
    if entry.owner is None or entry.cancel in (mark, "terminate"):
        return False
    return change(db, "mark_cancelled", {"seq": entry.seq, "cancel": mark}) == 1


def rank(db: Connection, asked: Sequence[Entry], priority: int) -> list[str]:
    """Give those that wait, and can be read, another priority; return the ids of those that did not have it."""
    ranked: list[str] = []
    texts: dict[str, bytes] = {}  # by slot: of one that it may be the turn of no more
    for entry in asked:
        try:
            message = entry.message
        except msgspec.DecodeError:
            continue
        if entry.phase > WAITING or message.priority == priority:
            continue
        change(db, "rank", (entry.seq, -priority, encode_message(msgspec.structs.replace(message, priority=priority))))
        ranked.append(entry.id)
        if message.slot is not None and entry.phase != GATED:
            texts[message.slot.key] = entry.text
            db.topics.add(QUEUE_TOPIC + message.queue)
    for text in texts.values():
        free_slot(db, text)
    return ranked


def _follow(db: Connection, entry: Entry, outcome: Outcome, now: Instant) -> None:
    """Put what an end of the engine's own sets off. One that cannot be decoded sets off nothing."""
    try:
        message = entry.message
    except msgspec.DecodeError:
        return
    insert(db, follow_ups(message, outcome, now=now), now)
