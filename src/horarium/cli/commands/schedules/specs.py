"""When a schedule fires, as it is written on the command line: one option for each kind of spec."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import click

from horarium.cli.commands.schedules.words import moment
from horarium.cli.options import option, seconds
from horarium.clock import to_datetime
from horarium.schedules.clocked import clocked
from horarium.schedules.crontab import crontab
from horarium.schedules.interval import every
from horarium.schedules.specs import Spec

SPEC_OPTIONS = (
    option(
        "--crontab", metavar="'M H DOM MON DOW'", help="Five fields; where both day fields are given, both must fit."
    ),
    option("--every", metavar="SPAN", help="Every so often, counted from its creation: 90s 5m 2h 1d."),
    option("--at", metavar="WHEN", help="Once, at this moment: in the zone, or with an offset."),
)

_READ: Mapping[str, Callable[[str, str], Spec]] = {
    "crontab": lambda text, zone: crontab.from_string(text),
    "every": lambda text, zone: every(seconds(text)),
    "at": lambda text, zone: clocked(to_datetime(moment(text, zone, option="--at"))),
}


def read_spec(given: Mapping[str, Any], zone: str) -> Spec | None:
    """Return the spec that the options say, None if none of them was given. Raises: InvalidSchedule."""
    chosen = [name for name in _READ if given[name] is not None]
    if len(chosen) > 1:
        raise click.UsageError(f"expected one option that says when it fires, got --{' and --'.join(chosen)}")
    return _READ[chosen[0]](given[chosen[0]], zone) if chosen else None
