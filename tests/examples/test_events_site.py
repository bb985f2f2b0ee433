"""The example's own site, and whole visits to it: from pages on loopback to rows in the database."""

from __future__ import annotations

import socket
import threading
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from app.event import Listing
from app.scrapers import mote, vanwezel
from app.scrapers.fetch import Fetcher, PageGone
from app.scrapers.ical import Window, read_feed
from app.settings import ZONE
from app.site.feeds import write_feed
from app.site.programme import Entry, Programme
from app.site.server import MOODY, EventSite
from app.sources import COMMUNITY, LIBRARY, MOTE, VAN_WEZEL, sources_of
from app.store import EventStore, open_store

DAY = date(2026, 3, 1)
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
WINDOW = Window(NOON, NOON + timedelta(days=90))


@pytest.fixture
def site() -> Iterator[EventSite]:
    with EventSite(DAY, silence=5.0) as site:
        yield site


@pytest.fixture
def fetcher() -> Iterator[Fetcher]:
    with Fetcher(timeout=0.3) as fetcher:
        yield fetcher


@pytest.fixture
def store(tmp_path: Path, site: EventSite) -> Iterator[EventStore]:
    with open_store(tmp_path / "events.db") as store:
        store.register_sources(sources_of(site.url))
        yield store


def visit_van_wezel(fetcher: Fetcher, store: EventStore) -> list[Listing]:
    return vanwezel.scrape(
        fetcher, store.source(VAN_WEZEL).url, source_id=VAN_WEZEL, zone=ZONE, progress=lambda *_: None
    )


def discover(fetcher: Fetcher, store: EventStore, months_ahead: int) -> int:
    found = mote.discover_feeds(fetcher, store.source(MOTE).url, months_ahead=months_ahead, progress=lambda *_: None)
    return store.add_feeds(MOTE, found)


def visit_feeds(fetcher: Fetcher, store: EventStore, source_id: int) -> Counter[str]:
    listings: list[Listing] = []
    for feed in store.feeds(source_id):
        content = fetcher.get(feed.url).content
        listings += read_feed(feed, content, source_id=source_id, zone=ZONE, window=WINDOW, limit=100)
    return Counter(store.keep(listings, now=NOON))


def test_every_page_of_the_listing_is_followed(fetcher: Fetcher, store: EventStore) -> None:
    listings = visit_van_wezel(fetcher, store)
    titles = {listing.title for listing in listings}
    assert len(listings) == 29
    assert {"Comedy <Live> on the Bay", "Café Soirée – Piaf Remembered", "Jazz at Sunset"} <= titles
    assert fetcher.pages == 3 + 24


def test_a_later_visit_finds_what_is_new_moved_and_cancelled(fetcher: Fetcher, store: EventStore) -> None:
    total: Counter[str] = Counter()
    for minute in range(5):
        now = NOON + timedelta(minutes=minute)
        total.update(store.keep(visit_van_wezel(fetcher, store), now=now))
        total["removed"] += store.retire(VAN_WEZEL, unseen_since=now, now=NOON)
    assert (total["new"], total["updated"], total["removed"]) == (29 + 5, 1, 1)
    assert store.count_events() == 29 + 5 - 1


def test_months_ahead_decides_which_feeds_are_found(fetcher: Fetcher, store: EventStore) -> None:
    assert [discover(fetcher, store, months) for months in (0, 1, 2)] == [2, 1, 1]
    assert visit_feeds(fetcher, store, MOTE)["new"] == 25 + 6 + 3 + 1


def test_what_the_community_copies_is_not_stored_twice(fetcher: Fetcher, store: EventStore) -> None:
    store.keep(visit_van_wezel(fetcher, store), now=NOON)
    discover(fetcher, store, 2)
    visit_feeds(fetcher, store, MOTE)
    before = store.count_events()
    for _ in range(2):  # it answers with an error, then not at all
        with pytest.raises(httpx.HTTPError):
            visit_feeds(fetcher, store, COMMUNITY)
    counts = visit_feeds(fetcher, store, COMMUNITY)
    assert counts == {"duplicates": 18, "new": 14}
    assert store.count_events() == before + 14


def test_the_library_speaks_in_wall_time(fetcher: Fetcher, store: EventStore) -> None:
    visit_feeds(fetcher, store, LIBRARY)
    stories = [starts for starts, title, _ in store.upcoming(NOON, 99) if title == "Story Time"]
    assert len(stories) == 10
    assert {starts.astimezone(ZONE).time().isoformat() for starts in stories} == {"10:30:00"}
    assert len({starts.hour for starts in stories}) == 2  # the clocks change on the way


def test_the_same_day_gives_the_same_programme() -> None:
    one, other = Programme(day=DAY, revision=2), Programme(day=DAY, revision=2)
    assert (one.shows(), one.community()) == (other.shows(), other.community())


def test_moods_are_decided_by_counting(site: EventSite) -> None:
    with httpx.Client(timeout=1.0, trust_env=False) as client:

        def ask() -> int | str:
            try:
                return client.get(site.url + MOODY).status_code
            except httpx.TimeoutException:
                return "silent"

        assert [ask() for _ in range(6)] == [500, "silent", 200, 500, 200, 200]


def test_a_page_that_is_not_there_is_not_worth_a_retry(site: EventSite, fetcher: Fetcher) -> None:
    with pytest.raises(PageGone, match="got 404"):
        fetcher.get(f"{site.url}/vanwezel/events/show-99")


def test_a_stopped_site_leaves_neither_port_nor_thread_even_while_it_is_silent() -> None:
    before = set(threading.enumerate())
    site = EventSite(DAY, silence=600.0)
    site.start()
    with httpx.Client(timeout=0.2, trust_env=False) as client:
        client.get(site.url + MOODY)
        with pytest.raises(httpx.TimeoutException):
            client.get(site.url + MOODY)
    site.stop()
    site.stop()
    assert set(threading.enumerate()) == before
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(tuple(site.host.split(":")), timeout=1)  # type: ignore[arg-type]


def test_long_lines_of_a_feed_are_folded_within_75_bytes() -> None:
    title = "Soirée " * 30
    feed = write_feed("x", [Entry(uid="u", title=title, starts=DAY)], made=NOON)
    assert max(map(len, feed.split(b"\r\n"))) <= 75
    assert title.strip() in feed.replace(b"\r\n ", b"").decode()
