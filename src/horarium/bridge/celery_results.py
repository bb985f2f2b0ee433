"""Celery's store of results on Redis: a record for each id that has ended, and a channel of the same name.

Besides, the list of ends that callers of the old side may be waiting for: who takes a message in writes its id there
first, so that no bridge that dies makes a caller wait for ever.
"""

from __future__ import annotations

from collections.abc import Sequence

from horarium.bridge.carrier import REDIS, check_url, translated
from horarium.bridge.redis import RedisClient
from horarium.clock import Instant, Seconds

RECORD = "celery-task-meta-"  # + the id
AWAITED = "horarium-bridge:awaited"


class CeleryResults:
    """One connection to a Redis in which Celery keeps results; used by one thread. Raises: BrokerAway."""

    def __init__(self, url: str) -> None:
        check_results(url)
        self._url = url
        self._redis = RedisClient(url)

    def read(self, ids: Sequence[str]) -> list[bytes | None]:
        """Return the record of each id, None where Celery has kept none."""
        if not ids:
            return []
        with translated(self._url):
            found: list[bytes | None] = self._redis.client.mget([self._redis.key(RECORD + id) for id in ids])
        return found

    def tell(self, id: str, record: bytes, *, keep: Seconds, now: Instant, following: Sequence[str] = ()) -> None:
        """Keep the record of an end and wake who waits for it; await the ends of ``following``."""
        self._redis.run("tell", [RECORD + id, AWAITED], [record, max(1, round(keep)), id, now, *following])

    def await_ends(self, ids: Sequence[str], *, now: Instant) -> None:
        """Write down that somebody may wait for these ends."""
        if ids:
            with translated(self._url):
                self._redis.client.zadd(self._redis.key(AWAITED), dict.fromkeys(ids, now), nx=True)

    def awaited(self) -> list[tuple[str, Instant]]:
        """Return the ids whose ends are awaited and since when, the longest first."""
        with translated(self._url):
            found = self._redis.client.zrange(self._redis.key(AWAITED), 0, -1, withscores=True)
        return [(id.decode(), round(since)) for id, since in found]

    def give_up(self, ids: Sequence[str]) -> None:
        """Await these ends no longer."""
        if ids:
            with translated(self._url):
                self._redis.client.zrem(self._redis.key(AWAITED), *ids)

    def close(self) -> None:
        self._redis.close()


def check_results(url: str) -> None:
    """Raises: ImproperlyConfigured for an address where Celery's results cannot be read and written by us."""
    check_url(url, known=REDIS, what="Celery's result backend on Redis")
