"""The site's HTML, built as such sites are: listing pages, a page per show, a calendar page per month."""

from __future__ import annotations

from html import escape

from app.site.programme import VAN_WEZEL_HALL, Programme, Show

SHOWS_PER_PAGE = 10


def van_wezel_listing(programme: Programme, page: int) -> str | None:
    """Return a page of shows, counted from 1; None when there is none."""
    shows = programme.shows()
    first = (page - 1) * SHOWS_PER_PAGE
    if not 0 <= first < len(shows):
        return None
    following = ""
    if first + SHOWS_PER_PAGE < len(shows):
        following = f'<a rel="next" href="/vanwezel/events?page={page + 1}">More shows</a>'
    articles = "\n".join(_teaser(show) for show in shows[first : first + SHOWS_PER_PAGE])
    return _page(
        "Coming up",
        f'<main><h1>Coming up</h1><section class="shows">\n{articles}\n</section>\n'
        f'<nav class="pages">{following}</nav></main>',
    )


def van_wezel_show(programme: Programme, slug: str) -> str | None:
    """Return the page of a show."""
    show = next((show for show in programme.shows() if show.slug == slug), None)
    if show is None:
        return None
    performances = "\n".join(_performance(show, number) for number in range(len(show.performances)))
    dates = f'<ul class="performances">\n{performances}\n</ul>' if performances else "<p>Dates to be announced.</p>"
    return _page(
        show.title,
        f'<main><h1>{escape(show.title)}</h1>\n<p class="venue">{VAN_WEZEL_HALL}</p>\n'
        f'<p class="length">About {show.minutes} minutes</p>\n{dates}</main>',
    )


def mote_month(programme: Programme, ahead: int, host: str) -> str | None:
    """Return the calendar page of a month, counted from this one; a year is laid out."""
    if not 0 <= ahead < 12:
        return None
    links = "\n".join(
        f'<li><a type="text/calendar" href="webcal://{host}/mote/feeds/{name}.ics">Mote {name}</a></li>'
        for name in programme.feeds_of_month(ahead)
    )
    following = programme.month(ahead + 1)
    return _page(
        f"{programme.month(ahead):%B %Y}",
        f'<main class="calendar"><h1>{programme.month(ahead):%B %Y}</h1><ul>\n{links}\n</ul>'
        f'<a rel="next" href="/mote/calendar?month={ahead + 1}">{following:%B}</a></main>',
    )


def _teaser(show: Show) -> str:
    when = f"{show.performances[0]:%A, %B %d}" if show.performances else "Soon"
    return (
        f'<article><h3><a href="/vanwezel/events/{show.slug}">\n  {escape(show.title)}\n</a></h3>'
        f"<p>{when}</p></article>"
    )


def _performance(show: Show, number: int) -> str:
    start = show.performances[number]
    said = f"{start:%A, %B %d, %Y} at {start:%I:%M %p}"
    if not show.old_page:
        said = f'<time datetime="{start:%Y-%m-%dT%H:%M}">{start:%b %d, %I:%M %p}</time>'
    kind = ' class="cancelled"' if show.cancelled else ""
    return f'<li{kind} data-performance="{number + 1}">{said}</li>'


def _page(title: str, body: str) -> str:
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title></head>\n'
        f"<body><header><h2>A site that exists for this example</h2></header>\n{body}\n</body></html>\n"
    )
