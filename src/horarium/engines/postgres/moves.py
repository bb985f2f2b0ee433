"""The moves of messages that have a history: put back, ended, charged, revoked.

A ``Moves`` is one transaction: entries are read and locked, changed as values, and at the end written, each kind of
move in one statement for all of them. The two roads that nearly every message takes (claim, success at the first
attempt) are statements of their own elsewhere.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec
from msgspec import Raw, Struct, field

from horarium.clock import Instant, Seconds, milliseconds
from horarium.engines.postgres.intake import open_gates, opened, owner_of
from horarium.engines.postgres.keys import insert
from horarium.engines.postgres.news import News
from horarium.engines.postgres.rows import (
    BLOCKED,
    GATED,
    JOINS,
    NO_HISTORY,
    UNIQUE,
    History,
    column_of,
    decode_history,
    decode_message,
    encode_history,
    encode_message,
)
from horarium.engines.postgres.slots import step_back
from horarium.engines.postgres.sql import Database, Row, array
from horarium.engines.postgres.tokens import new_token
from horarium.engines.records import QUEUE_TOPIC, MaintenancePolicy
from horarium.message import Message, successor
from horarium.outcome import Attempt, Crashed, ErrorRecord, Expired, Outcome, Revoked, State, error_of, told
from horarium.workflow.follow import follow_ups
from horarium.workflow.gates import Doom, dooms, released

_encode_doom = msgspec.json.Encoder().encode


class Entry(Struct, eq=False):
    """A message that has not ended, and where it stands, as read under its lock; the moves below change it."""

    id: str
    queue: str
    state: str
    owner: str | None
    fence: int
    settled: int | None
    attempt: int
    crashes: int
    cancel: str | None
    due: Instant
    expires: Instant | None
    worker: str
    started: Instant | None
    keep: int | None
    schedule: str | None
    nominal: Instant | None
    slot: str | None
    text: str
    history: History = NO_HISTORY
    move: Literal["", "report", "rank", "back", "end"] = ""
    changed: Instant | None = None  # by a report
    ended: Instant | None = None
    result: str | None = None
    sent: Message | None = field(default=None)  # as it waits from now on, or is kept

    @property
    def message(self) -> Message:
        return decode_message(self.text)

    @property
    def is_waiting(self) -> bool:
        return self.owner is None or self.owner in BLOCKED

    def note(self, attempt: Attempt) -> None:
        self.history = self.history.with_attempt(attempt)


class Moves:
    """One transaction's entries and messages on their way in, and what its schedules are to be told.

    ``topics``: who is to be woken once it is done. ``dooms``: who waits in vain for what was ended, by id.
    """

    def __init__(self, db: Database, now: Instant) -> None:
        self.db = db
        self.now = now
        self.news = News()
        self.topics: set[str] = set()
        self.dooms: list[tuple[str, Doom]] = []
        self.has_doomed = False  # dooms that were written down, for aftermath.py
        self._entries: dict[str, Entry] = {}
        self._new: list[Message] = []
        self._left_gates: list[str] = []  # ids of those that wait behind them no more
        self._left_slots: Counter[str] = Counter()  # keys
        self._left_keys: list[str] = []  # ids of those whose unique keys are free

    def entries(self, ids: Iterable[str]) -> list[Entry]:
        """Read and lock those of the ids that have not ended."""
        return self.read(self.db.fetch("entries", ids=array(sorted(set(ids)))))

    def read(self, rows: Sequence[Row]) -> list[Entry]:
        """Return the entries of rows that were locked; one that was read before is the same object again."""
        found = []
        for row in rows:
            entry = self._entries.get(row[0])
            if entry is None:
                entry = self._entries[row[0]] = Entry(*row)
                entry.history = decode_history(row[-1])
            found.append(entry)
        return found

    def put(self, messages: Iterable[Message]) -> None:
        """Put messages with the moves."""
        self._new += messages

    def write(self) -> None:
        """Write everything that was moved; nothing is left to be written then but the news, which come last."""
        entries = sorted(self._entries.values(), key=lambda entry: entry.id)  # one order of locks for everybody
        for move, write in (
            ("report", self._write_reports),
            ("rank", self._write_ranks),
            ("back", self._write_back),
            ("end", self._write_ends),
        ):
            if moved := [entry for entry in entries if entry.move == move]:
                write(moved)
        self._write_what_was_left()
        if self._new:
            insert(self.db, self._new, self.now, new_token(), topics=self.topics)
            self.topics |= {QUEUE_TOPIC + message.queue for message in self._new}
        self.topics |= step_back(self.db, self._left_slots)
        self._entries, self._new, self._left_slots = {}, [], Counter()

    def leave(self, entry: Entry) -> None:
        """Note that a message leaves a hand, its line or its gate."""
        if entry.owner == GATED:
            self._left_gates.append(entry.id)
        if entry.slot is not None:
            self._left_slots[entry.slot] += 1
            self.topics.add(QUEUE_TOPIC + entry.queue)  # a claim may have passed others of the key over just now

    def call_back(self, entry: Entry) -> None:
        """Let those who stand aside for the slot of a message that waits back into line: it may be their turn."""
        if entry.slot is not None:
            self._left_slots[entry.slot] = 1
            self.topics.add(QUEUE_TOPIC + entry.queue)

    def note_end(self, entry: Entry, state: State, error: ErrorRecord | None) -> None:
        """Note what the end of a message means to others."""
        if UNIQUE in entry.text:
            self._left_keys.append(entry.id)
        self.note_dooms(entry.id, entry.text, state, error)

    def note_dooms(self, id: str, text: str, state: State, error: ErrorRecord | None) -> None:
        """Note who waits in vain for a message that ends so."""
        if not dooms(state) or JOINS not in text:
            return
        try:
            joins = decode_message(text).joins
        except msgspec.DecodeError:  # of what cannot be read nobody knows who waits for it
            return
        self.dooms += [(join.id, Doom(id=id, state=state, error=error)) for join in joins]

    def _write_what_was_left(self) -> None:
        if self._left_gates:
            self.db.run("drop_gates", ids=array(self._left_gates))
        if self._left_keys:
            self.db.run("free_keys", ids=array(self._left_keys))
        if self.dooms:
            self.db.run(
                "record_dooms",
                ids=array(id for id, _ in self.dooms),
                dooms=array(_encode_doom(doom).decode() for _, doom in self.dooms),
            )
            self.has_doomed = True
        self._left_gates, self._left_keys, self.dooms = [], [], []

    def _write_reports(self, entries: list[Entry]) -> None:
        self.db.run(
            "report",
            ids=array(entry.id for entry in entries),
            states=array(entry.state for entry in entries),
            workers=array(entry.worker for entry in entries),
            starteds=array(entry.started for entry in entries),
            changeds=array(entry.changed for entry in entries),
            histories=array(encode_history(entry.history) for entry in entries),
        )

    def _write_ranks(self, entries: list[Entry]) -> None:
        sent = [entry.sent or entry.message for entry in entries]
        self.db.run(
            "rank",
            ids=array(entry.id for entry in entries),
            ranks=array(-message.priority for message in sent),
            messages=array(encode_message(message) for message in sent),
        )

    def _write_back(self, entries: list[Entry]) -> None:
        gated = [entry.id for entry in entries if entry.owner == GATED]
        if gated:  # what arrived there is nothing to a new one
            self.db.run("drop_gates", ids=array(gated))
        sent = [entry.sent or entry.message for entry in entries]
        slots = [message.slot for message in sent]
        texts = [entry.text if entry.sent is None else encode_message(entry.sent) for entry in entries]
        self.db.run(
            "put_back",
            now=self.now,
            ids=array(entry.id for entry in entries),
            states=array(entry.state for entry in entries),
            settleds=array(entry.settled for entry in entries),
            attempts=array(entry.attempt for entry in entries),
            crashes=array(entry.crashes for entry in entries),
            keeps=array(entry.keep for entry in entries),
            histories=array(encode_history(entry.history) for entry in entries),
            dues=array(entry.due for entry in entries),
            queues=array(message.queue for message in sent),
            tasks=array(message.task for message in sent),
            ranks=array(-message.priority for message in sent),
            expires=array(message.expires for message in sent),
            onces=array(message.at_most_once for message in sent),
            schedules=array(message.schedule for message in sent),
            nominals=array(message.nominal for message in sent),
            parents=array(message.parent for message in sent),
            roots=array(message.root for message in sent),
            owners=array(owner_of(message) for message in sent),
            slots=array(None if slot is None else column_of(slot.key) for slot in slots),
            slot_sizes=array(None if slot is None else slot.size for slot in slots),
            messages=array(texts),
        )
        open_gates(self.db, sent, None)

    def _write_ends(self, entries: list[Entry]) -> None:
        self.db.run(
            "end",
            now=self.now,
            ids=array(entry.id for entry in entries),
            states=array(entry.state for entry in entries),
            settleds=array(entry.settled for entry in entries),
            attempts=array(entry.attempt for entry in entries),
            workers=array(entry.worker for entry in entries),
            starteds=array(entry.started for entry in entries),
            endeds=array(entry.ended for entry in entries),
            keeps=array(entry.keep for entry in entries),
            results=array(entry.result for entry in entries),
            histories=array(encode_history(entry.history) for entry in entries),
            messages=array(None if entry.sent is None else encode_message(entry.sent) for entry in entries),
        )


def end(
    moves: Moves,
    entry: Entry,
    state: State,
    *,
    error: ErrorRecord | None = None,
    result: str | None = None,
    ended: Instant | None = None,
) -> None:
    """End a message that waits or is in hand."""
    moves.leave(entry)
    moves.note_end(entry, state, error)
    entry.history = msgspec.structs.replace(entry.history, error=error)
    entry.state, entry.owner, entry.move = str(state), None, "end"
    entry.ended = moves.now if ended is None else ended
    entry.result = result
    moves.news.add(entry.schedule, state, entry.nominal)


def put_back(
    moves: Moves,
    entry: Entry,
    state: State,
    *,
    due: Instant,
    message: Message | None = None,
    error: ErrorRecord | None = None,
) -> None:
    """Let a message in hand wait again, or end it as REVOKED if it is marked. ``error``: a new one, if there is."""
    if entry.cancel is not None:
        revoke(moves, entry, "terminated" if entry.cancel == "terminate" else "revoked")
        return
    moves.leave(entry)
    history = entry.history
    entry.history = History(attempts=history.attempts, error=error or history.error, logs=history.logs)
    entry.state, entry.owner, entry.move = str(state), None, "back"
    entry.worker, entry.started, entry.due = "", None, due
    if message is not None:
        message = opened(successor(entry.message, message), moves.now)
        if message.gate is None and message.eta is not None:
            entry.due = max(due, message.eta)
        entry.sent, entry.queue = message, message.queue
        if message.schedule != entry.schedule:  # it will not hear of the end of this run any more
            moves.news.add(entry.schedule, state, entry.nominal)
        entry.schedule, entry.nominal = message.schedule, message.nominal


def release(moves: Moves, entry: Entry, values: Sequence[Raw]) -> None:
    """Let a message whose gate is open wait in line."""
    message = released(entry.message, values, now=moves.now)
    entry.sent, entry.move = message, "back"
    entry.due = moves.now if message.eta is None else max(moves.now, message.eta)
    moves.topics.add(QUEUE_TOPIC + message.queue)


def give_back(moves: Moves, entry: Entry, *, delay: Seconds = 0.0) -> None:
    """Put a message back as if it had never been claimed, but for its fence."""
    entry.attempt -= 1
    put_back(moves, entry, State.PENDING, due=moves.now + milliseconds(delay) if delay > 0 else entry.due)


def crash(
    moves: Moves, entry: Entry, error: ErrorRecord, policy: MaintenancePolicy, *, ended: Instant | None = None
) -> None:
    """Charge a message in hand with the death of its process."""
    entry.crashes += 1
    is_hopeless = entry.crashes >= policy.crash_limit or entry.message.at_most_once
    if is_hopeless and entry.cancel is None:
        die(moves, entry, error, ended=ended)
        return
    delays = policy.crash_delays or (0.0,)
    delay = delays[min(entry.crashes, len(delays)) - 1]
    put_back(moves, entry, State.RETRY, due=moves.now + milliseconds(delay), error=error)


def revoke(moves: Moves, entry: Entry, reason: str) -> None:
    end(moves, entry, State.REVOKED, error=error_of(Revoked(reason=reason)))


def expire(moves: Moves, entry: Entry) -> None:
    end(moves, entry, State.EXPIRED, error=error_of(Expired()))
    _follow(moves, entry, Expired())


def die(moves: Moves, entry: Entry, error: ErrorRecord, *, ended: Instant | None = None) -> None:
    end(moves, entry, State.DEAD, error=error, ended=ended)
    _follow(moves, entry, Crashed(error=error))


def set_aside_unreadable(moves: Moves, entry: Entry) -> bool:
    """End a message that nobody can read, alone, so that it stops no other; its text stays in the store. Tell whether
    it was such a one."""
    try:
        decode_message(entry.text)
    except msgspec.DecodeError as error:
        end(moves, entry, State.DEAD, error=told("DecodingError", f"the stored message cannot be read: {error}"))
        return True
    return False


def cancel(moves: Moves, entry: Entry, *, terminate: bool) -> bool:
    """Revoke what waits, mark what is in hand; tell whether that changed anything."""
    if entry.is_waiting:
        revoke(moves, entry, "revoked")
        return True
    mark = "terminate" if terminate else "revoke"
    if entry.cancel in (mark, "terminate"):
        return False
    return moves.db.change("mark_cancelled", id=entry.id, cancel=mark) == 1


def rank(moves: Moves, entry: Entry, priority: int) -> bool:
    """Give one that waits, and can be read, another priority; tell whether that changed anything."""
    try:
        message = entry.message
    except msgspec.DecodeError:
        return False
    if not entry.is_waiting or message.priority == priority:
        return False
    entry.sent, entry.move = msgspec.structs.replace(message, priority=priority), "rank"
    if entry.owner != GATED:
        moves.call_back(entry)
    return True


def _follow(moves: Moves, entry: Entry, outcome: Outcome) -> None:
    """Put what an end of the engine's own sets off. One that cannot be decoded sets off nothing."""
    try:
        message = entry.message
    except msgspec.DecodeError:
        return
    moves.put(follow_ups(message, outcome, now=moves.now))
