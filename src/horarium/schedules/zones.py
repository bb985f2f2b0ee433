"""Time zones as stretches of constant offset.

Whole seconds throughout: UTC seconds since the epoch, and "wall" seconds (what a local clock shows, counted as if it
showed UTC). The data are the host's, or the ``tzdata`` package where the host has none.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from typing import NamedTuple

from horarium.errors import InvalidSchedule

# Zones change their offsets at any second, but never twice within 6 days since 1970 (a test looks at all of them), so
# two equal offsets this far apart have no change between them.
PROBE_SECONDS = 3 * 86_400
# Changes are looked up and remembered by blocks of 388 days.
BLOCK_SECONDS = 1 << 25
EARLIEST = -(1 << 31)  # 1901
LATEST = int(datetime(9990, 1, 1, tzinfo=UTC).timestamp())


class Change(NamedTuple):
    """From the second ``at`` on, the offset is ``after``; it was ``before``. Clocks go forward if it grows."""

    at: int
    before: int
    after: int


class Stretch(NamedTuple):
    """A time of constant ``offset``, looked at from ``start`` to before ``until``.

    ``begin`` and ``end`` are the changes around it, None if they are far away. It may have begun long before ``start``
    and, without an ``end``, goes on after ``until``.
    """

    offset: int
    start: int
    until: int
    begin: Change | None
    end: Change | None


@lru_cache(maxsize=1024)
def zone_of(name: str) -> tzinfo:
    """Return the zone of an IANA name. Raises: InvalidSchedule when it is unknown."""
    from zoneinfo import ZoneInfo  # here: most processes never need it, and it costs 5 ms

    try:
        return ZoneInfo(name)
    except (LookupError, ValueError, OSError, TypeError) as error:
        raise InvalidSchedule(
            f"expected the IANA name of a time zone, got {str(name)[:60]!r}{_nearest(name)}; `timezone` is for "
            "instance 'America/New_York' or 'UTC'"
        ) from error


def stretch_at(zone: str, moment: int) -> Stretch:
    """Return the zone's stretch that contains a second, looked at from it on."""
    block = moment // BLOCK_SECONDS
    offset, times, changes = _around(zone, block)
    at = bisect_right(times, moment)
    begin = changes[at - 1] if at else None
    end = changes[at] if at < len(changes) else None
    until = end.at if end else (block + 2) * BLOCK_SECONDS
    return Stretch(begin.after if begin else offset, moment, until, begin, end)


def stretches(zone: str, start: int) -> Iterator[Stretch]:
    """Walk the zone's stretches from the one that contains the second ``start``, each starting where the last one
    is left, without end but the calendar's."""
    moment = start
    while EARLIEST <= moment < LATEST:
        stretch = stretch_at(zone, moment)
        yield stretch
        moment = stretch.until


@lru_cache(maxsize=8192)
def _around(zone: str, block: int) -> tuple[int, tuple[int, ...], tuple[Change, ...]]:
    """Return the changes in a block and its neighbours, and the offset before the first of them."""
    changes = tuple(change for near in (block - 1, block, block + 1) for change in _changes(zone, near))
    offset = changes[0].before if changes else _offset(zone_of(zone), block * BLOCK_SECONDS)
    return offset, tuple(change.at for change in changes), changes


@lru_cache(maxsize=8192)
def _changes(zone: str, block: int) -> tuple[Change, ...]:
    """Return the changes in (start, start of the next block], found by probing and halving."""
    tz, start = zone_of(zone), block * BLOCK_SECONDS
    found, before = [], _offset(tz, start)
    for earlier in range(start, start + BLOCK_SECONDS, PROBE_SECONDS):
        later = min(earlier + PROBE_SECONDS, start + BLOCK_SECONDS)
        after = _offset(tz, later)
        if after != before:
            found.append(Change(_first_second(tz, earlier, later, after), before, after))
            before = after
    return tuple(found)


def _first_second(tz: tzinfo, earlier: int, later: int, offset: int) -> int:
    while later - earlier > 1:
        middle = (earlier + later) // 2
        if _offset(tz, middle) == offset:
            later = middle
        else:
            earlier = middle
    return later


def _offset(tz: tzinfo, moment: int) -> int:
    # The offsets before 1901 and after 9990 never matter: no search goes there.
    bounded = min(max(moment, EARLIEST), LATEST)
    offset = datetime.fromtimestamp(bounded, tz).utcoffset()
    assert offset is not None  # zoneinfo always knows
    return offset.days * 86_400 + offset.seconds


def _nearest(name: object) -> str:
    from difflib import get_close_matches
    from zoneinfo import available_timezones

    nearest = get_close_matches(str(name), available_timezones(), n=1)
    return f"; did you mean {nearest[0]!r}?" if nearest else ""
