"""How far a live page lags behind the fact, and what 100 of them cost a worker: the second part of bench.dashboard.

*Behind*: from the recorded end of a run (or from a queue's pause, once stored) to the event of a page's stream that
shows it. *Drain*: a worker of two processes works off no-op tasks, with 100 open pages (each main page of each of 20
people, who have logged in) and with none, by turns; CPU is the worker's, all its processes, and beside it the
dashboard's.
"""

from __future__ import annotations

import html
import re
import socket
import statistics
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote, urlencode, urlsplit

from bench.draining import drain
from bench.processes import Running, cpu_seconds

PHASES = [number / 20 for number in range(20)]  # seconds: pages look about once a second, facts come at any moment
DRAINED, ROUNDS = 20_000, 4
VIEWS = ("/", "/runs", "/schedules", "/queues", "/workers")  # as many as one session may have open
PEOPLE = 20
LIVE = re.compile(r'hx-sse:connect="([^"]+)"')
PATIENCE = 60.0
AHEAD = 1.0  # seconds until a run starts that is waited for, so that its page is open by then


def measure(address: str, headers: Mapping[str, str], folder: Path, web: Running) -> None:
    """Start a worker on the store of BENCH_STORE, and print what was found. ``web`` is the dashboard's process."""
    from bench.apps.horarium_shop import app  # reads the environment

    command = [sys.executable, "-m", "horarium", "-A", "bench.apps.horarium_shop", "worker", "-l", "warning"]
    place = Place(app, address, headers, web)
    with Running([*command, "-c", "2", "-Q", "live,drain"], {}, folder / "worker.log") as worker:
        _tell("behind a run's end, its page", [place.behind_end(phase) for phase in PHASES])
        for path in ("/", "/queues"):
            _tell(f"behind a queue's pause, {path}", [place.behind_pause(path, phase) for phase in PHASES])
        people = [log_in(app, address, f"operator {number}") for number in range(PEOPLE)]
        place.drained(worker, [])  # warms up
        found: dict[int, list[tuple[float, float, float]]] = {0: [], PEOPLE: []}
        for _ in range(ROUNDS):
            for number, rounds in found.items():
                rounds.append(place.drained(worker, people[:number]))
        for number, rounds in found.items():
            rate, cpu, beside = (statistics.median(each) for each in zip(*rounds, strict=True))
            print(
                f"drain with {number * len(VIEWS):3} open pages: {rate:,.0f} tasks/s, {cpu:.0f} us of the worker's CPU "
                f"a task; the dashboard used {beside:.0%} of a core"
            )


def log_in(app: Any, address: str, name: str) -> dict[str, str]:  # Any: the app of another module
    """Let a new operator log in by a token of their own; return what their browser sends from then on."""
    from horarium.dashboard.access import Tokens
    from horarium.dashboard.person import Role

    secret, _ = Tokens(app).add(name, Role.OPERATOR, by="bench", now=app.engine.now(), lasts=86_400.0)
    connection = HTTPConnection(urlsplit(address).netloc, timeout=PATIENCE)
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    connection.request("POST", "/login", body=urlencode({"token": secret}), headers=form)
    answer = connection.getresponse()
    cookie = answer.headers.get("Set-Cookie", "").partition(";")[0]
    connection.close()
    if answer.status != 303 or not cookie:
        raise RuntimeError(f"expected {name} to be let in, got {answer.status}")
    return {"Cookie": cookie}


def live_of(address: str, headers: Mapping[str, str], path: str) -> str:
    """Open a page as a browser does; return the address of its stream."""
    connection = HTTPConnection(urlsplit(address).netloc, timeout=PATIENCE)
    connection.request("GET", path, headers={**headers, "Accept-Encoding": "identity"})
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    if (found := LIVE.search(text)) is None:
        raise RuntimeError(f"expected a page that is live at {path}, got {answer.status}: {text[:300]!r}")
    return html.unescape(found[1])


class Place:
    """A worker's store and the dashboard that looks at it."""

    def __init__(self, app: Any, address: str, headers: Mapping[str, str], web: Running) -> None:  # Any: as above
        self._app = app
        self._address = address
        self._headers = headers
        self._web = web
        self._switches = _switches(app)

    def behind_end(self, phase: float) -> float:
        """Return how many seconds after the end of a run its page has shown it."""
        sent = self._app.tasks["shop.quick"].apply_async(countdown=AHEAD + phase, queue="live")
        with Stream(self._address, self._headers, _view(f"/runs/{sent.id}")) as stream:
            stream.await_text("succeeded")
            seen = time.time()
        [run] = self._app.engine.results.read([sent.id])
        assert run is not None
        assert run.ended is not None
        return seen - float(run.ended) / 1000

    def behind_pause(self, path: str, phase: float) -> float:
        """Return how many seconds after a queue was paused (or resumed) a page has shown that."""
        word = f"because of {time.monotonic_ns()}"
        with Stream(self._address, self._headers, _view(path)) as stream:
            next(stream)
            time.sleep(phase)
            self._switches.pause_queue("live", reason=word, by="bench")
            began = time.monotonic()
            stream.await_text(word)
            took = time.monotonic() - began
        self._switches.resume_queue("live")
        return took

    def drained(self, worker: Running, people: Sequence[Mapping[str, str]]) -> tuple[float, float, float]:
        """Work off a batch while these people have each main page open; return what drain() does, and how much of a
        core the dashboard used."""
        with ExitStack() as stack:
            for who in people:
                for view in VIEWS:
                    stream = Stream(self._address, who, live_of(self._address, who, view))
                    stack.enter_context(stream.followed())
            family = self._web.tree()
            used, began = cpu_seconds(family), time.monotonic()
            rate, cpu = drain(self._app, "shop.quick", DRAINED, worker, queue="drain")
            return rate, cpu, (cpu_seconds(family) - used) / (time.monotonic() - began)


class Stream:
    """One open page's stream of events."""

    def __init__(self, address: str, headers: Mapping[str, str], live: str) -> None:
        """``live``: the address of the stream, as the page has it."""
        self._connection = HTTPConnection(urlsplit(address).netloc, timeout=PATIENCE)
        told = {"Accept": "text/event-stream", "Accept-Encoding": "identity"}
        self._connection.request("GET", live, headers={**headers, **told})
        self._answer: HTTPResponse = self._connection.getresponse()
        if self._answer.status != 200:
            raise RuntimeError(f"expected a stream of {live}, got {self._answer.status}: {self._answer.read()[:300]!r}")
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


def _view(path: str) -> str:
    return f"/live?view={quote(path, safe='')}"


def _switches(app: Any) -> Any:  # Any: as above
    from horarium.app.switches import Switches

    return Switches(app.connection)


def _tell(name: str, seconds: list[float]) -> None:
    median, worst = statistics.median(seconds), max(seconds)
    print(f"{name:36} median {median:.2f} s, longest of {len(seconds)} {worst:.2f} s", flush=True)
