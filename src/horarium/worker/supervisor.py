"""The supervisor: keeps the children alive, enforces hard limits, answers signals, and ends in good order.

It runs no task and no task passes through it. Its main thread only reacts: to signals, to the zygote, to children
that are ready, to what its own threads post, and to the deadlines on the board. Renewal and sweeping have threads
and connections of their own.

Exit codes: 0 everything was finished; 1 the configuration or the store; 3 tasks that had been started were given
back; 70 a fault of Horarium or of the machine.
"""

from __future__ import annotations

import importlib
import os
import select
import signal
import threading
import traceback
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

from horarium import signals
from horarium.app.journalist import Journalist
from horarium.app.redacting import shown_to_all
from horarium.app.switches import Switched, read_switches
from horarium.clock import Seconds, StoreClock
from horarium.engines.connect import module_of
from horarium.errors import EngineError, EngineUnavailable, HorariumError, ImproperlyConfigured
from horarium.event import (
    ChildStalled,
    NameShared,
    Observer,
    Silent,
    StoreWeak,
    Troubled,
    WorkerReady,
    WorkerStarting,
    WorkerStopped,
    WorkerStopping,
)
from horarium.message import new_id
from horarium.worker.autoscale import Autoscaler
from horarium.worker.board import Board
from horarium.worker.child import Child, owner_name
from horarium.worker.crew import Crew
from horarium.worker.keeper import keeper_for
from horarium.worker.membership import Membership
from horarium.worker.nursery import Nursery
from horarium.worker.options import WorkerOptions
from horarium.worker.orders import OrderChannel
from horarium.worker.patience import Patience
from horarium.worker.present import Present, Range, most_children, most_slots
from horarium.worker.process import STOP_SIGNALS, SignalInbox, show_stacks_on
from horarium.worker.remote import Remote
from horarium.worker.renewal import Renewer
from horarium.worker.roster import Life, Roster
from horarium.worker.station import Station
from horarium.worker.sweep import Sweeper
from horarium.worker.switchman import Switchman
from horarium.worker.teller import Teller
from horarium.worker.vitals import Vitals
from horarium.worker.watchdog import Watchdog
from horarium.worker.wish import Wish, wish

if TYPE_CHECKING:
    from horarium.app.app import Horarium
    from horarium.engines.protocol import Engine

EXIT_OK = 0
EXIT_CONFIGURATION = 1
EXIT_GAVE_BACK = 3
EXIT_INTERNAL = 70

TICK: Seconds = 0.5  # the longest sleep of the main thread: limits of tasks that have started meanwhile are seen then
QUIT_WITHIN: Seconds = 1.0  # what children that must end now get for recording what is finished
BURY_WITHIN: Seconds = 0.7
BURY_CALMLY_WITHIN: Seconds = 5.0
JOIN_WITHIN: Seconds = 1.0


class Companion(Protocol):
    """Something that runs in a thread of the supervisor, such as a scheduler. ``run`` returns an exit code, or
    raises; anything but 0 ends the worker."""

    def run(self) -> int: ...

    def stop(self) -> None: ...


