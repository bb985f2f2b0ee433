"""Archives: tables or caches outside of the store, in which runs are written down for programs that look there.

The store stays what everything here goes by. An archive is written before the store is told, so that whoever sees that
a run has ended finds it in the archive too; what is written twice is the same. Found by path, for frameworks are above
this floor. The setting ``result_backend`` names one in the words that Celery's users know.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any, Protocol

from msgspec import Struct

from horarium.clock import Instant, Seconds, milliseconds
from horarium.errors import EngineError, EngineUnavailable, ImproperlyConfigured
from horarium.outcome import Run
from horarium.settings import Settings

MAKERS = {
    "django-db": "horarium.contrib.django.results.table:TableArchive",
    "django-cache": "horarium.contrib.django.results.cache:CacheArchive",
}


AT_ONCE = 1000  # records that one statement removes


class ArchiveUnavailable(EngineUnavailable):
    """The database or cache cannot be reached."""


class ArchiveRefused(EngineError):
    """The database or cache takes a record not, or none at all (``is_all``). The store knows the run all the same."""

    def __init__(self, text: str, *, is_all: bool = False) -> None:
        super().__init__(text)
        self.is_all = is_all


class Record(Struct, frozen=True, kw_only=True):
    """A run as it is written down, ended or not. ``children``: the results of what it has sent, as tuples."""

    run: Run
    children: tuple[Any, ...] = ()  # see lineage.Answer.as_tuple


class Archive(Protocol):
    """One of them. May be used by any thread; what it opens is the thread's that uses it, and no fork's."""

    def write(self, records: Sequence[Record]) -> None:
        """Write records in place of what is there, all or none. Of several of one id the last counts.

        Raises: ArchiveUnavailable when it cannot be reached, calling again is safe; ArchiveRefused when one of the
        records cannot be written, or none can (``is_all``).
        """
        ...

    def unwritten(self, runs: Sequence[Run]) -> list[Run]:
        """Return those of these ended runs that are not written down as ended. Raises: as ``write``."""
        ...

    def expire(self, before: Instant, limit: int, *, failed_before: Instant) -> int:
        """Remove at most ``limit`` records that came to be before, failed ones by a measure of their own; return how
        many they were. Raises: as ``write``."""
        ...

    def forget(self, ids: Sequence[str]) -> None:
        """Remove the records of these runs and groups. Raises: as ``write``."""
        ...

    def group(self, id: str) -> Any | None:
        """Return the saved group of this id as a tuple, None if there is none. Raises: as ``write``."""
        ...

    def close(self) -> None:
        """Let go of what this thread has opened. Twice is fine, and so is using it again."""
        ...


def remove_old(
    archive: Archive,
    *,
    keep: Seconds,
    keep_failed: Seconds | None,
    now: Instant,
    may_go_on: Callable[[], bool] = lambda: True,
) -> bool:
    """Remove what is older than ``keep``, failed runs by a measure of their own if there is one, some at a time and as
    long as it may go on; tell whether all is gone. Raises: as ``Archive.expire``."""
    before = now - milliseconds(keep)
    failed_before = now - milliseconds(keep if keep_failed is None else keep_failed)
    while may_go_on():
        if archive.expire(before, AT_ONCE, failed_before=failed_before) < AT_ONCE:
            return True
    return False


def archive_for(named: str, conf: Settings) -> Archive:
    """Return the archive of this name; see MAKERS. Opens nothing. Raises: ImproperlyConfigured."""
    module, _, name = MAKERS[named].partition(":")
    try:
        make = getattr(import_module(module), name)
    except ImportError as error:
        raise ImproperlyConfigured(
            f"expected Django for result_backend={named!r}, got none ({error}); pip install 'horarium[django]', or "
            "leave result_backend out, and results are kept in the store"
        ) from error
    made: Archive = make(conf)
    return made
