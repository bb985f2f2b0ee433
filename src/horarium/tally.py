"""What happened in a span of time, counted: so that charts and rates never read runs.

A tally is of one task on one queue. Tallies are summed: those of a bucket of ten seconds are also added to its minute
and its hour.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import zip_longest
from math import ceil
from typing import Literal, TypeAlias

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from horarium.clock import Instant, Seconds, milliseconds

Width: TypeAlias = Literal["10s", "1m", "1h"]

WIDTH_MS: dict[Width, int] = {"10s": 10_000, "1m": 60_000, "1h": 3_600_000}
KEPT: dict[Width, Seconds] = {"10s": 2 * 3600.0, "1m": 2 * 86_400.0, "1h": 90 * 86_400.0}
PRUNED = 500  # of each width, no more old tallies (or readings) are removed by one call

# Upper bounds of a histogram's bins; the last bin is without one. About 2.2-fold each: a percentile read from it is at
# most so far off, and 20 numbers tell from a millisecond to a day.
BOUNDS: tuple[Seconds, ...] = (
    *(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0),
    *(300.0, 900.0, 3600.0, 14_400.0, 86_400.0),
)

ROUNDING = 1e-9  # how far sums of the same durations may differ, as a share


class Tally(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What became of one task on one queue in one bucket. ``counts`` is by the outcome's word, as Attempt.outcome has
    it (succeeded failed retried released crashed revoked expired rejected ignored replaced)."""

    at: Instant  # the bucket's beginning
    task: str
    queue: str
    counts: dict[str, int] = msgspec.field(default_factory=dict)
    ran: tuple[int, ...] = ()  # a histogram of run times, by BOUNDS; empty: none
    ran_sum: Seconds = 0.0
    waited: tuple[int, ...] = ()  # of the time from due to start
    waited_sum: Seconds = 0.0


class Reading(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """How a queue stood at a moment."""

    at: Instant
    queue: str
    ready: int = 0
    claimed: int = 0
    oldest: Seconds = 0.0  # how long the one that waits longest has been due


def bucket_of(at: Instant, width: Width) -> Instant:
    return at - at % WIDTH_MS[width]


def oldest_kept(width: Width, now: Instant) -> Instant:
    """Return the moment before which a bucket must not begin, if it is to be kept."""
    return now - milliseconds(KEPT[width])


def spread(tallies: Iterable[Tally], *, now: Instant) -> list[tuple[Width, Tally]]:
    """Return what is to be added to the buckets of each width: one tally for each bucket, task and queue, in this
    order, so that all who add lock in one order. What is too old, and words that count nothing, are left out; a truth
    value counts as 1, since stores that write JSON would keep ``true``, which nobody could read as a number again."""
    total: dict[tuple[int, Instant, str, str], tuple[Width, Tally]] = {}
    for each in tallies:
        counts = {word: int(number) for word, number in each.counts.items() if number}
        for width in WIDTH_MS:
            part = replace(each, at=bucket_of(each.at, width), counts=counts)
            key = (WIDTH_MS[width], part.at, part.task, part.queue)
            total[key] = (width, plus(total[key][1], part) if key in total else part)
    return [part for _, part in sorted(total.items()) if part[1].at >= oldest_kept(part[0], now)]


def spread_readings(readings: Iterable[Reading], *, now: Instant) -> list[tuple[Width, Reading]]:
    """Return the readings of the buckets of each width, each queue's once, in order; without those that are too old."""
    total: dict[tuple[int, Instant, str], tuple[Width, Reading]] = {}
    for each in readings:
        for width in WIDTH_MS:
            part = replace(each, at=bucket_of(each.at, width))
            key = (WIDTH_MS[width], part.at, part.queue)
            total[key] = (width, greatest(total[key][1], part) if key in total else part)
    return [part for _, part in sorted(total.items()) if part[1].at >= oldest_kept(part[0], now)]


def greatest(one: Reading, other: Reading) -> Reading:
    """Return ``one`` with the greater of each number of both."""
    return replace(
        one,
        ready=max(one.ready, other.ready),
        claimed=max(one.claimed, other.claimed),
        oldest=max(one.oldest, other.oldest),
    )


def bin_of(seconds: Seconds) -> int:
    """Return the place of a duration in a histogram."""
    return bisect_left(BOUNDS, seconds)


def summed(tallies: Iterable[Tally]) -> Tally | None:
    """Return one tally of all, with the bucket, task and queue of the first; None without any."""
    found = list(tallies)
    if not found:
        return None
    counts: dict[str, int] = {}
    for each in found:
        for word, number in each.counts.items():
            counts[word] = counts.get(word, 0) + number
    # In one go, not pair by pair: a page sums thousands.
    return replace(
        found[0],
        counts=counts,
        ran=_all_added([each.ran for each in found if each.ran]),
        ran_sum=sum(each.ran_sum for each in found),
        waited=_all_added([each.waited for each in found if each.waited]),
        waited_sum=sum(each.waited_sum for each in found),
    )


def plus(one: Tally, other: Tally) -> Tally:
    """Return ``one`` with what ``other`` counts."""
    counts = dict(one.counts)
    for word, number in other.counts.items():
        counts[word] = counts.get(word, 0) + number
    return replace(
        one,
        counts=counts,
        ran=_added(one.ran, other.ran),
        ran_sum=one.ran_sum + other.ran_sum,
        waited=_added(one.waited, other.waited),
        waited_sum=one.waited_sum + other.waited_sum,
    )


def quantile(histogram: Sequence[int], share: float, whole: Seconds | None = None) -> Seconds | None:
    """Return the duration below which ``share`` of a histogram lies, interpolated within its bin; None for an empty
    one. What lies beyond the last bound counts as that bound.

    ``whole``: all durations together. They allow no more for those from here on than what is left when each of the
    others took the least that its bin allows: a single run of 61 s, in a bin up to 300, has not taken longer than 61.
    """
    total = sum(histogram)
    if not total:
        return None
    wanted, before = share * total, 0
    for place, number in enumerate(histogram):
        if number and before + number >= wanted:
            if place >= len(BOUNDS):
                return BOUNDS[-1]
            low = _low(place)
            told = low + (BOUNDS[place] - low) * (wanted - before) / number
            least = sum(_low(bin) * count for bin, count in enumerate(histogram))
            if not whole or whole < least * (1 - ROUNDING):  # not told, or not theirs
                return told
            as_long = number - max(ceil(wanted - before), 1) + 1
            return min(told, low + max(0.0, whole - least) / as_long)
        before += number
    return BOUNDS[-1]


def _low(place: int) -> Seconds:
    return BOUNDS[place - 1] if place else 0.0


def _all_added(histograms: Sequence[Sequence[int]]) -> tuple[int, ...]:
    return tuple(map(sum, zip(*histograms, strict=True)))


def _added(one: Sequence[int], other: Sequence[int]) -> tuple[int, ...]:
    return tuple(a + b for a, b in zip_longest(one, other, fillvalue=0))
