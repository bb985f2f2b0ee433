"""Van Wezel: listing pages lead to one page per show, which names its performances in Eastern time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urljoin
from zoneinfo import ZoneInfo

from selectolax.lexbor import LexborHTMLParser, LexborNode

from app.event import Listing, moment_in_utc, tidy
from app.scrapers.fetch import Fetcher, PageChanged, Progress

VENUE = "Van Wezel Performing Arts Hall"
IN_PROSE = "%A, %B %d, %Y at %I:%M %p"  # Friday, March 13, 2026 at 7:30 PM
USUAL_LENGTH = timedelta(hours=2)  # for shows that do not say how long they are
MOST_PAGES = 40  # a listing that goes on for longer leads round in a circle


@dataclass(frozen=True, slots=True)
class ShowLink:
    url: str
    title: str


def scrape(fetcher: Fetcher, url: str, *, source_id: int, zone: ZoneInfo, progress: Progress) -> list[Listing]:
    """Visit every show; one listing per performance, cancelled ones left out. Raises: httpx.HTTPError, PageChanged."""
    links = find_shows(fetcher, url)
    listings: list[Listing] = []
    for done, link in enumerate(links, start=1):
        listings += read_show(fetcher.get(link.url).text, link.url, source_id=source_id, zone=zone)
        progress(done, len(links), link.title)
    return listings


def find_shows(fetcher: Fetcher, url: str) -> list[ShowLink]:
    """Follow the listing from page to page. A show that moves to the next page meanwhile is met twice, kept once."""
    found: dict[str, ShowLink] = {}
    page: str | None = url
    visited: set[str] = set()
    while page is not None and page not in visited and len(visited) < MOST_PAGES:
        visited.add(page)
        links, following = read_listing(fetcher.get(page).text, page)
        found |= {link.url: link for link in links}
        page = following
    return list(found.values())


def read_listing(html: str, url: str) -> tuple[list[ShowLink], str | None]:
    """Return the shows on a listing page and the address of the next page. Raises: PageChanged."""
    tree = LexborHTMLParser(html)
    if tree.css_first("section.shows") is None:
        raise PageChanged("a list of shows (section.shows)", url)
    links = [
        ShowLink(urljoin(url, anchor.attributes.get("href") or ""), tidy(anchor.text()))
        for anchor in tree.css("section.shows article h3 a[href]")
    ]
    following = tree.css_first("nav.pages a[rel=next]")
    return links, urljoin(url, following.attributes.get("href") or "") if following else None


def read_show(html: str, url: str, *, source_id: int, zone: ZoneInfo) -> list[Listing]:
    """Return the performances on a show's page; none while its dates are to be announced. Raises: PageChanged."""
    tree = LexborHTMLParser(html)
    heading = tree.css_first("main h1")
    if heading is None or not tidy(heading.text()):
        raise PageChanged("a show's title (main h1)", url)
    venue = tree.css_first("p.venue")
    length = _length(tree.css_first("p.length"))
    listings = []
    for item in tree.css("ul.performances li:not(.cancelled)"):
        starts = moment_in_utc(_wall_time(item, url), zone)
        listings.append(
            Listing(
                source_id=source_id,
                uid=f"{url.rstrip('/').rpartition('/')[2]}/{item.attributes.get('data-performance') or starts}",
                title=tidy(heading.text()),
                starts=starts,
                ends=starts + length,
                venue=tidy(venue.text()) if venue else VENUE,
                url=url,
            )
        )
    return listings


def _wall_time(item: LexborNode, url: str) -> datetime:
    """Read when a performance begins: pages of this year mark it up, older ones say it in prose."""
    marked = item.css_first("time[datetime]")
    said = (marked.attributes.get("datetime") or "") if marked else tidy(item.text())
    try:
        return datetime.fromisoformat(said) if marked else datetime.strptime(said, IN_PROSE)
    except ValueError as unreadable:
        raise PageChanged(f"the date of a performance, not {said!r},", url) from unreadable


def _length(node: LexborNode | None) -> timedelta:
    digits = "".join(filter(str.isdigit, node.text())) if node else ""
    return timedelta(minutes=int(digits)) if digits else USUAL_LENGTH
