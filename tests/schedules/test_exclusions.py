"""Dates, public holidays, and iCalendar texts."""

from __future__ import annotations

import builtins
import pickle
from datetime import date, datetime

import pytest

from horarium.clock import to_datetime, to_instant
from horarium.errors import InvalidSchedule, MissingExtra
from horarium.schedules import crontab, dates, dates_from_ical, public_holidays
from horarium.schedules import exclusions as exclusions_room
from horarium.schedules.next import Rules, fires_between
from horarium.schedules.specs import from_record, to_record

EPOCH = date(1970, 1, 1).toordinal()


def day(text: str) -> int:
    return date.fromisoformat(text).toordinal() - EPOCH


class TestDates:
    def test_ranges_include_both_ends_and_are_joined(self) -> None:
        spec = dates(("2026-07-03", "2026-07-05"), "2026-07-01..2026-07-02", date(2026, 7, 6), "2026-12-24")
        assert spec.texts() == ["2026-07-01..2026-07-06", "2026-12-24"]
        assert len(spec) == 7
        assert [spec.excludes(day(text)) for text in ("2026-06-30", "2026-07-01", "2026-07-06", "2026-07-07")] == [
            False,
            True,
            True,
            False,
        ]

    def test_equal_days_are_an_equal_value(self) -> None:
        assert dates("2026-07-01", "2026-07-02") == dates("2026-07-01..2026-07-02")
        assert len({dates("2026-07-01", "2026-07-02"), dates("2026-07-01..2026-07-02")}) == 1
        assert pickle.loads(pickle.dumps(dates("2026-07-01"))) == dates("2026-07-01")

    @pytest.mark.parametrize(
        ("given", "said"),
        [
            ("2026-02-30", "expected a date, got '2026-02-30': day"),
            ("24.12.2026", "write it as '2026-12-24'"),
            ("2026-07-05..2026-07-01", r"ends after it starts, got 2026-07-05\.\.2026-07-01; write \('2026-07-01'"),
            (("2026-07-05", "2026-07-01"), "ends after it starts"),
            (("2026-07-05",), "expected a date"),
            (datetime(2026, 7, 5), "expected a date from 1970 on"),
            (date(1969, 7, 5), "expected a date from 1970 on"),
            (5, "expected a date from 1970 on"),
        ],
    )
    def test_what_is_no_date_is_refused(self, given: object, said: str) -> None:
        with pytest.raises(InvalidSchedule, match=said):
            dates(given)

    def test_none_at_all_is_refused(self) -> None:
        with pytest.raises(InvalidSchedule, match="expected 1 to 10000 dates, got 0"):
            dates()


class TestPublicHolidays:
    def test_a_country_and_a_subdivision_have_their_days(self) -> None:
        epiphany = day("2026-01-06")
        assert public_holidays("DE", "BY").excludes(epiphany)
        assert not public_holidays("DE").excludes(epiphany)
        assert public_holidays("US").excludes(day("2026-11-26"))  # Thanksgiving moves
        assert public_holidays("US").excludes(day("2029-11-22"))

    def test_a_schedule_passes_over_them(self) -> None:
        spec = crontab(0, 9, "mon-fri") - public_holidays("US")
        start = to_instant(datetime(2026, 6, 30))
        found = fires_between(spec, start, start + 8 * 86_400_000, Rules("America/New_York"))
        assert [to_datetime(each).day for each in found] == [30, 1, 2, 6, 7]  # the 4th is a Saturday, kept on Friday

    def test_the_codes_are_what_is_stored(self) -> None:
        spec = crontab(0, 9) - public_holidays("DE", "BY")
        assert to_record(spec)["exclusions"] == [{"kind": "public_holidays", "country": "DE", "subdivision": "BY"}]
        assert from_record(to_record(spec)) == spec
        assert pickle.loads(pickle.dumps(spec)) == spec

    @pytest.mark.parametrize(
        ("country", "subdivision", "said"),
        [
            ("XX", None, "the code of a country, got 'XX'"),
            ("DE", "XX", "a subdivision of DE, got 'XX'; known are B"),
            (5, None, "country"),
        ],
    )
    def test_an_unknown_place_is_refused(self, country: object, subdivision: object, said: str) -> None:
        with pytest.raises(InvalidSchedule, match=said):
            public_holidays(country, subdivision)


