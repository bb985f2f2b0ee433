"""What has happened, as lines over time: read from the counted series, never from runs.

A chart has the same instants for all its lines. Where nothing is known, such as a percentile of no runs, a value is
None.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from horarium.clock import Instant, Seconds
from horarium.observe.moments import parse_past
from horarium.tally import KEPT, WIDTH_MS, Reading, Tally, Width, bucket_of, quantile, summed

if TYPE_CHECKING:
    from horarium.engines.protocol import Series

POINTS = 360  # at most, of a chart
LONGEST: Seconds = 90 * 86_400.0
DEFAULT_RANGE = "1h"
RANGES = {"15m": "15 min", "1h": "1 h", "6h": "6 h", "24h": "24 h", "7d": "7 d", "30d": "30 d"}
QUEUES_DRAWN = 5  # each with a line of its own
WIDTHS: tuple[Width, ...] = ("10s", "1m", "1h")
LONGEST_OF: dict[Width, Seconds] = {"10s": 3600.0, "1m": 86_400.0, "1h": LONGEST}  # charts that read such buckets
MOST_READ = 20_000  # tallies: about a quarter of a second

OUTCOMES: Mapping[str, tuple[str, ...]] = {
    "succeeded": ("succeeded", "ignored"),
    "failed": ("failed", "rejected", "crashed"),
    "retried": ("retried",),
    "cancelled or expired": ("revoked", "expired"),
}
TONES = {"succeeded": "good", "failed": "bad", "retried": "warn", "cancelled or expired": "off"}
STATES = {"succeeded": "succeeded", "failed": "failed", "cancelled or expired": "cancelled"}  # as Runs asks for them
SHARES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}


class Extent(Struct, frozen=True, kw_only=True):
    """What time a chart shows: whole steps from ``since`` to before ``until``, each of one or more buckets."""

    since: Instant
    until: Instant
    ends: Instant  # the last step may not be over yet
    width: Width
    step: int  # milliseconds
    back: str = ""  # such as 1h: it ends now and moves on; else it stands still

    @property
    def instants(self) -> range:
        return range(self.since, self.until, self.step)

    def lasts(self, at: Instant) -> Seconds:
        """Return how much of a step lies in the past."""
        return (min(at + self.step, self.ends) - at) / 1000


class Line(Struct, frozen=True, kw_only=True):
    """One line. ``tone``: good, bad, warn, off, or none; ``state``: how Runs is asked for what it counts."""

    name: str
    values: list[float | None]
    tone: str = ""
    state: str = ""
    queue: str = ""


class Chart(Struct, frozen=True, kw_only=True):
    """Lines over time. ``unit`` is one of ``/s`` and ``s``."""

    name: str
    title: str
    unit: str
    at: list[Instant]
    step: int
    lines: list[Line]
    more: int = 0  # queues that are not drawn

    @property
    def is_empty(self) -> bool:
        return not any(value for line in self.lines for value in line.values)


class Only(Struct, frozen=True, kw_only=True):
    """Of what a chart tells; none: of all."""

    tasks: tuple[str, ...] | None = None
    queues: tuple[str, ...] | None = None


def read_extent(start: str, end: str, zone: str, *, now: Instant) -> Extent:
    """Read what time is meant: a span that reaches back from now (``1h``), or two moments as ISO 8601.

    Raises: ValueError, which says what is expected, for what is no time, is empty, or is longer than what is kept.
    """
    start = start or DEFAULT_RANGE
    try:
        since = parse_past(start, zone, now=now)
        until = parse_past(end, zone, now=now) if end else now
    except ValueError as error:
        raise ValueError(
            f"expected a time such as 6h or 2026-11-28T18:00, got {start!r} to {end or 'now'!r}"
        ) from error
    until = min(until, now)
    if since >= until:
        raise ValueError(
            f"expected a time that begins in the past and before it ends, got {start!r} to {end or 'now'!r}"
        )
    is_relative = not end and start[-1:] in "smhdw" and start[:1].isdigit() and start[:-1].replace(".", "").isdigit()
    return extent_of(max(since, now - round(LONGEST * 1000)), until, now=now, back=start if is_relative else "")


def extent_of(
    since: Instant, until: Instant, *, now: Instant, back: str = "", widths: Sequence[Width] = WIDTHS
) -> Extent:
    """Return the extent of whole steps around a time: the finest of these that is still kept and not too many."""
    length, oldest = (until - since) / 1000, (now - since) / 1000
    width = next((each for each in widths if length <= LONGEST_OF[each] and oldest <= KEPT[each]), widths[-1])
    bucket = WIDTH_MS[width]
    step = bucket * max(1, -(-(until - since) // (bucket * POINTS)))
    first = bucket_of(since, width)
    steps = max(1, round((until - first) / step))  # less than half of the last one tells little: it is left out
    last = first + steps * step
    return Extent(since=first, until=last, ends=min(until, last), width=width, step=step, back=back)


def affordable(series: Series, extent: Extent, only: Only, *, now: Instant) -> Extent:
    """Return an extent of the same time in coarser steps, where so many tasks are counted that it would read more than
    MOST_READ tallies; the last two hours tell how many there are. Raises: EngineUnavailable."""
    hour = bucket_of(now, "1h") - WIDTH_MS["1h"]
    lately = series.tallies("1h", since=hour, until=now + 1, tasks=only.tasks, queues=only.queues)
    each_time = len({(tally.task, tally.queue) for tally in lately})
    while extent.width != WIDTHS[-1] and each_time * (extent.until - extent.since) > MOST_READ * WIDTH_MS[extent.width]:
        coarser = WIDTHS[WIDTHS.index(extent.width) + 1 :]
        extent = extent_of(extent.since, extent.ends, now=now, back=extent.back, widths=coarser)
    return extent


def outcomes(series: Series, extent: Extent, only: Only) -> Chart:
    """Return how many runs ended, and how, per second."""
    tallies = _tallies(series, extent, only)
    lengths = [extent.lasts(at) for at in extent.instants]

    def rates(words: tuple[str, ...]) -> list[float | None]:
        return [
            sum(_count(tally, words) for tally in each) / length for each, length in zip(tallies, lengths, strict=True)
        ]

    lines = [
        Line(name=name, values=rates(words), tone=TONES[name], state=STATES.get(name, ""))
        for name, words in OUTCOMES.items()
    ]
    return _chart("outcomes", "Runs by outcome", "/s", extent, lines)


def run_times(series: Series, extent: Extent, only: Only) -> Chart:
    """Return how long runs took: what half of them, 95 and 99 of a hundred were done within."""
    return _percentiles(series, extent, only, "run-times", "Run time", lambda tally: (tally.ran, tally.ran_sum))


def wait_times(series: Series, extent: Extent, only: Only) -> Chart:
    """Return how long runs waited from when they were due to their start."""
    title = "Wait before the start"
    return _percentiles(series, extent, only, "wait-times", title, lambda tally: (tally.waited, tally.waited_sum))


def oldest_waiting(series: Series, extent: Extent, only: Only) -> Chart:
    """Return by queue for how long the oldest message had waited; the queues that were worst have lines."""
    return _of_queues(series, extent, only, "waiting", "Oldest waiting", lambda reading: reading.oldest, "s")


def depths(series: Series, extent: Extent, only: Only) -> Chart:
    """Return by queue how many messages were ready."""
    return _of_queues(series, extent, only, "depth", "Ready messages", lambda reading: float(reading.ready), "")


CHARTS: Mapping[str, Callable[[Series, Extent, Only], Chart]] = {
    "outcomes": outcomes,
    "run-times": run_times,
    "waiting": oldest_waiting,
    "wait-times": wait_times,
    "depth": depths,
}
TITLES = {
    "outcomes": "Runs by outcome",
    "run-times": "Run time",
    "waiting": "Oldest waiting",
    "wait-times": "Wait before the start",
    "depth": "Ready messages",
}


def spark_points(values: Sequence[float | None], *, width: float, height: float) -> list[str]:
    """Return the points of SVG polylines that draw the values from 0 up; where nothing is known there is a gap."""
    most = max((value for value in values if value is not None), default=0.0) or 1.0
    across = width / max(1, len(values) - 1)
    lines: list[list[str]] = [[]]
    for place, value in enumerate(values):
        if value is None:
            lines.append([])
        else:
            lines[-1].append(f"{place * across:.1f},{height - value / most * height:.1f}")
    return [" ".join(line) for line in lines if len(line) > 1] or [" ".join(line) for line in lines if line]


def _percentiles(
    series: Series,
    extent: Extent,
    only: Only,
    name: str,
    title: str,
    of: Callable[[Tally], tuple[tuple[int, ...], Seconds]],
) -> Chart:
    found = [of(total) if (total := summed(each)) else ((), 0.0) for each in _tallies(series, extent, only)]
    lines = [
        Line(name=word, values=[quantile(histogram, share, whole) for histogram, whole in found])
        for word, share in SHARES.items()
    ]
    return _chart(name, title, "s", extent, lines)


def _of_queues(
    series: Series,
    extent: Extent,
    only: Only,
    name: str,
    title: str,
    of: Callable[[Reading], float],
    unit: str,
) -> Chart:
    readings = series.readings(extent.width, since=extent.since, until=extent.until, queues=only.queues)
    by_queue: dict[str, list[float | None]] = {}
    for reading in readings:
        values = by_queue.setdefault(reading.queue, [None] * len(extent.instants))
        place = (reading.at - extent.since) // extent.step
        values[place] = max(values[place] or 0.0, of(reading))
    worst = sorted(by_queue, key=lambda queue: (-max(value or 0.0 for value in by_queue[queue]), queue))
    lines = [Line(name=queue, values=by_queue[queue], queue=queue) for queue in sorted(worst[:QUEUES_DRAWN])]
    chart = _chart(name, title, unit, extent, lines)
    return Chart(
        name=name, title=title, unit=unit, at=chart.at, step=chart.step, lines=lines, more=len(worst[QUEUES_DRAWN:])
    )


def _chart(name: str, title: str, unit: str, extent: Extent, lines: list[Line]) -> Chart:
    return Chart(name=name, title=title, unit=unit, at=list(extent.instants), step=extent.step, lines=lines)


def _tallies(series: Series, extent: Extent, only: Only) -> list[list[Tally]]:
    """Return the tallies of each step."""
    found: list[list[Tally]] = [[] for _ in extent.instants]
    tallies: Iterable[Tally] = series.tallies(
        extent.width, since=extent.since, until=extent.until, tasks=only.tasks, queues=only.queues
    )
    for tally in tallies:
        found[(tally.at - extent.since) // extent.step].append(tally)
    return found


def _count(tally: Tally, words: tuple[str, ...]) -> int:
    return sum(tally.counts.get(word, 0) for word in words)
