"""A whole move, from one store to another: round by round until nothing waits any more, or for ever."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from horarium.clock import Clock, Seconds
from horarium.engines.protocol import Engine
from horarium.engines.records import QUEUE_TOPIC, SCHEDULE_TOPIC
from horarium.transfer.messages import BATCH, Chosen, Left, Mover
from horarium.transfer.results import copy_results
from horarium.transfer.schedules import move_schedules

LOOK_EVERY: Seconds = 1.0  # a note that something waits may be lost


class Wanted(Struct, frozen=True, kw_only=True):
    """What a move is to do."""

    chosen: Chosen = Chosen()
    limit: int | None = None  # of messages
    timeout: Seconds | None = None  # of the wait for messages that come due too soon to be moved before
    forever: bool = False
    schedules: bool = False
    results: bool = False
    keep: Seconds = 86_400.0  # of the runs in the target


class Progress(Struct, frozen=True, kw_only=True):
    """How far a move has come."""

    messages: int = 0
    schedules: int = 0
    schedules_known: int = 0
    results: int = 0
    left: Left | None = None  # when it has ended, or waits


class Journey:
    """One move. ``told`` is called with each progress; ``stop`` may be called from a signal handler."""

    def __init__(
        self, source: Engine, target: Engine, wanted: Wanted, clock: Clock, *, told: Callable[[Progress], None]
    ) -> None:
        self._source = source
        self._target = target
        self._wanted = wanted
        self._clock = clock
        self._told = told
        self._mover = Mover(source, target, wanted.chosen)
        self._messages = self._schedules = self._known = self._results = 0
        self._is_stopping = False

    def run(self) -> Progress:
        """Move everything that is wanted; return what was done.

        Raises: ImproperlyConfigured when the stores are one; EngineUnavailable, and going on is safe then.
        """
        self._mover.free_stranded()
        self._mover.check_two()
        try:
            if self._wanted.schedules:  # first: what they fire while the messages move is fired in the target
                self._move_schedules()
            self._move_messages()
            if self._wanted.results:
                self._copy_results()
        finally:
            self._mover.leave()
        return self._progress(self._mover.left())

    def stop(self) -> None:
        """Let it end after the batch in hand."""
        self._is_stopping = True

    def _move_schedules(self) -> None:
        for moved in move_schedules(self._source, self._target):
            self._schedules += moved.made
            self._known += moved.known
            self._told(self._progress())

    def _copy_results(self) -> None:
        for copied in copy_results(self._source, self._target, keep=self._wanted.keep):
            self._results += copied
            self._told(self._progress())

    def _move_messages(self) -> None:
        began = self._clock.monotonic()
        topics = [SCHEDULE_TOPIC, *(QUEUE_TOPIC + queue for queue in self._wanted.chosen.queues)]
        listener = self._source.notifier.listen(topics)
        try:
            while not self._is_done():
                self._round()
                left = self._mover.left()
                waited = self._clock.monotonic() - began
                is_out = self._wanted.timeout is not None and waited >= self._wanted.timeout
                if self._is_done() or is_out or (not left.waiting and not self._wanted.forever):
                    return
                self._told(self._progress(left))
                listener.wait(self._until(left))
        finally:
            listener.close()

    def _round(self) -> None:
        """Move what can be moved now."""
        while not self._is_done() and (moved := self._mover.move_due(self._room() or BATCH)):
            self._note(moved)
        if not self._is_done():
            for moved in self._mover.move_later(self._room()):
                self._note(moved)
                if self._is_stopping:
                    return

    def _note(self, moved: int) -> None:
        self._messages += moved
        self._told(self._progress())

    def _room(self) -> int | None:
        return None if self._wanted.limit is None else self._wanted.limit - self._messages

    def _is_done(self) -> bool:
        room = self._room()
        return self._is_stopping or (room is not None and room <= 0)

    def _until(self, left: Left) -> Seconds:
        """Return how long to wait until the next one comes due."""
        if left.next_due is None:
            return LOOK_EVERY
        return max(0.01, min(LOOK_EVERY, (left.next_due - self._source.now()) / 1000))

    def _progress(self, left: Left | None = None) -> Progress:
        return Progress(
            messages=self._messages,
            schedules=self._schedules,
            schedules_known=self._known,
            results=self._results,
            left=left,
        )
