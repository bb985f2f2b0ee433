"""Sessions of browsers: opened at a login, ended by a logout, by idleness, or after a week.

The browser holds a secret in a cookie; the store holds its digest. That it was seen is a note of its own, so that a
request under way can never bring back a session that has just been ended.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec import Raw, Struct

from horarium.clock import Instant, Seconds
from horarium.dashboard.access.secret import digest, new_secret
from horarium.engines.records import Note

if TYPE_CHECKING:
    from horarium.app.app import Horarium

PREFIX = "access/session/"
SEEN = "/seen"
IDLE: Seconds = 86_400.0
LONGEST: Seconds = 7 * 86_400.0
NOTED_EVERY: Seconds = 300.0


class Session(Struct, frozen=True, kw_only=True):
    """``proof`` names what it was opened with: it ends with that, too."""

    name: str
    role: str
    csrf: str
    proof: str
    opened: Instant


class Sessions:
    """All sessions of an app's store."""

    def __init__(self, app: Horarium) -> None:
        self._app = app

    def open(self, name: str, role: str, proof: str, *, now: Instant) -> tuple[str, Session]:
        """Begin a session; return the secret for its cookie. Raises: EngineUnavailable."""
        secret = new_secret()
        session = Session(name=name, role=role, csrf=new_secret(), proof=proof, opened=now)
        key = PREFIX + digest(secret)
        whole = Note(key=key, text=Raw(msgspec.json.encode(session)), expires=now + round(LONGEST * 1000))
        self._app.engine.notes.post([whole, _seen(key, now)], now=now)
        return secret, session

    def read(self, secret: str, *, now: Instant, is_use: bool = True) -> Session | None:
        """Return the session of this secret, None when it has ended. ``is_use``: somebody is there; it is no page that
        asks by itself."""
        key = PREFIX + digest(secret)
        notes = {note.key: note for note in self._app.engine.notes.read(key, now=now)}
        if key not in notes or key + SEEN not in notes:
            return None
        if is_use and now - notes[key + SEEN].changed > NOTED_EVERY * 1000:
            self._app.engine.notes.post([_seen(key, now)], now=now)
        return msgspec.json.decode(notes[key].text, type=Session)

    def close(self, secret: str) -> None:
        """End a session; one that has ended already is fine."""
        key = PREFIX + digest(secret)
        self._app.engine.notes.erase([key, key + SEEN], durable=True)

    def is_any_open(self, *, now: Instant) -> bool:
        """Tell whether anybody is logged in."""
        return bool(self._app.engine.notes.read(PREFIX, now=now))


def _seen(key: str, now: Instant) -> Note:
    return Note(key=key + SEEN, text=Raw(b"true"), expires=now + round(IDLE * 1000))
