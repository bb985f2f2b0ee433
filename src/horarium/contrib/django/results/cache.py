"""``result_backend="django-cache"``: runs are written down in one of Django's caches, under Celery's keys.

A cache forgets at will, so nobody waits for one that is away: the entry is missing then, and the store has the run.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.core.cache import caches
from django.core.cache.backends.base import InvalidCacheBackendError
from django.core.exceptions import ImproperlyConfigured as NotConfigured

from horarium.app.archive import ArchiveRefused, Record
from horarium.app.result_set import GROUP
from horarium.clock import Instant, Seconds, SystemClock, to_datetime
from horarium.contrib.django.results import forms
from horarium.contrib.django.results.hiding import hidden
from horarium.errors import ImproperlyConfigured
from horarium.outcome import Run
from horarium.settings import Settings

RUN_KEY = "celery-task-meta-"
GROUP_KEY = "celery-taskset-meta-"
DEFAULT = "default"


class CacheArchive:
    """See app.archive.Archive. Entries end by themselves, ``result_expires`` after the run."""

    def __init__(self, conf: Settings) -> None:
        self._alias = conf.cache_backend or DEFAULT
        self._expires: Seconds | None = conf.result_expires
        self._clock = SystemClock()
        try:
            caches[self._alias]
        except InvalidCacheBackendError as error:
            raise ImproperlyConfigured(
                f"expected cache_backend to name one of Django's CACHES, got {self._alias!r} ({error}); add it "
                "there, or name another one"
            ) from error
        except NotConfigured as error:
            raise ImproperlyConfigured(
                "expected Django to be set up for result_backend='django-cache', it is not "
                f"({str(error).partition('.')[0]}); set DJANGO_SETTINGS_MODULE to the project's settings"
            ) from error

    def write(self, records: Sequence[Record]) -> None:
        now = self._clock.now()
        for record in hidden(records):
            left = self._left(record.run, now)
            if left is None or left > 0:
                with self._translated():
                    caches[self._alias].set(_key(record.run), _entry(record), left)

    def unwritten(self, runs: Sequence[Run]) -> list[Run]:
        now = self._clock.now()
        lasting = [run for run in runs if (left := self._left(run, now)) is None or left > 0]
        with self._translated():
            found = caches[self._alias].get_many([_key(run) for run in lasting])
        return [run for run in lasting if found.get(_key(run), {}).get("status") not in forms.ENDED_STATUS]

    def expire(self, before: Instant, limit: int, *, failed_before: Instant) -> int:
        return 0

    def forget(self, ids: Sequence[str]) -> None:
        with self._translated():
            caches[self._alias].delete_many([prefix + id for id in ids for prefix in (RUN_KEY, GROUP_KEY)])

    def group(self, id: str) -> Any | None:
        with self._translated():
            entry = caches[self._alias].get(GROUP_KEY + id)
        return entry.get("result") if isinstance(entry, dict) else None

    def close(self) -> None:
        caches[self._alias].close()

    def _left(self, run: Run, now: Instant) -> Seconds | None:
        """Return how long an entry is to last, None: for ever."""
        return self._expires - (now - forms.done_at(run)) / 1000 if self._expires is not None else None

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # each cache raises its own client's errors: one record is missing
            raise ArchiveRefused(
                f"expected Django's cache {self._alias!r} to take a record, got {type(error).__name__}: {error}; look "
                "at the cache, the store has the run"
            ) from error


def _key(run: Run) -> str:
    return (GROUP_KEY if run.message.task == GROUP else RUN_KEY) + run.id


def _entry(record: Record) -> dict[str, Any]:
    run = record.run
    result = forms.result_of(run)
    if run.message.task == GROUP:
        return {"result": result}
    args, kwargs = forms.plain_arguments(record)
    return {
        "status": forms.status_of(run),
        "result": result,
        "traceback": forms.traceback_of(run),
        "children": list(record.children),
        "date_done": to_datetime(forms.done_at(run)).isoformat(),
        "name": run.message.task,
        "args": args,
        "kwargs": kwargs,
        "worker": run.worker,
        "retries": run.message.retries,
        "queue": run.message.queue,
        "periodic_task_name": forms.periodic_name(run),
        "task_id": run.id,
    }
