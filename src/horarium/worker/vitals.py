"""What a worker's pulse tells of its children: when each was last seen at work, by the board.

A child is at work when it has just looked at its queues, or is busy in every slot; a child that is born anew takes over
the last sight of its predecessor, so that a fresh one is no illness, and one that dies over and over is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from horarium.clock import Seconds, StoreClock
from horarium.event import Observer, Troubled
from horarium.pulse import Place, Writer
from horarium.worker.board import Board
from horarium.worker.options import WorkerOptions

WRITE_EVERY: Seconds = 1.0


class Vitals:
    """Used by the main thread alone. Without a ``run_dir`` in the options ("": the default one) nothing is written."""

    def __init__(self, options: WorkerOptions, board: Board, clock: StoreClock, observer: Observer) -> None:
        self._board = board
        self._clock = clock
        self._slots = options.slots
        self._writer = None if options.run_dir is None else Writer(options.run_dir, "worker", options.name)
        self._observer = observer
        self._seen: dict[int, Seconds] = {}  # by place, monotonic: when a child was last at work there
        self._began = clock.monotonic()
        self._written = float("-inf")
        self._was_told = False

    def write(self, state: Callable[[], str], places: Callable[[], Iterable[int]]) -> None:
        """Show how the children are, if it is time to. ``places``: where one lives or is to be born; the board has room
        for more, which may never be used."""
        now = self._clock.monotonic()
        if self._writer is None or now - self._written < WRITE_EVERY:
            return
        self._written = now
        self._writer.write(now, state(), tuple(self._look(place, now) for place in places()))
        if self._writer.trouble and not self._was_told:
            self._was_told = True
            self._observer.tell(Troubled(where="health", reason=self._writer.trouble))

    def end(self) -> None:
        """Take the pulse away: the worker has ended in good order."""
        if self._writer is not None:
            self._writer.end()

    def _look(self, place: int, now: Seconds) -> Place:
        looked = self._board.looked(place)
        doing = "looked" if place in self._seen else "starting"
        if looked is not None:
            doing = "looked"
            self._seen[place] = max(self._seen.get(place, 0.0), now - max(0, self._clock.now() - looked) / 1000)
        if len(self._board.running(place)) >= self._slots:
            doing, self._seen[place] = "busy", now
        return Place(f"child-{place}", self._seen.get(place, self._began), doing)
