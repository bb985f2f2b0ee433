"""Keeper: brings the archive up to what the store has, and removes from it what is too old.

Children write down what they settle. What ends otherwise (revoked while it waited, expired, given up after crashes,
doomed with its chord, settled on behalf of a child that died) is found in the store: what a note names at once, the
newest ends with every look, all others by and by. Writing twice is harmless, so every worker does it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from threading import Event, Thread

import msgspec

from horarium.app.archive import Archive, ArchiveRefused, Record, remove_old
from horarium.app.control import ARCHIVE_NOTE, note_for_archive
from horarium.clock import Clock, Instant, Seconds, milliseconds
from horarium.engines.protocol import Engine
from horarium.engines.records import Page, RunFilter
from horarium.errors import EngineError, EngineUnavailable
from horarium.event import Observer, Recovered, Troubled
from horarium.outcome import State
from horarium.worker.archivist import Archivist, is_wanted
from horarium.worker.options import FOR_EVER, WorkerOptions

# The ends that come about outside of children; FAILURE is that of a chord whose header has failed.
OUTSIDE = RunFilter(states=(State.REVOKED, State.EXPIRED, State.DEAD, State.FAILURE, State.IGNORED))
PAGE = 200  # runs
PAGES = 3  # of the walk through all of them, with each look
WALK_EVERY: Seconds = 60.0
LOOK_BACK: Seconds = 3600.0  # of the first walk: what ended before, somebody may have removed on purpose
OVERLAP: Seconds = 60.0  # of two walks
REMOVE_EVERY: Seconds = 60.0
REMOVE_WITHIN: Seconds = 1.0  # of each look, until nothing is left


class NoKeeper:
    """Where there is no archive: nothing to do."""

    def start(self) -> None:
        """Nothing is started."""

    def owe(self, ids: Sequence[str]) -> None:
        """Nothing is owed."""

    def finish(self, timeout: Seconds) -> bool:
        return True


def keeper_for(
    archive: Archive | None,
    engine: Engine,
    clock: Clock,
    options: WorkerOptions,
    observer: Observer,
    random: Random,
    *,
    failed: Callable[[Exception], None],
) -> Keeper | NoKeeper:
    """Return the keeper of an archive; ``failed`` is called with an error that ends it."""
    if archive is None:
        return NoKeeper()
    return Keeper(archive, engine, clock, options, observer, random, failed=failed)


class Keeper:
    """One thread with connections of its own: whoever names runs does not wait for the database."""

    def __init__(
        self,
        archive: Archive,
        engine: Engine,
        clock: Clock,
        options: WorkerOptions,
        observer: Observer,
        random: Random,
        *,
        failed: Callable[[Exception], None],
    ) -> None:
        self._archive = archive
        self._engine = engine
        self._clock = clock
        self._options = options
        self._observer = observer
        self._random = random
        self._failed = failed
        self._archivist = Archivist(archive, engine, clock, observer)
        self._place: str | None = None  # of the walk, in pages of the store
        self._walk_due: Seconds = clock.monotonic()
        self._since: Instant = clock.now() - milliseconds(LOOK_BACK)  # what ended before needs no look
        self._walk_began: Instant = clock.now()
        self._removal_due: Seconds = clock.monotonic()
        self._is_away = False
        self._wake = Event()
        self._closing = False
        self._ended = Event()
        self._thread = Thread(target=self._run, name="horarium-archive", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def owe(self, ids: Sequence[str]) -> None:
        """Let these runs be written down, as the store has them, as soon as possible: by this worker, or by another one
        if it ends before. Raises: EngineUnavailable."""
        if ids:
            note_for_archive(self._engine, ids)
            self._wake.set()

    def finish(self, timeout: Seconds) -> bool:
        """Write down what is owed and stop; tell whether that was done within ``timeout``."""
        self._closing = True
        self._wake.set()
        return self._ended.wait(timeout)

    def _run(self) -> None:
        try:
            due = self._clock.monotonic() + self._pause() * self._random.random()  # workers that start together
            while True:
                is_last = self._closing
                try:
                    due = self._look(due)
                except EngineUnavailable as error:
                    self._tell_away(error)
                    if is_last:
                        break  # another worker will find the notes
                    due = self._clock.monotonic() + self._pause()
                    self._wake.wait(self._pause())
                    self._wake.clear()
                    continue
                if is_last:
                    break
                if not self._closing:
                    self._wake.wait(max(0.0, due - self._clock.monotonic()))
                    self._wake.clear()
        except Exception as error:  # noqa: BLE001  # a fault of ours, or a store that cannot be worked with
            self._failed(error)
        finally:
            self._archivist.close()
            self._ended.set()

    def _look(self, due: Seconds) -> Seconds:
        self._read_notes()
        if self._closing or self._clock.monotonic() < due:
            return due
        try:
            self._catch_up()
            self._remove_old()
        except EngineError as error:
            if not isinstance(error, ArchiveRefused):
                raise
            self._archivist.tell(error)
        except Exception as error:  # noqa: BLE001  # whatever an archive comes to, it is told and the worker goes on
            self._archivist.tell(error)
        else:
            if self._is_away:
                self._is_away = False
                self._observer.tell(Recovered(where="archive"))
        self._archivist.close()  # between two looks it would only be one more connection
        return self._clock.monotonic() + self._pause()

    def _read_notes(self) -> None:
        """Write down what was named: by somebody who has revoked it, or on behalf of a child that died."""
        notes = self._engine.notes.read(ARCHIVE_NOTE, now=self._clock.now())
        for note in notes:
            self._archivist.write_known(msgspec.json.decode(note.text, type=list[str]))
            self._engine.notes.erase([note.key])

    def _catch_up(self) -> None:
        """Look at the newest ends, and go a few pages further on the way through all."""
        self._write_page(None)
        if self._place is None and self._clock.monotonic() < self._walk_due:
            return
        if self._place is None:
            self._walk_due = self._clock.monotonic() + WALK_EVERY
            self._walk_began = self._clock.now()
        for _ in range(PAGES):
            self._place = self._write_page(self._place)
            if self._place is None:
                self._since = self._walk_began - milliseconds(OVERLAP)
                return

    def _write_page(self, after: str | None) -> str | None:
        page = self._engine.results.search(OUTSIDE, Page(limit=PAGE, after=after))
        ended = [run for run in page.runs if is_wanted(run) and (run.ended or run.changed) >= self._since]
        if ended:
            missing = self._archive.unwritten(ended)
            self._archivist.write([Record(run=run) for run in missing])
        return page.next

    def _remove_old(self) -> None:
        policy = self._options.policy
        if policy.keep >= FOR_EVER or self._clock.monotonic() < self._removal_due:
            return
        until = self._clock.monotonic() + REMOVE_WITHIN
        is_done = remove_old(
            self._archive,
            keep=policy.keep,
            keep_failed=self._options.keep_failed,
            now=self._clock.now(),
            may_go_on=lambda: self._clock.monotonic() < until and not self._closing,
        )
        if is_done:
            self._removal_due = self._clock.monotonic() + REMOVE_EVERY

    def _pause(self) -> Seconds:
        return self._options.sweep * (0.8 + 0.4 * self._random.random())

    def _tell_away(self, error: EngineUnavailable) -> None:
        if not self._is_away:
            self._is_away = True
            self._observer.tell(Troubled(where="archive", reason=str(error), wait=self._options.sweep))
