"""The runner: one thread for each part, tried again when a side is away, until told to stop."""

from __future__ import annotations

import queue
import signal
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from threading import Event, Thread
from types import FrameType

from horarium.bridge.carrier import BrokerAway
from horarium.bridge.part import IDLE, Part, Surroundings
from horarium.clock import Seconds
from horarium.errors import EngineError, EngineUnavailable, ImproperlyConfigured, StoreUnusable
from horarium.event import BridgeCounted, BridgeStarting, BridgeStopped, Recovered, Troubled

FIRST_PAUSE: Seconds = 0.1
LONGEST_PAUSE: Seconds = 5.0
COUNTED_EVERY: Seconds = 60.0
FAREWELL: Seconds = 15.0  # how long the turns in hand may take at the end; each is bounded by less
ONCE_WAIT: Seconds = 1.0  # a broker that pushes needs a moment to send its first

EXIT_DONE = 0
EXIT_FAULT = 1


class Bridge:
    """A bridge of an app. ``run`` blocks until ``stop``. ``ways`` say for people what goes where."""

    def __init__(self, around: Surroundings, parts: Sequence[Part], ways: Sequence[str], stops: Stops) -> None:
        self._around = around
        self._parts = tuple(parts)
        self._ways = tuple(ways)
        self._stops = stops
        self._fault: Exception | None = None

    def run(self) -> int:
        """Carry until told to stop (``stop``; TERM and INT). A side that is away is waited for. Returns an exit code:
        0 stopped in good order, 1 the store or a setting cannot be worked with."""
        self._announce()
        threads = [
            Thread(target=self._keep_turning, args=(part,), name=f"horarium-{part.name}", daemon=True)
            for part in self._parts
        ]
        with self._stops.hearing_signals():
            for thread in threads:
                thread.start()
            self._wait()
            self._stops.stop()
            until = self._around.app.clock.monotonic() + FAREWELL
            for thread in threads:
                thread.join(max(0.0, until - self._around.app.clock.monotonic()))
        self._around.observer.tell(BridgeStopped(name=self._around.name, counts=self._around.counts.as_text()))
        return EXIT_DONE if self._fault is None else EXIT_FAULT

    def run_once(self) -> int:
        """Carry what is there now and return. Raises: BrokerAway, EngineUnavailable; what was carried stays carried."""
        self._announce()
        with self._stops.hearing_signals():
            try:
                for part in self._parts:
                    while part.turn(ONCE_WAIT) and not self._stops.are_asked_for():
                        pass
            finally:
                for part in self._parts:
                    part.close()
        self._around.observer.tell(BridgeStopped(name=self._around.name, counts=self._around.counts.as_text()))
        return EXIT_DONE

    def _announce(self) -> None:
        shown = self._around.app.connection.shown[0]
        self._around.observer.tell(BridgeStarting(name=self._around.name, store=shown, ways=self._ways))

    def _wait(self) -> None:
        """Wait for the end; say now and then what was done, if anything was."""
        before = ""
        while not self._stops.wait(COUNTED_EVERY):
            counts = self._around.counts.as_text()
            if counts != before:
                self._around.observer.tell(BridgeCounted(name=self._around.name, counts=counts))
            before = counts

    def _keep_turning(self, part: Part) -> None:
        failures = 0
        try:
            while not self._stops.are_asked_for():
                try:
                    part.turn(IDLE)
                except (BrokerAway, EngineUnavailable) as error:
                    failures = self._pause(part, str(error), failures)
                except (StoreUnusable, ImproperlyConfigured):
                    raise
                except Exception as error:  # noqa: BLE001  # a fault of ours: what is not carried is carried later
                    failures = self._pause(
                        part, f"{type(error).__name__}: {error}", failures, unforeseen=traceback.format_exc()
                    )
                else:
                    if failures:
                        failures = 0
                        self._around.observer.tell(Recovered(where=part.name))
        except (StoreUnusable, ImproperlyConfigured) as error:
            self._fault = error
            self._around.observer.tell(Troubled(where=part.name, reason=str(error)))
            self._stops.stop()
        finally:
            self._close(part)

    def _pause(self, part: Part, reason: str, failures: int, *, unforeseen: str = "") -> int:
        """Close a part and wait before its next try; tell of the first failure in a row. Return how many there were."""
        self._close(part)
        pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(failures, 16)) * (0.5 + self._around.app.random.random() / 2)
        if not failures:
            self._around.observer.tell(Troubled(where=part.name, reason=reason, wait=pause, traceback=unforeseen))
        self._stops.sleep(pause)
        return failures + 1

    def _close(self, part: Part) -> None:
        try:
            part.close()
        except (BrokerAway, EngineError, OSError) as error:
            if self._stops.are_asked_for():
                self._around.observer.tell(Troubled(where=part.name, reason=f"could not sign off: {error}"))


class Stops:
    """Who asked the bridge to stop, heard by all of its threads. Asking twice, or before the start, is fine."""

    def __init__(self) -> None:
        self._asked = Event()
        # put() may be called from a signal handler, Event.set() may not.
        self._heard: queue.SimpleQueue[None] = queue.SimpleQueue()

    def stop(self) -> None:
        """Ask; not from a signal handler."""
        self._asked.set()
        self._heard.put(None)

    def are_asked_for(self) -> bool:
        return self._asked.is_set() or not self._heard.empty()

    def wait(self, timeout: Seconds) -> bool:
        """Wait in the main thread until somebody asks; tell whether somebody did."""
        with suppress(queue.Empty):
            self._heard.get(timeout=timeout)
            self._asked.set()
        return self._asked.is_set()

    def sleep(self, timeout: Seconds) -> None:
        """Wait in a part's thread; asking ends it."""
        self._asked.wait(timeout)

    @contextmanager
    def hearing_signals(self) -> Iterator[None]:
        before = {number: signal.signal(number, self._hear) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _hear(self, number: int, frame: FrameType | None) -> None:
        self._heard.put(None)
