"""The moves of a message that has a history: put back, ended, charged, revoked.

Each is made of an entry as it was looked at, and is a value: commit.py sees that it is carried out only if nothing has
happened in between. The two roads that nearly every message takes (claim, success at the first attempt) are scripts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import msgspec
from msgspec import Raw
from msgspec.structs import replace

from horarium.clock import Instant, Seconds, milliseconds
from horarium.engines.records import MaintenancePolicy
from horarium.engines.redis.intake import text_of
from horarium.engines.redis.move import Move
from horarium.engines.redis.rows import (
    ENDED,
    EXPIRES,
    HELD,
    INDEXED,
    NO_HAND,
    SPECIAL,
    WAITING,
    Entry,
    Record,
    Tail,
    encode,
    flags_of,
    guard_of,
    indexes_of,
    member_of,
    sent_of,
    shortened,
    slot_of,
    stored_of,
)
from horarium.message import Message, successor
from horarium.outcome import ENDS, Attempt, Crashed, ErrorRecord, Expired, Outcome, Revoked, State, error_of, told
from horarium.schedules.record import FAILED, SUCCEEDED
from horarium.workflow.follow import follow_ups
from horarium.workflow.gates import Doom, doomed, dooms, released


def note(entry: Entry, attempt: Attempt) -> None:
    """Add an attempt to the entry's history."""
    entry.record = replace(entry.record, tail=entry.record.tail.with_attempt(attempt))


def end(
    entry: Entry,
    state: State,
    now: Instant,
    *,
    error: ErrorRecord | None = None,
    result: Raw | None = None,
    ended: Instant | None = None,
    puts: Sequence[Message] = (),
) -> Move:
    """End a message that waits or is in hand."""
    before = entry.record
    tail = replace(
        before.tail,
        error=error,
        ended=now if ended is None else ended,
        results=() if result is None else (result,),
    )
    flags, message = _flags(entry), entry.readable_message
    record = replace(before, phase=ENDED, owner="", changed=now, state=str(state), flags=flags, hand=NO_HAND, tail=tail)
    waiting = tuple(join.id for join in message.joins) if dooms(state) else ()
    is_plain = state == State.SUCCESS and not flags & INDEXED
    return Move(
        id=entry.id,
        guard=entry.guard,
        record=_text(record),
        until_key="end" if tail.keep is None else "endk",
        until_at=now if tail.keep is None else now + tail.keep,
        mark="-" if is_plain else "+",
        to=str(state),
        created=message.created,
        index=() if state == State.SUCCESS else (f"s:{state}",),
        tells=_tells(entry, state),
        unique=None if message.unique is None else message.unique.key,
        dooms=waiting or None,
        doom=encode(Doom(id=entry.id, state=state, error=error)).decode() if waiting else None,
        follow_ups=tuple(puts),
        **_departure(entry),
    )


def put_back(
    entry: Entry,
    state: State,
    now: Instant,
    *,
    due: Instant,
    message: Message | None = None,
    error: ErrorRecord | None = None,
    puts: Sequence[Message] = (),
) -> Move:
    """Let a message in hand wait again, or end it as REVOKED if it is marked. ``error``: a new one, if there is."""
    before = entry.record
    if before.cancel is not None:
        return revoke(entry, "terminated" if before.cancel == "terminate" else "revoked", now, puts=puts)
    kept = before.tail
    tail = Tail(settled=kept.settled, keep=kept.keep, attempts=kept.attempts, error=error or kept.error, logs=kept.logs)
    message = None if message is None else successor(entry.message, message)
    sent = message or entry.message
    flags = flags_of(sent, before.crashes)
    record = replace(
        before,
        phase=WAITING,
        owner="",
        changed=now,
        worker="",
        state=str(state),
        flags=flags,
        hand=NO_HAND,
        tail=tail,
    )
    text = entry.text if message is None else text_of(message)
    moved = message is not None or due != entry.due
    old, new = (set(indexes_of(entry.message)), set(indexes_of(sent))) if message is not None else (set(), set())
    is_older = message is not None and message.created != entry.message.created  # or younger: its places move
    return Move(
        id=entry.id,
        guard=entry.guard,
        record=_text(record),
        message=stored_of(entry.turn, due, entry.put, text).decode() if moved else None,
        join=None if sent.gate is not None else _place(entry, sent, due, flags),
        block=None if sent.gate is None else (entry.turn, sent.queue, "" if sent.gate.size is None else sent.gate.size),
        expire=sent.expires,
        to=str(state),
        created=sent.created,
        age=sent.created if is_older else None,
        index=tuple(sorted(new if is_older else new - old)),
        unindex=tuple(sorted(old - new)),
        sent=None if sent_of(sent) == sent_of(entry.message) else sent_of(sent),
        follow_ups=tuple(puts),
        **_departure(entry),
    )


