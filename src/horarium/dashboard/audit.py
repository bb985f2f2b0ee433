"""Who changed what: one record for each change, kept for AUDIT_KEPT, only ever added to.

The records are notes of the store, by day, so that the newest are found without reading all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Raw, Struct

from horarium.clock import Instant, Seconds, to_datetime
from horarium.dashboard.ask import Ask, Done
from horarium.engines.records import Note
from horarium.message import new_id

if TYPE_CHECKING:
    from horarium.engines.protocol import Engine

AUDIT_KEPT: Seconds = 180 * 86_400.0
PREFIX = "audit/"
MOST_OF_A_DAY = 20_000  # records that are read at once: a program may make more
LONGEST = 1000  # characters of what somebody has typed; a form may hold a megabyte, and records stay for half a year


class Entry(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A change. Any: plain values, as JSON can say them."""

    at: Instant
    who: str
    via: str
    address: str = ""
    request: str = ""
    action: str
    about: str = ""
    text: str = ""
    was_done: bool = True
    reason: str = ""
    before: Any = None
    after: Any = None

    @classmethod
    def of(cls, ask: Ask, action: str, done: Done, *, address: str, request: str) -> Entry:
        return cls(
            at=ask.now,
            who=(done.by or ask.person).name,
            via=(done.by or ask.person).via,
            address=address,
            request=request,
            action=action,
            about=(done.about or ask.path)[:LONGEST],
            text=done.text[:LONGEST],
            was_done=done.is_good,
            reason=ask.given("reason")[:LONGEST],
            before=done.before,
            after=done.after,
        )


class Place(Struct, frozen=True):
    """Where a page of a day ended: at which record, and how many there are from that one on, it among them."""

    key: str
    seen: int


def write(engine: Engine, entry: Entry) -> None:
    """Add a record. Raises: EngineUnavailable."""
    key = f"{PREFIX}{_day(entry.at)}/{new_id(entry.at)}"
    expires = entry.at + int(AUDIT_KEPT * 1000)
    engine.notes.post(
        [Note(key=key, text=Raw(msgspec.json.encode(entry)), expires=expires)], now=entry.at, durable=True
    )


def read_day(engine: Engine, at: Instant, *, now: Instant, most: int | None = None) -> tuple[list[Entry], bool]:
    """Return the records of the day (UTC) of an instant, the newest first, and whether there are older ones than these:
    no more than ``most`` are read, and no more than MOST_OF_A_DAY."""
    most = MOST_OF_A_DAY if most is None else min(most, MOST_OF_A_DAY)
    notes = engine.notes.read(f"{PREFIX}{_day(at)}/", now=now, last=most + 1)
    has_more = len(notes) > most
    return [msgspec.json.decode(note.text, type=Entry) for note in reversed(notes[has_more:])], has_more


def read_page(
    engine: Engine, at: Instant, *, now: Instant, limit: int, after: Place | None = None
) -> tuple[list[Entry], Place | None]:
    """Return up to ``limit`` records of the day (UTC) of an instant, the newest first, or those that are older than a
    place; and the place where it goes on, None at the end. What is written meanwhile moves no page."""
    day = f"{PREFIX}{_day(at)}/" if after is None else after.key[: after.key.rindex("/") + 1]
    last = limit + 1 + (0 if after is None else after.seen)
    while True:
        notes = engine.notes.read(day, now=now, last=last)
        older = [note for note in notes if after is None or note.key < after.key]
        if len(older) > limit or len(notes) < last:
            break
        last *= 2  # so many have been written since the page before
    page = older[-limit:][::-1]
    place = Place(key=page[-1].key, seen=len(notes) - len(older) + limit) if len(older) > limit else None
    return [msgspec.json.decode(note.text, type=Entry) for note in page], place


def _day(at: Instant) -> str:
    return f"{to_datetime(at):%Y-%m-%d}"
