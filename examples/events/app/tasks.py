"""The tasks: each fetches, reads and stores, and returns what it did. All of them are safe to run twice.

What may pass (no connection, a time-out, a 5xx answer) raises httpx.HTTPError and is tried again; a page that is gone
or has changed fails at once, because the next try would find the same.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, TypedDict

import httpx

from app.celery_app import app, settings
from app.event import Listing
from app.scrapers import ical, mote, vanwezel
from app.scrapers.fetch import Fetcher
from app.settings import ZONE
from app.store import open_store
from horarium import Task

HORIZON = timedelta(days=90)  # how far ahead events are kept


class Retrying(TypedDict):
    bind: bool
    max_retries: int
    default_retry_delay: float
    autoretry_for: tuple[type[BaseException], ...]
    retry_backoff: int
    retry_backoff_max: float


# Waits of 1, 2 and 4 times retry_backoff, each shortened by a random part so that sources are not asked all at once.
RETRYING = Retrying(
    bind=True,
    max_retries=3,
    default_retry_delay=60,
    autoretry_for=(httpx.HTTPError,),
    retry_backoff=settings.retry_backoff,
    retry_backoff_max=600,
)


@app.task(**RETRYING)
def scrape_vanwezel(self: Task, source_id: int, delay: float = 0.5) -> dict[str, Any]:
    """Scrape Van Wezel's shows, pausing ``delay`` seconds between pages; return what was found and stored."""
    began = datetime.now(UTC)
    with open_store(settings.database) as store:
        source = store.source(source_id)
    with Fetcher(timeout=settings.http_timeout, delay=delay) as fetcher:
        listings = vanwezel.scrape(fetcher, source.url, source_id=source_id, zone=ZONE, progress=self.progress)
    return {
        "status": "success",
        "source_id": source_id,
        "pages_fetched": fetcher.pages,
        "items_scraped": len(listings),
        **_store(source_id, listings, began=began, complete=True),
    }


@app.task(**RETRYING)
def scrape_mote(self: Task, source_id: int, months_ahead: int = 2) -> dict[str, Any]:
    """Look for the iCal feeds that Mote Marine links in this and the coming months; ingest_source reads them."""
    with open_store(settings.database) as store:
        source = store.source(source_id)
    with Fetcher(timeout=settings.http_timeout) as fetcher:
        feeds = mote.discover_feeds(fetcher, source.url, months_ahead=months_ahead, progress=self.progress)
    with open_store(settings.database) as store:
        new = store.add_feeds(source_id, feeds)
    return {
        "status": "success",
        "source_id": source_id,
        "pages_fetched": fetcher.pages,
        "feeds_found": len(feeds),
        "feeds_new": new,
    }


@app.task(**RETRYING)
def ingest_source(self: Task, source_id: int, limit: int = 100) -> dict[str, Any]:
    """Read the feeds of one source, ``limit`` events at the most; return what was found and stored."""
    began = datetime.now(UTC)
    window = ical.Window(began - timedelta(days=1), began + HORIZON)
    with open_store(settings.database) as store:
        store.source(source_id)  # an id that nobody has entered is an error, not a source without feeds
        feeds = store.feeds(source_id)
    listings: list[Listing] = []
    with Fetcher(timeout=settings.http_timeout) as fetcher:
        for done, feed in enumerate(feeds, start=1):
            content = fetcher.get(feed.url).content
            room = limit - len(listings)
            listings += ical.read_feed(feed, content, source_id=source_id, zone=ZONE, window=window, limit=room)
            self.progress(done, len(feeds), feed.title)
    return {
        "status": "success",
        "source_id": source_id,
        "feeds_read": len(feeds),
        "items_ingested": len(listings),
        **_store(source_id, listings, began=began, complete=len(listings) < limit),
    }


@app.task
def ingest_all_sources(limit_per_source: int = 100) -> dict[str, Any]:
    """Send one ingest_source for every source with feeds; they run side by side, and one that fails stops no other."""
    with open_store(settings.database) as store:
        sources = [source.id for source in store.sources() if store.feeds(source.id)]
    sent = [ingest_source.delay(source_id, limit=limit_per_source) for source_id in sources]
    return {"status": "success", "sources": sources, "task_ids": [result.id for result in sent]}


@app.task
def health_check() -> dict[str, Any]:
    """Show that a worker runs tasks and reaches the database."""
    with open_store(settings.database) as store:
        return {"status": "healthy", "sources": len(store.sources()), "events": store.count_events()}


def _store(source_id: int, listings: list[Listing], *, began: datetime, complete: bool) -> dict[str, int]:
    """Store a visit; one that saw everything also removes what the source no longer lists."""
    now = datetime.now(UTC)
    with open_store(settings.database) as store:
        changes = store.keep(listings, now=now)
        removed = store.retire(source_id, unseen_since=began, now=now) if complete else 0
    return {
        "new": changes["new"],
        "duplicates": changes["duplicates"],
        "updated": changes["updated"],
        "unchanged": changes["unchanged"],
        "removed": removed,
    }
