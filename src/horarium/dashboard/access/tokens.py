"""Tokens of programs: ``hor_…``, each with a role and perhaps an end; shown once, kept as a digest.

A token is a note of the store, and its last use is another one: noting the use can never bring back a token that
somebody has just removed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec import Raw, Struct
from msgspec.structs import replace

from horarium.clock import Instant, Seconds
from horarium.dashboard.access.secret import digest, new_secret
from horarium.dashboard.person import Role, role_of
from horarium.engines.records import Note

if TYPE_CHECKING:
    from horarium.app.app import Horarium

MARK = "hor_"  # so that scanners of repositories can find one that was committed
PREFIX = "access/token/"
USED = "/used"
NOTED_EVERY: Seconds = 60.0
LONGEST_NAME = 100
SHOWN = 10  # characters of the digest: the id that people see


class Token(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """``digest`` and ``used`` stand in the notes' keys, not in the text."""

    name: str
    role: str
    made: Instant
    by: str = ""
    expires: Instant | None = None
    digest: str = ""
    used: Instant | None = None

    @property
    def id(self) -> str:
        return self.digest[:SHOWN]

    @property
    def right(self) -> Role:
        return role_of(self.role)


class Tokens:
    """All tokens of an app's store."""

    def __init__(self, app: Horarium) -> None:
        self._app = app

    def add(self, name: str, role: Role, *, by: str, now: Instant, lasts: Seconds | None = None) -> tuple[str, Token]:
        """Make a token; return its secret, which nobody will see again. Raises: ValueError for a name or role that
        will not do, EngineUnavailable."""
        if not name.strip() or len(name) > LONGEST_NAME or not name.isprintable():
            raise ValueError(f"expected a name of 1 to {LONGEST_NAME} printable characters")
        if role <= Role.NOBODY:
            raise ValueError("expected a role: viewer, operator, editor or admin")
        secret = MARK + new_secret()
        expires = None if lasts is None else now + round(lasts * 1000)
        token = Token(name=name, role=role.word, made=now, by=by, expires=expires)
        key = PREFIX + digest(secret)
        note = Note(key=key, text=Raw(msgspec.json.encode(token)), expires=expires)
        self._app.engine.notes.post([note], now=now, durable=True)
        return secret, replace(token, digest=digest(secret))

    def read(self, secret: str, *, now: Instant, is_use: bool = True) -> Token | None:
        """Return the token with this secret, and note about once a minute that it was used."""
        if not secret.startswith(MARK):
            return None
        token = self.find(digest(secret), now=now)
        if token is not None and is_use and (token.used is None or now - token.used > NOTED_EVERY * 1000):
            used = Note(key=PREFIX + token.digest + USED, text=Raw(b"true"), expires=token.expires)
            self._app.engine.notes.post([used], now=now)
        return token

    def find(self, whole: str, *, now: Instant) -> Token | None:
        """Return the token with this digest, None if it has been removed or has expired."""
        found = self._among(self._app.engine.notes.read(PREFIX + whole, now=now))
        return found[0] if found else None

    def all(self, *, now: Instant) -> list[Token]:
        """Return all tokens, the newest first."""
        return sorted(self._among(self._app.engine.notes.read(PREFIX, now=now)), key=lambda token: -token.made)

    def remove(self, id: str, *, now: Instant) -> Token | None:
        """Remove the one token whose id begins so, at once and for all; return what it was, None if there is not just
        one."""
        found = [token for token in self.all(now=now) if id and token.digest.startswith(id)]
        if len(found) != 1:
            return None
        self._app.engine.notes.erase([PREFIX + found[0].digest, PREFIX + found[0].digest + USED], durable=True)
        return found[0]

    def _among(self, notes: list[Note]) -> list[Token]:
        used = {note.key.removesuffix(USED): note.changed for note in notes if note.key.endswith(USED)}
        return [
            replace(
                msgspec.json.decode(note.text, type=Token),
                digest=note.key.removeprefix(PREFIX),
                used=used.get(note.key),
            )
            for note in notes
            if not note.key.endswith(USED)
        ]
