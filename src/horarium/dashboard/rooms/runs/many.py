"""Acting on many runs: what it would do, the order, and how far it is."""

from __future__ import annotations

from typing import get_args

from msgspec.structs import replace

from horarium.clock import Seconds
from horarium.dashboard.ask import Ask, Done, Shown, Unanswerable, asked_by, part
from horarium.dashboard.carrier import carrier_of
from horarium.dashboard.person import Role
from horarium.dashboard.rooms.runs.place import room
from horarium.observe import bulk
from horarium.observe.bulk import Order, Stand
from horarium.observe.question import parse

ASKED_FROM = 100  # with more, a word has to be typed
SPREADS: tuple[tuple[Seconds, str], ...] = (
    (0.0, "all at once"),
    (120.0, "2 minutes"),
    (600.0, "10 minutes"),
    (3600.0, "1 hour"),
    (21_600.0, "6 hours"),
)
LISTED = 20
WORDS = {"retry": "Run again", "cancel": "Cancel", "terminate": "Cancel and stop"}


@room.act("/runs/bulk/preview", role=Role.OPERATOR, trial=True)
def look_first(ask: Ask) -> Done:
    """Lead to what would be done, which has an address of its own. Raises: Unanswerable, InvalidQuestion."""
    order = _ordered(ask)
    act = order.act if order.ids else f"{order.act}-all"
    return Done(text="", to=ask.path + asked_by(act=act, q=order.q, at=order.at, ids=",".join(order.ids)))


@room.page("/runs/bulk/preview", role=Role.OPERATOR, live=False)
def preview(ask: Ask) -> Shown:
    """Show what would be done. Raises: Unanswerable, InvalidQuestion."""
    form = {name: (value,) for name, value in ask.query.items()}
    order = _ordered(replace(ask, form={**form, "id": tuple(filter(None, ask.query.get("ids", "").split(",")))}))
    trial = bulk.dry_run(ask.app, order)
    context = {
        "order": order,
        "trial": trial,
        "word": order.act.upper() if trial.matched > ASKED_FROM else "",
        "spreads": SPREADS,
        "verb": WORDS[order.act],
        "most": bulk.MOST,
    }
    return Shown(template="runs/preview.html", title=f"{WORDS[order.act]}: what it would do", context=context)


@room.act("/runs/bulk/start", role=Role.OPERATOR)
def start(ask: Ask) -> Done:
    """Raises: Unanswerable, InvalidQuestion, InvalidArguments."""
    order = _ordered(ask)
    order = replace(order, matched=_number(ask, "matched"), spread=_spread(ask), reason=ask.given("reason")[:500])
    if order.matched > ASKED_FROM and ask.given("word").strip().upper() != order.act.upper():
        raise Unanswerable(
            "wrong", f"Type {order.act.upper()} to act on {order.matched:,} runs", hint="Nothing was done."
        )
    made = bulk.place(ask.app, order)
    carrier_of(ask.app).carry(ask.app, made.id)
    about = f"{order.act} {order.matched} runs: {order.q or ('these' if order.ids else 'all')}"
    return Done(text="Begun", to=f"/runs/bulk/{part(made.id)}", about=about, after={"bulk": made.id, "ids": order.ids})


@room.page("/runs/bulk")
def orders(ask: Ask) -> Shown:
    found = bulk.orders(ask.engine, LISTED)
    context = {"orders": [(order, stand, stand.state(ask.now)) for order, stand in found], "verbs": WORDS}
    return Shown(template="runs/orders.html", title="Orders for many runs", context=context)


@room.page("/runs/bulk/{id}")
def order(ask: Ask) -> Shown:
    found, stand = _known(ask)
    last = max(stand.parts - 1, 0)
    asked = ask.query.get("part", "")
    place = min(_whole(asked), last) if asked.isdecimal() else last  # 0 is a batch, too
    context = {
        "order": found,
        "stand": stand,
        "word": stand.state(ask.now),
        "verb": WORDS[found.act],
        "effects": bulk.effects_of(ask.engine, found.id, place),
        "place": place,
        "last": last,
        "changed": bulk.changed(found, stand),
    }
    return Shown(
        template="runs/order.html",
        title=f"{WORDS[found.act]}: {found.matched:,} {'run' if found.matched == 1 else 'runs'}",
        context=context,
    )


@room.act("/runs/bulk/{id}/stop", role=Role.OPERATOR)
def stop(ask: Ask) -> Done:
    found, _ = _known(ask)
    was_going = bulk.stop(ask.engine, found.id)
    text = "It stops after the batch in hand; what is done stays done" if was_going else "It had ended already"
    return Done(text=text, to=f"/runs/bulk/{part(found.id)}", is_good=was_going, about=f"bulk {found.id}")


@room.act("/runs/bulk/{id}/continue", role=Role.OPERATOR)
def go_on(ask: Ask) -> Done:
    found, _ = _known(ask)
    is_taken = carrier_of(ask.app).carry(ask.app, found.id)
    text = "It goes on" if is_taken else "It has ended, or somebody else carries it out; nothing was done"
    return Done(text=text, to=f"/runs/bulk/{part(found.id)}", is_good=is_taken, about=f"bulk {found.id}")


def _ordered(ask: Ask) -> Order:
    """Return what the form asks for. Raises: Unanswerable, InvalidQuestion."""
    act, _, scope = ask.given("act").partition("-")
    if act not in get_args(bulk.Act):
        raise Unanswerable("wrong", f"expected retry, cancel or terminate, got {act[:20]!r}", hint="Nothing was done.")
    ids = () if scope == "all" else tuple(dict.fromkeys(ask.form.get("id", ())))
    if scope != "all" and not ids:
        raise Unanswerable("wrong", "No run is selected", hint="Go back and tick some, or choose all that match.")
    if len(ids) > bulk.BATCH:
        raise Unanswerable(
            "too much", f"expected at most {bulk.BATCH} selected runs", hint="Ask for them by a question."
        )
    q = "" if ids else ask.given("q").strip()
    parse(q)
    at = min(_number(ask, "at") or ask.now, ask.now)
    return Order(id="", act=act, at=at, q=q, ids=ids, zone=ask.zone, by=ask.person.name)  # type: ignore[arg-type]


def _known(ask: Ask) -> tuple[Order, Stand]:
    found, stand = bulk.order_of(ask.engine, ask.parts["id"]), bulk.stand_of(ask.engine, ask.parts["id"])
    if found is None or stand is None:
        raise Unanswerable("gone", "Nothing is known of this order", hint="Orders are kept for 7 days.")
    return found, stand


def _number(ask: Ask, name: str) -> int:
    return _whole(ask.given(name))


def _whole(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 16 else 0


def _spread(ask: Ask) -> Seconds:
    spread = float(_number(ask, "spread"))
    return spread if spread in {seconds for seconds, _ in SPREADS} else 0.0
