"""When a spec fires, found the slow way: walk every minute of a window, and apply the written rules to what is seen.

Shares no code with horarium.schedules.next; the zone database is asked through zoneinfo alone.
"""

from __future__ import annotations

from bisect import bisect_left
from calendar import monthrange
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cache, lru_cache
from itertools import pairwise
from typing import NamedTuple, TypeAlias
from zoneinfo import ZoneInfo

from horarium.schedules import calendar, clocked, cron, crontab, dates, every, union, without

MINUTE = 60
DAY = 86_400
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")

WallSpec: TypeAlias = crontab | cron | calendar


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
        self.start, self.end, self.tz = start, end, ZoneInfo(zone)
        self.seen = list(local_minutes(ZoneInfo(zone), start, end))
        self.passes: dict[int, list[int]] = defaultdict(list)
        for second, wall in self.seen:
            self.passes[wall].append(second)
        self.gaps = [
            (first_second_of(ZoneInfo(zone), earlier, second), before - earlier, range(before + MINUTE, wall, MINUTE))
            for (earlier, before), (second, wall) in pairwise(self.seen)
            if wall > before + MINUTE
        ]

    def fires(self, spec: object, gap: str, fold: str) -> list[int]:
        """All seconds of the window at which the spec fires; an interval counts from 1970."""
        match spec:
            case union():
                return sorted({second for member in spec.members for second in self.fires(member, gap, fold)})
            case without():
                return [second for second in self.fires(spec.spec, gap, fold) if not self.is_excluded(second, spec)]
            case every():
                return [second for second in range(self.start, self.end) if second * 1000 % spec.milliseconds == 0]
            case clocked():
                return [spec.instant // 1000] if self.start <= spec.instant // 1000 < self.end else []
        return self.fires_on_the_wall(spec, gap, fold)

    def is_excluded(self, second: int, spec: without) -> bool:
        wall = second + offset(self.tz, second)
        return any(covers(exclusion, wall - wall % MINUTE) for exclusion in spec.exclusions)

    def fires_on_the_wall(self, spec: WallSpec, gap: str, fold: str) -> list[int]:
        fitting = self.fitting(spec)
        if is_running(spec):
            return sorted(second for wall in fitting for second in self.passes.get(wall, []))
        fires = set()
        for wall in fitting:
            passes = self.passes.get(wall, [])
            fires.update({"first": passes[:1], "last": passes[-1:], "both": passes}[fold])
        for valid_again, offset_before, lost in self.gaps:
            if gap != "skip":
                fires.update(valid_again if gap == "shift" else wall - offset_before for wall in fitting & set(lost))
        return sorted(fires)

    def fitting(self, spec: WallSpec) -> set[int]:
        """All wall minutes of the window that fit, whether a clock ever showed them or not."""
        lost = {wall for _, _, walls in self.gaps for wall in walls}
        return fitting_walls(spec, frozenset(self.passes.keys() | lost))


@lru_cache(maxsize=16)
def fitting_walls(spec: WallSpec, walls: frozenset[int]) -> set[int]:
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


def fits(spec: WallSpec, wall: int) -> bool:
    at = moment(wall)
    if isinstance(spec, calendar):
        return at.strftime("%H:%M") in spec.at_texts() and fits_calendar(spec, at.date())
    is_time = at.minute in spec.minute and at.hour in spec.hour and at.month in spec.month_of_year
    return is_time and fits_day(spec, at.date())


def fits_day(spec: crontab | cron, day: date) -> bool:
    weekday = day.isoweekday() % 7
    if isinstance(spec, crontab):
        return day.day in spec.day_of_month and weekday in spec.day_of_week
    length = monthrange(day.year, day.month)[1]
    by_date = day.day in spec.day_of_month or (-1 in spec.day_of_month and day.day == length)
    nth = {(day.day + 6) // 7, -1} if day.day + 7 > length else {(day.day + 6) // 7}
    by_weekday = weekday in spec.day_of_week or any((n, weekday) in spec.nth_weekdays for n in nth)
    _, _, days, _, weekdays = spec.line().split()
    return (by_date and by_weekday) if "*" in (days[0], weekdays[0]) else (by_date or by_weekday)


def fits_calendar(spec: calendar, day: date) -> bool:
    start = spec.start or date(1970, 1, 1)
    if day < start:
        return False
    months = (day.year - start.year) * 12 + day.month - start.month
    mondays = [each - timedelta(days=each.weekday()) for each in (start, day)]
    passed = {
        "days": (day - start).days,
        "weeks": (mondays[1] - mondays[0]).days // 7,
        "months": months,
        "years": day.year - start.year,
    }[spec.unit]
    if passed % spec.every:
        return False
    return spec.unit == "days" or any(is_called(day, text) for text in spec.on_texts())


def is_called(day: date, text: str) -> bool:
    """Whether a day is "mon", "15", "last", "2nd tue", or one of these followed by its month."""
    words = text.split()
    if words[-1] in MONTHS and words.pop() != day.strftime("%b").lower():
        return False
    if words[-1] in WEEKDAYS:
        if words.pop() != day.strftime("%a").lower():
            return False
        n = str((day.day + 6) // 7)
        return not words or words[0][0] == n or (words[0] == "last" and day.month != (day + timedelta(days=7)).month)
    return words[0] == str(day.day) or (words[0] == "last" and day.month != (day + timedelta(days=1)).month)


def covers(exclusion: dates | WallSpec, wall: int) -> bool:
    if not isinstance(exclusion, dates):
        return fits(exclusion, wall)
    day = moment(wall).date().isoformat()
    return any(text.split("..")[0] <= day <= text.split("..")[-1] for text in exclusion.texts())


def is_running(spec: WallSpec) -> bool:
    if isinstance(spec, calendar):
        return False
    written = spec.line().split()[:2] if isinstance(spec, cron) else (spec._orig_minute, spec._orig_hour)
    return any(starts_with_star(each) for each in written)


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
