"""Mote Marine: a calendar with a page per month, each of which links the iCal feeds of that month's programmes."""

from __future__ import annotations

from urllib.parse import urljoin

from selectolax.lexbor import LexborHTMLParser

from app.event import tidy
from app.scrapers.fetch import Fetcher, PageChanged, Progress
from app.sources import Feed


def discover_feeds(fetcher: Fetcher, url: str, *, months_ahead: int, progress: Progress) -> list[Feed]:
    """Look at this month's page and those of the months ahead. Raises: httpx.HTTPError, PageChanged."""
    found: dict[str, Feed] = {}
    page: str | None = url
    for month in range(months_ahead + 1):
        if page is None:
            break
        feeds, following = read_month(fetcher.get(page).text, page)
        found |= {feed.url: feed for feed in feeds}
        progress(month + 1, months_ahead + 1, f"{len(found)} feeds")
        page = following
    return list(found.values())


def read_month(html: str, url: str) -> tuple[list[Feed], str | None]:
    """Return the feeds that a month's page links and the address of the next month. Raises: PageChanged."""
    tree = LexborHTMLParser(html)
    if tree.css_first("main.calendar") is None:
        raise PageChanged("a calendar (main.calendar)", url)
    feeds = [
        Feed(_fetchable(urljoin(url, anchor.attributes.get("href") or "")), tidy(anchor.text()))
        for anchor in tree.css('main.calendar a[type="text/calendar"]')
    ]
    following = tree.css_first("a[rel=next]")
    return feeds, urljoin(url, following.attributes.get("href") or "") if following else None


def _fetchable(url: str) -> str:
    """Return the address that a calendar program would fetch for a ``webcal:`` link."""
    return "http" + url.removeprefix("webcal") if url.startswith(("webcal:", "webcals:")) else url
