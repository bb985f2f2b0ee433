"""The example's own database: sources, their feeds, and what each source lists.

``listings`` has one row per source and event; ``events`` is a view of it with one row per event, however many sources
list it. So nothing is kept twice, and an event is gone when its last listing is. Transactions are short: none is open
during a network call, so several workers write at once. A connection must not cross a fork: open where you use it.

It is a SQLite file or a PostgreSQL database: the SQL is what both understand; what differs is at the end of this file.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, Protocol

from app.event import Listing
from app.sources import Feed, Source

BUSY_WAIT = 10.0  # seconds that a writer waits for another one

SCHEMA = """
CREATE TABLE IF NOT EXISTS sources (
    id   INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    url  TEXT NOT NULL
);

CREATE TABLE IF NOT EXISTS feeds (
    source_id INTEGER NOT NULL REFERENCES sources (id),
    url       TEXT NOT NULL,
    title     TEXT NOT NULL,
    PRIMARY KEY (source_id, url)
);

CREATE TABLE IF NOT EXISTS listings (
    source_id INTEGER NOT NULL REFERENCES sources (id),
    uid       TEXT NOT NULL,
    event_key TEXT NOT NULL,
    title     TEXT NOT NULL,
    starts    TEXT NOT NULL,  -- UTC, ISO 8601: sorts as time does
    ends      TEXT NOT NULL,
    venue     TEXT NOT NULL,
    url       TEXT NOT NULL,
    all_day   INTEGER NOT NULL,
    seen      TEXT NOT NULL,  -- when the source last listed it
    PRIMARY KEY (source_id, uid)
);

CREATE INDEX IF NOT EXISTS listings_by_event ON listings (event_key, source_id);

-- The words are those of the source with the lowest id: the house itself comes before calendars that copy from it.
CREATE VIEW IF NOT EXISTS events AS
    SELECT event_key, title, starts, ends, venue, url, all_day, source_id
    FROM (
        SELECT *, row_number() OVER (PARTITION BY event_key ORDER BY source_id, uid) AS place FROM listings
    ) AS placed
    WHERE place = 1;
