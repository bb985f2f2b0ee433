"""The wall clock laid over a zone's stretches: which seconds of UTC fire (S2 to S4), and which are not excluded."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from heapq import merge
from typing import NamedTuple

from horarium.clock import Instant
from horarium.schedules.recurrence import WallClock
from horarium.schedules.rules import DstFold, DstGap, Rules
from horarium.schedules.walls import (
    DAY,
    Exclusions,
    Spans,
    count_walls,
    free_spans,
    is_free,
    next_wall,
    walls_between,
)
from horarium.schedules.zones import Stretch, stretches, zone_of

# All pairs of weekday and date come round within 40 years (28 in most centuries).
_SEARCH_SECONDS = 41 * 366 * DAY
_DAY_MS = DAY * 1000


@lru_cache(maxsize=65_536)
def next_second(spec: WallClock, but: Exclusions, after: int, zone: str, gap: DstGap, fold: DstFold) -> int | None:
    """Return the first second later than ``after`` at which the spec fires; None if there is none."""
    zone_of(zone)
    for stretch in stretches(zone, after):
        found = _first_in(stretch, spec, but, after, gap, fold)
        if found is not None:
            return found
        if stretch.until - after > _SEARCH_SECONDS:
            break
    return None


def count_seconds(spec: WallClock, but: Exclusions, after: int, until: int, rules: Rules) -> int:
    """Return how many firings are later than ``after`` and at or before ``until``."""
    zone_of(rules.zone)
    total = 0
    for stretch in stretches(rules.zone, after + 1):
        window = _Window.of(stretch, spec, rules.dst_fold)
        last = min(until, stretch.until - 1)
        total += count_walls(spec, window.start, min(window.end, last + 1 + stretch.offset), but)
        total += len(_repaired_alone(stretch, spec, but, last, rules.dst_gap))
        if last == until:
            break
    return total


def seconds_between(spec: WallClock, but: Exclusions, after: int, until: int, rules: Rules) -> Iterator[int]:
    """Walk the firings later than ``after`` and at or before ``until``, ascending."""
    zone_of(rules.zone)
    for stretch in stretches(rules.zone, after + 1):
        window = _Window.of(stretch, spec, rules.dst_fold)
        last = min(until, stretch.until - 1)
        regular = walls_between(spec, window.start, min(window.end, last + 1 + stretch.offset), but)
        repaired = _repaired_alone(stretch, spec, but, last, rules.dst_gap)
        yield from merge(repaired, (wall - stretch.offset for wall in regular))
        if last == until:
            return


def is_free_at(second: int, but: Exclusions, zone: str) -> bool:
    """Tell whether a second of UTC is not excluded, by what the zone's clocks show."""
    if not but:
        return True
    zone_of(zone)
    return is_free(second + next(stretches(zone, second)).offset, but)


def free_days(but: Exclusions, start: Instant, end: Instant, zone: str) -> Iterator[tuple[Instant, Spans]]:
    """Walk the local days from ``start`` to before ``end``: the instant at which each one begins by its clock's
    offset, and what of it is not excluded, in milliseconds from there."""
    zone_of(zone)
    for stretch in stretches(zone, start // 1000):
        first, last = max(start, stretch.start * 1000), min(stretch.until * 1000, end)
        offset = stretch.offset * 1000
        for day in range((first + offset) // _DAY_MS, -(-(last + offset) // _DAY_MS)):
            midnight = day * _DAY_MS - offset
            spans = free_spans(day, but)
            if midnight < first or last < midnight + _DAY_MS:
                spans = _clipped(spans, first - midnight, last - midnight)
            yield midnight, spans
        if last == end:
            return


def _clipped(spans: Spans, first: int, last: int) -> Spans:
    cut = ((max(start, first), min(end, last)) for start, end in spans)
    return tuple((start, end) for start, end in cut if start < end)


class _Window(NamedTuple):
    """The wall seconds of a stretch in which a spec fires there: a repeated hour belongs to one pass or to both."""

    start: int
    end: int

    @classmethod
    def of(cls, stretch: Stretch, spec: WallClock, fold: DstFold) -> _Window:
        start, end = stretch.start + stretch.offset, stretch.until + stretch.offset
        if spec.is_fixed and fold == "first" and stretch.begin:
            start = max(start, stretch.begin.at + stretch.begin.before)
        if spec.is_fixed and fold == "last" and stretch.end:
            end = min(end, stretch.end.at + stretch.end.after)
        return cls(start, end)


def _first_in(stretch: Stretch, spec: WallClock, but: Exclusions, after: int, gap: DstGap, fold: DstFold) -> int | None:
    """Return the first firing of the stretch that is later than ``after``."""
    window = _Window.of(stretch, spec, fold)
    after = max(after, stretch.start - 1)
    wall = next_wall(spec, max(after + 1 + stretch.offset, window.start), window.end, but)
    regular = None if wall is None else wall - stretch.offset
    if not _may_repair(stretch, spec, after, gap):
        return regular
    repaired = next(_repaired(stretch, spec, but, after, gap), None)
    return min((moment for moment in (regular, repaired) if moment is not None), default=None)


def _may_repair(stretch: Stretch, spec: WallClock, after: int, gap: DstGap) -> bool:
    """Tell whether the stretch begins with a gap that is repaired later than ``after``."""
    change = stretch.begin
    return change is not None and change.at + change.after - change.before > after and spec.is_fixed and gap != "skip"


def _repaired(stretch: Stretch, spec: WallClock, but: Exclusions, after: int, gap: DstGap) -> Iterator[int]:
    """Walk the firings later than ``after`` that stand in for wall times lost at the stretch's begin."""
    change = stretch.begin
    if change is None or not _may_repair(stretch, spec, after, gap):
        return
    start, end = change.at + change.before, change.at + change.after
    if gap == "shift":
        is_lost = next_wall(spec, start, end) is not None
        if is_lost and change.at > after and is_free(change.at + stretch.offset, but):
            yield change.at
        return
    for wall in walls_between(spec, max(start, after + 1 + change.before), end):
        if is_free(wall - change.before + stretch.offset, but):
            yield wall - change.before


def _repaired_alone(stretch: Stretch, spec: WallClock, but: Exclusions, until: int, gap: DstGap) -> list[int]:
    """Return the firings of a stretch up to ``until`` that only stand in for wall times lost at its begin."""
    return [
        moment
        for moment in _repaired(stretch, spec, but, stretch.start - 1, gap)
        if moment <= until
        and next_wall(spec, moment + stretch.offset, moment + stretch.offset + 1, but) is None  # else it is regular too
    ]
