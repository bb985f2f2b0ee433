"""What a worker tells the store about itself and its children with each renewal."""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from typing import TYPE_CHECKING

from horarium.clock import StoreClock
from horarium.engines.records import Member, RunningNow
from horarium.message import new_id
from horarium.version import __version__
from horarium.worker.board import Board
from horarium.worker.options import WorkerOptions
from horarium.worker.present import Present
from horarium.worker.process import is_running, resident_bytes
from horarium.worker.roster import Life

if TYPE_CHECKING:
    from horarium.app.app import Horarium
    from horarium.engines.protocol import Engine


class Membership:
    """Makes members. ``owner`` is the supervisor's own; it holds no deliveries, but is seen to live."""

    def __init__(
        self,
        app: Horarium,
        options: WorkerOptions,
        board: Board,
        clock: StoreClock,
        owner: str,
        present: Present | None = None,
    ) -> None:
        self.owner = owner
        self._options = options
        self._present = present or Present(options)
        self._board = board
        self._clock = clock
        self._app_name = app.main
        self._host = socket.gethostname()
        self._tasks = tuple(sorted(app.tasks))
        self._started = clock.now()
        self._processed_before = 0  # by children that have ended

    def members(self, lives: Sequence[Life]) -> list[Member]:
        """Return the worker and its living children as they are now."""
        children = [self._child(life) for life in lives]
        options = self._options
        worker = Member(
            owner=self.owner,
            kind="worker",
            name=options.name,
            host=self._host,
            pid=os.getpid(),
            pool=options.pool,
            slots=self._present.concurrency,
            queues=self._present.queues,
            tasks=self._tasks,
            processed=self._processed_before + sum(child.processed for child in children),
            started=self._started,
            version=__version__,
            app=self._app_name,
            skew=self._clock.skew(),
            rss_bytes=resident_bytes(os.getpid()),
        )
        return [worker, *children]

    def namesake(self, engine: Engine) -> Member | None:
        """Return another live worker of this name, if there is one. One of this host whose process is gone is none:
        it was killed, and its lease has yet to lapse. Raises: EngineUnavailable."""
        for record in engine.inspector.workers(now=self._clock.now()):
            other = record.member
            is_another = other.host != self._host or (other.pid != os.getpid() and is_running(other.pid))
            if record.alive and other.kind == "worker" and other.name == self._options.name and is_another:
                return other
        return None

    def note_ended(self, processed: int) -> None:
        """Keep counting what a child that has ended had done."""
        self._processed_before += processed

    def note_lost(self, owners: Sequence[str]) -> None:
        """If the store has given up the supervisor itself, go on as a new owner."""
        if self.owner in owners:
            self.owner = new_id(self._clock.now())

    def _child(self, life: Life) -> Member:
        board, options = self._board, self._options
        return Member(
            owner=life.owner,
            kind="child",
            name=options.name,
            host=self._host,
            pid=life.pid,
            pool=options.pool,
            slots=self._present.slots,
            queues=self._present.queues,
            running=tuple(
                RunningNow(id=entry.id, task=entry.task, started=entry.started) for entry in board.running(life.place)
            ),
            processed=board.processed(life.place),
            looked=board.looked(life.place),
            started=self._started,
            version=__version__,
            app=self._app_name,
            skew=self._clock.skew(),
            rss_bytes=resident_bytes(life.pid) if life.pid else 0,
        )
