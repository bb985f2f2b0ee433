"""Links that let one browser in once: what ``horarium web`` prints, so that the first login needs no password."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec import Raw

from horarium.clock import Instant, Seconds
from horarium.dashboard.access.secret import digest, new_secret
from horarium.dashboard.person import Role, role_of
from horarium.engines.records import Note

if TYPE_CHECKING:
    from horarium.app.app import Horarium

PREFIX = "access/link/"
LASTS: Seconds = 3600.0


class LoginLinks:
    """All links of an app's store that nobody has used yet."""

    def __init__(self, app: Horarium) -> None:
        self._app = app

    def make(self, role: Role = Role.ADMIN, *, now: Instant) -> str:
        """Return the secret of a new link, good once and for an hour. Raises: EngineUnavailable."""
        secret = new_secret()
        note = Note(
            key=PREFIX + digest(secret), text=Raw(msgspec.json.encode(role.word)), expires=now + round(LASTS * 1000)
        )
        self._app.engine.notes.post([note], now=now)
        return secret

    def use(self, secret: str, *, now: Instant) -> Role | None:
        """Use a link up; return the role that it gives. Of two who try at the same time one gets None."""
        key = PREFIX + digest(secret)
        notes = self._app.engine.notes.read(key, now=now)
        if not notes or self._app.engine.notes.erase([key], durable=True) != 1:
            return None
        return role_of(msgspec.json.decode(notes[0].text, type=str))
