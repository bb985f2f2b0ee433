"""Settling: what became of deliveries. Plain successes in one script; all else by moves, see commit.py."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Raw
from msgspec.structs import replace

from horarium.clock import Instant, milliseconds
from horarium.engines.records import MaintenancePolicy
from horarium.engines.redis.commit import Move, commit
from horarium.engines.redis.connection import Store
from horarium.engines.redis.moves import crash, end, give_back, note, put_back, report
from horarium.engines.redis.rows import Entry, Tail, encode, mark_of, put_arguments
from horarium.outcome import (
    Attempt,
    Crashed,
    Expired,
    Failed,
    Ignored,
    Outcome,
    Rejected,
    Released,
    Reported,
    Retried,
    Revoked,
    Settlement,
    State,
    Succeeded,
    Verdict,
    error_of,
)

ENDS: dict[type[Outcome], State] = {
    Succeeded: State.SUCCESS,
    Failed: State.FAILURE,
    Revoked: State.REVOKED,
    Expired: State.EXPIRED,
    Rejected: State.REJECTED,
    Ignored: State.IGNORED,
}


def settle(store: Store, settlements: Sequence[Settlement], now: Instant, policy: MaintenancePolicy) -> list[Verdict]:
    """Record the outcome of each delivery; see Queue.settle."""
    verdicts: list[Verdict] = []
    for part in _without_repeated_ids(settlements):
        verdicts += _settle(store, part, now, policy)
    return verdicts


def _without_repeated_ids(settlements: Sequence[Settlement]) -> Iterator[Sequence[Settlement]]:
    """Split where an id comes again (a report and the end of one delivery): they must be recorded in their order."""
    seen: set[str] = set()
    start = 0
    for place, settlement in enumerate(settlements):
        if settlement.id in seen:
            yield settlements[start:place]
            seen, start = set(), place
        seen.add(settlement.id)
    yield settlements[start:]


def _settle(store: Store, settlements: Sequence[Settlement], now: Instant, policy: MaintenancePolicy) -> list[Verdict]:
    verdicts = dict.fromkeys((settlement.id for settlement in settlements), Verdict.LOST)
    plain = [settlement for settlement in settlements if _is_plain(settlement)]
    if plain:
        told = store.call("settle", _arguments(plain, now))
        for settlement, is_recorded in zip(plain, told, strict=True):
            if is_recorded:
                verdicts[settlement.id] = Verdict.RECORDED
    rest = {each.id: each for each in settlements if verdicts[each.id] is not Verdict.RECORDED}

    def decide(entry: Entry) -> Move | None:
        verdicts[entry.id], move = _decided(entry, rest[entry.id], now, policy)
        return move

    if rest:
        commit(store, rest, decide, now)
    return [verdicts[settlement.id] for settlement in settlements]


def _is_plain(settlement: Settlement) -> bool:
    outcome = settlement.outcome
    is_timed = settlement.started is not None and settlement.ended is not None
    return isinstance(outcome, Succeeded) and is_timed and not settlement.logs


def _arguments(plain: Sequence[Settlement], now: Instant) -> list[str | bytes | int]:
    """Return plain successes as lua/settle.lua wants them."""
    arguments: list[str | bytes | int] = [now, len(plain)]
    owners: dict[str, str] = {}
    workers: dict[str, bytes | str] = {"": ""}
    for settlement in plain:
        owner, worker, keep = settlement.owner, settlement.worker, settlement.keep
        if owner not in owners:
            owners[owner] = encode(owner).decode()
        if worker not in workers:
            workers[worker] = encode(worker)
        result = settlement.outcome.result if isinstance(settlement.outcome, Succeeded) else None
        tail = Tail(
            settled=mark_of(settlement),
            keep=None if keep is None else milliseconds(keep),
            started=settlement.started,
            ended=settlement.ended,
            results=() if result is None else (result,),
        )
        arguments += (
            settlement.id,
            owner,
            f"[1,{settlement.fence},{owners[owner]},",
            workers[worker],
            encode(tail),
            "" if keep is None else now + milliseconds(keep),
            len(settlement.follow_ups),
        )
    for settlement in plain:
        for message in settlement.follow_ups:
            arguments += put_arguments(message)
    return arguments


def _decided(
    entry: Entry, settlement: Settlement, now: Instant, policy: MaintenancePolicy
) -> tuple[Verdict, Move | None]:
    if (entry.record.owner, entry.record.fence) != (settlement.owner, settlement.fence) or not settlement.owner:
        is_same = entry.record.tail.settled == mark_of(settlement)
        return (Verdict.REPEATED if is_same else Verdict.LOST), None
    _note(entry, settlement)
    puts = settlement.follow_ups
    if isinstance(settlement.outcome, Reported):
        return Verdict.RECORDED, _reported(entry, settlement.outcome, now, settlement)
    keep = None if settlement.keep is None else milliseconds(settlement.keep)
    tail = replace(entry.record.tail, settled=mark_of(settlement), keep=keep)
    entry.record = replace(entry.record, tail=tail)
    match settlement.outcome:
        case Retried(message=message, error=error):
            due = now if message.eta is None else message.eta
            move = put_back(entry, State.RETRY, now, due=due, message=message, error=error, puts=puts)
        case Released(delay=delay):
            move = give_back(entry, now, delay=delay, puts=puts)
        case Crashed(error=error):
            move = crash(entry, error, now, policy, ended=settlement.ended, puts=puts)
        case outcome:
            result: Raw | None = outcome.result if isinstance(outcome, Succeeded) else None
            state, error_told = ENDS[type(outcome)], error_of(outcome)
            move = end(entry, state, now, error=error_told, result=result, ended=settlement.ended, puts=puts)
    return Verdict.RECORDED, move


def _note(entry: Entry, settlement: Settlement) -> None:
    """Take over what the settlement tells of the attempt."""
    outcome, record = settlement.outcome, entry.record
    tail = record.tail
    if settlement.started is not None:
        tail = replace(tail, started=settlement.started)
    if settlement.logs:
        tail = replace(tail, logs=settlement.logs)
    record = entry.record = replace(record, worker=settlement.worker or record.worker, tail=tail)
    if isinstance(outcome, Reported) or (isinstance(outcome, Released) and settlement.started is None):
        return
    note(
        entry,
        Attempt(
            number=record.attempt,
            worker=record.worker,
            outcome=type(outcome).__name__.lower(),
            started=settlement.started,
            ended=settlement.ended,
            error=error_of(outcome),
        ),
    )


def _reported(entry: Entry, outcome: Reported, now: Instant, settlement: Settlement) -> Move:
    tail = entry.record.tail
    tail = replace(
        tail,
        metas=tail.metas if outcome.meta is None else (outcome.meta,),
        progress=outcome.progress or tail.progress,
    )
    return report(entry, now, state=outcome.state, tail=tail, worker=entry.record.worker, puts=settlement.follow_ups)
