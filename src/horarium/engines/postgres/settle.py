"""Settling: what became of deliveries, recorded in one transaction per call.

Plain successes, which nearly all are, take one statement and one round trip. Whatever else is in the batch is read,
moved as values and written in a few statements for all of it. Arrivals at gates are recorded with it, and counted
behind the commit: see aftermath.py.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import Struct
from psycopg import Cursor

from horarium.clock import Instant, milliseconds
from horarium.engines.postgres.aftermath import carry_out_dooms, release_open, see_to_gates
from horarium.engines.postgres.connection import transaction
from horarium.engines.postgres.keys import insert
from horarium.engines.postgres.moves import Entry, Moves, crash, end, give_back, put_back
from horarium.engines.postgres.rows import History, encode_history, encode_raw, mark_of
from horarium.engines.postgres.sql import Database, Row, array
from horarium.engines.postgres.tokens import new_token
from horarium.engines.postgres.topics import Topics
from horarium.engines.records import QUEUE_TOPIC, RESULT_TOPIC, SCHEDULE_TOPIC, MaintenancePolicy
from horarium.message import Message
from horarium.outcome import (
    ENDS,
    Attempt,
    Crashed,
    Released,
    Replaced,
    Reported,
    Retried,
    Settlement,
    State,
    Succeeded,
    Verdict,
    error_of,
)
from horarium.workflow.follow import NULL


class Told(Struct, frozen=True):
    """A settlement and the mark by which it is known again."""

    settlement: Settlement
    mark: int
    place: int


class Fired(Struct, frozen=True):
    """A plain success that a schedule has fired, and the settlement's place in the batch."""

    place: int
    schedule: str
    nominal: Instant | None


