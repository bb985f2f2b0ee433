"""The scheduler: a loop that fires what is due. Any number of them may run, in any processes; none is special.

That each firing is enqueued once is the store's doing (Schedules.fire); a scheduler only offers. It holds no schedules,
so it neither grows with their number nor has anything to lose: killed at any moment, another one goes on.
"""

from __future__ import annotations

import os
import queue
import signal
import threading
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from types import FrameType
from typing import TYPE_CHECKING

from horarium import signals
from horarium.clock import Instant, Seconds
from horarium.engines.protocol import Listener
from horarium.engines.records import SCHEDULE_TOPIC
from horarium.errors import (
    EngineError,
    EngineUnavailable,
    HorariumError,
    ImproperlyConfigured,
    ScheduleConflict,
    StoreUnusable,
)
from horarium.event import Observer, Recovered, SchedulerStarting, SchedulerStopped, Silent, StoreWeak, Troubled
from horarium.pulse import Place, Writer
from horarium.scheduler.firing import fire_due
from horarium.scheduler.known import KnownTasks
from horarium.scheduler.membership import Membership
from horarium.scheduler.patrol import Patrol
from horarium.scheduler.source import Source, source_for
from horarium.scheduler.timekeeper import Timekeeper
from horarium.schedules.record import Schedule

if TYPE_CHECKING:
    from horarium.app.app import Horarium

BATCH = 1000  # schedules of one transaction: long enough to spare fsyncs, short enough to let others in
BATCHES = 100  # of one tick; then lease and clock come first again
LONGEST_SLEEP: Seconds = 1.0  # a hint may be lost, and an edit is to be seen within a second
PATROL_EVERY: Seconds = 5.0
PULSE_EVERY: Seconds = 1.0
FIRST_PAUSE: Seconds = 0.1
LONGEST_PAUSE: Seconds = 5.0

WHERE = "beat"  # the place of a scheduler's troubles

EXIT_DONE = 0
EXIT_STORE = 1


