"""``/schedules/calendar`` and ``/schedules/timeline``: how busy the hours to come are, and who fires when in them."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime
from functools import lru_cache
from itertools import islice
from zoneinfo import ZoneInfo

from msgspec import Struct

from horarium.clock import Instant, abbreviation, to_datetime
from horarium.dashboard.ask import Ask, Shown
from horarium.dashboard.rooms.schedules.looking import some
from horarium.dashboard.rooms.schedules.place import address, room
from horarium.errors import InvalidSchedule
from horarium.observe.schedule_words import spec_text
from horarium.schedules.heat import HOUR, MINUTE, Heat, heat_of, quiet_minutes
from horarium.schedules.preview import expected, would_fire
from horarium.schedules.record import Schedule

READ = 10_000  # schedules that a calendar adds up: about a second
DAYS = 7
PEAKS = 10
SHADES = 5
LINES = 50  # of the timeline
TICKS = 200  # firings of one line
WINDOWS = {"1": "1 hour", "6": "6 hours", "24": "24 hours"}
WIDTH = 600  # of a line's picture


class Cell(Struct, frozen=True, kw_only=True):
    """One hour of one day; None outside of the range, or where the clocks leave it out."""

    count: int | None
    peak: int = 0  # the firings of its busiest minute
    shade: int = 0
    is_busiest: bool = False


class Day(Struct, frozen=True, kw_only=True):
    name: str
    cells: tuple[Cell, ...]
    total: int


class Tick(Struct, frozen=True, kw_only=True):
    x: float
    title: str


class TimeLine(Struct, frozen=True, kw_only=True):
    """What one schedule does in the hours to come. ``is_dense``: it fires more often than can be told apart."""

    schedule: Schedule
    path: str
    spec: str
    ticks: tuple[Tick, ...]
    first: Instant
    is_dense: bool


@room.page("/schedules/calendar", live=False, is_long=True)
def calendar(ask: Ask) -> Shown:
    schedules = list(islice(some(ask, READ + 1), READ + 1))
    zone = ZoneInfo(ask.zone)
    start = _hour_of(ask.now, zone)
    heat = heat_of(schedules[:READ], start, DAYS * 24, since=ask.now)
    days, busiest = _days(heat, zone)
    return Shown(
        template="schedules/calendar.html",
        title="Schedules",
        context={
            "heat": heat,
            "days": days,
            "busiest": busiest,
            "peaks": heat.busiest(PEAKS),
            "quiet_hours": _quiet_hours(heat, zone),
            "quiet_minutes": _quiet_near(heat),
            "is_cut": len(schedules) > READ,
            "read": READ,
            "address": address,
        },
    )


@room.page("/schedules/timeline", live=False, is_long=True)
def timeline(ask: Ask) -> Shown:
    hours = ask.query.get("hours", "6")
    hours = hours if hours in WINDOWS else "6"
    end = ask.now + int(hours) * HOUR
    soonest = ask.engine.schedules.due(end, LINES + 1)
    lines = [line for each in soonest[:LINES] if (line := _line(each, ask.now, end, ask.zone)) is not None]
    return Shown(
        template="schedules/timeline.html",
        title="Schedules",
        context={
            "lines": lines,
            "marks": _marks(ask.now, end, ZoneInfo(ask.zone)),
            "windows": WINDOWS,
            "hours": hours,
            "is_cut": len(soonest) > LINES,
            "most": LINES,
            "width": WIDTH,
        },
    )


def _hour_of(instant: Instant, zone: ZoneInfo) -> Instant:
    """Return the beginning of the hour on the viewer's wall: zones are off by quarters of one, too."""
    there = to_datetime(instant).astimezone(zone)
    return instant - (there.minute * 60 + there.second) * 1000 - instant % 1000


def _days(heat: Heat, zone: ZoneInfo) -> tuple[list[Day], tuple[Instant, int] | None]:
    cells: dict[date, dict[int, tuple[int, int]]] = {}
    for place, (count, peak) in enumerate(zip(heat.hours, heat.peaks(), strict=True)):
        there = to_datetime(heat.start + place * HOUR).astimezone(zone)
        hours = cells.setdefault(there.date(), {})
        before = hours.get(there.hour, (0, 0))  # the repeated hour is one cell
        hours[there.hour] = before[0] + count, max(before[1], peak)
    most = max(count for hours in cells.values() for count, _ in hours.values())
    days = [
        Day(
            name=f"{day:%a %d %b}",
            cells=tuple(_cell(hours.get(hour), most) for hour in range(24)),
            total=sum(count for count, _ in hours.values()),
        )
        for day, hours in cells.items()
    ]
    place, count = max(enumerate(heat.hours), key=lambda each: (each[1], -each[0]))
    return days, (heat.start + place * HOUR, count) if count else None


def _cell(found: tuple[int, int] | None, most: int) -> Cell:
    if found is None or not found[0]:
        return Cell(count=None if found is None else 0)
    count, peak = found
    return Cell(count=count, peak=peak, shade=max(1, round(count * SHADES / most)), is_busiest=count == most)


def _quiet_hours(heat: Heat, zone: ZoneInfo, most: int = 4) -> list[tuple[int, int]]:
    """Return the hours of the day with the fewest firings in the range, and how many."""
    totals: Counter[int] = Counter()
    for place, count in enumerate(heat.hours):
        totals[to_datetime(heat.start + place * HOUR).astimezone(zone).hour] += count
    return sorted(sorted(totals.items(), key=lambda each: (each[1], each[0]))[:most])


def _quiet_near(heat: Heat) -> list[Instant]:
    """Return quiet minutes near the busiest one."""
    busiest = heat.busiest(1)
    return quiet_minutes(heat, busiest[0].at) if busiest else []


def _line(schedule: Schedule, start: Instant, end: Instant, zone: str) -> TimeLine | None:
    if not would_fire(schedule, start):
        return None
    try:
        found = list(islice(expected(schedule, start, end), TICKS + 1))
    except InvalidSchedule:  # its own page says so
        return None
    if not found:
        return None
    return TimeLine(
        schedule=schedule,
        path=address(schedule.name),
        spec=spec_text(schedule),
        ticks=tuple(
            Tick(x=round((each.at - start) * WIDTH / (end - start), 1), title=_clock(each.at, zone))
            for each in found[:TICKS]
        ),
        first=found[0].at,
        is_dense=len(found) > TICKS,
    )


def _clock(instant: Instant, zone: str) -> str:
    return _time(to_datetime(instant).astimezone(_zone(zone)))


def _marks(start: Instant, end: Instant, zone: ZoneInfo) -> list[tuple[float, str]]:
    """Return where on the line which full hours are, six of them or so; within an hour the tens of minutes."""
    step = next(size for size in (MINUTE * 10, HOUR, HOUR * 4) if (end - start) // size <= 6)
    marks = []
    for at in range(start - start % (MINUTE * 10), end + 1, MINUTE * 10):
        there = to_datetime(at).astimezone(zone)
        if at >= start and (there.hour * 60 + there.minute) * MINUTE % step == 0:
            marks.append((round((at - start) * WIDTH / (end - start), 1), _time(there)))
    return marks


def _time(moment: datetime) -> str:
    return f"{moment:%H:%M} {abbreviation(moment)}"


_zone = lru_cache(maxsize=64)(ZoneInfo)
