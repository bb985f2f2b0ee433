"""A scene: a site with real workers, a scheduler and producers at work, on which a fault is played; and the reckoning.

The whole account is judged in the end (history.complaints), a run in which the fault met no work proves nothing and
fails, and how long it took until work went on is written down (report.py).
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import history
import report
from firings import Editor
from ground import Ground, Program, wait_for
from history import History, boot_ns, complaints
from proxy import Proxy
from sites import ServedSite, Site

LEASE = 2.0  # of the workers here; they sweep every second
QUIET_WITHIN = 60.0
# Working again: within so long after a server is back, or the network is.
RECOVERED_WITHIN = 5.0
SCHEDULE = "tick"


class Scene:
    """``proxied`` lets the processes reach the store by ``proxy`` only; the test itself never does."""

    def __init__(self, site: Site, folder: Path, *, proxied: bool = False) -> None:
        self.site = site
        self.folder = folder
        self._proxy = Proxy(site.server.port) if proxied and isinstance(site, ServedSite) else None
        through = site.through(self._proxy.__enter__()) if self._proxy else None
        self.ground = Ground(folder, url=site.url, through=through)
        self.ground.environment["CRASH_SCHEDULES"] = SCHEDULE
        self.producers: list[Program] = []
        self.beats: list[Program] = []
        self.facts: dict[str, Any] = {}
        self.crashes: list[tuple[int, int]] = []

    @property
    def proxy(self) -> Proxy:
        assert self._proxy is not None, "this scene has no proxy"
        return self._proxy

    def close(self) -> None:
        try:
            self.ground.close()
        finally:
            if self._proxy:
                self._proxy.__exit__()
        assert self.ground.left_over() == []

    # Load.

    def play(
        self, *, workers: int = 1, beats: int = 1, producers: int = 1, pace: float = 0.08, flows: bool = True
    ) -> None:
        """Let everybody work, and wait until work flows."""
        ground = self.ground
        ground.environment["CRASH_PACE"] = str(pace)
        self.workers = [ground.worker("-n", f"w{number}", ready=False) for number in range(workers)]
        self.beats = [ground.beat("-n", f"b{number}") for number in range(beats)]
        self.producers = [ground.producer(f"p{number}", number) for number in range(producers)]
        if flows:
            wait_for(lambda: len(ground.events()) > 20, lambda: f"work flows:\n{ground.logs()}")
        if beats:
            self.await_firing()

    def await_firing(self) -> None:
        wait_for(self.firings, lambda: f"the schedule fires:\n{self.ground.logs()}")

    def in_flight(self) -> int:
        """How many tasks run at this moment, as the witness knows."""
        return len(history.broken_off(History(events=self.ground.events()[-50:])))

    @contextmanager
    def crash(self) -> Iterator[None]:
        """From the moment at which the server is made to crash until it is back."""
        down = boot_ns()
        yield
        self.crashes.append((down, boot_ns()))

    # Recovery.

    @contextmanager
    def recovery(self, what: str, *, within: float = RECOVERED_WITHIN, fires: bool = False) -> Iterator[None]:
        """The end of the block is the end of the fault: wait until work goes on, and write down how long it took."""
        yield
        healed = boot_ns()
        calls, firings = self._accepted(), self.firings() if fires else 0
        self._goes_on(lambda: self._ended(healed), f"work goes on after {what}", within)
        if self.producers:
            self._goes_on(lambda: self._accepted() > calls, f"calls are accepted after {what}", within)
        if fires:
            self._goes_on(lambda: self.firings() > firings, f"the schedule fires after {what}", within + 1)
        took = (boot_ns() - healed) / 1e9
        self.facts.setdefault("recovered", {})[what] = round(took, 2)
        assert took <= within + fires, f"expected work to go on {within:g} s after {what}, it took {took:.1f} s"

    def _goes_on(self, fact: Callable[[], Any], what: str, within: float) -> None:
        # Waits for longer than the bound, so that the report tells how long it took, not only that it was too long.
        wait_for(fact, lambda: f"{what}:\n{self.ground.logs()}", within + 20)

    def _ended(self, since: int) -> bool:
        """Whether anything was started and came to its end since."""
        started = set()
        for event in self.ground.events():
            if event.kind == "start" and event.at > since:
                started.add((event.id, event.fence))
            elif event.kind == "end" and (event.id, event.fence) in started:
                return True
        return False

    def firings(self) -> int:
        """How often the schedule has fired."""
        (schedule,) = self.ground.app.engine.schedules.get([SCHEDULE])
        return schedule.total_runs if schedule is not None else 0

    def _accepted(self) -> int:
        return len(history.read_calls(self.ground.calls)[1])

    def failed_calls(self) -> int:
        """How many calls were answered with an error of ours; any other error would have ended the producer."""
        return self.ground.calls.read_text().count("failed ") if self.ground.calls.exists() else 0

    def troubles(self) -> int:
        """How often somebody told of trouble with the store."""
        return sum(program.text.count("trying again") for program in self.ground.programs)

    # Reckoning.

    def reckon(self, row: str, *, quiet_within: float = QUIET_WITHIN, loses: bool = False, **facts: Any) -> History:
        """Stop in good order, judge, report, and return the account. ``loses``: the store was wiped, so the account
        cannot be whole."""
        ground = self.ground
        for producer in self.producers:
            producer.signal(signal.SIGTERM)
            # One that was started a moment ago may be ended before it hears signals: it has called nothing then.
            assert producer.ends() in (0, 0 if producer.text else -signal.SIGTERM), producer.text[-3000:]
        if self.beats and not loses:
            Editor(ground.app, SCHEDULE).pause()
        wait_for(ground.is_quiet, lambda: f"quiet:\n{ground.logs()}\n{self._counts()}", quiet_within)
        codes = ground.stop()
        assert set(codes.values()) <= {0}, codes
        wait_for(ground.owners_are_gone, "no owner is left")
        account = ground.history()
        if self.site.name == "postgres":  # claims of messages that may be started again are not flushed there
            account.crashes = self.crashes
        done = {"runs": len(account.runs), "failed calls": self.failed_calls(), **self.facts, **facts}
        report.note(row, self.site.name, done)
        if not loses:
            found = complaints(account)
            assert not found, "\n".join(found)
        for program in ground.programs:
            assert "Traceback" not in program.text, f"{program.log.name}:\n{program.text[-4000:]}"
        assert account.runs, "not exercised"
        return account

    def _counts(self) -> object:
        return self.ground.app.engine.inspector.counts()


def pause(seconds: float) -> None:
    """How long a fault lasts: the one thing here that is time and no fact."""
    time.sleep(seconds)
