"""What many firings add up to: the load of each minute, what falls on one second, and what clock changes do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from heapq import heappush, heappushpop
from itertools import groupby

import msgspec
from msgspec import Struct

from horarium.clock import Instant
from horarium.schedules.preview import Expected

COLLISIONS = 20  # the worst seconds that are kept
NAMES = 5  # of a collision
MARKS = 200  # firings that a clock change touches
MINUTE = 60_000


class Collision(Struct, frozen=True, order=True, kw_only=True):
    """Schedules that fire in one second."""

    count: int
    at: Instant  # the second's beginning
    schedules: tuple[str, ...]  # the first few


class Load(Struct, kw_only=True):
    """What a range of firings adds up to."""

    total: int = 0
    schedules: Counter[str] = msgspec.field(default_factory=Counter)
    minutes: Counter[Instant] = msgspec.field(default_factory=Counter)  # by the minute's beginning
    collisions: list[Collision] = msgspec.field(default_factory=list)  # the worst first
    marks: list[Expected] = msgspec.field(default_factory=list)  # firings with a remark
    is_cut: bool = False  # there are more firings than were looked at

    @property
    def busiest_minute(self) -> tuple[Instant, int] | None:
        return max(self.minutes.items(), key=lambda item: (item[1], -item[0]), default=None)


def load_of(firings: Iterable[Expected], *, most: int) -> Load:
    """Add up firings, which come in order of time; stops after ``most`` of them."""
    load = Load()
    for _, together in groupby(_first(firings, most, load), key=lambda each: each.at // 1000):
        _add_second(load, list(together))
    load.collisions.sort(reverse=True)
    return load


def grouped(minutes: Counter[Instant], size: int) -> list[tuple[Instant, int, int]]:
    """Return for each ``size`` minutes, from the first to the last that fire: beginning, firings, those of the busiest
    minute among them."""
    span = size * MINUTE
    totals: Counter[Instant] = Counter()
    peaks: Counter[Instant] = Counter()
    for minute, count in minutes.items():
        start = minute - minute % span
        totals[start] += count
        peaks[start] = max(peaks[start], count)
    if not totals:
        return []
    return [(start, totals[start], peaks[start]) for start in range(min(totals), max(totals) + 1, span)]


def _first(firings: Iterable[Expected], most: int, load: Load) -> Iterator[Expected]:
    for each in firings:
        if load.total >= most:
            load.is_cut = True
            return
        load.total += 1
        yield each


def _add_second(load: Load, together: list[Expected]) -> None:
    for each in together:
        load.schedules[each.schedule] += 1
        load.minutes[each.at - each.at % MINUTE] += 1
        if each.remark and len(load.marks) < MARKS:
            load.marks.append(each)
    if len(together) > 1:
        second = together[0].at - together[0].at % 1000
        names = tuple(dict.fromkeys(each.schedule for each in together))[:NAMES]
        collision = Collision(count=len(together), at=second, schedules=names)
        keep = heappush if len(load.collisions) < COLLISIONS else heappushpop
        keep(load.collisions, collision)
