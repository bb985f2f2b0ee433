"""A change that is asked for under a key: made once, and answered the same way for a day, however often it is repeated.

Before it is made, a claim is left in the store; afterwards the answer takes its place. Of requests that come at the
same time at most one makes the change: each leaves its claim first and then looks for others, so one of two sees both.
A claim without an answer is that of a request that is under way, or whose server or store went away in the middle: then
nobody can tell whether the change was made, and it is not made again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

import msgspec
from msgspec import Raw, Struct
from pydantic import BaseModel

from horarium.clock import Instant, Seconds, milliseconds
from horarium.engines.protocol import Engine
from horarium.engines.records import Note
from horarium.message import derived_id, new_id

KEPT: Seconds = 86_400.0  # how long a key is known again
PREFIX = "once/"
Refusal: TypeAlias = Literal["other", "under way", "untold"]


class Answer(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What a change was answered with; ``body`` is JSON."""

    body: Raw
    status: int | None = None  # None: the route's
    headers: dict[str, str] = {}


class Kept(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What is known of a key. ``asked`` is the digest of what was asked under it."""

    asked: str
    is_made: bool = False
    answer: Answer | None = None  # None: not yet, or it is not to be kept


class Once:
    """One request under one person's key."""

    def __init__(self, engine: Engine, action: str, person: str, key: str, given: Mapping[str, object]) -> None:
        self._engine = engine
        self._place = f"{PREFIX}{derived_id('once', action, person, key)}/"
        self._asked = _digest(given)
        self._own = ""

    def claim(self, *, now: Instant) -> Answer | Refusal | None:
        """Return the answer that a change under this key had before, or why it cannot be made; None: it is to be made
        now, and ``keep`` or ``drop`` are to be told what became of it. Raises: EngineUnavailable; nothing was made."""
        if (known := self._known(now)) is not None:
            return known
        self._own = f"{self._place}{new_id(now)}"
        self._post(Kept(asked=self._asked), now)
        if (known := self._known(now)) is not None:
            self.drop()
            return known
        return None

    def keep(self, answer: Answer | None, *, now: Instant) -> None:
        """Put the answer in the claim's place. None: the change was made, and what it was answered is a secret."""
        self._post(Kept(asked=self._asked, is_made=True, answer=answer), now)

    def drop(self) -> None:
        """Take the claim back: nothing was done."""
        self._engine.notes.erase([self._own])

    def _known(self, now: Instant) -> Answer | Refusal | None:
        """Return what others have left under this key, an answer before a claim."""
        notes = self._engine.notes.read(self._place, now=now)
        others = [msgspec.json.decode(note.text, type=Kept) for note in notes if note.key != self._own]
        if not others:
            return None
        if any(each.asked != self._asked for each in others):
            return "other"
        made = next((each for each in others if each.is_made), None)
        if made is None:
            return "under way"
        return made.answer or "untold"

    def _post(self, kept: Kept, now: Instant) -> None:
        text = Raw(msgspec.json.encode(kept))
        self._engine.notes.post([Note(key=self._own, text=text, expires=now + milliseconds(KEPT))], now=now)


def _digest(given: Mapping[str, object]) -> str:
    """Return what tells one request of a route from another: the parts of its path, its body, its headers."""
    parts = [(name, _written(value)) for name, value in sorted(given.items())]
    return hashlib.sha256(repr(parts).encode("utf-8", "backslashreplace")).hexdigest()


def _written(value: Any) -> str:  # Any: what FastAPI reads of a request
    return value.model_dump_json() if isinstance(value, BaseModel) else repr(value)
