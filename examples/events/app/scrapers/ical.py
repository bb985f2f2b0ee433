"""iCalendar feeds: repeated events laid out within a window, times brought to UTC, cancelled ones left out."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import recurring_ical_events  # type: ignore[import-untyped]
from icalendar import Calendar, Event

from app.event import Listing, day_in_utc, moment_in_utc, tidy
from app.sources import Feed

USUAL_LENGTH = timedelta(hours=1)  # for entries that name no end
REPEATING = ("RRULE", "RDATE", "RECURRENCE-ID")  # the properties that make an entry one of several


class UnreadableFeed(Exception):
    """What came is not a calendar."""


@dataclass(frozen=True, slots=True)
class Window:
    """The span of time in which events are wanted: a rule without an end would give events without end."""

    starts: datetime
    ends: datetime


def read_feed(
    feed: Feed, content: bytes, *, source_id: int, zone: ZoneInfo, window: Window, limit: int
) -> list[Listing]:
    """Return the feed's first ``limit`` events within the window, the earliest first.

    Times without a zone, and days, are those of ``zone``. An entry that cannot be read is left out, the others are
    kept. Raises: UnreadableFeed when what came is no calendar at all.
    """
    try:
        calendar = Calendar.from_ical(content)
    except ValueError as cause:
        raise UnreadableFeed(
            f"expected a calendar at {feed.url}, got {content[:40]!r}; look at the feed, or remove it"
        ) from cause
    # skip_bad_series leaves out what it cannot read, but not an entry that has no start at all.
    calendar.subcomponents = [part for part in calendar.subcomponents if part.name != "VEVENT" or "DTSTART" in part]
    repeated = {str(entry.get("UID")) for entry in calendar.walk("VEVENT") if any(name in entry for name in REPEATING)}
    occurrences = recurring_ical_events.of(calendar, skip_bad_series=True).between(window.starts, window.ends)
    listings = [
        _listing(occurrence, feed, source_id=source_id, zone=zone, repeated=repeated)
        for occurrence in occurrences
        if isinstance(occurrence, Event) and str(occurrence.get("STATUS", "")).upper() != "CANCELLED"
    ]
    return sorted(listings, key=lambda listing: (listing.starts, listing.uid))[:limit]


def _listing(event: Event, feed: Feed, *, source_id: int, zone: ZoneInfo, repeated: Collection[str]) -> Listing:
    starts, ends = _utc(event.start, zone), _utc(event.end, zone)
    return Listing(
        source_id=source_id,
        uid=_uid(event, zone, repeated),
        title=tidy(str(event.get("SUMMARY", "Untitled"))),
        starts=starts,
        ends=ends if ends > starts else starts + USUAL_LENGTH,
        venue=tidy(str(event.get("LOCATION", feed.title))),
        url=str(event.get("URL", feed.url)),
        all_day=not isinstance(event.start, datetime),
    )


def _uid(event: Event, zone: ZoneInfo, repeated: Collection[str]) -> str:
    """Name an occurrence. One of several bears the moment at which the rule puts it, and keeps it when it is moved."""
    uid = str(event.get("UID"))
    if uid not in repeated:
        return uid
    placed: date = event.decoded("RECURRENCE-ID")
    return f"{uid}/{_utc(placed, zone):%Y%m%dT%H%MZ}"


def _utc(moment: date, zone: ZoneInfo) -> datetime:
    return moment_in_utc(moment, zone) if isinstance(moment, datetime) else day_in_utc(moment, zone)
