"""What was counted, kept by whoever looks again and again: buckets that are over for long do not change any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from horarium.clock import Instant, Seconds
from horarium.tally import WIDTH_MS, Tally, Width, summed

if TYPE_CHECKING:
    from horarium.engines.protocol import Series

SETTLED: Seconds = (
    300.0  # after its end nothing is added to a bucket: workers add within seconds, half a minute at worst
)


class Past:
    """The sums, over all tasks and queues, of the buckets of one store that are over for good. Threads may share it: a
    bucket that two read at once is the same for both.

    An hour and a day of 20 tasks are 1,700 tallies, of 500 pairs of a task and a queue 42,000: read anew by each look
    they took 8 ms of the first page's 25 on SQLite, and by the number of pairs more.
    """

    def __init__(self) -> None:
        self._sums: dict[tuple[Width, Instant], Tally | None] = {}

    def sums(self, series: Series, width: Width, since: Instant, *, now: Instant) -> list[Tally | None]:
        """Return the sum of each bucket from one (its beginning) to that of now. Raises: EngineUnavailable."""
        step, known = WIDTH_MS[width], self._sums
        buckets = range(since, now + 1, step)
        unknown = next((at for at in buckets if (width, at) not in known), now + 1)
        found: dict[Instant, list[Tally]] = {}
        if unknown <= now:
            for tally in series.tallies(width, since=unknown, until=now + 1):
                found.setdefault(tally.at, []).append(tally)
        sums = [known[width, at] if at < unknown else summed(found.get(at, ())) for at in buckets]
        settled = now - round(SETTLED * 1000) - step
        kept = {(width, at): tally for at, tally in zip(buckets, sums, strict=True) if at <= settled}
        self._sums = {key: tally for key, tally in known.items() if key[0] != width} | kept
        return sums
