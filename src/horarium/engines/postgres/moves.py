"""The moves of messages that have a history: put back, ended, charged, revoked.

A ``Moves`` is one transaction: entries are read and locked, changed as values, and at the end written, each kind of
move in one statement for all of them. The two roads that nearly every message takes (claim, success at the first
attempt) are statements of their own elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Literal, TypeVar

import msgspec
from msgspec import Struct, field

from horarium.clock import Instant, Seconds, milliseconds
from horarium.engines.postgres.connection import transaction
from horarium.engines.postgres.intake import insert
from horarium.engines.postgres.news import News
from horarium.engines.postgres.rows import (
    NO_HISTORY,
    History,
    decode_history,
    decode_message,
    encode_history,
    encode_message,
)
from horarium.engines.postgres.sql import Database, Row, array
from horarium.engines.postgres.tokens import new_token
from horarium.engines.postgres.topics import Topics
from horarium.engines.records import SCHEDULE_TOPIC, MaintenancePolicy
from horarium.message import Message
from horarium.outcome import Attempt, Crashed, ErrorRecord, Expired, Outcome, Revoked, State, error_of, told
from horarium.workflow.follow import follow_ups

T = TypeVar("T")


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
    text: str
    history: History = NO_HISTORY
    move: Literal["", "report", "back", "end"] = ""
    changed: Instant | None = None  # by a report
    ended: Instant | None = None
    result: str | None = None
    sent: Message | None = field(default=None)  # as it waits from now on

    @property
    def message(self) -> Message:
        return decode_message(self.text)

    def note(self, attempt: Attempt) -> None:
        self.history = self.history.with_attempt(attempt)


class Moves:
    """One transaction's entries and messages on their way in, and what its schedules are to be told."""

    def __init__(self, db: Database, now: Instant) -> None:
        self.db = db
        self.now = now
        self.news = News()
        self._entries: dict[str, Entry] = {}
        self._new: list[Message] = []

    @classmethod
    def carry_out(
        cls, db: Database, now: Instant, topics: Topics, work: Callable[[Moves], T], *, durable: bool = True
    ) -> T:
        """Do ``work`` and write what it moved, all or nothing; wake the schedulers if that released a schedule."""
        with transaction(db, durable=durable):
            moves = cls(db, now)
            result = work(moves)
            moves.write()
            releases = moves.news.tell(db, now)
        if releases:
            topics.announce(db, {SCHEDULE_TOPIC})
        return result

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
        for move, write in (("report", self._write_reports), ("back", self._write_back), ("end", self._write_ends)):
            if moved := [entry for entry in entries if entry.move == move]:
                write(moved)
        if self._new:
            insert(self.db, self._new, self.now, new_token())
        self._entries, self._new = {}, []

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

    def _write_back(self, entries: list[Entry]) -> None:
        sent = [entry.sent or entry.message for entry in entries]
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
            messages=array(texts),
        )

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
    history = entry.history
    entry.history = History(attempts=history.attempts, error=error or history.error, logs=history.logs)
    entry.state, entry.owner, entry.move = str(state), None, "back"
    entry.worker, entry.started, entry.due = "", None, due
    if message is not None:
        entry.sent, entry.queue = message, message.queue
        if message.schedule != entry.schedule:  # it will not hear of the end of this run any more
            moves.news.add(entry.schedule, state, entry.nominal)
        entry.schedule, entry.nominal = message.schedule, message.nominal


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
    if entry.owner is None:
        revoke(moves, entry, "revoked")
        return True
    mark = "terminate" if terminate else "revoke"
    if entry.cancel in (mark, "terminate"):
        return False
    return moves.db.change("mark_cancelled", id=entry.id, cancel=mark) == 1


def _follow(moves: Moves, entry: Entry, outcome: Outcome) -> None:
    """Put what an end of the engine's own sets off. One that cannot be decoded sets off nothing."""
    try:
        message = entry.message
    except msgspec.DecodeError:
        return
    moves.put(follow_ups(message, outcome, now=moves.now))
