"""Where events come from. In a real system these are rows that somebody edits; here they are our own site's pages."""

from __future__ import annotations

from dataclasses import dataclass

VAN_WEZEL = 1
MOTE = 2
COMMUNITY = 3
LIBRARY = 4


@dataclass(frozen=True, slots=True)
class Feed:
    """An iCal feed."""

    url: str
    title: str


@dataclass(frozen=True, slots=True)
class Source:
    """A place that lists events; ``feeds`` are the ones known from the start, others are discovered."""

    id: int
    name: str
    url: str
    feeds: tuple[Feed, ...] = ()


def sources_of(site: str) -> tuple[Source, ...]:
    """Return the sources as the site at this address serves them."""
    return (
        Source(VAN_WEZEL, "Van Wezel", f"{site}/vanwezel/events"),
        Source(MOTE, "Mote Marine", f"{site}/mote/calendar"),
        Source(
            COMMUNITY, "Community calendar", f"{site}/community", (Feed(f"{site}/community/events.ics", "Community"),)
        ),
        Source(LIBRARY, "Old Town Library", f"{site}/library", (Feed(f"{site}/library/programs.ics", "Library"),)),
    )