class Settling:
    """One call of settle on one connection. ``topics``: who is to be woken once it is done."""

    def __init__(
        self, db: Database, settlements: Sequence[Settlement], now: Instant, policy: MaintenancePolicy
    ) -> None:
        self._db = db
        self._now = now
        self._policy = policy
        self._told = [Told(settlement, mark_of(settlement), place) for place, settlement in enumerate(settlements)]
        self._verdicts: dict[int, Verdict] = {}
        self._fired: list[Fired] = []  # of which the schedules have yet to be told
        self._has_doomed = False
        self.topics: set[str] = set()

    def carry_out(self, topics: Topics) -> list[Verdict]:
        """Record everything, in a transaction of its own, and wake whoever waits for it."""
        plain, others = _apart(self._told)
        if plain and not others and not any(_sets_off(told.settlement) for told in plain):
            with self._db.connection.pipeline() as pipeline:  # one round trip for two transactions
                sent = self._send_plain(plain, tells=True)
                pipeline.sync()
                topics.announce(self._db, {RESULT_TOPIC})
            others = self._take_note(plain, sent)
            self._fired.clear()
            if not others:
                topics.announce(self._db, self.topics - {RESULT_TOPIC})
                return self._answer()
            plain = []
        durable = any(not isinstance(told.settlement.outcome, Reported) for told in others) or bool(plain)
        with transaction(self._db, durable=durable):
            self._record(plain, others)
        topics.announce(self._db, self.topics)
        see_to_gates(self._db, self._now, topics, self._gates())
        if self._has_doomed:
            carry_out_dooms(self._db, self._now, topics)
        return self._answer()

    def carry_out_inside(self) -> list[Verdict]:
        """Record everything inside of the transaction that is open, and release what it opens; its end is the caller's,
        so what is doomed by it is left to the next maintain. Under one snapshot (REPEATABLE READ) arrivals are, too:
        others cannot be seen."""
        self._record(*_apart(self._told))
        gates = self._gates()
        if gates and self._db.sees_others():
            moves = Moves(self._db, self._now)
            release_open(moves, gates)
            moves.write()
            self.topics |= moves.topics
        return self._answer()

    def _gates(self) -> set[str]:
        """Return the gates at which something may have arrived. One that is told again may not have been counted."""
        return {
            join.id
            for told in self._told
            if self._verdicts[told.place] is not Verdict.LOST and isinstance(told.settlement.outcome, Succeeded)
            for join in told.settlement.joins
        }

    def _answer(self) -> list[Verdict]:
        return [self._verdicts[told.place] for told in self._told]

    def _record(self, plain: list[Told], others: list[Told]) -> None:
        follow_ups: list[Message] = []
        moves = Moves(self._db, self._now)
        repeated = set(self._verdicts)
        if plain:
            with self._db.connection.pipeline():  # one round trip for both
                if len(self._told) > 1:  # else the two kinds would be locked one behind the other: see news.py
                    self._db.run("lock_messages", ids=array(sorted({told.settlement.id for told in self._told})))
                sent = self._send_plain(plain, tells=False)
            left = self._take_note(plain, sent)
            others = sorted([*others, *left], key=lambda told: told.place)
            recorded = [told for told in plain if told.place in self._verdicts]
            follow_ups += [message for told in recorded for message in told.settlement.follow_ups]
        if others:
            follow_ups += self._record_others(moves, others)
        self._widen_and_arrive([told for told in self._told if told.place not in repeated])
        if follow_ups:
            insert(self._db, follow_ups, self._now, new_token(), topics=self.topics)
            self.topics |= {QUEUE_TOPIC + message.queue for message in follow_ups}
        self._note_fired(moves, before=len(self._told))
        if moves.news.tell(self._db, self._now):
            self.topics.add(SCHEDULE_TOPIC)
        self.topics |= moves.topics
        self._has_doomed = moves.has_doomed

    def _widen_and_arrive(self, told: Sequence[Told]) -> None:
        """Let gates wait for more, and note who has arrived there, as the settlements just recorded say."""
        recorded = [each.settlement for each in told if self._verdicts[each.place] is Verdict.RECORDED]
        more: dict[str, int] = {}
        for settlement in recorded:
            for gate, by in settlement.widens.items():
                more[gate] = more.get(gate, 0) + by
        for gate in sorted(more):
            self._db.run("widen_gate", id=gate, more=more[gate])
        arrived = [
            (join.id, settlement.id, join.place or 0, _value_of(settlement))
            for settlement in recorded
            if isinstance(settlement.outcome, Succeeded)
            for join in settlement.joins
        ]
        if arrived:
            gates, members, places, values = zip(*arrived, strict=True)
            self._db.run(
                "arrive", gates=array(gates), members=array(members), places=array(places), values=array(values)
            )

    def _note_fired(self, moves: Moves, *, before: int) -> None:
        """Add to the news the plain successes that come before this place: failures in a row are told in order."""
        while self._fired and self._fired[0].place < before:
            fired = self._fired.pop(0)
            moves.news.add(fired.schedule, State.SUCCESS, fired.nominal)

    def _send_plain(self, plain: list[Told], *, tells: bool) -> Cursor[Row]:
        """Record plain successes at the first attempt. ``tells``: their schedules hear of it in the same statement."""
        plain = sorted(plain, key=lambda told: told.settlement.id)  # one order of locks for everybody
        settlements = [told.settlement for told in plain]
        return self._db.run(
            "settle_success",
            now=self._now,
            ids=array(each.id for each in settlements),
            owners=array(each.owner for each in settlements),
            fences=array(each.fence for each in settlements),
            marks=array(told.mark for told in plain),
            results=array(_result_of(each) for each in settlements),
            workers=array(each.worker for each in settlements),
            starteds=array(each.started for each in settlements),
            endeds=array(each.ended for each in settlements),
            keeps=array(_keep_of(each) for each in settlements),
            histories=array(encode_history(History(logs=each.logs)) if each.logs else None for each in settlements),
            tells=tells,
        )

    def _take_note(self, plain: list[Told], sent: Cursor[Row]) -> list[Told]:
        """Note which were recorded; return those that were not plain successes of first attempts after all."""
        rows = sent.fetchall()
        recorded = {id for id, schedule, _ in rows if schedule is None}
        fired = {id: (schedule, nominal) for id, schedule, nominal in rows if schedule is not None}
        if recorded:
            self.topics.add(RESULT_TOPIC)
        if fired.pop(None, None) is not None:
            self.topics.add(SCHEDULE_TOPIC)
        places = {told.settlement.id: told.place for told in plain} if fired else {}
        self._fired = sorted(
            (Fired(places[id], schedule, nominal) for id, (schedule, nominal) in fired.items()),
            key=lambda each: each.place,
        )
        self._verdicts.update((told.place, Verdict.RECORDED) for told in plain if told.settlement.id in recorded)
        return [told for told in plain if told.settlement.id not in recorded]

    def _record_others(self, moves: Moves, others: list[Told]) -> list[Message]:
        """Record settlements one after the other; return the follow-ups of those that were recorded."""
        ids = {told.settlement.id for told in others}
        entries = {entry.id: entry for entry in moves.entries(ids)}
        marks = self._marks_of(ids - entries.keys())
        follow_ups: list[Message] = []
        for told in others:
            self._note_fired(moves, before=told.place)
            settlement, entry = told.settlement, entries.get(told.settlement.id)
            if entry is None:
                is_known = marks.get(settlement.id) == told.mark
                verdict = Verdict.REPEATED if is_known else Verdict.LOST
            elif (entry.owner, entry.fence) != (settlement.owner, settlement.fence):
                verdict = Verdict.REPEATED if entry.settled == told.mark else Verdict.LOST
            else:
                self._settle(moves, entry, told)
                verdict = Verdict.RECORDED
                follow_ups += settlement.follow_ups
            self._verdicts[told.place] = verdict
        moves.write()
        return follow_ups

    def _marks_of(self, ids: set[str]) -> dict[str, int]:
        return dict(self._db.fetch("settled", ids=array(ids))) if ids else {}

    def _settle(self, moves: Moves, entry: Entry, told: Told) -> None:
        settlement = told.settlement
        _note(entry, settlement)
        if isinstance(settlement.outcome, Reported):
            _report(entry, settlement.outcome, self._now)
            return
        entry.settled = told.mark
        entry.keep = _keep_of(settlement)
        match settlement.outcome:
            case Retried(message=message, error=error):
                due = self._now if message.eta is None else message.eta
                put_back(moves, entry, State.RETRY, due=due, message=message, error=error)
            case Replaced(message=message):
                due = self._now if message.eta is None else message.eta
                put_back(moves, entry, State.PENDING, due=due, message=message)
            case Released(delay=delay):
                give_back(moves, entry, delay=delay)
            case Crashed(error=error):
                crash(moves, entry, error, self._policy, ended=settlement.ended)
            case outcome:
                result = _result_of(settlement)
                end(moves, entry, ENDS[type(outcome)], error=error_of(outcome), result=result, ended=settlement.ended)
                entry.sent = settlement.message
        self.topics.add(RESULT_TOPIC if entry.move == "end" else QUEUE_TOPIC + entry.queue)


