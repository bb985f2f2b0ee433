"""Acting on many runs: a dry run first, then an order that is carried out in small batches and can be stopped, resumed
and looked at by anybody.

An order, how far it is, and what became of each run are notes in the store. What is sent has an id that comes of the
order and the run, so that a batch that is made twice sends nothing twice: whoever finds an order that nobody carries
on may go on with it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal, TypeAlias, TypeVar

import msgspec
from msgspec import Raw, Struct
from msgspec.structs import replace

from horarium.app.again import refusal, repeated
from horarium.clock import Instant, Seconds
from horarium.engines.records import Note
from horarium.errors import InvalidArguments
from horarium.message import Message, derived_id, new_id
from horarium.observe.contents import Contents
from horarium.observe.effects import Effect, cancel, not_cancellable, run_again
from horarium.observe.matching import Sight
from horarium.observe.question import parse
from horarium.observe.searching import Found, Plan, plan_of, search
from horarium.outcome import Run

if TYPE_CHECKING:
    from horarium.app.app import Horarium
    from horarium.engines.protocol import Engine

T = TypeVar("T")
Act: TypeAlias = Literal["retry", "cancel", "terminate"]

MOST = 10_000  # runs of one order
BATCH = 100  # runs of one step, and of one page of what became of them
KEPT: Seconds = 7 * 86_400.0
SILENT: Seconds = 15.0  # one whose carrier has said nothing for so long has been left
MOST_SEARCHED = 1_000_000  # runs that one order looks into
LOOKED_INTO = 20_000  # of them, by one step
MOST_LISTED = 10_000  # orders among which the newest are looked for
REASONS = 5  # for which some of them cannot be changed, that a dry run tells
_ORDER, _STAND, _STOP, _PART = "bulk-order/", "bulk-stand/", "bulk-stop/", "bulk-part/"


class Order(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What is to be done, to which runs: those of ``ids``, else those that the question meant at ``at``; no more than
    ``matched`` of them. Runs that are sent again are spread over ``spread``."""

    id: str
    act: Act
    at: Instant
    q: str = ""
    ids: tuple[str, ...] = ()
    zone: str = "UTC"
    matched: int = 0
    spread: Seconds = 0.0
    by: str = ""
    reason: str = ""


