"""When a spec fires next: rules S1 to S5 of the schedule guide.

A crontab is *fixed* when neither its hour nor its minute starts with ``*``. A fixed one means wall-clock times: what
falls into the gap of a clock change is repaired as ``dst_gap`` says, what a change repeats fires as ``dst_fold`` says.
A running one, and an interval, follows elapsed time: nothing is repaired, both passes of a repeated hour fire.
Pure but for its caches: equal specs share their answers.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from horarium.clock import Instant
from horarium.schedules.clocked import clocked
from horarium.schedules.crontab import crontab
from horarium.schedules.interval import count_on_line, every, latest_on_line, next_on_line
from horarium.schedules.record import DstFold, DstGap
from horarium.schedules.specs import Spec
from horarium.schedules.walls import LONGEST_YEARS, count_walls, next_wall
from horarium.schedules.zones import Stretch, stretches, zone_of

_SEARCH_SECONDS = LONGEST_YEARS * 366 * 86_400


class Rules(NamedTuple):
    """What besides the spec decides when it fires."""

    zone: str = "UTC"
    anchor: Instant = 0
    dst_gap: DstGap = "shift"
    dst_fold: DstFold = "first"


def next_fire(
    spec: Spec, after: Instant, *, zone: str, anchor: Instant, dst_gap: DstGap = "shift", dst_fold: DstFold = "first"
) -> Instant | None:
    """Return the first instant strictly later than ``after`` at which the spec fires; None if there is none.

    Raises: InvalidSchedule when the zone is unknown.
    """
    match spec:
        case every():
            return next_on_line(spec, after, anchor=anchor)
        case clocked():
            return spec.instant if spec.instant > after else None
        case crontab():
            second = _next_second(spec, after // 1000, zone, dst_gap, dst_fold)
            return None if second is None else second * 1000


def latest_fire(spec: Spec, after: Instant, until: Instant, rules: Rules) -> Instant | None:
    """Return the last firing later than ``after`` and at or before ``until``; None if there is none.

    Looks back in growing steps, so that a long silence of a frequent spec costs no more than a short one.
    """
    if isinstance(spec, every):  # at once: a first firing asks for the one before it, ten years back
        return latest_on_line(spec, after, until, anchor=rules.anchor)
    span = 120_000
    while after < until:
        start = max(after, until - span)
        found = _next(spec, start, rules)
        if found is not None and found <= until:
            return _last_from(spec, found, until, rules)
        if start == after:
            return None
        span *= 8
    return None


def count_fires(spec: Spec, after: Instant, until: Instant, rules: Rules) -> int:
    """Return how many firings are later than ``after`` and at or before ``until``, without walking through them."""
    match spec:
        case every():
            return count_on_line(spec, after, until, anchor=rules.anchor)
        case clocked():
            return int(after < spec.instant <= until)
        case crontab():
            return _count_seconds(spec, after // 1000, until // 1000, rules)


def _next(spec: Spec, after: Instant, rules: Rules) -> Instant | None:
    return next_fire(spec, after, **rules._asdict())


def _last_from(spec: Spec, first: Instant, until: Instant, rules: Rules) -> Instant:
    if isinstance(spec, every):
        return until - (until - first) % spec.milliseconds
    last = first
    while (later := _next(spec, last, rules)) is not None and later <= until:
        last = later
    return last


@lru_cache(maxsize=65_536)
def _next_second(spec: crontab, after: int, zone: str, gap: DstGap, fold: DstFold) -> int | None:
    zone_of(zone)
    for stretch in stretches(zone, after):
        found = _first_in(_Window.of(stretch, spec, fold), stretch, spec, after, gap)
        if found is not None:
            return found
        if stretch.until - after > _SEARCH_SECONDS:
            break
    return None


class _Window(NamedTuple):
    """The wall seconds of a stretch in which a crontab fires there: a repeated hour belongs to one pass or to both."""

    start: int
    end: int

    @classmethod
    def of(cls, stretch: Stretch, spec: crontab, fold: DstFold) -> _Window:
        start, end = stretch.start + stretch.offset, stretch.until + stretch.offset
        if spec.is_fixed and fold == "first" and stretch.begin:
            start = max(start, stretch.begin.at + stretch.begin.before)
        if spec.is_fixed and fold == "last" and stretch.end:
            end = min(end, stretch.end.at + stretch.end.after)
        return cls(start, end)


def _first_in(window: _Window, stretch: Stretch, spec: crontab, after: int, gap: DstGap) -> int | None:
    """Return the first firing of the stretch that is later than ``after``."""
    after = max(after, stretch.start - 1)
    wall = next_wall(spec, max(after + 1 + stretch.offset, window.start))
    regular = wall - stretch.offset if wall is not None and wall < window.end else None
    repaired = _first_repaired(stretch, spec, after, gap)
    return min((moment for moment in (regular, repaired) if moment is not None), default=None)


def _first_repaired(stretch: Stretch, spec: crontab, after: int, gap: DstGap) -> int | None:
    """Return the first firing later than ``after`` that stands in for a wall time lost at the stretch's begin."""
    change = stretch.begin
    if change is None or change.after <= change.before or not spec.is_fixed or gap == "skip":
        return None
    start, end = change.at + change.before, change.at + change.after
    if gap == "shift":
        wall = next_wall(spec, start)
        return change.at if wall is not None and wall < end and change.at > after else None
    wall = next_wall(spec, max(start, after + 1 + change.before))
    return wall - change.before if wall is not None and wall < end else None


def _count_seconds(spec: crontab, after: int, until: int, rules: Rules) -> int:
    zone_of(rules.zone)
    total = 0
    for stretch in stretches(rules.zone, after + 1):
        window = _Window.of(stretch, spec, rules.dst_fold)
        last = min(until, stretch.until - 1)
        total += count_walls(spec, window.start, min(window.end, last + 1 + stretch.offset))
        total += _count_repaired(stretch, spec, stretch.start - 1, last, rules.dst_gap)
        if last == until:
            break
    return total


def _count_repaired(stretch: Stretch, spec: crontab, after: int, until: int, gap: DstGap) -> int:
    """Return how many firings of (after, until] only stand in for wall times lost at the stretch's begin."""
    total, moment = 0, _first_repaired(stretch, spec, after, gap)
    while moment is not None and moment <= until:
        total += next_wall(spec, moment + stretch.offset) != moment + stretch.offset  # else it is counted already
        moment = _first_repaired(stretch, spec, moment, gap)
    return total
