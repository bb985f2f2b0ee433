"""Saved views: questions that have a name, for everybody who looks at this store."""

from __future__ import annotations

import msgspec
from msgspec import Raw, Struct

from horarium.clock import Instant
from horarium.dashboard.ask import Ask, Done, Unanswerable
from horarium.dashboard.person import Role
from horarium.dashboard.rooms.runs.asked import address
from horarium.dashboard.rooms.runs.place import room
from horarium.engines.records import Note
from horarium.observe.question import parse

PREFIX = "view/"
MOST = 50
NAME_CHARS = 60


class View(Struct, frozen=True, omit_defaults=True, kw_only=True):
    name: str
    q: str
    by: str = ""
    at: Instant = 0


def saved(ask: Ask) -> list[View]:
    """Return all views, by name. One that a newer version of us has written otherwise is left out."""
    found: list[View] = []
    for note in ask.engine.notes.read(PREFIX, now=ask.now):
        try:
            found.append(msgspec.json.decode(note.text, type=View))
        except msgspec.DecodeError:
            continue
    return found


@room.act("/runs/views", role=Role.OPERATOR)
def save(ask: Ask) -> Done:
    """Raises: Unanswerable, InvalidQuestion."""
    name, q = " ".join(ask.given("name").split()), ask.given("q").strip()
    if not name or len(name) > NAME_CHARS or not name.isprintable():
        raise Unanswerable("wrong", f"expected a name of 1 to {NAME_CHARS} characters", hint="Go back and name it.")
    parse(q)
    known = {view.name: view for view in saved(ask)}
    if name not in known and len(known) >= MOST:
        raise Unanswerable("too much", f"there are {MOST} saved views already", hint="Remove one of them first.")
    view = View(name=name, q=q, by=ask.person.name, at=ask.now)
    ask.engine.notes.post([Note(key=PREFIX + name, text=Raw(msgspec.json.encode(view)))], now=ask.now)
    before = known[name].q if name in known else None
    return Done(text=f"Saved as {name}", to=address("/runs", q=q), about=f"view {name}", before=before, after=q)


@room.act("/runs/views/remove", role=Role.OPERATOR)
def remove(ask: Ask) -> Done:
    name = ask.given("name")
    was_there = ask.engine.notes.erase([PREFIX + name]) > 0
    text = f"Removed the view {name}" if was_there else f"There was no view {name}"
    return Done(text=text, to="/runs", is_good=was_there, about=f"view {name}")
