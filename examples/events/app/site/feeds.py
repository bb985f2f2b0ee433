"""iCalendar as the feeds write it (RFC 5545): CRLF, lines folded at 75 bytes, texts escaped.

Written out by hand on purpose: were it made by the library that reads it, the two could be wrong together.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime

from app.site.programme import Entry

LINE_BYTES = 75

EASTERN = """\
BEGIN:VTIMEZONE
TZID:America/New_York
BEGIN:DAYLIGHT
DTSTART:20070311T020000
RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=2SU
TZOFFSETFROM:-0500
TZOFFSETTO:-0400
TZNAME:EDT
END:DAYLIGHT
BEGIN:STANDARD
DTSTART:20071104T020000
RRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=1SU
TZOFFSETFROM:-0400
TZOFFSETTO:-0500
TZNAME:EST
END:STANDARD
END:VTIMEZONE"""


def write_feed(name: str, entries: Iterable[Entry], *, made: datetime) -> bytes:
    """Return a calendar of the entries."""
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        f"PRODID:-//Horarium example//{name}//EN",
        *EASTERN.splitlines(),
        *(line for entry in entries for line in _event(entry, made)),
        "END:VCALENDAR",
    ]
    return b"".join(_folded(line) for line in lines)


def _event(entry: Entry, made: datetime) -> list[str]:
    lines = ["BEGIN:VEVENT", f"UID:{entry.uid}", f"DTSTAMP:{made.astimezone(UTC):%Y%m%dT%H%M%SZ}"]
    lines += [f"SUMMARY:{_escaped(entry.title)}", _moment("DTSTART", entry.starts, entry.zone)]
    if entry.ends is not None:
        lines.append(_moment("DTEND", entry.ends, entry.zone))
    if entry.venue:
        lines.append(f"LOCATION:{_escaped(entry.venue)}")
    if entry.rule:
        lines.append(f"RRULE:{entry.rule}")
    lines += [_moment("EXDATE", moment, entry.zone) for moment in entry.left_out]
    if entry.instead_of is not None:
        lines.append(_moment("RECURRENCE-ID", entry.instead_of, entry.zone))
    if entry.cancelled:
        lines.append("STATUS:CANCELLED")
    return [*lines, "END:VEVENT"]


def _moment(name: str, moment: date, zone: str | None) -> str:
    if not isinstance(moment, datetime):
        return f"{name};VALUE=DATE:{moment:%Y%m%d}"
    match zone:
        case None:
            return f"{name}:{moment:%Y%m%dT%H%M%S}"
        case "UTC":
            return f"{name}:{moment:%Y%m%dT%H%M%SZ}"
        case _:
            return f"{name};TZID={zone}:{moment:%Y%m%dT%H%M%S}"


def _escaped(text: str) -> str:
    for plain, escape in (("\\", "\\\\"), (";", "\\;"), (",", "\\,"), ("\n", "\\n")):
        text = text.replace(plain, escape)
    return text


def _folded(line: str) -> bytes:
    """Break a line into pieces of at most 75 bytes, never within a character."""
    pieces = [b""]
    for character in line:
        encoded = character.encode()
        if len(pieces[-1]) + len(encoded) > LINE_BYTES:
            pieces.append(b" ")
        pieces[-1] += encoded
    return b"\r\n".join(pieces) + b"\r\n"
