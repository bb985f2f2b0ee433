"""Moments and durations as people write and read them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from horarium.clock import FOREVER, LATEST, Instant, Seconds, abbreviation, to_datetime, to_instant

UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 604_800.0}


def iso(instant: Instant) -> str:
    """Return an instant in ISO 8601, UTC, to the millisecond."""
    return to_datetime(instant).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def local(instant: Instant, zone: str) -> str:
    """Return an instant in a zone, with the zone's abbreviation: times never stand without one."""
    moment = to_datetime(instant).astimezone(ZoneInfo(zone))
    return f"{moment:%a %d %b %Y  %H:%M:%S} {abbreviation(moment)}"


def exact(instant: Instant) -> str:
    """Return an instant in UTC, to the millisecond, for people."""
    there = to_datetime(instant)
    return f"{there:%Y-%m-%d %H:%M:%S}.{instant % 1000:03d} UTC"


def day_and_time(instant: Instant, zone: str, *, now: Instant) -> str:
    """Return an instant in a zone, with its abbreviation, as short as can be: the day only when it is not today, the
    year only when it is not this year's."""
    moment, today = (to_datetime(each).astimezone(ZoneInfo(zone)) for each in (instant, now))
    day = ""
    if moment.date() != today.date():
        day = f"{moment:%a %d %b }" + (f"{moment:%Y }" if moment.year != today.year else "")
    return f"{day}{moment:%H:%M:%S} {abbreviation(moment)}"


def parse_moment(text: str, zone: str) -> Instant:
    """Read an ISO 8601 moment; one without an offset is meant in ``zone``. Raises: ValueError."""
    moment = datetime.fromisoformat(text)
    return _known(to_instant(moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(zone))))


def parse_past(text: str, zone: str, *, now: Instant) -> Instant:
    """Read a moment, or a span that reaches back from now (``90s 5m 2h 1d``). Raises: ValueError."""
    units = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
    if text[-1:] in units and text[:-1].replace(".", "", 1).isdigit():
        try:
            back = timedelta(**{units[text[-1]]: float(text[:-1])})
        except OverflowError as error:
            raise ValueError("it is not from 1970 to 9998") from error
        return _known(now - round(back.total_seconds() * 1000))
    return parse_moment(text, zone)


def parse_span(text: str) -> Seconds:
    """Read a duration: a number of seconds, or one with a unit (``90s 5m 2h 1d 1w``). Raises: ValueError."""
    given = text.strip().lower()
    factor = UNITS.get(given[-1:])
    try:
        duration = float(given[:-1]) * factor if factor else float(given)
    except ValueError:
        duration = -1.0
    if not 0 <= duration <= FOREVER:
        raise ValueError(
            f"expected a number of seconds, or one with a unit such as 5m, from 0 to a hundred years, got {text[:60]!r}"
        )
    return duration


def span(seconds: Seconds) -> str:
    """Return a duration in its two largest units: ``350 ms``, ``4.2 s``, ``3 m 20 s``, ``2 d 4 h``."""
    seconds = max(seconds, 0.0)
    if seconds < 1:
        return f"{round(seconds * 1000)} ms"
    if seconds < 60:
        return f"{seconds:.1f} s".replace(".0 s", " s")
    whole = round(seconds)
    for large, small, size, parts in (("d", "h", 86_400, 3600), ("h", "m", 3600, 60), ("m", "s", 60, 1)):
        if whole >= size:
            rest = whole % size // parts
            return f"{whole // size} {large}" + (f" {rest} {small}" if rest else "")
    return f"{whole} s"


def zone_or_utc(name: str) -> str:
    """Return the zone's name if it can be used, else UTC: showing a time must not fail."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return "UTC"
    return name


def utc(instant: Instant) -> str:
    """Return an instant in UTC, for people."""
    return f"{to_datetime(instant).astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _known(instant: Instant) -> Instant:
    if not 0 <= instant <= LATEST:  # it could not be shown in every zone
        raise ValueError("it is not from 1970 to 9998")
    return instant


def age(seconds: Seconds) -> str:
    """Return a duration that goes on as no more than people need: what is shown live must not be new each second."""
    seconds = max(seconds, 0.0)
    if seconds < 10:
        return "under 10 s"
    if seconds < 120:
        return f"{seconds // 10 * 10:.0f} s"
    for unit, size in (("d", 86_400), ("h", 3600)):
        if seconds >= 2 * size:
            return f"{seconds // size:.0f} {unit}"
    return f"{seconds // 60:.0f} min"
