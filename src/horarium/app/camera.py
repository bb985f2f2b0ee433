"""Snapshots of what events add up to, at intervals: Celery's ``Polaroid``, for ``horarium events --camera``."""

from __future__ import annotations

from threading import Event, Thread
from typing import Any, Self

from horarium.app.event_state import State
from horarium.clock import Clock, Seconds, SystemClock
from horarium.rate import per_second


class Polaroid:
    """Calls ``on_shutter(state)`` every ``freq`` seconds; no event is taken in meanwhile. Subclasses say what it does.

    ``maxrate`` bounds how often, as ``'10/m'``. ``clear_after``: forget what was shown. Use it in a ``with`` block.
    """

    clear_after = False

    def __init__(
        self,
        state: State,
        freq: Seconds = 1.0,
        maxrate: str | float | None = None,
        cleanup_freq: Seconds = 3600.0,
        timer: Any = None,
        app: Any = None,
        clock: Clock | None = None,
    ) -> None:
        self.app = app
        self.state = state
        self.freq = freq
        self.cleanup_freq = cleanup_freq
        rate = per_second(maxrate)
        self._clock = clock or SystemClock()
        self._least_wait: Seconds = 0.0 if rate is None else 1.0 / rate
        self._shot_at: Seconds | None = None
        self._cleaned_at = self._clock.monotonic()
        self._stopping = Event()
        self._thread: Thread | None = None
        self.error: Exception | None = None  # what ended it, if something has

    def on_shutter(self, state: State) -> None:
        """What to do with a snapshot."""

    def on_cleanup(self) -> None:
        """What to do once in ``cleanup_freq`` seconds."""

    def shutter(self) -> None:
        """Take a snapshot, unless ``maxrate`` forbids it."""
        now = self._clock.monotonic()
        if self._shot_at is None or now - self._shot_at >= self._least_wait:
            self._shot_at = now
            self.on_shutter(self.state)

    def capture(self) -> None:
        """Take a snapshot while no event is taken in."""
        self.state.freeze_while(self.shutter, clear_after=self.clear_after)

    def install(self) -> None:
        """Begin."""
        self._stopping.clear()
        self._thread = Thread(target=self._run, name="horarium-camera", daemon=True)
        self._thread.start()

    def cancel(self) -> None:
        """End with a last snapshot. Stopping twice, or before starting, is fine."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._stopping.set()
            thread.join()
            if self.error is None:
                self.capture()

    def _run(self) -> None:
        try:
            while not self._stopping.wait(self.freq):
                self.capture()
                if self._clock.monotonic() - self._cleaned_at >= self.cleanup_freq:
                    self._cleaned_at = self._clock.monotonic()
                    self.on_cleanup()
        except Exception as error:  # noqa: BLE001  # user code: whoever waits for events finds it here
            self.error = error

    def __enter__(self) -> Self:
        self.install()
        return self

    def __exit__(self, *exc: object) -> None:
        self.cancel()
