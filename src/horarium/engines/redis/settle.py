"""Settling: what became of deliveries. Plain successes in one script; all else by moves, see commit.py."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from horarium.clock import Instant, milliseconds
from horarium.engines.records import MaintenancePolicy
from horarium.engines.redis.commit import BATCH, carry_out, commit
from horarium.engines.redis.connection import Store
from horarium.engines.redis.gates import Turned, left_behind, read_turned
from horarium.engines.redis.intake import pack, put_arguments, text_of
from horarium.engines.redis.move import Move
from horarium.engines.redis.moves import crash, end, give_back, note, put_back, report
from horarium.engines.redis.rows import Entry, Tail, encode, mark_of, stored_of
from horarium.message import Join
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
    verdicts: list[Verdict] = []
    turned: list[Turned] = []
    for part in _in_order(settlements):
        verdicts += _settle(store, part, now, policy, turned)
    carry_out(store, turned, now)
    if Verdict.REPEATED in verdicts:  # perhaps its answer was lost, and nobody was told of what it has turned
        carry_out(store, left_behind(store, BATCH), now)
    return verdicts


def _in_order(settlements: Sequence[Settlement]) -> Iterator[Sequence[Settlement]]:
    """Split where the order counts: an id comes again (a report and the end of one delivery), or see _is_in_turn."""
    seen: set[str] = set()
    start, was_in_turn = 0, False
    for place, settlement in enumerate(settlements):
        is_in_turn = _is_in_turn(settlement)
        if settlement.id in seen or (place > start and (is_in_turn or was_in_turn)):
            yield settlements[start:place]
            seen, start = set(), place
        seen.add(settlement.id)
        was_in_turn = is_in_turn
    yield settlements[start:]


def _is_in_turn(settlement: Settlement) -> bool:
    """Tell whether it matters what is settled before it: a gate is widened, or a follow-up may find its key held."""
    if not settlement.widens and not settlement.follow_ups:
        return False
    return bool(settlement.widens) or any(message.unique is not None for message in settlement.follow_ups)


def _settle(
    store: Store, settlements: Sequence[Settlement], now: Instant, policy: MaintenancePolicy, turned: list[Turned]
) -> list[Verdict]:
    verdicts = dict.fromkeys((settlement.id for settlement in settlements), Verdict.LOST)
    plain = [settlement for settlement in settlements if _is_plain(settlement)]
    if plain:
        told, gates = store.call("settle", _arguments(plain, now))
        turned += read_turned(store, gates)
        for settlement, is_recorded in zip(plain, told, strict=True):
            if is_recorded:
                verdicts[settlement.id] = Verdict.RECORDED
    rest = {each.id: each for each in settlements if verdicts[each.id] is not Verdict.RECORDED}

    def decide(entry: Entry) -> Move | None:
        verdicts[entry.id], move = _decided(entry, rest[entry.id], now, policy)
        return move

    if rest:
        commit(store, rest, decide, now, turned=turned)
    return [verdicts[settlement.id] for settlement in settlements]


def _is_plain(settlement: Settlement) -> bool:
    outcome = settlement.outcome
    is_timed = settlement.started is not None and settlement.ended is not None
    return isinstance(outcome, Succeeded) and is_timed and settlement.message is None and not settlement.widens


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
            logs=settlement.logs,
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
            _joins(settlement.joins) if settlement.joins else "",
            _value(settlement) if settlement.joins else "",
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
    if isinstance(settlement.outcome, Reported):
        move = _reported(entry, settlement.outcome, now, settlement)
    else:
        move = _moved(entry, settlement, now, policy)
    move.widens = settlement.widens or None
    if isinstance(settlement.outcome, Succeeded) and settlement.joins:
        move.arrives, move.value = _arrives(settlement), _value(settlement).decode()
    return Verdict.RECORDED, move


def _moved(entry: Entry, settlement: Settlement, now: Instant, policy: MaintenancePolicy) -> Move:
    puts = settlement.follow_ups
    keep = None if settlement.keep is None else milliseconds(settlement.keep)
    tail = replace(entry.record.tail, settled=mark_of(settlement), keep=keep)
    entry.record = replace(entry.record, tail=tail)
    match settlement.outcome:
        case Retried(message=message, error=error):
            due = now if message.eta is None else message.eta
            return put_back(entry, State.RETRY, now, due=due, message=message, error=error, puts=puts)
        case Replaced(message=message):
            due = now if message.eta is None else message.eta
            return put_back(entry, State.PENDING, now, due=due, message=message, puts=puts)
        case Released(delay=delay):
            return give_back(entry, now, delay=delay, puts=puts)
        case Crashed(error=error):
            return crash(entry, error, now, policy, ended=settlement.ended, puts=puts)
        case outcome:
            result = outcome.result if isinstance(outcome, Succeeded) else None
            state, error_told = ENDS[type(outcome)], error_of(outcome)
            move = end(entry, state, now, error=error_told, result=result, ended=settlement.ended, puts=puts)
            if settlement.message is not None:
                kept = stored_of(entry.turn, entry.due, entry.put, text_of(settlement.message))
                move.message = kept.decode()
            return move


def _joins(joins: Sequence[Join]) -> str | bytes:
    """Return the gates that are reached, as lua/settle.lua wants them; nearly always it is one."""
    if len(joins) == 1:
        return f"{joins[0].place or 0};{joins[0].id}"
    return b"*" + pack([(str(join.place or 0), join.id) for join in joins])


def _arrives(settlement: Settlement) -> tuple[tuple[str, int], ...]:
    return tuple((join.id, join.place or 0) for join in settlement.joins)


def _value(settlement: Settlement) -> bytes:
    """Return what those who wait for it are given."""
    result = settlement.outcome.result if isinstance(settlement.outcome, Succeeded) else None
    return bytes(settlement.value or result or NULL)


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
