"""What the dashboard takes beside a million kept runs: ``python -m bench.dashboard sqlite|postgres|URL``.

The store is made full (full_store.py) and served by ``horarium web``, a process of its own. *Pages*: each is asked 40
times over one connection, by a token; first byte is from the request to the answer's first, CPU is the web process's
for each answer, cold is what a browser without a cache loads for it, compressed. *Live*: see live_pages.py.

A URL names a store that stays: it is made full the first time. ``--runs N`` for fewer, ``--only pages|live``. Needs the
extra ``web``.
"""

from __future__ import annotations

import argparse
import gzip
import os
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote, urlsplit

from bench import live_pages
from bench.full_store import RARE, fill_up
from bench.kept_runs import RUNS, TASKS, analyse, served
from bench.machine import pulse
from bench.processes import Running, cpu_seconds
from horarium.engines.connect import connect
from horarium.engines.protocol import Engine
from horarium.engines.records import Page, RunFilter

TIMES = 40
PATIENCE = 60.0
ADDRESS = re.compile(r"(http://127\.0\.0\.1:\d+)")
LOADED = re.compile(r'(?:href|src|data-\w+)="([^"]*/static/[^"]+|/charts/[^"]+/numbers[^"]*)"')
MAIN = {"Overview": "/", "Runs": "/runs", "Schedules": "/schedules", "Queues": "/queues", "Workers": "/workers"}


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure what is asked for, and print a line for each figure."""
    parser = argparse.ArgumentParser(prog="bench.dashboard")
    parser.add_argument("store", help="sqlite, postgres, or the URL of a store that is kept")
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--only", choices=["pages", "live"])
    asked = parser.parse_args(arguments)
    with _store(asked.store) as url, tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        engine = connect(url)
        fill_up(engine, asked.runs)
        print(f"{url.partition(':')[0]}: full after {time.perf_counter() - began:.0f} s; {pulse(Path(folder))}")
        if url.startswith("postgres"):
            analyse(url)
        os.environ["BENCH_STORE"] = url
        with Web(url, Path(folder)) as web:
            if asked.only != "live":
                pages(web, engine)
            if asked.only != "pages":
                live_pages.measure(web.address, web.headers, Path(folder), web.running)
        engine.close()


def pages(web: Web, engine: Engine) -> None:
    """Ask each page, and print what it took."""
    run = engine.results.search(RunFilter(states=("FAILURE",)), Page(limit=1)).runs[0]
    others = {
        "a run": f"/runs/{run.id}",
        "Runs, state:failed": _runs("state:failed"),
        f"Runs, task:{TASKS[3]}": _runs(f"task:{TASKS[3]}"),
        "Runs, a task that ran 30 times": _runs(f"task:{RARE}"),
        "Runs, args.0=5 (looked for in 2,000)": _runs("args.0=5"),
        "a schedule": "/schedules/schedule-0500",
        "a queue": "/queues/mail",
        "a chart's numbers, 24 h": "/charts/outcomes/numbers?from=24h",
        "nothing but the guard": "/static/none/none.css",
    }
    print(f"{'':40} {'median':>9} {'p95':>9} {'CPU':>9} {'answer':>9} {'cold':>9}")
    for name, path in {**MAIN, **others}.items():
        print(web.measured(name, path), flush=True)


class Web:
    """``horarium web`` with an admin's token."""

    def __init__(self, url: str, folder: Path) -> None:
        self._url = url
        self._folder = folder
        self.address = ""
        self.headers: dict[str, str] = {}

    def __enter__(self) -> Self:
        from bench.apps.horarium_shop import app  # reads the environment
        from horarium.dashboard.access import Tokens
        from horarium.dashboard.person import Role

        secret, _ = Tokens(app).add("bench", Role.ADMIN, by="bench", now=app.engine.now(), lasts=86_400.0)
        self.headers = {"Authorization": f"Bearer {secret}", "Accept-Encoding": "gzip"}
        command = [sys.executable, "-m", "horarium", "-A", "bench.apps.horarium_shop", "web", "--port", "0"]
        self.running = Running(command, {"BENCH_STORE": self._url}, self._folder / "web.log")
        deadline = time.monotonic() + PATIENCE
        while (found := ADDRESS.search(self.running.tail())) is None:
            self.running.check()
            if time.monotonic() > deadline:
                self.running.stop()
                raise TimeoutError(f"expected an address within {PATIENCE} s:\n{self.running.tail()}")
            time.sleep(0.02)
        self.address = found[1]
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.running.stop()

    def measured(self, name: str, path: str) -> str:
        """Return the line of a page."""
        connection = HTTPConnection(urlsplit(self.address).netloc, timeout=PATIENCE)
        self._ask(connection, path)  # whatever is loaded at the first look
        took, family = [], self.running.tree()
        used = cpu_seconds(family)
        for _ in range(TIMES):
            seconds, body = self._ask(connection, path)
            took.append(seconds * 1000)
        cpu = (cpu_seconds(family) - used) * 1000 / TIMES
        median, worst = statistics.median(took), statistics.quantiles(took, n=20)[-1]
        cold = f"{self._cold(connection, body) / 1000:6.1f} kB" if name in MAIN else ""
        connection.close()
        return f"{name:40} {median:6.1f} ms {worst:6.1f} ms {cpu:6.1f} ms {len(body) / 1000:6.1f} kB {cold:>9}"

    def _cold(self, connection: HTTPConnection, body: bytes) -> int:
        """Return the bytes of a page and of all that it loads."""
        text = gzip.decompress(body).decode() if body[:2] == b"\x1f\x8b" else body.decode()
        loaded = {each.replace("&amp;", "&") for each in LOADED.findall(text)}
        return len(body) + sum(len(self._ask(connection, each)[1]) for each in sorted(loaded))

    def _ask(self, connection: HTTPConnection, path: str) -> tuple[float, bytes]:
        began = time.perf_counter()
        connection.request("GET", path, headers=self.headers)
        answer = connection.getresponse()
        seconds = time.perf_counter() - began
        body = answer.read()
        if answer.status not in (200, 404) or (answer.status == 404 and "none" not in path):
            raise RuntimeError(f"expected the page {path}, got {answer.status}: {body[:300]!r}\n{self.running.tail()}")
        return seconds, body


def _runs(question: str) -> str:
    return f"/runs?q={quote(question)}"


@contextmanager
def _store(named: str) -> Iterator[str]:
    if "://" in named:
        yield named
        return
    with served(named, None) as url:
        yield url


if __name__ == "__main__":
    main()
