"""The wall clock laid over a zone's stretches: which seconds of UTC fire (S2 to S4), and which are not excluded."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from heapq import merge
from typing import NamedTuple

from horarium.schedules.recurrence import WallClock
from horarium.schedules.rules import DstFold, DstGap, Rules
from horarium.schedules.walls import (
    DAY,
    LONGEST_YEARS,
    Exclusions,
    count_walls,
    free_spans,
    is_free,
    next_wall,
    walls_between,
)
from horarium.schedules.zones import Stretch, stretches, zone_of

_SEARCH_SECONDS = LONGEST_YEARS * 366 * 86_400


@lru_cache(maxsize=65_536)
def next_second(spec: WallClock, but: Exclusions, after: int, zone: str, gap: DstGap, fold: DstFold) -> int | None:
    """Return the first second later than ``after`` at which the spec fires; None if there is none."""
    zone_of(zone)
    for stretch in stretches(zone, after):
        found = _first_in(_Window.of(stretch, spec, fold), stretch, spec, but, after, gap)
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


def free_seconds(but: Exclusions, start: int, end: int, zone: str) -> Iterator[tuple[int, int]]:
    """Walk the spans of UTC seconds from ``start`` to before ``end`` that are not excluded, ends not included."""
    zone_of(zone)
    for stretch in stretches(zone, start):
        first, last = stretch.start + stretch.offset, min(stretch.until, end) + stretch.offset
        for day in range(first // DAY, -(-last // DAY)):
            for free_from, free_until in free_spans(day, but):
                span = max(first, day * DAY + free_from), min(last, day * DAY + free_until)
                if span[0] < span[1]:
                    yield span[0] - stretch.offset, span[1] - stretch.offset
        if stretch.until >= end:
            return


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


def _first_in(
    window: _Window, stretch: Stretch, spec: WallClock, but: Exclusions, after: int, gap: DstGap
) -> int | None:
    """Return the first firing of the stretch that is later than ``after``."""
    after = max(after, stretch.start - 1)
    wall = next_wall(spec, max(after + 1 + stretch.offset, window.start), but)
    regular = wall - stretch.offset if wall is not None and wall < window.end else None
    repaired = next(_repaired(stretch, spec, but, after, gap), None)
    return min((moment for moment in (regular, repaired) if moment is not None), default=None)


def _repaired(stretch: Stretch, spec: WallClock, but: Exclusions, after: int, gap: DstGap) -> Iterator[int]:
    """Walk the firings later than ``after`` that stand in for wall times lost at the stretch's begin."""
    change = stretch.begin
    if change is None or change.after <= change.before or not spec.is_fixed or gap == "skip":
        return
    start, end = change.at + change.before, change.at + change.after
    if gap == "shift":
        wall = next_wall(spec, start)
        if wall is not None and wall < end and change.at > after and is_free(change.at + stretch.offset, but):
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
        if moment <= until and next_wall(spec, moment + stretch.offset, but) != moment + stretch.offset
    ]