class Supervisor:
    """One worker. ``companions`` are made after the store is open, and run as long as the worker does."""

    def __init__(
        self,
        app: Horarium,
        options: WorkerOptions,
        *,
        observer: Observer | None = None,
        companions: Sequence[Callable[[], Companion]] = (),
    ) -> None:
        self._app = app
        self._options = options
        self._untold = observer or Silent()
        journalist = Journalist(lambda: app.engine)
        self._teller = Teller(self._untold, journalist, options.name, is_on=options.events, show=shown_to_all(app))
        self._observer: Observer = self._teller
        self._make_companions = companions
        self._companions: list[Companion] = []
        self._companion_threads: list[threading.Thread] = []
        self._id = new_id(app.clock.now())
        self._posted: deque[Callable[[], None]] = deque()
        self._stop_asked = 0  # how often
        self._deadline: Seconds | None = None  # of the present phase of stopping (monotonic)
        self._is_quitting = False
        self._exit: int | None = None
        self._was_ready = False

    @property
    def app(self) -> Horarium:
        """The app whose tasks it runs; for receivers of signals."""
        return self._app

    @property
    def hostname(self) -> str:
        """Its name; for receivers of signals."""
        return self._options.name

    def run(self) -> int:
        """Work until told to stop; return the exit code. Must be called in the main thread of a process that has no
        other threads and whose app has not been used to send anything."""
        signals.worker_init.send(self)
        self._inbox = SignalInbox([*STOP_SIGNALS, *_hangup(), signal.SIGUSR1, *_chores_of_pid_1()])
        show_stacks_on(signal.SIGUSR1, then_handle=True)
        try:
            self._prepare_fork()
            self._present = Present(self._options)
            children, slots = most_children(self._options), most_slots(self._options)
            self._board = Board(children, slots, tasks=sorted(self._app.tasks))
            self._nursery = Nursery(self._board, self._app.clock, self._bear, self._inbox)
            try:
                return self._work()
            finally:
                self._nursery.close(JOIN_WITHIN)
        except HorariumError as error:
            self._observer.tell(Troubled(where="worker", reason=str(error)))
            return EXIT_CONFIGURATION
        except Exception:  # noqa: BLE001  # a fault of ours: the zygote ends the children, and their leases lapse
            self._observer.tell(Troubled(where="worker", reason=f"this is a bug: {traceback.format_exc()}"))
            return EXIT_INTERNAL
        finally:
            self._inbox.close()

    # Beginning.

    def _prepare_fork(self) -> None:
        """Import what children need, and open nothing: they share the memory and start at once."""
        self._app.finalize()
        _ = self._app.connection.archive  # one that cannot be there is told of now
        self._app.close()
        modules = ["ctypes", *map(module_of, self._app.connection.urls)]
        modules.append(f"horarium.worker.pools.{_POOLS[self._options.pool]}")
        if any(task.is_async for task in self._app.tasks.values()):
            modules.append("asyncio")
        for module in modules:
            with suppress(ImportError):
                importlib.import_module(module)
        threads = [thread.name for thread in threading.enumerate() if thread is not threading.main_thread()]
        if threads:
            reason = f"the app's modules have started threads ({', '.join(threads)}); they do not run in the children"
            self._observer.tell(Troubled(where="import", reason=reason))

    def _bear(self, place: int, generation: int, orders: int) -> int:
        """What a child does, in its own process."""
        channel = OrderChannel.from_descriptor(orders)
        owner = owner_name(self._id, generation)
        return Child(self._app, self._options, self._board, place, owner, channel, self._untold).run()

    def _work(self) -> int:
        engine = self._open()
        if engine is None:
            return EXIT_OK  # told to stop before the store could be reached
        self._start(engine)
        while self._exit is None or self._crew.lives:
            self._react(self._crew.enforce_limits(self._clock.monotonic()))
            self._advance()
        return self._finish(engine)

    def _open(self) -> Engine | None:
        """Open the store; while it cannot be reached, try again."""
        patience = Patience(5.0, self._app.random)
        while not self._stop_asked:
            try:
                engine = self._app.engine
                engine.check()
                self._clock = StoreClock(self._app.clock, engine.now())
                self._switched = read_switches(engine, now=self._clock.now())
            except EngineUnavailable as error:
                wait = patience.next_wait()
                self._observer.tell(Troubled(where="store", reason=str(error), wait=wait))
                select.select([self._inbox], [], [], wait)
                self._stop_asked += sum(number != signal.SIGUSR1 for number in self._inbox.read())
                continue
            if not engine.capabilities.shared:
                stores = " with ".join(self._app.connection.shown)
                raise ImproperlyConfigured(
                    f"expected a store that several processes can use, got {stores}; use sqlite:///FILE"
                )
            return engine
        return None

    def _start(self, engine: Engine) -> None:
        options, observer, random = self._options, self._observer, self._app.random
        self._teller.clock = self._clock
        present, roster = self._present, Roster()
        watchdog = Watchdog(
            engine,
            self._clock,
            options,
            self._board,
            roster,
            wish=self._wish,
            stalled=self._relieve,
            present=present,
        )
        archive = self._app.connection.archive
        self._keeper = keeper_for(archive, engine, self._clock, options, observer, random, failed=self._fail)
        self._sweeper = Sweeper(
            engine,
            self._clock,
            options,
            observer,
            random,
            failed=self._fail,
            watch=watchdog.look,
            queues=lambda: present.queues,
            settled=self._keeper.owe,
            tasks=self._app.tasks,
        )
        self._membership = Membership(self._app, options, self._board, self._clock, self._id, present)
        self._renewer = Renewer(
            engine,
            self._clock,
            self._board,
            roster,
            options,
            observer,
            members=self._membership.members,
            patience=Patience(options.renew_every, random),
            lost=lambda owners: self._post(lambda: self._lose(owners)),
            terminate=lambda ids: self._post(lambda: self._crew.terminate(ids)),
            failed=self._fail,
        )
        self._vitals = Vitals(options, self._board, self._clock, observer)
        self._poller = select.poll()
        self._poller.register(self._inbox, select.POLLIN)
        self._poller.register(self._nursery, select.POLLIN)
        self._crew = Crew(
            self._nursery,
            self._board,
            roster,
            self._sweeper,
            self._renewer,
            self._membership,
            options,
            observer,
            worker=self._id,
            poller=self._poller,
            present=present,
            switched=self._switched,
        )
        self._switchman = Switchman(
            engine,
            self._clock,
            known=self._switched,
            turned=lambda switched: self._post(lambda: self._turn(switched)),
            failed=self._fail,
        )
        self._prepare_remote(engine, roster)
        self._announce(engine)
        self._crew.fill(self._clock.monotonic())
        self._renewer.start()
        self._sweeper.start()
        self._keeper.start()
        self._switchman.start()
        self._remote.start()
        self._autoscaler.start()
        for make in self._make_companions:
            companion = make()
            self._companions.append(companion)
            thread = threading.Thread(target=self._accompany, args=(companion,), name="horarium-companion", daemon=True)
            self._companion_threads.append(thread)
            thread.start()

    def _prepare_remote(self, engine: Engine, roster: Roster) -> None:
        options, present = self._options, self._present
        station = Station(
            self._app,
            engine,
            self._clock,
            options,
            present,
            self._board,
            roster,
            self._membership,
            self._renewer,
            self._crew,
            self._teller,
            post=self._post,
            stop=self._ask_stop,
        )
        if options.autoscale is not None:
            present.range = Range(*options.autoscale)
        self._remote = Remote(station, self._observer, Patience(2.0, self._app.random), failed=self._fail)
        self._autoscaler = Autoscaler(station, failed=self._fail)

    def _announce(self, engine: Engine) -> None:
        options = self._options
        self._observer.tell(
            WorkerStarting(
                name=options.name,
                app=self._app.main,
                store=engine.url,
                pool=options.pool,
                concurrency=options.processes * options.slots,
                queues=options.queues,
                tasks=tuple(self._app.tasks.own),
            )
        )
        with suppress(EngineUnavailable):  # these warnings are not worth a wait
            for weakness in engine.weaknesses():
                self._observer.tell(StoreWeak(where="worker", weakness=weakness))
            other = self._membership.namesake(engine)
            if other is not None:
                self._observer.tell(NameShared(name=other.name, pid=other.pid, host=other.host))

    def _accompany(self, companion: Companion) -> None:
        try:
            code = companion.run()
            if code != EXIT_OK:  # it has told why
                self._post(lambda: self._ask_stop(at_once=True, code=code))
        except Exception as error:  # noqa: BLE001  # a worker that was to schedule and cannot must not look healthy
            self._fail(error)

    # Reacting.

    def _react(self, wait: Seconds) -> None:
        """Sleep until something happens, and answer it."""
        self._poller.poll(max(0.0, min(wait, TICK)) * 1000)
        for number in self._inbox.read():
            self._hear(number)
        while self._posted:
            self._posted.popleft()()
        frames = self._nursery.read_now()
        now = self._clock.monotonic()
        if frames is None or self._nursery.is_frozen(now):
            self._lose_zygote()
            return
        for frame in frames:
            self._crew.note(frame, now)
        if self._crew.is_ready() and not self._was_ready:
            self._was_ready = True
            self._observer.tell(WorkerReady(name=self._options.name))
            signals.worker_ready.send(self)
        if self._exit is None:
            self._crew.fill(now)
        self._vitals.write(self._state, lambda: self._crew.places)

    def _state(self) -> str:
        if self._exit is not None:
            return "stopping"
        return "running" if self._was_ready else "starting"

    def _hear(self, number: int) -> None:
        if number == signal.SIGUSR1:
            self._nursery.dump()
        elif number == signal.SIGCHLD:
            _reap_orphans(self._nursery.pid)
        else:
            self._ask_stop(at_once=number == signal.SIGQUIT, sig=signal.Signals(number).name)

    def _post(self, call: Callable[[], None]) -> None:
        """Let the main thread make a call."""
        self._posted.append(call)
        self._inbox.wake()

    def _lose(self, owners: tuple[str, ...]) -> None:
        self._membership.note_lost(owners)
        self._crew.lose(owners)

    def _turn(self, switched: Switched) -> None:
        self._switched = switched
        self._crew.turn(switched)

    def _wish(self) -> Wish:
        return wish(self._app.tasks.values(), self._app.conf, self._options, self._switched, self._present.queues)

    def _relieve(self, life: Life, due: int) -> None:
        """Let a fresh child take the place of one that claims nothing."""
        self._observer.tell(ChildStalled(pid=life.pid, due=due))
        self._post(lambda: self._crew.relieve(life))

    def _lose_zygote(self) -> None:
        """Without it no child lives, and none can be born: threads forbid a second one."""
        self._nursery.kill_zygote()
        self._crew.bury_all("the zygote has ended")
        self._stop_companions()
        self._observer.tell(Troubled(where="zygote", reason="it has ended or is frozen; the worker ends with it"))
        self._exit = EXIT_INTERNAL

    def _fail(self, error: Exception) -> None:
        """End because of an error in one of the threads."""
        self._post(lambda: self._end_because_of(error))

    # Ending.

    def _end_because_of(self, error: Exception) -> None:
        """The first error is told; those of the other threads, which meet the same store, would only repeat it."""
        if not self._exit:
            self._observer.tell(Troubled(where="worker", reason=f"{type(error).__name__}: {error}"))
        code = EXIT_CONFIGURATION if isinstance(error, EngineError | ImproperlyConfigured) else EXIT_INTERNAL
        self._ask_stop(at_once=True, code=code)

    def _ask_stop(self, *, at_once: bool = False, code: int = EXIT_OK, sig: str = "") -> None:
        self._stop_asked += 1
        self._exit = max(self._exit or EXIT_OK, code)
        how = "Cold" if at_once or self._stop_asked > 1 else "Warm"
        signals.worker_shutting_down.send(self.hostname, sig=sig, how=how, exitcode=self._exit)
        if self._stop_asked == 1:
            patience = 0.0 if at_once else self._options.grace
            self._observer.tell(WorkerStopping(name=self._options.name, patience=patience))
            self._stop_companions()
            self._crew.drain()
            self._deadline = self._clock.monotonic() + patience
        else:
            self._deadline = self._clock.monotonic() if not self._is_quitting else self._deadline

    def _stop_companions(self) -> None:
        for companion in self._companions:
            companion.stop()

    def _advance(self) -> None:
        """Go on to the next phase of stopping when the present one has had its time."""
        now = self._clock.monotonic()
        if self._deadline is None or now < self._deadline:
            return
        if not self._is_quitting:
            self._is_quitting = True
            self._deadline = now + QUIT_WITHIN
            self._crew.quit()
        else:
            self._crew.kill_all()

    def _finish(self, engine: Engine) -> int:
        buried = self._sweeper.finish(BURY_WITHIN if self._is_quitting else BURY_CALMLY_WITHIN)
        self._keeper.finish(JOIN_WITHIN)
        self._switchman.stop(JOIN_WITHIN)
        self._renewer.stop(JOIN_WITHIN)
        self._autoscaler.stop(0.0 if self._is_quitting else JOIN_WITHIN)
        self._remote.stop(0.0 if self._is_quitting else JOIN_WITHIN)
        self._teller.journalist.close(0.0 if self._is_quitting else JOIN_WITHIN)
        self._vitals.end()
        for thread in self._companion_threads:
            thread.join(0.0 if self._is_quitting else JOIN_WITHIN)
        if buried:
            with suppress(EngineError):  # it would be noticed when the lease lapses
                engine.inspector.leave([self._membership.owner], now=self._clock.now())
        signals.worker_shutdown.send(self)
        self._observer.tell(WorkerStopped(name=self._options.name, given_back=tuple(self._crew.given_back)))
        self._app.close()
        if self._exit == EXIT_OK and self._crew.given_back:
            return EXIT_GAVE_BACK
        return self._exit or EXIT_OK


_POOLS = {"process": "process", "thread": "thread", "async": "loop"}


def _hangup() -> list[int]:
    """A closed terminal ends the worker, unless it was started with nohup."""
    return [] if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN else [signal.SIGHUP]


def _chores_of_pid_1() -> list[int]:
    """The first process of a container inherits all orphans, and must reap them."""
    return [signal.SIGCHLD] if os.getpid() == 1 else []


def _reap_orphans(zygote: int) -> None:
    with suppress(ChildProcessError):
        while True:
            ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            if ended is None or ended.si_pid == zygote:
                return
            os.waitpid(ended.si_pid, 0)