class Stand(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """How far an order is. ``carrier`` is who carries it on; another one may take it when ``beat`` is SILENT ago."""

    carrier: str
    beat: Instant
    began: Instant
    after: str | None = None
    seen: int = 0
    done: int = 0
    parts: int = 0  # batches whose effects are kept
    looked_into: int = 0
    end: Literal["", "done", "stopped"] = ""
    trouble: str = ""

    def is_left(self, now: Instant) -> bool:
        """Whether nobody carries it on, though it has not ended."""
        return not self.end and now - self.beat > SILENT * 1000

    def state(self, now: Instant) -> Literal["running", "left", "done", "stopped"]:
        return self.end or ("left" if self.is_left(now) else "running")


def changed(order: Order, stand: Stand) -> int:
    """Return how many an order that is done never met, though the dry run had: what they are has changed before their
    turn came."""
    is_whole = stand.end == "done" and stand.looked_into < MOST_SEARCHED
    return max(0, order.matched - stand.seen) if is_whole else 0


class DryRun(Struct, frozen=True, kw_only=True):
    """What an order would do. ``is_more``: beyond MOST; ``is_cut``: not all kept runs were looked into."""

    matched: int = 0
    able: int = 0
    reasons: tuple[tuple[str, int], ...] = ()  # why others cannot be changed, with how many, the most frequent first
    is_more: bool = False
    is_cut: bool = False


def dry_run(app: Horarium, order: Order) -> DryRun:
    """Count what an order would do; change nothing. Raises: InvalidQuestion, EngineUnavailable."""
    matched, able, looked_into = 0, 0, 0
    reasons: Counter[str] = Counter()
    after: str | None = None
    found = Found(runs=())
    while matched < MOST and looked_into < MOST_SEARCHED:
        found = _found(app, order, after, min(500, MOST - matched))
        for run in found.runs:
            reason = _why_not(order.act, run)
            able += reason is None
            if reason is not None:
                reasons[reason] += 1
        matched += len(found.runs)
        looked_into += found.searched
        after = found.next
        if after is None:
            break
    is_more = after is not None and matched >= MOST and bool(_found(app, order, after, 1).runs)
    return DryRun(
        matched=matched,
        able=able,
        reasons=tuple(reasons.most_common(REASONS)),
        is_more=is_more,
        is_cut=after is not None and matched < MOST,
    )


def place(app: Horarium, order: Order) -> Order:
    """Keep an order, ready to be carried out by whoever calls ``take``; return it with its id, a new one if it has
    none.

    Raises: InvalidArguments for one of nothing or of too many; InvalidQuestion; EngineUnavailable.
    """
    if not 0 < order.matched <= MOST:
        raise InvalidArguments(f"expected an order for 1 to {MOST} runs, got one for {order.matched}; ask for others")
    parse(order.q)
    now = app.engine.now()
    made = replace(order, id=order.id or new_id(now))
    stand = Stand(carrier="", beat=now, began=now)  # left, if whoever placed it dies before they take it
    _post(app.engine, [(_ORDER + made.id, made), (_STAND + made.id, stand)], now)
    return made


def take(app: Horarium, id: str) -> Stand | None:
    """Become the one who carries an order on; None when it has ended, is not known, or somebody else does."""
    now, stand = app.engine.now(), stand_of(app.engine, id)
    if stand is None or stand.end or (stand.carrier and not stand.is_left(now)):
        return None
    mine = replace(stand, carrier=new_id(now), beat=now)
    _post(app.engine, [(_STAND + id, mine)], now)
    return mine


def step(app: Horarium, order: Order, stand: Stand) -> Stand | None:
    """Carry out one batch; return how far it is then. None: somebody else has taken the order.

    Safe to repeat: what was done is recorded after it was done, and doing it again changes nothing.
    Raises: EngineUnavailable.
    """
    engine = app.engine
    stored = stand_of(engine, order.id)
    if stored is None or stored.carrier != stand.carrier:
        return None
    if engine.notes.read(_STOP + order.id, now=engine.now()):
        return _ended(engine, order, stand, "stopped")
    found = _found(app, order, stand.after, min(BATCH, order.matched - stand.seen))
    effects = _effects(app, order, stand, found.runs)
    now = engine.now()
    after = replace(
        stand,
        beat=now,
        after=found.next,
        seen=stand.seen + len(found.runs),
        done=stand.done + sum(effect.was_done for effect in effects),
        parts=stand.parts + bool(effects),
        looked_into=stand.looked_into + found.searched,
        trouble="",
    )
    is_all = found.next is None or after.seen >= order.matched or after.looked_into >= MOST_SEARCHED
    if is_all:
        after = replace(after, end="done")
    part = [(f"{_PART}{order.id}/{stand.parts:05}", effects)] if effects else []
    _post(engine, [*part, (_STAND + order.id, after)], now)
    return after


def stop(engine: Engine, id: str) -> bool:
    """Ask that an order be carried on no further; what is done stays. False when it has ended."""
    now, stand = engine.now(), stand_of(engine, id)
    if stand is None or stand.end:
        return False
    _post(engine, [(_STOP + id, True)], now)
    if not stand.carrier or stand.is_left(now):
        _post(engine, [(_STAND + id, replace(stand, end="stopped"))], now)
    return True


def order_of(engine: Engine, id: str) -> Order | None:
    return _read(engine, _ORDER + id, Order)


def stand_of(engine: Engine, id: str) -> Stand | None:
    return _read(engine, _STAND + id, Stand)


def orders(engine: Engine, limit: int) -> list[tuple[Order, Stand]]:
    """Return the newest orders, with how far each is. Only these are read whole: one may name thousands of runs."""
    notes = engine.notes.read(_STAND, now=engine.now(), last=MOST_LISTED)
    stands = [(note.key.removeprefix(_STAND), _decoded(note, Stand)) for note in notes]
    known = [(id, stand) for id, stand in stands if stand is not None]
    known.sort(key=lambda each: (each[1].began, each[0]), reverse=True)  # an id may come of a key, and tell no time
    found: list[tuple[Order, Stand]] = []
    for id, stand in known:
        order = order_of(engine, id)
        if order is not None:
            found.append((order, stand))
        if len(found) == limit:
            break
    return found


def effects_of(engine: Engine, id: str, part: int) -> list[Effect]:
    """Return what became of the runs of one batch, counted from 0."""
    return _read(engine, f"{_PART}{id}/{part:05}", list[Effect]) or []


def _found(app: Horarium, order: Order, after: str | None, limit: int) -> Found:
    if order.ids:
        start = int(after or 0)
        ids, is_last = order.ids[start : start + limit], start + limit >= len(order.ids)
        runs = tuple(run for run in app.engine.results.read(ids) if run is not None)
        return Found(runs=runs, next=None if is_last else str(start + limit), searched=len(ids))
    plan, sight = _plan(app, order)
    return search(app.engine.results, plan, sight, limit=limit, after=after, most=LOOKED_INTO)


def _plan(app: Horarium, order: Order) -> tuple[Plan, Sight]:
    """What was sent after the order was made is never meant: least of all what the order itself sends."""
    sight = Sight(now=order.at, zone=order.zone, contents=Contents(app))
    plan = plan_of(parse(order.q), sight)
    until = order.at + 1 if plan.filter.until is None else min(plan.filter.until, order.at + 1)
    return replace(plan, filter=replace(plan.filter, until=until)), sight


def _why_not(act: Act, run: Run) -> str | None:
    return refusal(run) if act == "retry" else not_cancellable(run)


def _effects(app: Horarium, order: Order, stand: Stand, runs: Sequence[Run]) -> list[Effect]:
    if not runs:
        return []
    if order.act != "retry":
        return cancel(app, runs, terminate=order.act == "terminate")
    return run_again(app, runs, _repeat(order, stand, {run.id: place for place, run in enumerate(runs)}, app))


def _repeat(order: Order, stand: Stand, places: dict[str, int], app: Horarium) -> Callable[[Run], Message]:
    now = app.engine.now()

    def repeat(run: Run) -> Message:
        eta = None
        if order.spread:
            share = (stand.seen + places[run.id]) / order.matched
            eta = stand.began + round(order.spread * 1000 * share)
        return repeated(run, now, id=derived_id("bulk", order.id, run.id), eta=eta)

    return repeat


def _ended(engine: Engine, order: Order, stand: Stand, end: Literal["done", "stopped"]) -> Stand:
    now = engine.now()
    ended = replace(stand, end=end, beat=now)
    _post(engine, [(_STAND + order.id, ended)], now)
    return ended


def _post(engine: Engine, values: Sequence[tuple[str, object]], now: Instant) -> None:
    expires = now + round(KEPT * 1000)
    engine.notes.post(
        [Note(key=key, text=Raw(msgspec.json.encode(value)), expires=expires) for key, value in values], now=now
    )


def _read(engine: Engine, key: str, kind: type[T]) -> T | None:
    note = next((note for note in engine.notes.read(key, now=engine.now()) if note.key == key), None)
    return None if note is None else _decoded(note, kind)


def _decoded(note: Note, kind: type[T]) -> T | None:
    """Return what a note says; None when a newer version of us wrote what we cannot read."""
    try:
        return msgspec.json.decode(note.text, type=kind)
    except msgspec.DecodeError:
        return None