def give_back(entry: Entry, now: Instant, *, delay: Seconds = 0.0, puts: Sequence[Message] = ()) -> Move:
    """Put a message back as if it had never been claimed, but for its fence."""
    entry.record = replace(entry.record, attempt=entry.record.attempt - 1)
    due = now + milliseconds(delay) if delay > 0 else entry.due
    return put_back(entry, State.PENDING, now, due=due, puts=puts)


def crash(
    entry: Entry,
    error: ErrorRecord,
    now: Instant,
    policy: MaintenancePolicy,
    *,
    ended: Instant | None = None,
    puts: Sequence[Message] = (),
) -> Move:
    """Charge a message in hand with the death of its process."""
    record = entry.record = replace(entry.record, crashes=entry.record.crashes + 1)
    is_hopeless = record.crashes >= policy.crash_limit or entry.message.at_most_once
    if is_hopeless and record.cancel is None:
        return die(entry, error, now, ended=ended, puts=puts)
    delays = policy.crash_delays or (0.0,)
    delay = delays[min(record.crashes, len(delays)) - 1]
    return put_back(entry, State.RETRY, now, due=now + milliseconds(delay), error=error, puts=puts)


def revoke(entry: Entry, reason: str, now: Instant, *, puts: Sequence[Message] = ()) -> Move:
    return end(entry, State.REVOKED, now, error=error_of(Revoked(reason=reason)), puts=puts)


def expire(entry: Entry, now: Instant) -> Move:
    return end(entry, State.EXPIRED, now, error=error_of(Expired()), puts=_followers(entry, Expired(), now))


def die(
    entry: Entry, error: ErrorRecord, now: Instant, *, ended: Instant | None = None, puts: Sequence[Message] = ()
) -> Move:
    followers = (*puts, *_followers(entry, Crashed(error=error), now))
    return end(entry, State.DEAD, now, error=error, ended=ended, puts=followers)


def release(entry: Entry, values: Sequence[Raw], now: Instant) -> Move:
    """Let a blocked message into line with the values that it has waited for."""
    message = released(entry.message, values, now=now)
    due = now if message.eta is None else max(now, message.eta)
    flags = flags_of(message, entry.record.crashes)
    # Without a record it is the instant of the put that says when the state was last changed.
    put = entry.put if entry.guard else now
    return Move(
        id=entry.id,
        guard=entry.guard,
        seen=entry.seen,
        why=entry.blocked,
        unblock=True,
        record=_text(replace(entry.record, changed=now, flags=flags)) if entry.guard else None,
        message=stored_of(entry.turn, due, put, text_of(message)).decode(),
        join=_place(entry, message, due, flags),
        expire=message.expires,
    )


def meet_doom(entry: Entry, doom: Doom, now: Instant) -> Move:
    """End a blocked message as one did that it has waited for."""
    outcome, follows = doomed(entry.message, doom, now=now)
    return end(entry, ENDS[type(outcome)], now, error=error_of(outcome), puts=follows)


def report(
    entry: Entry, now: Instant, *, state: str | None, tail: Tail, worker: str, puts: Sequence[Message] = ()
) -> Move:
    """Note what a running task tells of itself."""
    before = entry.record
    record = replace(
        before,
        state=state or before.state,
        changed=now if state else before.changed,
        worker=worker,
        tail=tail,
    )
    return Move(
        id=entry.id,
        guard=entry.guard,
        record=_text(record),
        from_=before.state if state else None,
        to=state,
        follow_ups=tuple(puts),
    )


def cancel(entry: Entry, *, terminate: bool, now: Instant) -> Move | None:
    """Revoke what waits, mark what is in hand; None where that would change nothing."""
    record = entry.record
    if record.phase == WAITING:
        return revoke(entry, "revoked", now) if is_readable(entry) else None
    mark = "terminate" if terminate else "revoke"
    if record.phase == ENDED or record.cancel in (mark, "terminate"):
        return None
    return Move(
        id=entry.id,
        guard=entry.guard,
        record=_text(replace(record, cancel=mark)),
        terminate=record.owner if terminate else None,
    )


