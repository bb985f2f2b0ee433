"""Holidays from an iCalendar file, read into a list of dates that is kept with the schedule.

By the packages ``icalendar`` and ``recurring-ical-events`` (the extra ``horarium[ical]``).
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any, Literal

from horarium.errors import InvalidSchedule, MissingExtra
from horarium.schedules.exclusions import dates
from horarium.schedules.language import shown

YEARS = 10


def dates_from_ical(
    text: str | bytes,
    *,
    first: date | None = None,
    last: date | None = None,
    timed: Literal["refuse", "days", "skip"] = "refuse",
) -> dates:
    """Return the days that the events of an iCalendar text cover: ``dates_from_ical(Path("x.ics").read_bytes())``.

    What repeats is followed from the text's first event (or ``first``) until ten years after the start of its last
    one (or ``last``, included). Events that begin at a time of day are refused, or their days are taken, or they are
    skipped, as ``timed`` says. The dates are those of the text; no file and no package is needed to use them later.
    Raises: InvalidSchedule when the text is no calendar or has no such day, MissingExtra.
    """
    if timed not in ("refuse", "days", "skip"):
        raise InvalidSchedule(f"expected timed to be refuse, days or skip, got {shown(timed)}; leave it out to refuse")
    calendar = _parsed(text)
    starts = [_as_date(event.start) for event in calendar.walk("VEVENT")]
    if not starts:
        raise InvalidSchedule("expected an iCalendar text with events, got one without any; is it the right file?")
    begin = first or min(starts)
    end = last or _years_later(max(starts))
    if end < begin:
        raise InvalidSchedule(f"expected last to be after first, got {begin}..{end}; exchange them")
    found = []
    for event in _unfolded(calendar, begin, end):
        covered = _covered(event, timed)
        if covered is not None and covered[1] >= begin and covered[0] <= end:
            found.append((max(covered[0], begin), min(covered[1], end)))
    if not found:
        raise InvalidSchedule(
            f"expected an iCalendar text with events from {begin} to {end}, got none; see first, last"
        )
    return dates(*found)


def _parsed(text: str | bytes) -> Any:
    try:
        import icalendar
    except ImportError as error:
        raise MissingExtra("ical", "iCalendar files", error) from error
    try:
        return icalendar.Calendar.from_ical(text)
    except (ValueError, TypeError, IndexError, KeyError, AttributeError) as error:
        raise InvalidSchedule(
            f"expected the text of an iCalendar file, got {shown(text)}: {error}; it begins with BEGIN:VCALENDAR"
        ) from error


def _unfolded(calendar: Any, begin: date, end: date) -> list[Any]:
    try:
        import recurring_ical_events
    except ImportError as error:
        raise MissingExtra("ical", "iCalendar files", error) from error
    try:
        return list(recurring_ical_events.of(calendar).between(begin, end + timedelta(days=1)))
    except (ValueError, TypeError, recurring_ical_events.InvalidCalendar) as error:
        raise InvalidSchedule(
            f"expected an iCalendar text that can be followed, got: {error}; correct the file"
        ) from error


def _covered(event: Any, timed: str) -> tuple[date, date] | None:
    """Return the first and the last day of an event."""
    if isinstance(event.start, datetime):
        if timed == "refuse":
            raise InvalidSchedule(
                f"expected events of whole days, got {shown(str(event.get('SUMMARY', '')))} at {event.start}; take its "
                "days with timed='days', or leave it out with timed='skip'"
            )
        if timed == "skip":
            return None
        return event.start.date(), max(event.start, event.end - timedelta(microseconds=1)).date()
    return event.start, max(event.start, event.end - timedelta(days=1))


def _as_date(moment: date) -> date:
    return moment.date() if isinstance(moment, datetime) else moment


def _years_later(day: date) -> date:
    return date(day.year + YEARS, 12, 31)
