"""How far a live page lags behind the fact, and what 100 of them cost a worker: the second part of bench.dashboard.

*Behind*: from the recorded end of a run (or from a queue's pause, once stored) to the event of a page's stream that
shows it. *Drain*: a worker of two processes works off no-op tasks, with 100 open streams (20 of each main page) and
with none, by turns; CPU is the worker's, all its processes.
"""

from __future__ import annotations

import socket
import statistics
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote, urlsplit

from bench.draining import drain
from bench.processes import Running

PHASES = [number / 20 for number in range(20)]  # seconds: pages look about once a second, facts come at any moment
STREAMS, MOST_OF_ONE = 100, 5  # one address may have so many
DRAINED, ROUNDS = 20_000, 4
VIEWS = ("/", "/runs", "/schedules", "/queues", "/workers")
PATIENCE = 60.0
AHEAD = 1.0  # seconds until a run starts that is waited for, so that its page is open by then


def measure(address: str, headers: Mapping[str, str], folder: Path) -> None:
    """Start a worker on the store of BENCH_STORE, and print what was found."""
    from bench.apps.horarium_shop import app  # reads the environment

    command = [sys.executable, "-m", "horarium", "-A", "bench.apps.horarium_shop", "worker", "-l", "warning"]
    place = Place(app, address, headers)
    with Running([*command, "-c", "2", "-Q", "live,drain"], {}, folder / "worker.log") as worker:
        _tell("behind a run's end, its page", [place.behind_end(phase) for phase in PHASES])
        for path in ("/", "/queues"):
            _tell(f"behind a queue's pause, {path}", [place.behind_pause(path, phase) for phase in PHASES])
        place.drained(worker, 0)  # warms up
        for streams in (0, STREAMS):
            place.found[streams] = []
        for _ in range(ROUNDS):
            for streams in place.found:
                place.found[streams].append(place.drained(worker, streams))
        for streams, found in place.found.items():
            rate, cpu = (statistics.median(each) for each in zip(*found, strict=True))
            print(f"drain with {streams:3} open pages: {rate:,.0f} tasks/s, {cpu:.0f} us of the worker's CPU a task")


class Place:
    """A worker's store and the dashboard that looks at it."""

    def __init__(self, app: Any, address: str, headers: Mapping[str, str]) -> None:  # Any: the app of another module
        self._app = app
        self._address = address
        self._headers = headers
        self._switches = _switches(app)
        self.found: dict[int, list[tuple[float, float]]] = {}

    def behind_end(self, phase: float) -> float:
        """Return how many seconds after the end of a run its page has shown it."""
        sent = self._app.tasks["shop.quick"].apply_async(countdown=AHEAD + phase, queue="live")
        with Stream(self._address, self._headers, f"/runs/{sent.id}") as stream:
            stream.await_text("succeeded")
            seen = time.time()
        [run] = self._app.engine.results.read([sent.id])
        assert run is not None
        assert run.ended is not None
        return seen - float(run.ended) / 1000

    def behind_pause(self, path: str, phase: float) -> float:
        """Return how many seconds after a queue was paused (or resumed) a page has shown that."""
        word = f"because of {time.monotonic_ns()}"
        with Stream(self._address, self._headers, path) as stream:
            next(stream)
            time.sleep(phase)
            self._switches.pause_queue("live", reason=word, by="bench")
            began = time.monotonic()
            stream.await_text(word)
            took = time.monotonic() - began
        self._switches.resume_queue("live")
        return took

    def drained(self, worker: Running, streams: int) -> tuple[float, float]:
        """Work off a batch while so many pages are open."""
        with ExitStack() as stack:
            for number in range(streams):
                view = VIEWS[number % len(VIEWS)]
                stack.enter_context(Stream(self._address, self._headers, view, number // MOST_OF_ONE).followed())
            return drain(self._app, "shop.quick", DRAINED, worker, queue="drain")


class Stream:
    """One open page's stream of events."""

    def __init__(self, address: str, headers: Mapping[str, str], view: str, place: int = 0) -> None:
        """``place``: who looks, as a proxy would tell it: one address may not have too many streams."""
        self._connection = HTTPConnection(urlsplit(address).netloc, timeout=PATIENCE)
        told = {"X-Forwarded-For": f"10.1.0.{place + 1}", "Accept": "text/event-stream"}
        self._connection.request(
            "GET", f"/live?view={quote(view, safe='')}", headers={**headers, "Accept-Encoding": "identity", **told}
        )
        self._answer: HTTPResponse = self._connection.getresponse()
        if self._answer.status != 200:
            raise RuntimeError(f"expected a stream of {view}, got {self._answer.status}: {self._answer.read()[:300]!r}")
        self._events = self._read()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._answer.close()
        self._connection.close()

    def __iter__(self) -> Iterator[str]:
        return self._events

    def __next__(self) -> str:
        return next(self._events)

    def await_text(self, text: str) -> None:
        """Read on until an event shows this text."""
        deadline = time.monotonic() + PATIENCE
        for event in self._events:
            if text in event:
                return
            if time.monotonic() > deadline:
                break
        raise TimeoutError(f"expected an event with {text!r} within {PATIENCE} s")

    def shut(self) -> None:
        """End it from another thread than the one that reads."""
        if self._connection.sock is not None:
            self._connection.sock.shutdown(socket.SHUT_RDWR)

    def followed(self) -> Follower:
        return Follower(self)

    def _read(self) -> Iterator[str]:
        lines: list[str] = []
        while line := self._answer.readline():
            if line.strip():
                lines.append(line.decode())
            elif lines:
                yield "".join(lines)
                lines = []


class Follower:
    """Reads a stream in a thread, as a browser does."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._thread = threading.Thread(target=self._follow, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stream.shut()
        self._thread.join(PATIENCE)

    def _follow(self) -> None:
        for _ in self._stream:
            pass


def _switches(app: Any) -> Any:  # Any: as above
    from horarium.app.switches import Switches

    return Switches(app.connection)


def _tell(name: str, seconds: list[float]) -> None:
    median, worst = statistics.median(seconds), max(seconds)
    print(f"{name:36} median {median:.2f} s, longest of {len(seconds)} {worst:.2f} s", flush=True)
