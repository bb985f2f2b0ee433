"""The watchdog: notices children that look at their queues, have free slots, and claim nothing although work is due.

A connection may be alive and deaf: after a fail-over, behind a proxy, or through a fault of ours or of a client
library. Such a child looks well to everybody but to whoever waits. The watchdog asks the store by the supervisor's own
connection what is due, and lets the child make way for a fresh one, with a fresh connection.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from horarium.clock import Clock, Instant, Seconds
from horarium.engines.protocol import Engine
from horarium.worker.board import Board
from horarium.worker.options import WorkerOptions
from horarium.worker.present import Present
from horarium.worker.roster import Life, Roster
from horarium.worker.wish import Wish

# To count what is due costs the store more than a claim, so it is not asked at every sweep that finds a child idle, but
# at every one as long as there is a suspicion. By default a deaf child is found out within 30 s + 3 sweeps of 5 s.
ASK_EVERY_SWEEPS = 6
LOOKS = 3  # in a row that must find the child idle, looking, and work due


class Seen(Struct, frozen=True):
    """What the board told of a child at one look."""

    looked: Instant | None
    processed: int
    running: frozenset[str]


class Watchdog:
    """Used by the sweeping thread alone. ``stalled`` is called with a child, and how many messages it could have."""

    def __init__(
        self,
        engine: Engine,
        clock: Clock,
        options: WorkerOptions,
        board: Board,
        roster: Roster,
        *,
        wish: Callable[[], Wish],
        stalled: Callable[[Life, int], None],
        present: Present | None = None,
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._options = options
        self._present = present or Present(options)
        self._board = board
        self._roster = roster
        self._wish = wish
        self._stalled = stalled
        self._seen: dict[str, Seen] = {}  # by owner, at the last look
        self._suspicions: dict[str, int] = {}  # by owner, in a row
        self._asked: Seconds = clock.monotonic()

    def look(self) -> None:
        """See whether somebody is idle who should not be. Raises: EngineUnavailable."""
        lives = {life.owner: life for life in self._roster.lives() if life.is_ready and life.sentence is None}
        now_seen = {owner: self._see(life) for owner, life in lives.items()}
        idle = [owner for owner, seen in now_seen.items() if self._is_idle(self._seen.get(owner), seen)]
        self._seen = now_seen
        self._suspicions = {owner: self._suspicions.get(owner, 0) for owner in idle}
        if not idle or not self._is_time_to_ask():
            return
        due = self._due()
        if not due:
            self._suspicions.clear()
            return
        for owner in idle:
            self._suspicions[owner] += 1
            if self._suspicions[owner] >= LOOKS:
                del self._suspicions[owner]
                self._stalled(lives[owner], due)

    def _see(self, life: Life) -> Seen:
        board = self._board
        running = frozenset(entry.id for entry in board.running(life.place))
        return Seen(board.looked(life.place), board.processed(life.place), running)

    def _is_idle(self, before: Seen | None, now: Seen) -> bool:
        """Whether a child has looked since, has room, and has begun nothing. One that does not look at all is another
        matter: its store may be away, or the code of a task holds up its loop."""
        if before is None or now.looked == before.looked or len(now.running) >= self._present.slots:
            return False
        return (now.processed, now.running) == (before.processed, before.running)

    def _is_time_to_ask(self) -> bool:
        now = self._clock.monotonic()
        if not any(self._suspicions.values()) and now - self._asked < ASK_EVERY_SWEEPS * self._options.sweep:
            return False
        self._asked = now
        return True

    def _due(self) -> int:
        """Count the due messages that our children may claim, whatever others do: what has a limit may have to wait."""
        wish, queues = self._wish(), self._engine.inspector.counts(most=0).queues
        return sum(
            number
            for queue in wish.queues
            if queue in queues
            for task, number in queues[queue].tasks.items()
            if task in wish.tasks and task not in (wish.limits or ())
        )
