"""An event as we keep it, and the key by which two sources are seen to speak of the same one.

Plain values: no clock, no network, no database.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

ARTICLES = frozenset({"a", "an", "the"})

# Sources write "Van Wezel", "Van Wezel Hall" and "Van Wezel Performing Arts Hall, 777 N. Tamiami Trail". What kind of
# house it is tells nothing apart: two houses would also have to show the same title at the same minute.
HOUSE_WORDS = frozenset({"arts", "auditorium", "center", "centre", "hall", "performing", "theater", "theatre"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """What one source says of one event. ``starts`` and ``ends`` are aware and in UTC; ``ends`` is exclusive."""

    source_id: int
    uid: str  # the source's own name for it; the same at each visit, also when the event has moved
    title: str
    starts: datetime
    ends: datetime
    venue: str
    url: str
    all_day: bool = False

    @property
    def event_key(self) -> str:
        """Name the event that this listing speaks of: the same for every source, in every run."""
        said = "\n".join((plain_title(self.title), plain_venue(self.venue), self.starts.strftime("%Y-%m-%dT%H:%MZ")))
        return hashlib.sha256(said.encode()).hexdigest()[:32]


def plain_title(title: str) -> str:
    """Reduce a title to what its different spellings have in common."""
    return " ".join(word for word in _words(title) if word not in ARTICLES)


def plain_venue(venue: str) -> str:
    """Reduce a venue to its name, without the address and without what kind of house it is."""
    name = [word for word in _words(venue.partition(",")[0]) if word not in ARTICLES]
    return " ".join(word for word in name if word not in HOUSE_WORDS) or " ".join(name)


def tidy(text: str) -> str:
    """Return text on one line, with single spaces and composed accents."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def moment_in_utc(moment: datetime, zone: ZoneInfo) -> datetime:
    """Return the UTC moment; a naive one is the wall time of ``zone``.

    Of a wall time that comes twice (clocks set back) the first is meant; one that never comes (set forward) is read
    with the offset before the change, and so an hour later on the clock. Both are what ``fold=0`` says.
    """
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)


def day_in_utc(day: date, zone: ZoneInfo) -> datetime:
    """Return the UTC moment at which a day begins in ``zone``; the next one begins 23 to 25 hours later."""
    return datetime.combine(day, time.min, tzinfo=zone).astimezone(UTC)


def _words(text: str) -> list[str]:
    spelled_out = text.casefold().replace("&", " and ").replace("’", "").replace("'", "")
    unaccented = "".join(c for c in unicodedata.normalize("NFKD", spelled_out) if not unicodedata.combining(c))
    return re.findall(r"\w+", unaccented)
