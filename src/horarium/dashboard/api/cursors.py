"""Places in a listing, as callers hold them: opaque, and sealed, so that only those that we gave are taken.

A cursor belongs to one question: it is refused with another one, whose pages it would only seem to fit. The key of the
seal is kept in the store, so that every dashboard of the store takes the cursors of the others.
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode

import msgspec
from msgspec import Raw, Struct

from horarium.clock import Instant
from horarium.dashboard.access.secret import new_secret
from horarium.dashboard.api.door import Problem
from horarium.engines.protocol import Engine
from horarium.engines.records import Note

KEYS = "web/seal/"  # below it the keys that processes have made; the first one counts
TRAIL = 8  # pages that ``prev`` leads back
SEAL_BYTES = 12


class Place(Struct, frozen=True, omit_defaults=True):
    """``after`` is the engine's word for where a page begins; ``before`` those of the pages in front of it."""

    question: str
    after: str | None = None
    before: tuple[str | None, ...] = ()

    def following(self, after: str | None) -> Place | None:
        """Return the place of the next page."""
        if after is None:
            return None
        return Place(self.question, after, (*self.before, self.after)[-TRAIL:])

    def preceding(self) -> Place | None:
        """Return the place of the page before; None on the first one, and where the trail ends."""
        return Place(self.question, self.before[-1], self.before[:-1]) if self.before else None


class Seal:
    """Makes cursors and reads them."""

    def __init__(self, engine: Engine, *, now: Instant) -> None:
        self._key = _key(engine, now)

    def cursor(self, place: Place | None) -> str | None:
        if place is None:
            return None
        body = msgspec.json.encode(place)
        return urlsafe_b64encode(self._seal(body) + body).decode().rstrip("=")

    def place(self, cursor: str | None, *question: object) -> Place:
        """Return the place that is meant, the first one without a cursor. Raises: Problem."""
        asked = hashlib.sha256(repr(question).encode("utf-8", "backslashreplace")).hexdigest()[:16]
        if cursor is None:
            return Place(asked)
        try:
            data = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
            seal, body = data[:SEAL_BYTES], data[SEAL_BYTES:]
            found = msgspec.json.decode(body, type=Place)
        except (ValueError, msgspec.MsgspecError):
            seal, body, found = b"", b"", Place("")
        if not hmac.compare_digest(seal, self._seal(body)) or found.question != asked:
            text = "expected a cursor that this listing gave, to the same question"
            raise Problem(422, "invalid_cursor", text, hint="begin without a cursor")
        return found

    def _seal(self, body: bytes) -> bytes:
        return hmac.digest(self._key, body, "sha256")[:SEAL_BYTES]


def _key(engine: Engine, now: Instant) -> bytes:
    """Return the key of the store, made by whoever needs it first."""
    notes = engine.notes.read(KEYS, now=now)
    if not notes:
        # Two processes may do so at the same time: then both read two, and take the first.
        engine.notes.post([Note(key=KEYS + new_secret(), text=Raw(b"true"))], now=now)
        notes = engine.notes.read(KEYS, now=now)
    return notes[0].key.encode()
