"""When a spec fires, found the slow way: walk every minute of a window, and apply the written rules to what is seen.

Shares no code with horarium.schedules.next; the zone database is asked through zoneinfo alone.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from itertools import pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo

from horarium.schedules.crontab import crontab

MINUTE = 60
DAY = 86_400


class Turn(NamedTuple):
    """A change of a zone's offset."""

    zone: str
    at: int
    before: int
    after: int

    @property
    def shape(self) -> tuple[int, ...]:
        """What makes two turns alike for a schedule: how far, from which offset, at what time of day."""
        return (self.before, self.after, (self.at + self.before) % DAY)

    @property
    def local(self) -> datetime:
        """What the clocks would have shown."""
        return datetime(1970, 1, 1) + timedelta(seconds=self.at + self.before)


class Walk:
    """Every local minute of a window, as somebody with a radio clock would note them down."""

    def __init__(self, zone: str, start: int, end: int) -> None:
        self.start, self.end = start, end
        self.seen = list(local_minutes(ZoneInfo(zone), start, end))
        self.passes: dict[int, list[int]] = defaultdict(list)
        for second, wall in self.seen:
            self.passes[wall].append(second)
        self.gaps = [
            (first_second_of(ZoneInfo(zone), earlier, second), before - earlier, range(before + MINUTE, wall, MINUTE))
            for (earlier, before), (second, wall) in pairwise(self.seen)
            if wall > before + MINUTE
        ]

    def fires(self, spec: crontab, gap: str, fold: str) -> list[int]:
        fitting = self.fitting(spec)
        if starts_with_star(spec._orig_minute) or starts_with_star(spec._orig_hour):
            return sorted(second for wall in fitting for second in self.passes.get(wall, []))
        fires = set()
        for wall in fitting:
            passes = self.passes.get(wall, [])
            fires.update({"first": passes[:1], "last": passes[-1:], "both": passes}[fold])
        for valid_again, offset_before, lost in self.gaps:
            if gap != "skip":
                fires.update(valid_again if gap == "shift" else wall - offset_before for wall in fitting & set(lost))
        return sorted(fires)

    def fitting(self, spec: crontab) -> set[int]:
        """All wall minutes of the window that fit, whether a clock ever showed them or not."""
        lost = {wall for _, _, walls in self.gaps for wall in walls}
        return fitting_walls(spec, frozenset(self.passes.keys() | lost))


@lru_cache(maxsize=16)
def fitting_walls(spec: crontab, walls: frozenset[int]) -> set[int]:
    return {wall for wall in walls if fits(spec, wall)}


def local_minutes(tz: ZoneInfo, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Walk all UTC minutes; give the second at which the local clock shows :00, and what it shows."""
    for second in range(start - start % MINUTE, end, MINUTE):
        off = offset(tz, second)
        full = second - off % MINUTE  # not the full minute of UTC where an offset has odd seconds
        if full == second or offset(tz, full) == off:
            yield full, full + off


def first_second_of(tz: ZoneInfo, earlier: int, later: int) -> int:
    """Return the first second after ``earlier`` that has the offset of ``later``."""
    return next(second for second in range(earlier, later + 1) if offset(tz, second) == offset(tz, later))


def offset(tz: ZoneInfo, second: int) -> int:
    return int(datetime.fromtimestamp(second, tz).utcoffset().total_seconds())


def fits(spec: crontab, wall: int) -> bool:
    at = moment(wall)
    return (
        at.minute in spec.minute
        and at.hour in spec.hour
        and at.day in spec.day_of_month
        and at.month in spec.month_of_year
        and (at.weekday() + 1) % 7 in spec.day_of_week
    )


@cache
def moment(wall: int) -> datetime:
    return datetime.fromtimestamp(wall, UTC)


def starts_with_star(written: object) -> bool:
    return isinstance(written, str) and written.strip()[0] == "*"


def turns(zones: Iterable[str], first_year: int, last_year: int, probe: int = 2 * DAY) -> Iterator[Turn]:
    """Find all changes of offset of the zones, by looking every ``probe`` seconds and then closer."""
    start = int(datetime(first_year, 1, 1, tzinfo=UTC).timestamp())
    end = int(datetime(last_year + 1, 1, 1, tzinfo=UTC).timestamp())
    for zone in zones:
        tz = ZoneInfo(zone)
        before = offset(tz, start)
        for probed in range(start + probe, end, probe):
            after = offset(tz, probed)
            if after != before:
                seconds = range(probed - probe, probed + 1)
                at = seconds[bisect_left(seconds, True, key=lambda second: offset(tz, second) == after)]
                yield Turn(zone, at, before, after)
                before = after
