"""Orders for many runs: what one would do, the order itself, how far it is, and its end before its time.

The same orders as those of the page Runs (observe/bulk.py), carried out by the process that was asked.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter
from msgspec.structs import replace
from pydantic import AwareDatetime, BaseModel, Field

from horarium.clock import Instant
from horarium.dashboard.api.cursors import Seal
from horarium.dashboard.api.door import (
    PROBLEMS,
    Call,
    Caller,
    Changed,
    GuardedRoute,
    IdempotencyKey,
    Problem,
    changes,
    reads,
)
from horarium.dashboard.api.runs import Cursor, instant
from horarium.dashboard.api.shapes import Given, Paged, Reason, Told, moment
from horarium.dashboard.ask import part
from horarium.dashboard.carrier import carrier_of
from horarium.dashboard.person import Role
from horarium.message import derived_id
from horarium.observe import bulk
from horarium.observe.bulk import DryRun, Order, Stand
from horarium.observe.moments import iso
from horarium.observe.question import parse

router = APIRouter(tags=["bulk"], route_class=GuardedRoute)

MOST_IDS = 1000
LONGEST_SPREAD: float = 86_400.0
LISTED = 100
Id = Annotated[str, Field(min_length=1, max_length=255)]


class Ordering(Given):
    """What to do with which runs: those of ``q``, or those of ``ids``."""

    action: Literal["retry", "cancel", "terminate"]
    q: Annotated[str, Field(max_length=1000, description="As in the dashboard's search; empty: all runs.")] | None = (
        None
    )
    ids: Annotated[list[Id], Field(min_length=1, max_length=MOST_IDS)] | None = None
    dry_run: Annotated[bool, Field(description="Only tell what would be done.")] = False
    spread: Annotated[
        float, Field(ge=0, le=LONGEST_SPREAD, description="Seconds over which what is sent again comes due.")
    ] = 0.0
    at: Annotated[AwareDatetime | None, Field(description="What was sent later is not meant; as a dry run told.")] = (
        None
    )
    matched: Annotated[
        int | None, Field(ge=1, le=bulk.MOST, description="No more runs than that; as a dry run told.")
    ] = None
    reason: Reason = ""


class CannotShape(BaseModel):
    reason: str
    count: int


class OrderedShape(BaseModel):
    """What an order would do (a dry run, which has no id), or does."""

    id: str | None = None
    url: str | None = None
    is_new: bool = True
    at: str
    matched: int = Field(description=f"Runs that are meant; an order is for no more than {bulk.MOST}.")
    able: int | None = Field(None, description="Of them, those with which it can be done now; None: not counted.")
    cannot: list[CannotShape] | None = Field(None, description="Why it cannot be done with others.")
    is_more: bool = Field(False, description="More runs match than one order is for.")
    is_cut: bool = Field(False, description="Not all kept runs were looked into.")


class OrderShape(BaseModel):
    """An order, and how far it is. ``state``: running, left (nobody carries it on), done or stopped."""

    id: str
    action: str
    state: str
    q: str | None = None
    ids: int = Field(description="How many ids it was given.")
    at: str
    by: str
    reason: str
    spread: float
    matched: int
    seen: int
    done: int = Field(description="Of those seen, the ones with which it was done.")
    began: str
    beat: str = Field(description="When its carrier last told of it.")
    trouble: str = ""


class EffectShape(BaseModel):
    """What became of one run. ``new``: the run to look at now."""

    id: str
    text: str
    was_done: bool
    new: str | None = None


@changes(
    router,
    "POST",
    "/bulk",
    role=Role.OPERATOR,
    action="bulk.order",
    shape=OrderedShape,
    status_code=202,
    responses={**PROBLEMS, 200: {"model": OrderedShape, "description": "A dry run, or it was there already."}},
)
def order_bulk(call: Call, body: Ordering, idempotency_key: IdempotencyKey = None) -> Changed:
    """Run again, cancel or terminate many runs. 202: the order is kept and begun. 200: a dry run, which changes
    nothing, or this key made the order before.

    A dry run tells ``at`` and ``matched``; given back with the order, they keep it to what the dry run has seen.
    """
    order = _ordered(call, body)
    if body.dry_run:
        trial = bulk.dry_run(call.app, order)
        return Changed(body=_told(order, trial), text="", about="", status=200, is_trial=True)
    if idempotency_key is not None:
        order = replace(order, id=derived_id("idempotency", "bulk", call.person.name, idempotency_key))
        if (known := bulk.order_of(call.engine, order.id)) is not None:
            return _repeated(call, order, known)
    dry = None
    if body.matched is None:
        dry = bulk.dry_run(call.app, order)
        order = replace(order, matched=dry.matched)
    if not order.matched:
        raise Problem(409, "nothing_matches", "no run is meant by this order", hint="see it with dry_run first")
    made = bulk.place(call.app, order)
    carrier_of(call.app).carry(call.app, made.id)
    url = _url(call, made.id)
    return Changed(
        body=_told(made, dry) | {"id": made.id, "url": url},
        text=f"{made.act} {made.matched} runs: {made.q or ('these' if made.ids else 'all')}",
        about=f"bulk {made.id}",
        headers={"Location": url},
        reason=body.reason,
        after={"bulk": made.id, "ids": made.ids},
    )


@reads(router, "/bulk", response_model=Paged[OrderShape])
def list_orders(call: Call) -> Any:
    """List the newest orders, with how far each is; they are kept for a week."""
    found = bulk.orders(call.engine, LISTED + 1)
    return {
        "items": [_fields(order, stand, call.now) for order, stand in found[:LISTED]],
        "approx_total": len(found[:LISTED]),
        "total_is_capped": len(found) > LISTED,
    }


@reads(router, "/bulk/{id}/effects", response_model=Paged[EffectShape])
def list_effects(call: Call, id: str, cursor: Cursor = None) -> Any:
    """List what became of the runs of an order, batch by batch, the first one first."""
    order, stand = _found(call, id)
    seal = Seal(call.engine, now=call.now)
    place = seal.place(cursor, "bulk", order.id)
    batch = int(place.after or 0)
    return {
        "items": [
            {"id": each.id, "text": each.text, "was_done": each.was_done, "new": each.new or None}
            for each in bulk.effects_of(call.engine, order.id, batch)
        ],
        "next": seal.cursor(place.following(str(batch + 1) if batch + 1 < stand.parts else None)),
        "prev": seal.cursor(place.preceding()),
        "approx_total": stand.seen,
    }


@changes(router, "POST", "/bulk/{id}/continue", role=Role.OPERATOR, action="bulk.continue", shape=Told)
def continue_order(call: Call, id: str) -> Changed:
    """Go on with an order that was left: whoever carried it out has ended."""
    order, _ = _found(call, id)
    if not carrier_of(call.app).carry(call.app, order.id):
        raise Problem(
            409, "not_left", "it has ended, or somebody else carries it out; nothing was done", hint="see its state"
        )
    text = "it goes on"
    return Changed(body=Told(text=text), text=text, about=f"bulk {order.id}")


@reads(router, "/bulk/{id}", response_model=OrderShape)
def show_order(call: Call, id: str) -> Any:
    """Return an order, and how far it is."""
    return _fields(*_found(call, id), call.now)


@changes(router, "DELETE", "/bulk/{id}", role=Role.OPERATOR, action="bulk.stop", shape=Told)
def stop_order(call: Call, id: str) -> Changed:
    """Stop an order after the batch in hand; what is done stays done."""
    order, _ = _found(call, id)
    if not bulk.stop(call.engine, order.id):
        raise Problem(409, "has_ended", "this order has ended already", hint="nothing was done")
    text = "it stops after the batch in hand"
    return Changed(body=Told(text=text), text=text, about=f"bulk {order.id}")


def _ordered(call: Caller, body: Ordering) -> Order:
    """Raises: Problem, InvalidQuestion."""
    if (body.q is None) == (body.ids is None):
        raise Problem(
            422, "invalid_order", "expected either q or ids", hint="q of an empty text means all runs that are kept"
        )
    if body.spread and body.action != "retry":
        raise Problem(422, "invalid_order", f"expected no spread for {body.action}", hint="only retry is spread")
    q = (body.q or "").strip()
    parse(q)
    at = instant(body.at)
    return Order(
        id="",
        act=body.action,
        at=call.now if at is None else min(at, call.now),
        q=q,
        ids=tuple(dict.fromkeys(body.ids or ())),
        matched=body.matched or 0,
        spread=body.spread,
        by=call.person.name,
        reason=body.reason,
    )


def _repeated(call: Caller, order: Order, known: Order) -> Changed:
    """Return the order that the key has made. Raises: Problem when it was another one."""
    wanted, had = ((each.act, each.q, each.ids, each.spread) for each in (order, known))
    if wanted != had:
        raise Problem(409, "key_was_used", "this Idempotency-Key has made another order", hint="use a new key for each")
    url = _url(call, known.id)
    body = _told(known, None) | {"id": known.id, "url": url, "is_new": False}
    return Changed(body=body, text="", about="", status=200, headers={"Location": url}, is_trial=True)


def _found(call: Caller, id: str) -> tuple[Order, Stand]:
    """Raises: Problem."""
    order, stand = bulk.order_of(call.engine, id), bulk.stand_of(call.engine, id)
    if order is None or stand is None:
        raise Problem(404, "not_found", "nothing is known of this order", hint="orders are kept for 7 days")
    return order, stand


def _told(order: Order, trial: DryRun | None) -> dict[str, Any]:  # Any: the fields of OrderedShape
    body: dict[str, Any] = {"at": iso(order.at), "matched": order.matched}
    if trial is not None:
        body |= {
            "matched": trial.matched,
            "able": trial.able,
            "cannot": [{"reason": reason, "count": count} for reason, count in trial.reasons],
            "is_more": trial.is_more,
            "is_cut": trial.is_cut,
        }
    return body


def _fields(order: Order, stand: Stand, now: Instant) -> dict[str, Any]:  # Any: the fields of OrderShape
    return {
        "id": order.id,
        "action": order.act,
        "state": stand.state(now),
        "q": None if order.ids else order.q,
        "ids": len(order.ids),
        "at": iso(order.at),
        "by": order.by,
        "reason": order.reason,
        "spread": order.spread,
        "matched": order.matched,
        "seen": stand.seen,
        "done": stand.done,
        "began": moment(stand.began),
        "beat": moment(stand.beat),
        "trouble": stand.trouble,
    }


def _url(call: Caller, id: str) -> str:
    return f"{call.base}/api/v1/bulk/{part(id)}"
