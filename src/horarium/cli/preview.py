"""The next firings of a schedule as people must see them: local, UTC, and what a clock change does to them."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from msgspec import Struct

from horarium.cli.moments import abbreviation
from horarium.clock import Instant, to_datetime
from horarium.schedules.next import next_fire
from horarium.schedules.record import Schedule
from horarium.schedules.recurrence import WallClock
from horarium.schedules.specs import Spec, from_record


class Preview(Struct, frozen=True, kw_only=True):
    """One firing to come."""

    at: Instant
    local: str
    remark: str = ""

    def document(self) -> dict[str, object]:
        return {"local": self.local, "utc": self.at, "remark": self.remark}


def next_firings(schedule: Schedule, now: Instant, number: int) -> list[Preview]:
    """Return up to ``number`` firings later than ``now``, or from the stored next one if that is overdue.

    Raises: InvalidSchedule when the spec or the zone cannot be read.
    """
    spec, zone = from_record(schedule.spec), ZoneInfo(schedule.timezone)
    found: list[Preview] = []
    at = schedule.next_fire if schedule.next_fire is not None else _after(schedule, spec, now)
    before = to_datetime(now).astimezone(zone)
    while at is not None and len(found) < number and (schedule.end is None or at <= schedule.end):
        moment = to_datetime(at).astimezone(zone)
        found.append(
            Preview(
                at=at,
                local=f"{moment:%a %d %b %Y  %H:%M:%S} {abbreviation(moment)}",
                remark=_remark(spec, before, moment),
            )
        )
        before, at = moment, _after(schedule, spec, at)
    return found


def _after(schedule: Schedule, spec: Spec, instant: Instant) -> Instant | None:
    return next_fire(
        spec,
        instant,
        zone=schedule.timezone,
        anchor=schedule.anchor,
        dst_gap=schedule.dst_gap,
        dst_fold=schedule.dst_fold,
    )


def _remark(spec: Spec, before: datetime, moment: datetime) -> str:
    """Say what a clock change does to this firing; ``before`` is the one in front of it."""
    if isinstance(spec, WallClock) and moment.hour * 3600 + moment.minute * 60 not in spec.times:
        return "moved: the clocks go forward and its own time does not exist on this day"
    if moment.fold:
        return "second pass of the repeated hour"
    if moment.replace(fold=1).utcoffset() != moment.utcoffset():
        return "first pass of the repeated hour"
    if before.utcoffset() != moment.utcoffset():
        return f"from here on {abbreviation(moment)}, before {abbreviation(before)}"
    return ""
