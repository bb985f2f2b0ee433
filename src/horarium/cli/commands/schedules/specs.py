"""When a schedule fires, as it is written on the command line: one option for each kind of spec."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from horarium.cli.options import names, option
from horarium.errors import InvalidSchedule
from horarium.observe.written import read_exclusions, read_written
from horarium.schedules.recurrence import Exclusion, union, without
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

KINDS = ("cron", "crontab", "every", "at", "calendar", "solar")


def read_spec(given: Mapping[str, Any], zone: str) -> Spec | None:
    """Return the spec that the options say: of several whenever one of them fires, without what is excluded; None if
    none was given. Raises: InvalidSchedule, click.UsageError."""
    found = [_read(kind, text, zone) for kind in KINDS for text in given[kind]]
    exclusions = _exclusions(given)
    if exclusions and not found:
        raise click.UsageError("expected --except-... together with what says when it fires, got it alone")
    if not found:
        return None
    spec = found[0] if len(found) == 1 else union(*found)
    return without(spec, *exclusions) if exclusions else spec


def _read(kind: str, text: str, zone: str) -> Spec:
    try:
        return read_written(kind, text, zone)
    except InvalidSchedule:
        raise
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint=f"'--{kind}'") from error


def _exclusions(given: Mapping[str, Any]) -> list[Exclusion]:
    return read_exclusions(",".join(given["except_dates"] or ()), given["except_holidays"] or "")