class Scheduler:
    """A scheduler of an app. ``run`` blocks until ``stop``; ``max_interval`` is how long it sleeps at the most.

    Made with no ``name`` it is ``beat@host``; without an ``observer`` nobody hears of what it does;
    without a ``run_dir`` ("": the default one) it writes no pulse for `horarium health`. Its ``source`` of schedules is
    the one that the setting ``beat_scheduler`` names. Raises: ImproperlyConfigured when that names none.
    """

    def __init__(
        self,
        app: Horarium,
        *,
        name: str | None = None,
        max_interval: Seconds | None = None,
        observer: Observer | None = None,
        run_dir: str | None = None,
        source: Source | None = None,
    ) -> None:
        self._app = app
        self._source = source or source_for(app)
        self.name = name or f"beat@{os.uname().nodename}"
        longest = max_interval or app.conf.beat_max_loop_interval or LONGEST_SLEEP
        self._longest_sleep = min(longest, self._source.every or longest)
        self._observer = observer or Silent()
        self._time = Timekeeper(app.clock, self._observer)
        self._membership = Membership(self.name, app.main, app.clock, app.conf.worker_lease)
        self._known = KnownTasks(app, app.clock)
        self._patrol = Patrol(app, self._observer)
        self._patrolled_at: Seconds = float("-inf")  # a reading of the monotonic clock
        self._run_dir = run_dir
        self._pulse: Writer | None = None
        self._pulsed_at: Seconds = float("-inf")  # a reading of the monotonic clock
        self._is_synced = False
        self._failures = 0  # in a row
        self._is_stopping = False
        self._listener: Listener | None = None
        # Stop requests for a loop that has no listener; put() may be called from a signal handler, Event.set() may not.
        self._stops: queue.SimpleQueue[None] = queue.SimpleQueue()

    @property
    def app(self) -> Horarium:
        """The app whose schedules it fires; for receivers of signals."""
        return self._app

    def run(self) -> int:
        """Fire schedules until told to stop (``stop``; TERM and INT if this is the main thread); return an exit code.

        A store that cannot be reached is waited for. 0: stopped in good order. 1: the store cannot be worked with.
        """
        signals.beat_init.send(self)
        if self._is_companion():
            signals.beat_embedded_init.send(self)
        self._observer.tell(SchedulerStarting(name=self.name, store=self._app.connection.shown[0]))
        with self._hearing_signals():
            try:
                while not self._is_stopping:
                    self._sleep(self._round())
            except (StoreUnusable, ImproperlyConfigured) as error:
                self._observer.tell(Troubled(where=WHERE, reason=str(error)))
                return EXIT_STORE
            finally:
                self._leave()
        self._observer.tell(SchedulerStopped(name=self.name))
        return EXIT_DONE

    def stop(self) -> None:
        """Ask ``run`` to end after the transaction in hand. From any thread or signal handler, any number of times,
        before ``run`` too."""
        self._is_stopping = True
        self._stops.put(None)
        listener = self._listener
        if listener is not None:
            listener.wake()

    def sync(self, now: Instant) -> int:
        """Store what is defined now; return how many schedules that changed. ``run`` does it once, first."""
        return self._source.begin(self._app.engine, now=now, observer=self._observer)

    def follow(self, now: Instant) -> int:
        """Store what has been edited where schedules are defined; return how many changed. ``run`` does it each time
        before it fires. A source that cannot be asked is told once; what is stored fires all the same."""
        try:
            changed = self._source.follow(self._app.engine, now=now, observer=self._observer)
        except Exception as error:  # noqa: BLE001  # edits wait until it can be asked again; no schedule does
            self._note_source(error)
            return 0
        if self._membership.trouble:
            self._membership.tell("")
            self._observer.tell(Recovered(where=f"{WHERE} source"))
        return changed

    def _note_source(self, error: Exception) -> None:
        is_foreseen = isinstance(error, HorariumError)
        told = str(error) if is_foreseen else f"{type(error).__name__}: {error}"
        if not self._membership.trouble:
            lines = "" if is_foreseen else "".join(traceback.format_exception(error))
            self._observer.tell(
                Troubled(where=f"{WHERE} source", reason=told, wait=self._longest_sleep, traceback=lines)
            )
        self._membership.tell(told)

    def tick(self, now: Instant) -> Seconds:
        """Fire all that is due at ``now``; return how long nothing will be, and ``max_interval`` at the most.

        Raises: EngineUnavailable; what was fired then stays fired.
        """
        engine = self._app.engine
        knows = partial(self._known.has, engine=engine, now=now)
        for _ in range(BATCHES):
            coming = engine.schedules.due(now + round(self._longest_sleep * 1000), BATCH)
            due = [schedule for schedule in coming if _next(schedule) <= now]
            if not due:
                return (_next(coming[0]) - now) / 1000 if coming else self._longest_sleep
            fired = fire_due(self._app, engine, due, now=now, knows=knows, observer=self._observer)
            self._patrol.note(fired.troubled, fired.running)
            self._show(fired.moved, now)
            if not fired.moved and not fired.troubled:
                return FIRST_PAUSE  # others were faster with all of them, or are editing them
        return 0.0

    def _show(self, names: Sequence[str], now: Instant) -> None:
        try:
            self._source.fired(names, self._app.engine, now=now)
        except Exception as error:  # noqa: BLE001  # it is shown later; what was fired stays fired
            self._note_source(error)

    def patrol(self, now: Instant) -> int:
        """Look whether schedules in error can fire again; return how many can. ``run`` does it every few seconds."""
        engine = self._app.engine
        self._patrolled_at = self._app.clock.monotonic()
        return self._patrol.turn(engine, now=now, knows=partial(self._known.has, engine=engine, now=now))

    def _round(self) -> Seconds:
        """Do what is to be done now; return how long to sleep."""
        try:
            wait = self._work()
        except (EngineUnavailable, ScheduleConflict) as error:
            return self._pause_after(str(error))
        except (StoreUnusable, ImproperlyConfigured):
            raise
        except Exception as error:
            if not self._is_synced:
                raise  # the code of the app is wrong, or ours: whoever starts it should see it fail
            # A firing is stored whole or not at all: what was not is due for the next round, or for another scheduler.
            reason = f"{type(error).__name__}: {error}; what was not fired is still due"
            return self._pause_after(reason, unforeseen=traceback.format_exc())
        if self._failures:
            self._failures = 0
            self._observer.tell(Recovered(where=WHERE))
        return wait

    def _work(self) -> Seconds:
        engine, clock = self._app.engine, self._app.clock
        now = self._time.correct(engine.now())
        began = clock.monotonic()
        if self._listener is None:
            self._listener = engine.notifier.listen([SCHEDULE_TOPIC])
        self._membership.renew(engine, now=now, skew=self._time.skew())
        if not self._is_synced:
            if not self._is_companion():  # else its worker has told
                for weakness in engine.weaknesses():
                    self._observer.tell(StoreWeak(where=WHERE, weakness=weakness))
            self.sync(now)
            self._is_synced = True
        if clock.monotonic() - self._patrolled_at >= PATROL_EVERY:
            self.patrol(now)
        self.follow(now)
        wait = self.tick(now)
        self._show_pulse(wait)
        # It counts from ``now``, and firing took a while: whatever follows closely would be late by that.
        return max(0.0, wait - (clock.monotonic() - began))

    def _show_pulse(self, wait: Seconds) -> None:
        """Show that the loop has fired what was due, and will look again after ``wait``."""
        now = self._app.clock.monotonic()
        if self._run_dir is None or now - self._pulsed_at < PULSE_EVERY:
            return
        if self._pulse is None:
            self._pulse = Writer(self._run_dir, "beat", self.name)
            if self._pulse.trouble:
                self._observer.tell(Troubled(where=WHERE, reason=self._pulse.trouble))
        self._pulsed_at = now
        self._pulse.write(now + wait, "running", (Place("loop", now + wait, "looked"),))

    def _pause_after(self, reason: str, *, unforeseen: str = "") -> Seconds:
        """Return how long to wait before the next try; tell of the first failure in a row."""
        pause: Seconds = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(self._failures, 16))
        jitter: float = self._app.random.random()
        wait = pause * (0.5 + jitter / 2)  # so that many schedulers do not come back in step
        if not self._failures:
            self._observer.tell(Troubled(where=WHERE, reason=reason, wait=wait, traceback=unforeseen))
        self._failures += 1
        return wait

    def _sleep(self, wait: Seconds) -> None:
        if self._is_stopping or wait <= 0:
            return
        if self._listener is not None and not self._failures:
            self._listener.wait(wait)
            return
        with suppress(queue.Empty):
            self._stops.get(timeout=wait)

    def _leave(self) -> None:
        """Say goodbye, so that nobody waits for the lease; a store that is away learns it from the lease."""
        if self._pulse is not None:
            self._pulse.end()
        listener, self._listener = self._listener, None
        self._source.close()
        try:
            if listener is not None:
                listener.close()
            if self._app.connection.is_open:
                self._membership.leave(self._app.engine)
        except StoreUnusable:
            pass  # what ``run`` ends with and has told; there is nobody left to sign off from
        except EngineError as error:
            self._observer.tell(Troubled(where=WHERE, reason=f"could not sign off: {error}"))

    @contextmanager
    def _hearing_signals(self) -> Iterator[None]:
        if self._is_companion():
            yield
            return
        before = {number: signal.signal(number, self._hear) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _is_companion(self) -> bool:
        """Whether it runs in a thread of a worker."""
        return threading.current_thread() is not threading.main_thread()

    def _hear(self, number: int, frame: FrameType | None) -> None:
        self.stop()


def _next(schedule: Schedule) -> Instant:
    return schedule.next_fire or 0  # never None in what ``due`` returns
