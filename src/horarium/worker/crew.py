"""The crew: the children as the supervisor's main thread sees them, from birth to burial."""

from __future__ import annotations

import os
import select
import signal
from contextlib import suppress

import msgspec

from horarium.app.switches import Switched, without_words
from horarium.clock import Seconds
from horarium.event import ChildLost, Observer, Troubled
from horarium.worker.board import FOREVER, Board
from horarium.worker.child import owner_name
from horarium.worker.membership import Membership
from horarium.worker.nursery import Nursery, describe_errno, describe_status
from horarium.worker.options import WorkerOptions
from horarium.worker.orders import Change, Drain, End, Order, Quit, Ready, Turned
from horarium.worker.pools.pool import STUBBORN
from horarium.worker.present import Present
from horarium.worker.renewal import Renewer
from horarium.worker.roster import Life, Roster, Sentence, decide_burial
from horarium.worker.sweep import Sweeper
from horarium.worker.wire import Frame, Verb

FIRST_DELAY: Seconds = 0.2  # before a child is replaced that ended without having started anything
LONGEST_DELAY: Seconds = 10.0
IDS_PER_ORDER = 100


class Crew:
    """Bears, sentences and buries children. Used by the main thread alone."""

    def __init__(
        self,
        nursery: Nursery,
        board: Board,
        roster: Roster,
        sweeper: Sweeper,
        renewer: Renewer,
        membership: Membership,
        options: WorkerOptions,
        observer: Observer,
        *,
        worker: str,
        poller: select.poll,
        switched: Switched,
        present: Present | None = None,
    ) -> None:
        self._nursery = nursery
        self._board = board
        self._roster = roster
        self._sweeper = sweeper
        self._renewer = renewer
        self._membership = membership
        self._options = options
        self._present = present or Present(options)
        self._observer = observer
        self._worker = worker
        self._poller = poller
        self._switched = without_words(switched)
        self._generation = 0
        self._due = dict.fromkeys(range(options.processes), 0.0)  # vacant places: when to fill them (monotonic)
        self._failures = dict.fromkeys(range(board.children), 0)  # useless lives in a row, by place
        self._retired: set[int] = set()  # places that stay vacant when who lives there has ended
        self._is_stopping = False
        # In threads and coroutines the child enforces hard limits itself; only when it cannot, it is killed.
        self._patience = 0.0 if options.pool == "process" else STUBBORN
        self.given_back: list[str] = []  # ids that had been started when the worker stopped

    @property
    def places(self) -> list[int]:
        """Where a child lives or is to be born, in order."""
        return sorted(({life.place for life in self.lives} | set(self._due)) - self._retired)

    @property
    def lives(self) -> list[Life]:
        return self._roster.lives()

    def fill(self, now: Seconds) -> None:
        """Let children be born in the places that are vacant and due."""
        for place, due in list(self._due.items()):
            if due <= now:
                del self._due[place]
                self._bear(place, now)

    def is_ready(self) -> bool:
        """Whether every place has a child that looks at its queues."""
        for life in self.lives:
            if not life.is_ready and any(isinstance(order, Ready) for order in life.orders.read() or ()):
                life.is_ready = True
                self._poller.unregister(life.orders)
        return not self._due and all(life.is_ready for life in self.lives)

    def note(self, frame: Frame, now: Seconds) -> None:
        """Take in what the zygote has reported."""
        life = self._roster.find(frame.child, frame.generation)
        if life is None:
            return
        match frame.verb:
            case Verb.BORN:
                life.pid = frame.value
            case Verb.UNBORN:
                self._observer.tell(Troubled(where="fork", reason=describe_errno(frame.value), wait=FIRST_DELAY))
                self._bury(life, now, status="it could not be forked", lapsed=True)
            case Verb.GONE:
                self._bury(life, now, status=describe_status(frame.value), lapsed=frame.lapsed)

    def enforce_limits(self, now: Seconds) -> Seconds:
        """Kill children whose task has run into its hard limit; return how long none other can."""
        earliest = FOREVER
        for life in self.lives:
            for running in self._board.running(life.place):
                deadline = running.deadline + self._patience
                if deadline > now:
                    earliest = min(earliest, deadline)
                elif life.sentence is None:
                    self._sentence(life, Sentence("limit", running.slot, running.sequence))
        for due in self._due.values():
            earliest = min(earliest, due)
        return earliest - now

    def terminate(self, ids: tuple[str, ...]) -> None:
        """End these ids wherever they run or stand in line. A child that has moved on is left alone."""
        wanted = set(ids)
        for life in self.lives:
            if self._options.pool == "process":
                for running in self._board.running(life.place):
                    if running.id in wanted and life.sentence is None:
                        self._sentence(life, Sentence("revoked", running.slot, running.sequence))
            for start in range(0, len(ids), IDS_PER_ORDER):
                life.orders.send(End(ids[start : start + IDS_PER_ORDER]))

    def lose(self, owners: tuple[str, ...]) -> None:
        """Kill the children whose deliveries the store has given to others."""
        for life in self.lives:
            if life.owner in owners and life.sentence is None:
                self._sentence(life, Sentence("lost"))

    def relieve(self, life: Life) -> None:
        """Let one child finish what it runs and end; its place is filled anew."""
        if life in self.lives and life.sentence is None:
            life.orders.send(Drain())

    def resize(self, children: int) -> None:
        """Have so many children: bear more, or let some finish what they run and end, the idle ones first."""
        if self._is_stopping:
            return
        staying = [life for life in self.lives if life.place not in self._retired]
        surplus = len(staying) + len(self._due) - children
        for place in sorted(self._due, reverse=True)[: max(0, surplus)]:
            del self._due[place]
            surplus -= 1
        for life in sorted(staying, key=lambda life: (len(self._board.running(life.place)), -life.place)):
            if surplus > 0 and life.sentence is None:
                self._retire(life)
                surplus -= 1
        taken = {life.place for life in self.lives} | set(self._due)
        vacant = (place for place in range(self._board.children) if place not in taken)
        for place, _ in zip(vacant, range(-surplus), strict=False):
            self._due[place] = 0.0

    def renew_all(self) -> None:
        """Let a fresh child take the place of each one, after what it runs."""
        for life in self.lives:
            if life.sentence is None:
                life.orders.send(Drain())

    def change(self, change: Change) -> None:
        """Tell all children to be different; those that are born later are told at their birth."""
        self._order(change)

    def signal(self, id: str, number: int) -> bool:
        """Send a signal to the process that runs this id, and to what it has started; False if none runs it here."""
        for life in self.lives:
            if any(running.id == id for running in self._board.running(life.place)):
                self._nursery.signal(life.place, life.generation, number)
                return True
        return False

    def turn(self, switched: Switched) -> None:
        """Tell everybody how the switches stand now."""
        self._switched = without_words(switched)
        self._order(Turned(self._switched))

    def drain(self) -> None:
        """Let everybody finish what runs. Those that never got a lease have nothing to finish."""
        self._is_stopping = True
        self._order(Drain())
        for life in self.lives:
            if not life.was_told_to_go:
                self._sentence(life, Sentence("quit"))

    def quit(self) -> None:
        """Let everybody record what is finished, and end."""
        self._is_stopping = True
        self._order(Quit())

    def kill_all(self) -> None:
        for life in self.lives:
            if life.sentence is None:
                self._sentence(life, Sentence("quit"))

    def bury_all(self, reason: str) -> None:
        """The zygote is dead: its children die with it, and this makes sure of that."""
        self._is_stopping = True
        for life in self.lives:
            if life.pid:
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(life.pid, signal.SIGKILL)
            self._bury(life, 0.0, status=reason, lapsed=True)

    def _bear(self, place: int, now: Seconds) -> None:
        self._generation += 1
        self._board.clear(place)
        orders = self._nursery.bear(place, self._generation)
        self._poller.register(orders, select.POLLIN)
        owner = owner_name(self._worker, self._generation)
        orders.send(Turned(self._switched))  # before others can see it, and tell it to go
        change = self._present.as_change()
        if change is not None:
            orders.send(change)
        self._roster.admit(Life(place, self._generation, owner, orders, now))
        self._renewer.ask()

    def _sentence(self, life: Life, sentence: Sentence) -> None:
        life.sentence = sentence
        self._nursery.kill(life.place, life.generation)

    def _retire(self, life: Life) -> None:
        self._retired.add(life.place)
        if life.was_told_to_go:
            life.orders.send(Drain())
        else:  # it never had a lease, so it has nothing to finish
            self._sentence(life, Sentence("quit"))

    def _order(self, order: Order) -> None:
        for life in self.lives:
            life.orders.send(order)

    def _bury(self, life: Life, now: Seconds, *, status: str, lapsed: bool) -> None:
        board, place = self._board, life.place
        self._roster.dismiss(life)
        if not life.is_ready:
            self._poller.unregister(life.orders)
        life.orders.close()
        was_useful = board.has_started_any(place) or board.has_ended(place)
        running = board.running(place)
        burial = decide_burial(
            life.owner, running, status=status, ended=board.has_ended(place), lapsed=lapsed, sentence=life.sentence
        )
        self._membership.note_ended(board.processed(place))
        if burial.was_crash:
            hit = tuple((entry.task, entry.id) for entry in running)
            self._observer.tell(ChildLost(pid=life.pid, owner=life.owner, reason=status, running=hit))
        if self._is_stopping:
            self.given_back += burial.given_back
        finished = tuple(board.ledgers[place].read())
        self._sweeper.bury(msgspec.structs.replace(burial, finished=finished))
        self._failures[place] = 0 if was_useful else self._failures[place] + 1
        delay = 0.0 if was_useful else min(LONGEST_DELAY, FIRST_DELAY * 2.0 ** (self._failures[place] - 1))
        if place in self._retired:
            self._retired.discard(place)
            self._failures[place] = 0
            return
        self._due[place] = now + delay
