"""What the scrapers make of pages and feeds, good and bad."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from app.event import Listing
from app.scrapers.fetch import PageChanged
from app.scrapers.ical import UnreadableFeed, Window, read_feed
from app.scrapers.mote import read_month
from app.scrapers.vanwezel import read_listing, read_show
from app.sources import Feed

EASTERN = ZoneInfo("America/New_York")
MARCH = Window(datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC))
FEED = Feed("http://x/feed.ics", "Reef House")
SHOW_URL = "http://x/vanwezel/events/show-01"


def show(performances: str, head: str = "<h1>Tap &amp; Rain</h1>") -> list[Listing]:
    html = f'<main>{head}<p class="length">About 95 minutes</p><ul class="performances">{performances}</ul></main>'
    return read_show(html, SHOW_URL, source_id=1, zone=EASTERN)


def read(entries: str, limit: int = 100) -> list[Listing]:
    text = f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//test//EN\n{entries.strip()}\nEND:VCALENDAR\n"
    return read_feed(FEED, text.replace("\n", "\r\n").encode(), source_id=2, zone=EASTERN, window=MARCH, limit=limit)


def entry(*lines: str) -> str:
    return "\n".join(["BEGIN:VEVENT", *lines, "END:VEVENT", ""])


def utc(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 3, day, hour, minute, tzinfo=UTC)


class TestVanWezel:
    def test_a_marked_up_performance_is_read_in_eastern_time(self) -> None:
        (only,) = show('<li data-performance="1"><time datetime="2026-03-13T19:30">tonight</time></li>')
        assert (only.starts, only.ends) == (utc(13, 23, 30), utc(14, 1, 5))
        assert (only.title, only.uid) == ("Tap & Rain", "show-01/1")

    def test_a_performance_in_prose_is_read_as_well(self) -> None:
        (only,) = show('<li data-performance="1"> Friday, March 13, 2026\n at 07:30 PM </li>')
        assert only.starts == utc(13, 23, 30)

    def test_a_cancelled_performance_is_left_out(self) -> None:
        assert show('<li class="cancelled"><time datetime="2026-03-13T19:30"></time></li>') == []

    def test_a_show_without_dates_has_no_performances(self) -> None:
        assert show("") == []

    @pytest.mark.parametrize("said", ["tonight", "Friday, March 13", '<time datetime="">x</time>'])
    def test_a_date_that_cannot_be_read_says_where(self, said: str) -> None:
        with pytest.raises(PageChanged, match=SHOW_URL):
            show(f"<li>{said}</li>")

    def test_a_page_without_a_title_says_what_is_missing(self) -> None:
        with pytest.raises(PageChanged, match="title"):
            show("", head="<h1> </h1>")

    def test_a_listing_gives_absolute_addresses_and_the_next_page(self) -> None:
        links, following = read_listing(
            '<section class="shows"><article><h3><a href="/e/1"> A &lt;b&gt; </a></h3></article></section>'
            '<nav class="pages"><a rel="next" href="?page=2">more</a></nav>',
            "http://x/e",
        )
        assert [(link.url, link.title) for link in links] == [("http://x/e/1", "A <b>")]
        assert following == "http://x/e?page=2"

    def test_a_listing_of_another_make_is_an_error_and_not_an_empty_one(self) -> None:
        with pytest.raises(PageChanged):
            read_listing("<div>new design</div>", "http://x/e")


class TestMote:
    def test_webcal_links_become_addresses_that_can_be_fetched(self) -> None:
        feeds, following = read_month(
            '<main class="calendar"><a type="text/calendar" href="webcal://h:1/talks.ics">Talks</a>'
            '<a type="text/calendar" href="camps.ics">Camps</a><a href="about">About</a></main>',
            "http://h:1/cal/",
        )
        assert feeds == [Feed("http://h:1/talks.ics", "Talks"), Feed("http://h:1/cal/camps.ics", "Camps")]
        assert following is None

    def test_a_page_without_a_calendar_is_an_error(self) -> None:
        with pytest.raises(PageChanged):
            read_month("<main></main>", "http://h:1/cal/")


class TestICalendar:
    def test_a_weekly_event_keeps_its_wall_time_over_the_change_of_clocks(self) -> None:
        found = read(
            entry(
                "UID:talk",
                "SUMMARY:Talk",
                "DTSTART;TZID=America/New_York:20260306T110000",
                "DTEND;TZID=America/New_York:20260306T114500",
                "RRULE:FREQ=WEEKLY",
            )
        )
        assert [one.starts for one in found] == [utc(6, 16), utc(13, 15), utc(20, 15), utc(27, 15)]
        assert len({one.uid for one in found}) == 4

    def test_an_excluded_date_is_left_out_and_a_moved_one_keeps_its_name(self) -> None:
        rule = ("UID:t", "SUMMARY:T", "DTSTART:20260302T100000Z", "DTEND:20260302T110000Z", "RRULE:FREQ=DAILY;COUNT=3")
        before = read(entry(*rule))
        after = read(
            entry(*rule, "EXDATE:20260303T100000Z")
            + entry("UID:t", "SUMMARY:T", "RECURRENCE-ID:20260304T100000Z", "DTSTART:20260304T150000Z")
        )
        assert [one.starts for one in after] == [utc(2, 10), utc(4, 15)]
        assert [one.uid for one in after] == [before[0].uid, before[2].uid]

    def test_a_single_event_that_is_moved_keeps_its_name(self) -> None:
        (before,) = read(entry("UID:once", "DTSTART:20260302T100000Z"))
        (after,) = read(entry("UID:once", "DTSTART:20260309T100000Z"))
        assert before.uid == after.uid

    def test_a_day_begins_and_ends_with_the_day_of_its_place(self) -> None:
        (one,) = read(entry("UID:d", "SUMMARY:D", "DTSTART;VALUE=DATE:20260307", "DTEND;VALUE=DATE:20260309"))
        assert one.all_day
        assert (one.starts, one.ends) == (utc(7, 5), utc(9, 4))

    def test_a_day_without_an_end_is_one_day(self) -> None:
        (one,) = read(entry("UID:d", "DTSTART;VALUE=DATE:20260310"))
        assert (one.starts, one.ends) == (utc(10, 4), utc(11, 4))

    def test_a_floating_time_is_the_wall_time_of_the_place(self) -> None:
        (one,) = read(entry("UID:f", "DTSTART:20260310T103000", "DURATION:PT40M"))
        assert (one.starts, one.ends) == (utc(10, 14, 30), utc(10, 15, 10))

    def test_what_is_not_said_comes_from_the_feed(self) -> None:
        (one,) = read(entry("UID:f", "DTSTART:20260310T103000Z"))
        assert (one.venue, one.url, one.title) == ("Reef House", FEED.url, "Untitled")
        assert (one.ends - one.starts).total_seconds() == 3600

    def test_a_cancelled_event_is_left_out(self) -> None:
        assert read(entry("UID:c", "DTSTART:20260310T103000Z", "STATUS:CANCELLED")) == []

    def test_an_event_without_end_of_its_rule_stops_at_the_window(self) -> None:
        assert len(read(entry("UID:e", "DTSTART:20260301T120000Z", "RRULE:FREQ=DAILY"))) == 31

    def test_the_limit_keeps_the_earliest(self) -> None:
        found = read(entry("UID:e", "DTSTART:20260301T120000Z", "RRULE:FREQ=DAILY"), limit=2)
        assert [one.starts for one in found] == [utc(1, 12), utc(2, 12)]

    def test_a_broken_entry_does_not_cost_the_others(self) -> None:
        found = read(entry("UID:b", "DTSTART:soon") + entry("UID:n") + entry("UID:g", "DTSTART:20260301T120000Z"))
        assert [one.uid for one in found] == ["g"]

    @pytest.mark.parametrize("content", [b"", b"<html>Moved</html>", b"\xff\xfe\x00"])
    def test_what_is_no_calendar_is_an_error_that_names_the_feed(self, content: bytes) -> None:
        with pytest.raises(UnreadableFeed, match=FEED.url):
            read_feed(FEED, content, source_id=2, zone=EASTERN, window=MARCH, limit=9)