"""

Change = Literal["new", "duplicates", "updated", "unchanged"]


@dataclass(frozen=True, slots=True)
class SourceCount:
    """How much a source lists; ``events`` leaves out those that a source before it lists as well."""

    source: Source
    feeds: int
    listings: int
    events: int
    seen: datetime | None


class UnknownSource(LookupError):
    """No source has this id."""


class EventStore:
    """A connection to the database; made by ``open_store``, used by one thread."""

    def __init__(self, connection: _Connection, begin: str) -> None:
        self._db = connection
        self._begin = begin

    def register_sources(self, sources: Iterable[Source]) -> None:
        """Make these the stored sources; the feeds of one whose address has changed are forgotten."""
        with self._transaction() as db:
            for source in sources:
                known = db.execute("SELECT url FROM sources WHERE id = ?", (source.id,)).fetchone()
                if known and known[0] != source.url:
                    db.execute("DELETE FROM feeds WHERE source_id = ?", (source.id,))
                db.execute(
                    "INSERT INTO sources VALUES (?, ?, ?)"
                    " ON CONFLICT (id) DO UPDATE SET name = excluded.name, url = excluded.url",
                    (source.id, source.name, source.url),
                )
                self._put_feeds(source.id, source.feeds)

    def source(self, source_id: int) -> Source:
        """Return a source. Raises: UnknownSource."""
        row = self._db.execute("SELECT id, name, url FROM sources WHERE id = ?", (source_id,)).fetchone()
        if row is None:
            known = ", ".join(str(source.id) for source in self.sources()) or "none: `python -m app.site` enters them"
            raise UnknownSource(f"expected the id of a source, got {source_id!r}; known are {known}")
        return Source(*row)

    def sources(self) -> list[Source]:
        return [Source(*row) for row in self._db.execute("SELECT id, name, url FROM sources ORDER BY id")]

    def add_feeds(self, source_id: int, feeds: Iterable[Feed]) -> int:
        """Remember the feeds of a source; return how many are new."""
        with self._transaction():
            return self._put_feeds(source_id, feeds)

    def feeds(self, source_id: int) -> list[Feed]:
        rows = self._db.execute("SELECT url, title FROM feeds WHERE source_id = ? ORDER BY url", (source_id,))
        return [Feed(*row) for row in rows]

    def keep(self, listings: Iterable[Listing], *, now: datetime) -> Counter[Change]:
        """Store what a source lists, all or nothing, and count what that changed. Doing it twice changes nothing."""
        with self._transaction():
            return Counter(self._keep_one(listing, _text(now)) for listing in listings)

    def retire(self, source_id: int, *, unseen_since: datetime, now: datetime) -> int:
        """Remove what the source no longer lists and has not happened yet; return how much. Call it after a visit
        that saw everything, with the moment at which the visit began."""
        with self._transaction() as db:
            removed: int = db.execute(
                "DELETE FROM listings WHERE source_id = ? AND seen < ? AND starts > ?",
                (source_id, _text(unseen_since), _text(now)),
            ).rowcount
            return removed

    def count_events(self) -> int:
        return int(self._db.execute("SELECT count(DISTINCT event_key) FROM listings").fetchone()[0])

    def count_by_source(self) -> list[SourceCount]:
        rows = self._db.execute(
            "SELECT id, name, sources.url, (SELECT count(*) FROM feeds WHERE source_id = sources.id),"
            " (SELECT count(*) FROM events WHERE source_id = sources.id), count(uid), max(seen)"
            " FROM sources LEFT JOIN listings ON source_id = id GROUP BY id ORDER BY id"
        )
        return [
            SourceCount(Source(source_id, name, url), feeds, listings, events, _moment(seen) if seen else None)
            for source_id, name, url, feeds, events, listings, seen in rows
        ]

    def upcoming(self, now: datetime, limit: int) -> list[tuple[datetime, str, str]]:
        """Return (start, title, venue) of the next events."""
        rows = self._db.execute(
            "SELECT starts, title, venue FROM events WHERE starts >= ? ORDER BY starts, title LIMIT ?",
            (_text(now), limit),
        )
        return [(_moment(starts), title, venue) for starts, title, venue in rows]

    def _put_feeds(self, source_id: int, feeds: Iterable[Feed]) -> int:
        upsert = "INSERT INTO feeds VALUES (?, ?, ?) ON CONFLICT (source_id, url) DO UPDATE SET title = excluded.title"
        before = len(self.feeds(source_id))
        for feed in feeds:
            self._db.execute(upsert, (source_id, feed.url, feed.title))
        return len(self.feeds(source_id)) - before

    def _keep_one(self, listing: Listing, seen: str) -> Change:
        row = _row_of(listing)
        name = (listing.source_id, listing.uid)
        known = self._db.execute(
            "SELECT event_key, title, starts, ends, venue, url, all_day FROM listings WHERE source_id = ? AND uid = ?",
            name,
        ).fetchone()
        if known is not None:
            self._db.execute(
                "UPDATE listings SET (event_key, title, starts, ends, venue, url, all_day, seen)"
                " = (?, ?, ?, ?, ?, ?, ?, ?) WHERE source_id = ? AND uid = ?",
                (*row, seen, *name),
            )
            return "unchanged" if known == row else "updated"
        listed = self._db.execute("SELECT 1 FROM listings WHERE event_key = ?", (listing.event_key,)).fetchone()
        self._db.execute("INSERT INTO listings VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", (*name, *row, seen))
        return "duplicates" if listed else "new"

    @contextmanager
    def _transaction(self) -> Iterator[_Connection]:
        self._db.execute(self._begin)
        try:
            yield self._db
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")


@contextmanager
def open_store(database: Path | str) -> Iterator[EventStore]:
    """Open the SQLite file at a path, or the PostgreSQL database at a URL; tables are made when they are not there.
    Closed at the end of the block."""
    with _sqlite(database) if isinstance(database, Path) else _postgres(database) as store:
        yield store


def _row_of(listing: Listing) -> tuple[str, str, str, str, str, str, int]:
    return (
        listing.event_key,
        listing.title,
        _text(listing.starts),
        _text(listing.ends),
        listing.venue,
        listing.url,
        int(listing.all_day),
    )


def _text(moment: datetime) -> str:
    # Microseconds always, or "…00Z" would sort after "…00.5Z".
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


class _Connection(Protocol):
    """What both clients have. Values stand for ``?``; outside of a transaction each statement is one."""

    def execute(self, sql: str, values: Sequence[Any] = (), /) -> Any: ...


@contextmanager
def _sqlite(path: Path) -> Iterator[EventStore]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path, timeout=BUSY_WAIT, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.executescript(SCHEMA)
        # IMMEDIATE: the lock is taken, and waited for, at the start; a lock that is asked for after a read is refused
        # at once when somebody else has written in between.
        yield EventStore(connection, "BEGIN IMMEDIATE")


@contextmanager
def _postgres(url: str) -> Iterator[EventStore]:
    import psycopg

    class Connection:
        def execute(self, sql: str, values: Sequence[Any] = (), /) -> Any:
            return client.execute(sql.replace("?", "%s").encode(), values or None)

    with psycopg.connect(url, autocommit=True) as client:
        if client.execute("SELECT to_regclass('events')").fetchone() == (None,):
            with client.transaction():
                client.execute("SELECT pg_advisory_xact_lock(hashtext('events'))")  # the first two come at once
                client.execute(SCHEMA.replace("VIEW IF NOT EXISTS", "OR REPLACE VIEW").encode())
        # One writer at a time, as in SQLite: else two visits of one source could enter the same listing at once.
        yield EventStore(Connection(), "BEGIN; LOCK TABLE listings IN SHARE ROW EXCLUSIVE MODE")
