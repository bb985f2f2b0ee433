"""What of alerts lies in the store: the book, the outbox, silences, the log of deliveries, and who watches. All notes.

Only the watcher whose turn it is writes book and outbox; everybody may read them. What cannot be read was written by
another version, and is as good as not there.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import TypeVar

import msgspec
from msgspec import Raw, Struct

from horarium.alerts.book import Book, Incident, Silence, silenced
from horarium.alerts.outbox import Delivery, Outbox
from horarium.clock import Instant, Seconds, milliseconds
from horarium.engines.protocol import Engine
from horarium.engines.records import Note
from horarium.errors import InvalidArguments
from horarium.message import new_id

PREFIX = "alerts/"
BOOK = f"{PREFIX}book"
OUTBOX = f"{PREFIX}outbox"
SILENCE = f"{PREFIX}silence/"
LOG = f"{PREFIX}log/"
WATCHER = f"{PREFIX}watcher/"

LOG_KEPT: Seconds = 7 * 86_400.0
LOG_MOST = 200
SILENCES_MOST = 100
LONGEST_SILENCE: Seconds = 90 * 86_400.0

T = TypeVar("T")


class Watching(Struct, frozen=True, kw_only=True):
    """Somebody who looks, or stands by to."""

    id: str
    since: Instant
    name: str  # for people: which process it is


def read_book(engine: Engine, *, now: Instant) -> Book:
    return next(_read(engine, BOOK, Book, now), None) or Book()


def read_outbox(engine: Engine, *, now: Instant) -> Outbox:
    return next(_read(engine, OUTBOX, Outbox, now), None) or Outbox()


def write(engine: Engine, *, now: Instant, book: Book | None = None, outbox: Outbox | None = None) -> None:
    """Keep what is given, all or none. Raises: EngineUnavailable."""
    given = ((BOOK, book), (OUTBOX, outbox))
    engine.notes.post([_note(key, value) for key, value in given if value is not None], now=now)


def firing(engine: Engine, *, now: Instant) -> list[Incident]:
    """Return what fires and is neither silenced nor explained by something else, the oldest first: for people who ask
    whether all is well. Two reads of few notes. Raises: EngineUnavailable."""
    incidents = read_incidents(engine, now=now)
    return sorted((incident for incident in incidents if incident.is_told), key=lambda incident: incident.since)


def read_incidents(engine: Engine, *, now: Instant) -> list[Incident]:
    """Return what is open, with the silences as they are now: a new one shows before the watcher has seen it."""
    silences = read_silences(engine, now=now)
    return [silenced(incident, silences, now) for incident in read_book(engine, now=now).incidents]


def read_silences(engine: Engine, *, now: Instant) -> list[Silence]:
    """Return the silences that have not ended, the first to end first."""
    return sorted(_read(engine, SILENCE, Silence, now), key=lambda silence: silence.until)


def silence(engine: Engine, *, rule: str, subject: str, until: Instant, reason: str, by: str, now: Instant) -> Silence:
    """Let nobody be told of what matches, until an instant. Raises: InvalidArguments, EngineUnavailable."""
    if not reason.strip():
        raise InvalidArguments("expected a reason for the silence, got none; say why, for whoever wonders later")
    if not now < until <= now + milliseconds(LONGEST_SILENCE):
        raise InvalidArguments("expected a silence to end within 90 days from now; choose a moment in that time")
    if len(read_silences(engine, now=now)) >= SILENCES_MOST:
        raise InvalidArguments(f"expected at most {SILENCES_MOST} silences at a time; end some, or use wider patterns")
    made = Silence(
        id=new_id(now), rule=rule or "*", subject=subject or "*", until=until, reason=reason.strip(), by=by, at=now
    )
    engine.notes.post([_note(f"{SILENCE}{made.id}", made, expires=until)], now=now, durable=True)
    return made


def end_silence(engine: Engine, id: str) -> bool:
    """End a silence now; False when there was none."""
    return engine.notes.erase([f"{SILENCE}{id}"], durable=True) > 0


def log(engine: Engine, deliveries: list[Delivery], *, now: Instant) -> None:
    """Add to the log of deliveries; the oldest make way beyond LOG_MOST."""
    expires = now + milliseconds(LOG_KEPT)
    engine.notes.post([_note(f"{LOG}{new_id(now)}", each, expires=expires) for each in deliveries], now=now)
    kept = engine.notes.read(LOG, now=now)
    if len(kept) > LOG_MOST:
        engine.notes.erase([note.key for note in kept[:-LOG_MOST]])


def read_log(engine: Engine, *, now: Instant) -> list[Delivery]:
    """Return the log of deliveries, the newest first."""
    return list(_read(engine, LOG, Delivery, now))[::-1]


def stand_by(engine: Engine, watching: Watching, *, now: Instant, lease: Seconds) -> None:
    """Say that one looks, or would; it holds for ``lease``."""
    engine.notes.post([_note(f"{WATCHER}{watching.id}", watching, expires=now + milliseconds(lease))], now=now)


def read_watchers(engine: Engine, *, now: Instant) -> list[Watching]:
    """Return those who look or stand by; it is the first one's turn."""
    return sorted(_read(engine, WATCHER, Watching, now), key=lambda watching: (watching.since, watching.id))


def leave(engine: Engine, watching: Watching) -> None:
    engine.notes.erase([f"{WATCHER}{watching.id}"])


def _read(engine: Engine, prefix: str, kind: type[T], now: Instant) -> Iterator[T]:
    for note in engine.notes.read(prefix, now=now):
        with suppress(msgspec.DecodeError):
            yield msgspec.json.decode(note.text, type=kind)


def _note(key: str, value: Struct, *, expires: Instant | None = None) -> Note:
    return Note(key=key, text=Raw(msgspec.json.encode(value)), expires=expires)
