"""The station: what a command may look at and move in a worker. Custom commands are given it as ``state``.

Commands run on the thread of remote control. The crew belongs to the supervisor's main thread, so whatever moves it is
posted there.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from threading import Lock
from typing import TYPE_CHECKING

from horarium.app import telling
from horarium.app.fleet import Node
from horarium.app.redacting import shown_to_all
from horarium.clock import Instant, Seconds, StoreClock
from horarium.engines.records import MemberRecord
from horarium.errors import ImproperlyConfigured
from horarium.worker.board import Board, Running
from horarium.worker.crew import Crew
from horarium.worker.membership import Membership
from horarium.worker.options import WorkerOptions
from horarium.worker.orders import Change
from horarium.worker.present import Present, Range
from horarium.worker.renewal import Renewer
from horarium.worker.roster import Life, Roster
from horarium.worker.teller import Teller

if TYPE_CHECKING:
    from horarium.app.app import Horarium
    from horarium.engines.protocol import Engine


HEARTBEAT_EVERY: Seconds = 2.0  # told to the journal, if events are wanted


class Station:
    """One for each worker. ``post`` lets the main thread make a call; ``stop`` asks it to end in good order."""

    def __init__(
        self,
        app: Horarium,
        engine: Engine,
        clock: StoreClock,
        options: WorkerOptions,
        present: Present,
        board: Board,
        roster: Roster,
        membership: Membership,
        renewer: Renewer,
        crew: Crew,
        teller: Teller,
        *,
        post: Callable[[Callable[[], None]], None],
        stop: Callable[[], None],
    ) -> None:
        self.app = app
        self.engine = engine
        self.clock = clock
        self.options = options
        self.present = present
        self.board = board
        self.teller = teller
        self.show = shown_to_all(app)  # a message as people may see it
        self.hostname = options.name
        self.host = socket.gethostname()
        self.started: Instant = clock.now()
        self.samples: list[str] = []  # of memory, the newest last
        self._roster = roster
        self._membership = membership
        self._renewer = renewer
        self._crew = crew
        self._post = post
        self._stop = stop
        self._lock = Lock()  # guards the sizes in present
        self._afterwards: list[Callable[[], None]] = []  # of the thread of remote control
        self._later: list[tuple[Seconds, Callable[[], None]]] = []  # the same

    # Looking.

    @property
    def owner(self) -> str:
        return self._membership.owner

    def lives(self) -> list[Life]:
        return self._roster.lives()

    def running(self) -> list[tuple[Life, Running]]:
        """Return what runs now, and in which child."""
        return [(life, entry) for life in self.lives() for entry in self.board.running(life.place)]

    def node(self) -> Node:
        """Return the worker and its children as they are at this moment."""
        now = self.clock.now()
        until = now + round(self.options.lease * 1000)
        records = [
            MemberRecord(member=member, seen=now, lease_until=until, alive=True)
            for member in self._membership.members(self.lives())
        ]
        return Node(name=self.hostname, key=self.hostname, record=records[0], children=tuple(records[1:]))

    def processed(self) -> int:
        return self._membership.members(self.lives())[0].processed

    # Moving.

    def resize(self, slots: int) -> int:
        """Have so many slots in all, as far as children divide them evenly; return how many there will be.

        Raises: ImproperlyConfigured for fewer than one, or for more than there is room for.
        """
        present, options = self.present, self.options
        if not 1 <= slots <= present.most:
            raise ImproperlyConfigured(
                f"expected 1 to {present.most} slots, got {slots}; start one more worker for more than that"
            )
        with self._lock:
            if options.pool == "process":
                present.processes = slots
                self._post(lambda: self._crew.resize(slots))
            else:
                each = present.slots = -(-slots // options.children)
                self._post(lambda: self._crew.change(Change(slots=each)))
        return present.concurrency

    def scale_between(self, bounds: Range) -> None:
        """Keep the number of slots between these bounds from now on. Raises: ImproperlyConfigured as resize does."""
        if not 1 <= bounds.least <= bounds.most <= self.present.most:
            raise ImproperlyConfigured(
                f"expected 1 <= min <= max <= {self.present.most}, got max={bounds.most} min={bounds.least}"
            )
        self.present.range = bounds
        size = self.present.concurrency
        if not bounds.least <= size <= bounds.most:
            self.resize(min(max(size, bounds.least), bounds.most))

    def read(self, queues: tuple[str, ...]) -> None:
        """Let all children read these queues."""
        self.present.queues = queues
        self._change(Change(queues=queues))

    def limit(self, task: str, soft: Seconds | None, hard: Seconds | None) -> None:
        """Change the time limits of a task from its next start on."""
        self.present.limits = {**self.present.limits, task: (soft, hard)}
        self._change(Change(limits={task: (soft, hard)}))

    def tell_events(self, is_on: bool) -> None:
        """Write the events of tasks to the journal, or write them no more."""
        self.present.has_events = self.teller.is_on = is_on
        self._change(Change(events=is_on))

    def renew_pool(self) -> None:
        """Replace the children, each after what it runs."""
        self._post(self._crew.renew_all)

    def signal(self, id: str, number: int) -> None:
        """Send a signal to the process that runs this id."""
        self._post(lambda: self._signal(id, number))

    def tell_of_itself(self, type: str) -> None:
        """Write an event of the worker's own to the journal."""
        told = telling.worker(
            type,
            self.hostname,
            self.clock.now(),
            freq=HEARTBEAT_EVERY,
            active=len(self.running()),
            processed=self.processed(),
        )
        self.teller.journalist.write(told)

    def renew_lease(self) -> None:
        self._renewer.ask()

    def shut_down(self) -> None:
        """End as on TERM, once the reply is on its way."""
        self.afterwards(lambda: self._post(self._stop))

    # Calls for the thread of remote control to make.

    def afterwards(self, call: Callable[[], None]) -> None:
        """Make a call when the reply to the present command is on its way."""
        self._afterwards.append(call)

    def later(self, wait: Seconds, call: Callable[[], None]) -> None:
        """Make a call after so many seconds."""
        self._later.append((self.clock.monotonic() + wait, call))

    def run_afterwards(self) -> None:
        calls, self._afterwards = self._afterwards, []
        for call in calls:
            call()

    def run_due(self) -> Seconds | None:
        """Make the calls whose time has come; return after how long the next one is due, None if there is none."""
        now = self.clock.monotonic()
        due = [call for at, call in self._later if at <= now]
        self._later = [(at, call) for at, call in self._later if at > now]
        for call in due:
            call()
        return min((at - now for at, _ in self._later), default=None)

    def _change(self, change: Change) -> None:
        self._post(lambda: self._crew.change(change))

    def _signal(self, id: str, number: int) -> None:
        self._crew.signal(id, number)