def _apart(told: Sequence[Told]) -> tuple[list[Told], list[Told]]:
    """Tell plain successes, each the only settlement of its delivery in the batch, from all others."""
    seen: dict[str, int] = {}
    for each in told:
        seen[each.settlement.id] = seen.get(each.settlement.id, 0) + 1
    plain = [each for each in told if _is_plain(each.settlement) and seen[each.settlement.id] == 1]
    chosen = {each.place for each in plain}
    return plain, [each for each in told if each.place not in chosen]


def _is_plain(settlement: Settlement) -> bool:
    return (
        isinstance(settlement.outcome, Succeeded)
        and settlement.started is not None
        and settlement.ended is not None
        and settlement.message is None
    )


def _sets_off(settlement: Settlement) -> bool:
    """Tell whether others hear of it: then it takes a transaction of several statements."""
    return bool(settlement.follow_ups or settlement.joins or settlement.widens)


def _value_of(settlement: Settlement) -> str:
    """Return what those are given that wait for a success."""
    result = settlement.outcome.result if isinstance(settlement.outcome, Succeeded) else None
    return bytes(settlement.value or result or NULL).decode()


def _result_of(settlement: Settlement) -> str | None:
    outcome = settlement.outcome
    return encode_raw(outcome.result) if isinstance(outcome, Succeeded) else None


def _keep_of(settlement: Settlement) -> int | None:
    return None if settlement.keep is None else milliseconds(settlement.keep)


def _note(entry: Entry, settlement: Settlement) -> None:
    """Take over what the settlement tells of the attempt."""
    outcome = settlement.outcome
    entry.worker = settlement.worker or entry.worker
    if settlement.started is not None:
        entry.started = settlement.started
    if settlement.logs:
        entry.history = msgspec.structs.replace(entry.history, logs=settlement.logs)
    if isinstance(outcome, Reported) or (isinstance(outcome, Released) and settlement.started is None):
        return
    entry.note(
        Attempt(
            number=entry.attempt,
            worker=entry.worker,
            outcome=type(outcome).__name__.lower(),
            started=settlement.started,
            ended=settlement.ended,
            error=error_of(outcome),
        )
    )


def _report(entry: Entry, outcome: Reported, now: Instant) -> None:
    entry.history = msgspec.structs.replace(
        entry.history,
        metas=entry.history.metas if outcome.meta is None else (outcome.meta,),
        progress=outcome.progress or entry.history.progress,
    )
    entry.move = "report"
    if outcome.state:
        entry.state, entry.changed = outcome.state, now
