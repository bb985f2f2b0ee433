"""When two sources speak of the same event."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from app.event import Listing, day_in_utc, moment_in_utc, plain_title, plain_venue

EASTERN = ZoneInfo("America/New_York")
EVENING = datetime(2026, 3, 14, 0, 30, tzinfo=UTC)


def listing(title: str = "Verdi & Friends", venue: str = "Van Wezel", starts: datetime = EVENING) -> Listing:
    return Listing(
        source_id=1,
        uid="1",
        title=title,
        starts=starts,
        ends=starts + timedelta(hours=2),
        venue=venue,
        url="http://x/1",
    )


@pytest.mark.parametrize("title", ["VERDI and FRIENDS", "The Verdi & Friends!", "  Verdi –  & friends "])
def test_a_title_in_another_spelling_names_the_same_event(title: str) -> None:
    assert listing(title).event_key == listing().event_key


@pytest.mark.parametrize("venue", ["Van Wezel Performing Arts Hall", "van wezel hall, 777 N. Tamiami Trail"])
def test_a_venue_with_its_address_names_the_same_event(venue: str) -> None:
    assert listing(venue=venue).event_key == listing().event_key


def test_another_title_venue_or_start_is_another_event() -> None:
    keys = {
        listing().event_key,
        listing("Verdi & Foes").event_key,
        listing(venue="Opera House").event_key,
        listing(starts=EVENING + timedelta(minutes=1)).event_key,
    }
    assert len(keys) == 4


def test_the_key_is_the_same_in_every_process() -> None:
    assert listing().event_key == "319745699d9c1e7a69fc30cc581ee1d9"


def test_accents_and_apostrophes_do_not_count() -> None:
    assert plain_title("The Café’s Soirée") == plain_title("Cafes Soiree")


def test_a_venue_named_by_its_kind_alone_keeps_it() -> None:
    assert plain_venue("The Performing Arts Center") == "performing arts center"


def test_a_wall_time_is_read_with_the_offset_of_its_day() -> None:
    winter = moment_in_utc(datetime(2026, 3, 7, 19, 30), EASTERN)
    summer = moment_in_utc(datetime(2026, 3, 8, 19, 30), EASTERN)
    assert (winter.hour, summer.hour) == (0, 23)


def test_a_wall_time_that_never_comes_is_an_hour_later() -> None:
    assert moment_in_utc(datetime(2026, 3, 8, 2, 30), EASTERN).astimezone(EASTERN).hour == 3


def test_the_day_on_which_clocks_change_has_23_hours() -> None:
    assert day_in_utc(date(2026, 3, 9), EASTERN) - day_in_utc(date(2026, 3, 8), EASTERN) == timedelta(hours=23)
