"""Quiet slots to be taken: what a form's fields have to say for a schedule to fire so much earlier or later."""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec
from msgspec import Struct

from horarium.clock import Instant, to_datetime
from horarium.observe.moments import zone_or_utc
from horarium.observe.schedule_words import shown
from horarium.schedules.heat import MINUTE
from horarium.schedules.record import Schedule
from horarium.schedules.zones import zone_of

DAY = 24 * 60  # minutes
JITTER = "5m"  # of one click
_TIME = re.compile(r"\b([01]\d|2[0-3]):([0-5]\d)\b")


class Slot(Struct, frozen=True, kw_only=True):
    """A minute in which little else fires. ``fields`` is JSON, what the form's fields then say; empty where the form's
    line cannot be moved without saying something else."""

    text: str
    fields: str


def slot_at(made: Schedule, values: Mapping[str, str], at: Instant, minute: Instant) -> Slot:
    """Return the slot that begins at an instant, for a draft whose next firing is in ``minute``."""
    kind = values["kind"]
    if kind == "at":
        zone = zone_of(zone_or_utc(made.timezone))
        line = to_datetime(at).astimezone(zone).isoformat(timespec="seconds")
    else:
        line = moved(kind, values.get(kind, ""), (at - minute) // MINUTE)
    return Slot(text=shown(made, at), fields=msgspec.json.encode({kind: line}).decode() if line else "")


def moved(kind: str, line: str, minutes: int) -> str:
    """Return a line of the form that fires so many minutes later on the same days; empty where no line does."""
    match kind:
        case "cron" | "crontab":
            return _moved_cron(line.split(), minutes)
        case "calendar" if len(found := _TIME.findall(line)) == 1:
            [(hour, minute)] = found
            time = int(hour) * 60 + int(minute) + minutes
            return _TIME.sub(f"{time // 60:02}:{time % 60:02}", line) if 0 <= time < DAY else ""
    return ""


def _moved_cron(fields: list[str], minutes: int) -> str:
    if len(fields) != 5 or not fields[0].isdecimal():
        return ""
    minute = int(fields[0]) + minutes
    if fields[1].isdecimal():
        time = int(fields[1]) * 60 + minute
        return " ".join([str(time % 60), str(time // 60), *fields[2:]]) if 0 <= time < DAY else ""
    return " ".join([str(minute), *fields[1:]]) if 0 <= minute < 60 else ""
