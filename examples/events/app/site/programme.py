"""What is on, as the owners of the site know it: invented, the same for the same day and revision.

The day is the one around which everything is laid out. The revision counts how often the programme was looked at: with
it a show is announced, another is moved, a third cancelled, so that a scraper has something to notice.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta

VAN_WEZEL_HALL = "Van Wezel Performing Arts Hall"
MOTE_AQUARIUM = "Mote Aquarium"

TITLES = (
    "Verdi & Friends: An Evening of Opera",
    "Café Soirée – Piaf Remembered",
    "The Gulf Coast Symphony Plays Dvořák",
    "Tap Dogs & Rain",
    "The Mapmaker's Daughter",
    "Big Band Bash",
    "An Evening with Ada Lindqvist",
    "¡Fiesta Flamenca!",
    "Shadow Puppets of Java",
    "The Barber of Seville",
    "Stars of the Circus Arts",
    "Motown Sundays",
    "Hamlet in Ninety Minutes",
    "Bluegrass by the Bay",
    "Les Ballets du Nord",
    "The Great Piano Duel",
    "Comedy <Live> on the Bay",
    "A Cappella All-Stars",
    "Irish Winds",
    "Messiah Sing-Along",
    "The Tango Masters",
    "Rock Opera Revisited",
    "Storm Chasers: A Lecture",
    "Jazz at Sunset",
)
ANNOUNCED_LATER = (
    "Late Night Improv",
    "The Lute Project",
    "Drums of Kodo Bay",
    "Cirque Marin",
    "Encore!",
    "Bach to Bop",
)
MOVED, CANCELLED, UNDATED = 4, 7, 11  # places in TITLES of the shows to which something happens


@dataclass(frozen=True, slots=True, kw_only=True)
class Show:
    """Something on stage. Performances are Eastern wall times."""

    slug: str
    title: str
    performances: tuple[datetime, ...]
    minutes: int
    cancelled: bool = False
    old_page: bool = False  # made before the site marked its dates up


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An entry of an iCal feed, in the feed's own words. A naive datetime floats unless ``zone`` is given."""

    uid: str
    title: str
    starts: date
    ends: date | None = None
    zone: str | None = None
    venue: str = ""
    rule: str = ""
    left_out: tuple[datetime, ...] = ()
    instead_of: datetime | None = None  # this entry replaces that occurrence of its uid
    cancelled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Programme:
    """All that is on, as of a revision."""

    day: date
    revision: int = 0

    def shows(self) -> list[Show]:
        titles = (*TITLES, *ANNOUNCED_LATER[: self.revision])
        shows = [self._show(place, title) for place, title in enumerate(titles)]
        shows[UNDATED] = replace(shows[UNDATED], performances=())
        if self.revision >= 2:
            late = tuple(start + timedelta(minutes=30) for start in shows[MOVED].performances)
            shows[MOVED] = replace(shows[MOVED], performances=late)
        if self.revision >= 3:
            shows[CANCELLED] = replace(shows[CANCELLED], cancelled=True)
        return shows

    def _show(self, place: int, title: str) -> Show:
        day = self.day + timedelta(days=2 + 3 * place)
        hours = (time(14, 0), time(20, 0)) if place % 4 == 1 else (time(19, 30),)
        return Show(
            slug=f"show-{place + 1:02}",
            title=title,
            performances=tuple(datetime.combine(day, hour) for hour in hours),
            minutes=90 + 15 * (place % 5),
            old_page=place % 3 == 2,
        )

    def month(self, ahead: int) -> date:
        """Return the first day of a month from this one on."""
        years, month = divmod(self.day.month - 1 + ahead, 12)
        return date(self.day.year + years, month + 1, 1)

    def mote_feeds(self) -> dict[str, list[Entry]]:
        """Return Mote Marine's feeds by name."""
        return {"talks": self._talks(), "camps": self._camps(), "lectures": self._lectures(), "nights": self._nights()}

    def feeds_of_month(self, ahead: int) -> list[str]:
        """Return the names of the feeds that Mote Marine links for a month; some programmes begin later."""
        return ["talks", "lectures", *(["camps"] if ahead >= 1 else []), *(["nights"] if ahead >= 2 else [])]

    def _talks(self) -> list[Entry]:
        """Twice a week without an end; one day left out, one talk put off by two hours."""
        starts = datetime.combine(self.day + timedelta(days=1), time(11, 0))
        talk = Entry(
            uid="shark-talk@mote.example",
            title="Shark Feeding & Talk",
            starts=starts,
            ends=starts + timedelta(minutes=45),
            zone="America/New_York",
            venue=MOTE_AQUARIUM,
            rule=f"FREQ=WEEKLY;BYDAY={_weekday(starts)},{_weekday(starts + timedelta(days=3))}",
            left_out=(starts + timedelta(days=7),),
        )
        put_off = starts + timedelta(days=10, hours=2)
        moved = replace(
            talk,
            starts=put_off,
            ends=put_off + timedelta(minutes=45),
            rule="",
            left_out=(),
            instead_of=starts + timedelta(days=10),
        )
        return [talk, moved]

    def _camps(self) -> list[Entry]:
        """Whole days, several of them; the end is exclusive, as iCalendar has it."""
        return [
            Entry(
                uid=f"camp-{week}@mote.example",
                title=f"Junior Biologists' Camp, Week {week}",
                starts=self.day + timedelta(days=28 + 7 * week),
                ends=self.day + timedelta(days=33 + 7 * week),
                venue=MOTE_AQUARIUM,
            )
            for week in (1, 2, 3)
        ]

    def _lectures(self) -> list[Entry]:
        starts = datetime.combine(self.day + timedelta(days=5), time(18, 30))
        return [
            Entry(
                uid="lectures@mote.example",
                title="Secrets of the Sea: Mote Lecture",
                starts=starts,
                ends=starts + timedelta(hours=1),
                zone="America/New_York",
                venue="Mote Auditorium, 1600 Ken Thompson Pkwy, Sarasota",
                rule="FREQ=WEEKLY;INTERVAL=2;COUNT=6",
            )
        ]

    def _nights(self) -> list[Entry]:
        starts = datetime.combine(self.month(2), time(19, 0))
        return [
            Entry(
                uid="night@mote.example",
                title="Night at the Reef",
                starts=starts,
                ends=starts + timedelta(hours=3),
                zone="America/New_York",
                venue=MOTE_AQUARIUM,
            )
        ]

    def community(self) -> list[Entry]:
        """A calendar that copies from others, in its own spelling, and adds a little."""
        copied = [
            Entry(
                uid=f"vw-{show.slug}-{n}@community.example",
                title=show.title.upper().replace("&", "and"),
                starts=start,
                ends=start + timedelta(minutes=show.minutes),
                zone="America/New_York",
                venue="Van Wezel Hall, 777 N. Tamiami Trail, Sarasota, FL",
                cancelled=show.cancelled,
            )
            for show in self.shows()[::2]
            for n, start in enumerate(show.performances)
        ]
        lectures = [
            replace(
                entry, uid=f"copy-of-{entry.uid}", title="SECRETS OF THE SEA — Mote lecture", venue="Mote Auditorium"
            )
            for entry in self._lectures()
        ]
        festival = self.day + timedelta(days=20)
        market = datetime.combine(self.day + timedelta(days=3), time(8, 0))
        own = [
            Entry(
                uid="bay-festival@community.example",
                title="Festival on the Bay",
                starts=festival,
                ends=festival + timedelta(days=2),
                venue="Bayfront Park",
            ),
            Entry(
                uid="market@community.example",
                title="Farmers' Market",
                starts=market,
                ends=market + timedelta(hours=4),
                zone="America/New_York",
                venue="Main Street",
                rule="FREQ=WEEKLY",
            ),
            Entry(
                uid="parade@community.example",
                title="Boat Parade",
                starts=datetime.combine(festival, time(17, 0)),
                zone="America/New_York",
                venue="Bayfront Park",
                cancelled=True,
            ),
        ]
        return [*copied, *lectures, *own]

    def library(self) -> list[Entry]:
        """Floating times (wall clock, whatever the zone) and one in UTC."""
        story = datetime.combine(self.day + timedelta(days=1), time(10, 30))
        return [
            Entry(
                uid="story-time@library.example",
                title="Story Time",
                starts=story,
                ends=story + timedelta(minutes=40),
                venue="Old Town Library",
                rule="FREQ=WEEKLY;COUNT=10",
            ),
            Entry(
                uid="book-sale@library.example",
                title="Friends of the Library Book Sale",
                starts=self.day + timedelta(days=9),
                venue="Old Town Library",
            ),
            Entry(
                uid="webinar@library.example",
                title="Tracing Your Ancestors (online)",
                starts=datetime.combine(self.day + timedelta(days=6), time(23, 0)),
                zone="UTC",
                venue="Online",
            ),
        ]


def _weekday(day: date) -> str:
    return ("MO", "TU", "WE", "TH", "FR", "SA", "SU")[day.weekday()]
