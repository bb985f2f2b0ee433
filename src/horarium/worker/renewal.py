"""Renews the leases of a worker and of its children, on a thread and a connection of its own.

A lease is trusted from before the request was sent, minus a margin, by the monotonic clock: an answer that took long
extends nothing. The deadline goes onto the board, where the zygote holds the children to it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Event, Thread

from horarium import signals
from horarium.clock import Seconds, StoreClock
from horarium.engines.protocol import Engine
from horarium.engines.records import CONTROL_TOPIC, Member, Renewal
from horarium.errors import EngineUnavailable
from horarium.event import Observer, Recovered, Troubled
from horarium.worker.board import Board
from horarium.worker.options import WorkerOptions
from horarium.worker.orders import Go
from horarium.worker.patience import Patience
from horarium.worker.roster import Life, Roster

# Between two renewals that a note asked for. Where the store cannot tell the topics of a lost note apart, every commit
# looks like one, and each renewal is a commit.
SHORTEST_PAUSE: Seconds = 1.0


class Renewer:
    """One thread. ``lost`` is called with what the store gave to others, ``terminate`` with ids to end, ``failed``
    when the store cannot be worked with at all; all three on this thread."""

    def __init__(
        self,
        engine: Engine,
        clock: StoreClock,
        board: Board,
        roster: Roster,
        options: WorkerOptions,
        observer: Observer,
        *,
        members: Callable[[Sequence[Life]], list[Member]],
        patience: Patience,
        lost: Callable[[tuple[str, ...]], None],
        terminate: Callable[[tuple[str, ...]], None],
        failed: Callable[[Exception], None],
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._board = board
        self._roster = roster
        self._options = options
        self._observer = observer
        self._members = members
        self._patience = patience
        self._lost = lost
        self._terminate = terminate
        self._failed = failed
        self._listener = engine.notifier.listen([CONTROL_TOPIC])
        self._stopping = Event()
        self._asked = False  # a new child waits for its registration
        self._thread = Thread(target=self._run, name="horarium-renew", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def ask(self) -> None:
        """Renew at once: there is somebody new to register."""
        self._asked = True
        self._listener.wake()

    def stop(self, timeout: Seconds) -> None:
        self._stopping.set()
        self._listener.wake()
        if self._thread.is_alive():
            self._thread.join(timeout)

    def renew(self) -> Seconds:
        """Renew once, on the calling thread; return how long to wait until the next time."""
        lives = self._roster.lives()
        sent = self._clock.monotonic()
        try:
            renewal = self._ask_store(lives)
        except EngineUnavailable as error:
            is_first = not self._patience.failures
            wait = min(self._patience.next_wait(), self._options.renew_every)
            if is_first:
                self._observer.tell(Troubled(where="renewal", reason=str(error), wait=wait))
            return wait
        if self._patience.reset():
            self._observer.tell(Recovered(where="renewal"))
        self._grant(lives, renewal, until=sent + self._options.lease - self._options.margin)
        signals.heartbeat_sent.send(self)
        if renewal.lost:
            self._lost(renewal.lost)
        if renewal.terminate:
            self._terminate(renewal.terminate)
        return self._options.renew_every

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                self._asked = False
                began = self._clock.monotonic()
                wait = self.renew()
                while self._listener.wait(wait) and not self._asked and not self._stopping.is_set():
                    wait = began + SHORTEST_PAUSE - self._clock.monotonic()
                    if wait <= 0:
                        break
        except Exception as error:  # noqa: BLE001  # without renewal all leases lapse: the worker ends
            self._failed(error)

    def _ask_store(self, lives: Sequence[Life]) -> Renewal:
        self._clock.correct(self._engine.now())
        return self._engine.queue.renew(self._members(lives), now=self._clock.now(), lease=self._options.lease)

    def _grant(self, lives: Sequence[Life], renewal: Renewal, *, until: Seconds) -> None:
        for life in lives:
            if life.owner in renewal.lost or self._roster.find(life.place, life.generation) is None:
                continue
            self._board.grant(life.place, until)
            if not life.was_told_to_go:
                life.was_told_to_go = True
                life.orders.send(Go())
