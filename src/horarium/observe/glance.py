"""How things go, in four numbers with a day of history each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from msgspec import Struct

from horarium.clock import Instant, Seconds
from horarium.engines.records import QueueCounts
from horarium.observe.charts import OUTCOMES
from horarium.observe.counted import Past
from horarium.tally import WIDTH_MS, Tally, bucket_of, quantile, summed

if TYPE_CHECKING:
    from horarium.engines.protocol import Series

RATE_OVER: Seconds = 60.0
SHARE_OVER: Seconds = 3600.0  # of the share that failed and of the run time
DAY = 24  # hours, of the history

ENDED = tuple(word for name, words in OUTCOMES.items() if name != "retried" for word in words)


class Glance(Struct, frozen=True, kw_only=True):
    """The four numbers, and their values of each of the last 24 hours and of this one; None: nothing is known."""

    per_minute: float
    failed: float | None  # a share, from 0 to 1
    failures: int
    p95: Seconds | None
    oldest: Seconds | None
    oldest_queue: str
    rates: list[float | None]
    shares: list[float | None]
    run_times: list[float | None]
    waits: list[float | None]

    @property
    def is_blank(self) -> bool:
        """Whether nothing at all has ended for a day."""
        return not any(self.rates)


def glance(series: Series, queues: Mapping[str, QueueCounts], *, now: Instant, past: Past | None = None) -> Glance:
    """Return the numbers. They move on with the buckets of ten seconds, not with each look. Raises: EngineUnavailable.

    ``queues``: what the inspector counts; ``past``: what looks before this one have learned.
    """
    past = past or Past()
    soon = bucket_of(now, "10s")
    rate = series.tallies("10s", since=soon - round(RATE_OVER * 1000), until=soon)
    minutes = past.sums(series, "1m", bucket_of(now, "1m") - round(SHARE_OVER * 1000), now=now)
    recent = summed(each for each in minutes if each is not None)
    start = bucket_of(now, "1h") - DAY * WIDTH_MS["1h"]
    hours = past.sums(series, "1h", start, now=now)
    waits: list[float | None] = [None] * (DAY + 1)
    for reading in series.readings("1h", since=start, until=now + 1):
        place = (reading.at - start) // WIDTH_MS["1h"]
        waits[place] = max(waits[place] or 0.0, reading.oldest)
    due, queue = min(((each.oldest_due, name) for name, each in queues.items() if each.oldest_due), default=(None, ""))
    return Glance(
        per_minute=sum(map(_ended, rate)) * 60 / RATE_OVER,
        failed=_failed_share(recent),
        failures=_failed(recent) if recent else 0,
        p95=quantile(recent.ran, 0.95, recent.ran_sum) if recent else None,
        oldest=max(0.0, (now - due) / 1000) if due else None,
        oldest_queue=queue,
        rates=_each(hours, lambda tally: _ended(tally) / 60, 0.0),
        shares=_each(hours, _failed_share, None),
        run_times=_each(hours, lambda tally: quantile(tally.ran, 0.95, tally.ran_sum), None),
        waits=waits,
    )


def _each(
    hours: list[Tally | None], value: Callable[[Tally], float | None], nothing: float | None
) -> list[float | None]:
    return [nothing if tally is None else value(tally) for tally in hours]


def _ended(tally: Tally) -> int:
    return sum(tally.counts.get(word, 0) for word in ENDED)


def _failed(tally: Tally) -> int:
    return sum(tally.counts.get(word, 0) for word in OUTCOMES["failed"])


def _failed_share(tally: Tally | None) -> float | None:
    if tally is None or not (ended := _ended(tally)):
        return None
    return _failed(tally) / ended