ICS = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//test//EN
BEGIN:VEVENT
UID:christmas
DTSTART;VALUE=DATE:20241225
DTEND;VALUE=DATE:20241227
SUMMARY:Christmas
RRULE:FREQ=YEARLY
END:VEVENT
BEGIN:VEVENT
UID:moving
DTSTART;VALUE=DATE:20260301
SUMMARY:The move
END:VEVENT
{more}END:VCALENDAR
"""
TIMED = """BEGIN:VEVENT
UID:party
DTSTART:20260605T200000Z
DTEND:20260606T010000Z
SUMMARY:Party
END:VEVENT
"""


class TestICalendar:
    def test_the_dates_of_a_text_are_kept_and_the_text_is_not(self) -> None:
        spec = dates_from_ical(ICS.format(more=""), last=date(2027, 12, 31))
        assert spec.texts() == [
            "2024-12-25..2024-12-26",
            "2025-12-25..2025-12-26",
            "2026-03-01",
            "2026-12-25..2026-12-26",
            "2027-12-25..2027-12-26",
        ]
        assert to_record(crontab() - spec)["exclusions"] == [{"kind": "dates", "dates": spec.texts()}]

    def test_what_repeats_is_followed_for_ten_years(self) -> None:
        assert dates_from_ical(ICS.format(more="").encode()).texts()[-1] == "2036-12-25..2036-12-26"

    def test_a_beginning_may_be_chosen(self) -> None:
        spec = dates_from_ical(ICS.format(more=""), first=date(2026, 12, 26), last=date(2027, 1, 1))
        assert spec.texts() == ["2026-12-26"]

    def test_events_of_a_time_are_refused_or_taken_or_left_out_as_is_said(self) -> None:
        text = ICS.format(more=TIMED)
        with pytest.raises(InvalidSchedule, match=r"whole days, got 'Party' at 2026-06-05 20:00.*timed='days'"):
            dates_from_ical(text)
        assert "2026-06-05..2026-06-06" in dates_from_ical(text, timed="days").texts()
        assert dates_from_ical(text, timed="skip") == dates_from_ical(ICS.format(more=""))

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("", "iCalendar"),
            ("hello", "expected the text of an iCalendar file, got 'hello'"),
            ("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nEND:VCALENDAR\r\n", "with events, got one without any"),
        ],
    )
    def test_what_is_no_calendar_is_refused(self, text: str, said: str) -> None:
        with pytest.raises(InvalidSchedule, match=said):
            dates_from_ical(text)

    def test_bad_choices_are_refused(self) -> None:
        with pytest.raises(InvalidSchedule, match="timed to be refuse, days or skip"):
            dates_from_ical(ICS.format(more=""), timed="maybe")
        with pytest.raises(InvalidSchedule, match="expected last to be after first"):
            dates_from_ical(ICS.format(more=""), first=date(2026, 1, 1), last=date(2025, 1, 1))
        with pytest.raises(InvalidSchedule, match="got none; see first, last"):
            dates_from_ical(ICS.format(more=""), first=date(2026, 4, 1), last=date(2026, 5, 1))


@pytest.mark.parametrize(
    ("module", "extra"), [("holidays", "holidays"), ("icalendar", "ical"), ("recurring_ical_events", "ical")]
)
def test_a_missing_extra_is_named(module: str, extra: str, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = builtins.__import__

    def without_it(name: str, *given: object, **named: object) -> object:
        if name == module:
            raise ImportError(f"No module named {name!r}")
        return honest(name, *given, **named)

    exclusions_room._check_place.cache_clear()
    monkeypatch.setattr(builtins, "__import__", without_it)
    with pytest.raises(MissingExtra, match=rf"pip install 'horarium\[{extra}\]'") as missing:
        public_holidays("FR") if extra == "holidays" else dates_from_ical(ICS.format(more=""))
    assert missing.value.extra == extra
    assert isinstance(missing.value, InvalidSchedule)
