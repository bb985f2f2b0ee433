"""When a schedule fires, as it is written on the command line: one option for each kind of spec."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import click

from horarium.cli.commands.schedules.words import moment
from horarium.cli.options import names, option, seconds
from horarium.clock import to_datetime
from horarium.schedules.calendar import calendar
from horarium.schedules.clocked import clocked
from horarium.schedules.cron import cron
from horarium.schedules.crontab import crontab
from horarium.schedules.exclusions import dates, public_holidays
from horarium.schedules.interval import every
from horarium.schedules.recurrence import Exclusion, union, without
from horarium.schedules.solar import solar
from horarium.schedules.specs import Spec

SPEC_OPTIONS = (
    option("--cron", multiple=True, metavar="'M H DOM MON DOW'", help="A line of cron: either day field may fit."),
    option("--crontab", multiple=True, metavar="'M H DOM MON DOW'", help="As Celery's: both day fields must fit."),
    option("--every", multiple=True, metavar="SPAN", help="Every so often since its creation: 90s 5m 2h 1d."),
    option("--at", multiple=True, metavar="WHEN", help="Once: at a moment in the zone, or with an offset."),
    option("--calendar", multiple=True, metavar="TEXT", help="'2 weeks at 09:00 on mon,thu from 2026-01-05'."),
    option("--solar", multiple=True, metavar="'EVENT LAT LON'", help="'sunset 52.5 13.4'."),
    option("--except-dates", type=names, metavar="A,B", help="But not on these local dates, such as 2026-12-24."),
    option("--except-holidays", metavar="COUNTRY[-PART]", help="But not on public holidays of DE, DE-BE, US-NY ..."),
)

_CALENDAR = re.compile(
    r"(?:every )?(?:(?P<every>\d+) )?(?P<unit>[a-z]+) at (?P<at>\S+)(?: on (?P<on>.+?))?(?: from (?P<start>\S+))?"
)


def _calendar(text: str, zone: str) -> Spec:
    found = _CALENDAR.fullmatch(" ".join(text.split()))
    if found is None:
        raise click.UsageError(
            "expected --calendar to be such as 'days at 09:00' or '2 weeks at 09:00,17:30 on mon,thu from 2026-01-05', "
            f"got {text!r}"
        )
    unit = found["unit"] if found["unit"].endswith("s") else f"{found['unit']}s"
    on = None if found["on"] is None else [part.strip() for part in found["on"].split(",")]
    return calendar(int(found["every"] or 1), unit, at=found["at"].split(","), on=on, start=found["start"])


def _every(text: str, zone: str) -> Spec:
    try:
        return every(seconds(text))
    except click.BadParameter as error:
        raise click.BadParameter(error.message, param_hint="'--every'") from error


def _solar(text: str, zone: str) -> Spec:
    try:
        event, lat, lon = text.split()
        return solar(event, float(lat), float(lon))
    except ValueError as error:
        raise click.UsageError(f"expected --solar to be such as 'sunset 52.5 13.4', got {text!r} ({error})") from error


_READ: Mapping[str, Callable[[str, str], Spec]] = {
    "cron": lambda text, zone: cron(text),
    "crontab": lambda text, zone: crontab.from_string(text),
    "every": _every,
    "at": lambda text, zone: clocked(to_datetime(moment(text, zone, option="--at"))),
    "calendar": _calendar,
    "solar": _solar,
}


def read_spec(given: Mapping[str, Any], zone: str) -> Spec | None:
    """Return the spec that the options say: of several whenever one of them fires, without what is excluded; None if
    none was given. Raises: InvalidSchedule, click.UsageError."""
    found = [read(text, zone) for name, read in _READ.items() for text in given[name]]
    exclusions = _exclusions(given)
    if exclusions and not found:
        raise click.UsageError("expected --except-... together with what says when it fires, got it alone")
    if not found:
        return None
    spec = found[0] if len(found) == 1 else union(*found)
    return without(spec, *exclusions) if exclusions else spec


def _exclusions(given: Mapping[str, Any]) -> list[Exclusion]:
    found: list[Exclusion] = []
    if given["except_dates"]:
        found.append(dates(*given["except_dates"]))
    if given["except_holidays"]:
        country, _, part = given["except_holidays"].partition("-")
        found.append(public_holidays(country, part or None))
    return found
