"""Settling: what became of deliveries, recorded in one durable transaction per call."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from horarium.clock import Instant, milliseconds
from horarium.engines.records import MaintenancePolicy
from horarium.engines.sqlite.connection import Connection, Store
from horarium.engines.sqlite.gates import arrive
from horarium.engines.sqlite.intake import insert
from horarium.engines.sqlite.moves import Entry, crash, end, entries, give_back, put_back
from horarium.engines.sqlite.rows import History, encode_history, encode_message, mark_of
from horarium.engines.sqlite.sql import change, fetch
from horarium.engines.sqlite.watch import tell_schedule
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


def settle(store: Store, settlements: Sequence[Settlement], now: Instant, policy: MaintenancePolicy) -> list[Verdict]:
    """Record the outcome of each delivery; see Queue.settle."""
    # A lost progress report is told anew by the next one; an outcome must be safe before anybody hears of it.
    durable = any(not isinstance(settlement.outcome, Reported) for settlement in settlements)
    marks = [mark_of(settlement) for settlement in settlements]
    verdicts: list[Verdict] = []
    with store.write("locked" if durable else "never") as db:
        follow_ups: list[Message] = []
        for settlement, mark in zip(settlements, marks, strict=True):
            is_recorded = _settle_success(db, settlement, mark, now)
            verdict = Verdict.RECORDED if is_recorded else _settle(db, settlement, mark, now, policy)
            if verdict is Verdict.RECORDED:
                follow_ups += settlement.follow_ups
                for gate, by in settlement.widens.items():
                    change(db, "widen_gate", (gate, by))
            verdicts.append(verdict)
        insert(db, follow_ups, now)
        for settlement, verdict in zip(settlements, verdicts, strict=True):
            if settlement.joins and verdict is Verdict.RECORDED and isinstance(settlement.outcome, Succeeded):
                value = settlement.value or settlement.outcome.result or NULL
                arrive(db, settlement.joins, settlement.id, bytes(value), now)
    return verdicts


def _settle_success(db: Connection, settlement: Settlement, mark: int, now: Instant) -> bool:
    """Record a plain success at the first attempt in one statement; False, with nothing done, for all else."""
    outcome = settlement.outcome
    if not isinstance(outcome, Succeeded) or settlement.started is None or settlement.ended is None:
        return False
    if settlement.message is not None:
        return False
    values = (
        settlement.id,
        settlement.owner,
        settlement.fence,
        mark,
        outcome.result,
        settlement.worker or None,
        settlement.started,
        settlement.ended,
        now,
        None if settlement.keep is None else milliseconds(settlement.keep),
    )
    history = encode_history(History(logs=settlement.logs)) if settlement.logs else None
    if change(db, "settle_success", (*values, False, history)) == 1:
        return True
    for schedule, text in fetch(db, "sent_by_schedule", values[:3]):
        tell_schedule(db, schedule, State.SUCCESS, text, now)
        return change(db, "settle_success", (*values, True, history)) == 1
    return False


def _settle(db: Connection, settlement: Settlement, mark: int, now: Instant, policy: MaintenancePolicy) -> Verdict:
    entry = next(entries(db, "entry", {"id": settlement.id}), None)
    if entry is None:
        return Verdict.LOST
    if (entry.owner, entry.fence) != (settlement.owner, settlement.fence):
        return Verdict.REPEATED if entry.settled == mark else Verdict.LOST
    _note(entry, settlement)
    if isinstance(settlement.outcome, Reported):
        _report(db, entry, settlement.outcome, now)
        return Verdict.RECORDED
    entry.settled = mark
    entry.keep = None if settlement.keep is None else milliseconds(settlement.keep)
    match settlement.outcome:
        case Retried(message=message, error=error):
            due = now if message.eta is None else message.eta
            put_back(db, entry, State.RETRY, now, due=due, message=message, error=error)
        case Replaced(message=message):
            due = now if message.eta is None else message.eta
            put_back(db, entry, State.PENDING, now, due=due, message=message)
        case Released(delay=delay):
            give_back(db, entry, now, delay=delay)
        case Crashed(error=error):
            crash(db, entry, error, now, policy, ended=settlement.ended)
        case outcome:
            result = outcome.result if isinstance(outcome, Succeeded) else None
            text = None if result is None else bytes(result)
            kept = None if settlement.message is None else encode_message(settlement.message)
            state, error_told = ENDS[type(outcome)], error_of(outcome)
            end(db, entry, state, now, error=error_told, result=text, ended=settlement.ended, message=kept)
    return Verdict.RECORDED


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


def _report(db: Connection, entry: Entry, outcome: Reported, now: Instant) -> None:
    history = entry.history
    history = msgspec.structs.replace(
        history,
        metas=history.metas if outcome.meta is None else (outcome.meta,),
        progress=outcome.progress or history.progress,
    )
    change(
        db,
        "report",
        {
            "seq": entry.seq,
            "state": outcome.state or entry.state,
            "worker": entry.worker,
            "started": entry.started,
            "changed": now if outcome.state else None,
            "history": encode_history(history),
        },
    )
