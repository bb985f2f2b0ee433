"""Firings, inside of a write transaction: what becomes of each, and all that becomes true with it."""

from __future__ import annotations

from collections.abc import Sequence

from horarium.clock import Instant
from horarium.engines.sqlite.connection import Connection
from horarium.engines.sqlite.intake import insert
from horarium.engines.sqlite.moves import cancel, entries, revoke
from horarium.engines.sqlite.rows import WAITING
from horarium.engines.sqlite.sql import change, fetch
from horarium.message import Message
from horarium.schedules.record import Fate, Firing


def fire(db: Connection, firings: Sequence[Firing], now: Instant) -> list[Fate]:
    """Carry out firings, one behind the other; see Schedules.fire.

    Their messages are stored all in one: each on its own, a firing took six statements instead of four. Only before one
    that asks what is active those before it have to be there.
    """
    fates, waiting = [], list[Message]()
    for firing in firings:
        if waiting and firing.overlap != "allow":
            insert(db, waiting, now)
            waiting = []
        fate, new = _fire(db, firing, now)
        fates.append(fate)
        waiting += new
    insert(db, waiting, now)
    return fates


def _fire(db: Connection, firing: Firing, now: Instant) -> tuple[Fate, Sequence[Message]]:
    """Carry out a firing but for its messages; return them."""
    is_by_hand = firing.kind == "manual"
    id = _look_up(db, firing, by_hand=is_by_hand)
    if id is None:
        return Fate.LOST, ()
    if not is_by_hand and firing.overlap != "allow" and _is_full(db, firing) and _has_new(db, firing, id):
        if firing.overlap == "queue_one":
            change(db, "hold", {"name": firing.schedule})
            return Fate.HELD, ()
        if firing.overlap == "skip":
            _move_on(db, firing, skipped=len(_note(db, firing, id)))
            return Fate.SKIPPED, ()
        _make_way(db, firing, now)
    new = _note(db, firing, id)
    if not is_by_hand:
        _move_on(db, firing, sent=new)
    return (Fate.SENT if new or not (firing.messages or is_by_hand) else Fate.REPEATED), new


def _look_up(db: Connection, firing: Firing, *, by_hand: bool) -> str | None:
    """Return the id of the schedule if it is where the firing expects it."""
    values = {
        "name": firing.schedule,
        "by_hand": by_hand,
        "version": firing.version,
        "expected": firing.expected,
    }
    for (id,) in fetch(db, "fireable", values):
        return str(id)
    return None


def _is_full(db: Connection, firing: Firing) -> bool:
    values = {"schedule": firing.schedule, "limit": firing.max_active}
    return bool(fetch(db, "count_active", values)[0][0] >= firing.max_active)


def _has_new(db: Connection, firing: Firing, id: str) -> bool:
    """Tell whether one of the instants was not fired before."""
    return not all(fetch(db, "was_fired", _key(firing, message, id)) for message in firing.messages)


def _note(db: Connection, firing: Firing, id: str) -> list[Message]:
    """Note the instants as fired; return the messages of those that were not before."""
    return [message for message in firing.messages if change(db, "insert_firing", _key(firing, message, id))]


def _key(firing: Firing, message: Message, id: str) -> dict[str, object]:
    return {"nominal": message.nominal or 0, "schedule": id, "kind": firing.kind}


def _move_on(db: Connection, firing: Firing, *, sent: Sequence[Message] = (), skipped: int = 0) -> None:
    values = {
        "name": firing.schedule,
        "next_fire": firing.next_fire,
        "missed": firing.missed,
        "skipped": skipped,
        "sent": len(sent),
        "newest": max((message.nominal or 0 for message in sent), default=None),
    }
    change(db, "move_on", values)


def _make_way(db: Connection, firing: Firing, now: Instant) -> None:
    """End what waits; with cancel_previous, mark what is in hand."""
    for entry in entries(db, "entries_active", {"schedule": firing.schedule}):
        if entry.phase <= WAITING:
            revoke(db, entry, f"replaced by the firing of {firing.nominal}", now)
        elif firing.overlap == "cancel_previous":
            cancel(db, entry, terminate=True, now=now)