def rank(entry: Entry, priority: int) -> Move | None:
    """Give one that waits, and can be read, another priority; None where that would change nothing."""
    record = entry.record
    if record.phase != WAITING or not is_readable(entry) or entry.message.priority == priority:
        return None
    message = replace(entry.message, priority=priority)
    text = stored_of(entry.turn, entry.due, entry.put, text_of(message)).decode()
    # The message is changed, and the record is not: what else may be made of it meanwhile shows in the message alone.
    move = Move(id=entry.id, guard=entry.guard, seen=guard_of(entry.stored), message=text)
    if message.gate is not None:
        return move
    departure = _departure(entry)
    return replace(
        move,
        leave=departure.get("leave"),
        aside=departure.get("aside"),
        unblock=bool(entry.blocked),
        join=_place(entry, message, entry.due, flags_of(message, record.crashes)),
        slot=departure["slot"],
    )


def forget(entry: Entry) -> Move | None:
    """Remove an ended run; None for one that has not ended."""
    record = entry.record
    if record.phase != ENDED:
        return None
    indexes = [] if not is_readable(entry) else indexes_of(entry.message)
    if record.state != State.SUCCESS:
        indexes.append(f"s:{record.state}")
    return Move(id=entry.id, guard=entry.guard, from_=record.state, unindex=tuple(indexes), forget=True)


def is_readable(entry: Entry) -> bool:
    try:
        entry.message  # noqa: B018 - read for the error it may raise
        entry.text.decode()  # raw arguments are passed over in decoding a message
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False
    return not entry.is_damaged


def set_aside(entry: Entry, owner: str, now: Instant) -> Move:
    """End a message that nobody can read, alone, so that it stops no other; the message's bytes stay in the store."""
    if not entry.is_damaged:
        return end(entry, State.DEAD, now, error=told("DecodingError", "the stored message cannot be read"))
    move = end(entry, State.DEAD, now, error=told("DecodingError", "the stored record of the message cannot be read"))
    return msgspec.structs.replace(move, owner=owner, unexpire=True)  # what else it was is not known


def _departure(entry: Entry) -> dict[str, Any]:  # Any: fields of Move
    """Return what takes a message out of where it stands: its line, or its owner's hands."""
    record, message = entry.record, entry.readable_message
    slot = None if message.slot is None else message.slot.key
    if record.phase == HELD:
        return {"owner": record.owner, "hand": bytes(record.hand).decode(), "from_": record.state, "slot": slot}
    if entry.blocked:
        member = member_of(entry.turn, flags_of(message, record.crashes), entry.id)
        is_aside = entry.is_aside and slot is not None
        return {
            "unblock": True,
            "seen": entry.seen,
            "aside": (slot, message.queue, slot_of(message), message.task, member) if is_aside else None,
            "unexpire": True,
            "from_": None if entry.is_damaged else record.state,
            "slot": slot,
        }
    if entry.is_damaged:
        return {}
    message = entry.message
    member = member_of(entry.turn, flags_of(message, record.crashes), entry.id)
    return {
        "leave": (message.queue, slot_of(message), member),
        "unexpire": message.expires is not None,
        "from_": record.state,
        "slot": slot,
    }


def _place(entry: Entry, message: Message, due: Instant, flags: int) -> tuple[str, str, int, str, str]:
    """Return where the entry's message, as it is now, is to stand."""
    return message.queue, slot_of(message), due, member_of(entry.turn, flags, entry.id), message.task


def _flags(entry: Entry) -> int:
    """Return the flags of an entry: of a message that was never claimed its record does not know them."""
    if entry.record.phase == HELD:
        return entry.record.flags & (EXPIRES | INDEXED | SPECIAL)
    return flags_of(entry.readable_message)


def _tells(entry: Entry, state: State) -> Literal["succeeded", "failed", "ended"] | None:
    """Return what a schedule is told of an end. Of a message that cannot be read only the store knows the schedule."""
    if not entry.readable_message.schedule and is_readable(entry):
        return None
    return "succeeded" if state in SUCCEEDED else "failed" if state in FAILED else "ended"


def _followers(entry: Entry, outcome: Outcome, now: Instant) -> list[Message]:
    """Return what an end of the engine's own sets off. One that cannot be decoded sets off nothing."""
    return list(follow_ups(entry.message, outcome, now=now)) if is_readable(entry) else []


def _text(record: Record) -> str:
    return encode(replace(record, tail=shortened(record.tail))).decode()
