"""Django's tables as a scheduler's source of schedules: a thread of its own keeps the store like them.

In a thread, because a database that does not answer can hold whoever asks for minutes, and what is stored is to fire
on meanwhile. The scheduler asks it each time how it goes, and tells.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

from django.db import connections

from horarium.app.current import set_current
from horarium.clock import Instant, Seconds
from horarium.contrib.django.beat.follower import Follower, Turn
from horarium.contrib.django.beat.rows import Rows
from horarium.errors import EngineError
from horarium.event import Event, Observer, SchedulesEdited

if TYPE_CHECKING:
    from horarium.app.app import Horarium
    from horarium.engines.protocol import Engine

LOOK_EVERY: Seconds = 0.3  # one query of an empty table; an edit is to count within a second
AFTER_TROUBLE: Seconds = 1.0
LAST_TURN: Seconds = 5.0  # how long the end waits for a turn under way
KEPT = 1_000  # events that nobody has asked for yet


class TableSource:
    """A source of schedules; see scheduler/source.py."""

    every: Seconds | None = None

    def __init__(self, app: Horarium, rows: Rows) -> None:
        self._app = app
        self._rows = rows
        self._thread: threading.Thread | None = None
        self._pid = 0  # of the process whose thread it is
        self._wake = threading.Event()
        self._is_stopping = False
        self._lock = threading.Lock()  # of what follows
        self._fired: set[str] = set()
        self._events: list[Event] = []
        self._stored = self._removed = 0
        self._trouble: Exception | None = None  # of the last turn

    def begin(self, engine: Engine, *, now: Instant, observer: Observer) -> int:
        """Nothing is read before the first firing: what is stored may be due."""
        return 0

    def follow(self, engine: Engine, *, now: Instant, observer: Observer) -> int:
        """Tell what the thread has done since; it is begun if there is none. Raises: what its last turn raised."""
        if self._thread is None or self._pid != os.getpid():
            self._begin(engine)
        with self._lock:
            events, stored, removed = self._events, self._stored, self._removed
            self._events, self._stored, self._removed = [], 0, 0
            trouble = self._trouble
        for event in events:
            observer.tell(event)
        if stored or removed:
            observer.tell(SchedulesEdited(stored=stored, removed=removed))
        if trouble is not None:
            raise trouble
        return stored + removed

    def fired(self, names: Sequence[str], engine: Engine, *, now: Instant) -> None:
        """Have the rows of these schedules show it."""
        if names:
            with self._lock:
                self._fired.update(names)
            self._wake.set()

    def close(self) -> None:
        """End the thread, after the turn that it is at."""
        self._is_stopping = True
        self._wake.set()
        thread, self._thread = self._thread, None
        if thread is not None and self._pid == os.getpid():
            thread.join(LAST_TURN)

    def _begin(self, engine: Engine) -> None:
        self._pid, self._is_stopping = os.getpid(), False
        self._thread = threading.Thread(target=self._run, args=(engine,), name="horarium-tables", daemon=True)
        self._thread.start()

    def _run(self, engine: Engine) -> None:
        set_current(self._app)
        follower = Follower(self._app, self._rows)
        try:
            while not self._is_stopping:
                self._wake.clear()
                wait = self._turn(follower, engine)
                if wait:
                    self._wake.wait(wait)
            self._turn(follower, engine)  # what was fired last is shown, too
        finally:
            connections.close_all()

    def _turn(self, follower: Follower, engine: Engine) -> Seconds:
        """Do a turn; return how long to wait for the next."""
        with self._lock:
            fired, self._fired = self._fired, set()
        follower.note_fired(fired)
        try:
            turn = follower.turn(engine, now=engine.now())
        except EngineError:
            return AFTER_TROUBLE  # the scheduler meets the store itself, and tells
        except Exception as error:  # noqa: BLE001  # told by ``follow``: edits wait, what is stored fires
            with self._lock:
                self._trouble = error
            connections.close_all()  # whatever is wrong with a connection, the next turn has another one
            return AFTER_TROUBLE
        self._keep(turn)
        _let_go_of_old_connections()
        return 0.0 if turn.is_more else LOOK_EVERY

    def _keep(self, turn: Turn) -> None:
        with self._lock:
            self._trouble = None
            self._events = [*self._events, *turn.events][-KEPT:]
            self._stored += turn.stored
            self._removed += turn.removed


def _let_go_of_old_connections() -> None:
    """Keep to CONN_MAX_AGE where it is a time. 0 means one request each, and there is none: it would be each turn."""
    for connection in connections.all(initialized_only=True):
        if connection.settings_dict["CONN_MAX_AGE"] != 0:
            connection.close_if_unusable_or_obsolete()
