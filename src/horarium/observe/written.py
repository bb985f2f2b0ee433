"""When a schedule fires, as people write it in one line, and back: ``cron``, ``every``, ``at`` and their like.

The command line has an option for each kind, the dashboard a field. What is no line of its kind is a ValueError that
says what was expected; what the kind itself refuses is its InvalidSchedule.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from horarium.clock import to_datetime
from horarium.observe.moments import parse_moment, parse_span
from horarium.schedules.calendar import calendar
from horarium.schedules.clocked import clocked
from horarium.schedules.cron import cron
from horarium.schedules.crontab import crontab
from horarium.schedules.exclusions import dates, public_holidays
from horarium.schedules.interval import every
from horarium.schedules.language import IN_FILES
from horarium.schedules.recurrence import Exclusion, without
from horarium.schedules.solar import solar
from horarium.schedules.specs import Spec
from horarium.schedules.zones import zone_of

_CALENDAR = re.compile(
    r"(?:every )?(?:(?P<every>\d+) )?(?P<unit>[a-z]+) at (?P<at>\S+)(?: on (?P<on>.+?))?(?: from (?P<start>\S+))?"
)
_UNITS = ((604_800_000, "w"), (86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1000, "s"))


def read_written(kind: str, text: str, zone: str) -> Spec:
    """Return the spec that a line of a kind says; moments without an offset are meant in the zone.

    Raises: ValueError for what is no such line; InvalidSchedule.
    """
    return _READ[kind](" ".join(text.split()), zone)


def read_exclusions(except_dates: str, except_holidays: str) -> list[Exclusion]:
    """Return what is left out: dates, separated by commas, and the public holidays of ``DE`` or ``US-NY``.

    Raises: InvalidSchedule."""
    found: list[Exclusion] = []
    if given := [each.strip() for each in except_dates.split(",") if each.strip()]:
        found.append(dates(*given))
    if except_holidays.strip():
        country, _, part = except_holidays.strip().partition("-")
        found.append(public_holidays(country, part or None))
    return found


def written_of(spec: Spec, zone: str) -> tuple[str, str] | None:
    """Return the kind and the line that read back as an equal spec; None for one that is not written in one line."""
    match spec:
        case cron():
            return "cron", spec.text
        case crontab():
            fields = spec.fields()
            return "crontab", " ".join(fields[field.name].replace(" ", "") for field in IN_FILES)
        case every():
            return "every", span_text(spec.milliseconds)
        case clocked():
            return "at", to_datetime(spec.instant).astimezone(zone_of(zone)).isoformat()
        case calendar():
            on = f" on {','.join(spec.on_texts())}" if spec.on_texts() else ""
            start = f" from {spec.start}" if spec.start else ""
            return "calendar", f"{spec.every} {spec.unit} at {','.join(spec.at_texts())}{on}{start}"
        case solar():
            return "solar", f"{spec.event} {spec.lat!r} {spec.lon!r}"
    return None


def written_exclusions(spec: Spec) -> tuple[Spec, str, str] | None:
    """Return a spec taken apart: what remains, the dates and the country that it leaves out, as ``read_exclusions``
    reads them; None if they are not of such kinds."""
    if not isinstance(spec, without):
        return spec, "", ""
    days = [each for each in spec.exclusions if isinstance(each, dates)]
    holidays = [each for each in spec.exclusions if isinstance(each, public_holidays)]
    if len(days) > 1 or len(holidays) > 1 or len(days) + len(holidays) < len(spec.exclusions):
        return None
    countries = [each.country + (f"-{each.subdivision}" if each.subdivision else "") for each in holidays]
    return spec.spec, ",".join(text for each in days for text in each.texts()), "".join(countries)


def span_text(milliseconds: int) -> str:
    """Return a duration as ``parse_span`` reads it: ``90s 5m 2h 1d``."""
    size, unit = next((each for each in _UNITS if milliseconds % each[0] == 0), (1000, "s"))
    return f"{milliseconds // size}{unit}" if milliseconds % size == 0 else f"{milliseconds / size!r}{unit}"


def _read_calendar(text: str, zone: str) -> Spec:
    found = _CALENDAR.fullmatch(text)
    if found is None:
        raise ValueError(
            f"expected such as 'days at 09:00' or '2 weeks at 09:00,17:30 on mon,thu from 2026-01-05', got {text!r}"
        )
    unit = found["unit"] if found["unit"].endswith("s") else f"{found['unit']}s"
    on = None if found["on"] is None else [part.strip() for part in found["on"].split(",")]
    return calendar(int(found["every"] or 1), unit, at=found["at"].split(","), on=on, start=found["start"])


def _read_solar(text: str, zone: str) -> Spec:
    try:
        event, lat, lon = text.split()
        north, east = float(lat), float(lon)
    except ValueError as error:
        raise ValueError(f"expected such as 'sunset 52.5 13.4', got {text!r} ({error})") from error
    return solar(event, north, east)


def _read_moment(text: str, zone: str) -> Spec:
    zone_of(zone)
    try:
        return clocked(parse_moment(text, zone))
    except ValueError as error:
        raise ValueError(
            f"expected a moment such as 2027-03-28T02:30 or 2027-03-28T02:30+01:00, got {text!r} ({error})"
        ) from error


_READ: Mapping[str, Callable[[str, str], Spec]] = {
    "cron": lambda text, zone: cron(text),
    "crontab": lambda text, zone: crontab.from_string(text),
    "every": lambda text, zone: every(parse_span(text)),
    "at": _read_moment,
    "calendar": _read_calendar,
    "solar": _read_solar,
}
