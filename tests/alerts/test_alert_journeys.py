"""Alerts end to end, by real processes: a worker is killed, and whoever is to know knows; Sentry as its page says."""

from __future__ import annotations

import gzip
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from sinks import HttpSink, http_sink

ROOT = Path(__file__).parents[2]
PATIENCE = 30.0
T = TypeVar("T")

SHOP = """
from horarium import Horarium

app = Horarium("shop", store="sqlite:///shop.db", worker_lease=1.0, worker_sweep=0.3)
app.conf.alerts = {
    "channels": {"ops": {"type": "webhook", "url": "URL", "secret": "s3cret", "allow_private": True}},
    "every": 0.3,
    "wait": 0.3,
}


@app.task
def nap(): ...
"""


DROPPED_IN = """
import horarium.dropin
horarium.dropin.install()
import time
from celery import Celery

app = Celery("shop", broker="sqlite:///shop.db")

@app.task
def refuse():
    raise ValueError("no")

@app.task(time_limit=0.5)
def nap():
    time.sleep(60)

"""


def eventually(look: Callable[[], T], what: str) -> T:
    deadline = time.monotonic() + PATIENCE
    while not (found := look()):
        assert time.monotonic() < deadline, f"{what} did not come about within {PATIENCE:g} s"
        time.sleep(0.02)  # between two looks at a fact of other processes
    return found


@contextmanager
def process(folder: Path, name: str, *command: str, **env: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run ``horarium -A shop <command>`` for the length of the block; it ends with this process at the latest."""
    with (folder / f"{name}.log").open("wb") as out:
        started = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", sys.executable, "-m", "horarium", "-A", "shop", *command],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{folder}", **env},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
        )
    try:
        yield started
    finally:
        started.terminate()
        try:
            started.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            started.kill()
            started.wait()


def ready(folder: Path, name: str) -> None:
    eventually(lambda: " ready." in (folder / f"{name}.log").read_text(), f"{name} that is ready")


def test_a_killed_worker_is_told_once_by_all_who_watch_and_its_return_too_row_121(tmp_path: Path) -> None:
    with http_sink() as sink:
        (tmp_path / "shop.py").write_text(SHOP.replace("URL", sink.url))
        with process(tmp_path, "watcher", "alerts", "run"), process(tmp_path, "second", "alerts", "run"):
            with process(tmp_path, "worker", "worker", "-c", "1", "-n", "w1@vm") as worker:
                ready(tmp_path, "worker")
                worker.send_signal(signal.SIGKILL)
            told = eventually(lambda: titled(sink, "[shop] FIRING: Worker lost: w1@vm"), "the word of the lost worker")
            assert "nobody reads default now" in told[0]["text"]
            with process(tmp_path, "again", "worker", "-c", "1", "-n", "w1@vm"):
                over = eventually(
                    lambda: titled(sink, "[shop] RECOVERED: Worker lost: w1@vm"), "the word of its return"
                )
                assert over[0]["key"] == told[0]["key"] and over[0]["downtime_s"] > 0
        # At least once is the promise: whoever hears an alert twice knows it by its id.
        assert len({each["id"] for each in titled(sink, "[shop] FIRING: Worker lost: w1@vm")}) == 1
        assert all("Horarium-Signature" in got.headers for got in sink.received)


def test_sentry_hears_of_failures_and_of_runs_of_schedules_as_its_page_says_row_121(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "how-to" / "report-to-sentry.md").read_text()
    for name, code in re.findall(r"```python\n# file: (\S+)\n(.*?)```", page, re.DOTALL):
        (tmp_path / name).write_text(code)
    with http_sink() as sink:
        address = sink.url.removeprefix("http://").removesuffix("/hook")
        dsn = f"http://publickey@{address}/1"
        with process(tmp_path, "worker", "worker", "-B", "-c", "1", SENTRY_DSN=dsn):
            ready(tmp_path, "worker")
            call = ["-m", "horarium", "-A", "shop", "call", "shop.charge", "-a", "[4711]"]
            env = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{tmp_path}"}
            subprocess.run([sys.executable, *call], cwd=tmp_path, env=env, check=True, stdout=subprocess.DEVNULL)
            [event] = eventually(lambda: items(sink, "event"), "an event")
            eventually(lambda: [each for each in items(sink, "check_in") if each["status"] == "ok"], "a check-in")
        assert event["transaction"] == "shop.charge"
        [error] = event["exception"]["values"]
        assert (error["type"], error["value"]) == ("ValueError", "no such order: 4711")
        assert event["tags"]["run"]
        assert all("vars" not in frame for frame in error["stacktrace"]["frames"])
        assert {each["monitor_slug"] for each in items(sink, "check_in")} == {"tidy-up"}


def test_sentry_hears_of_what_a_time_limit_has_ended_by_the_snippet_of_drop_in_mode(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "how-to" / "change-nothing.md").read_text()
    snippet = re.search(r"```python\n(import sentry_sdk\n.*?)```", page, re.DOTALL)
    assert snippet is not None
    with http_sink() as sink:
        address = sink.url.removeprefix("http://").removesuffix("/hook")
        code = snippet[1].replace('"..."', f'"http://publickey@{address}/1"')
        (tmp_path / "shop.py").write_text(DROPPED_IN + code)
        with process(tmp_path, "worker", "worker", "-c", "1"):
            ready(tmp_path, "worker")
            for name in ("refuse", "nap"):
                call = [sys.executable, "-m", "horarium", "-A", "shop", "call", f"shop.{name}"]
                env = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{tmp_path}"}
                subprocess.run(call, cwd=tmp_path, env=env, check=True, stdout=subprocess.DEVNULL)
            events = eventually(lambda: found if len(found := items(sink, "event")) > 1 else [], "both events")
        told = {each["transaction"]: each["exception"]["values"][-1]["type"] for each in events}
        assert told == {"shop.refuse": "ValueError", "shop.nap": "TimeLimitExceeded"}
        assert all(each["tags"]["celery_task_id"] for each in events)


def titled(sink: HttpSink, title: str) -> list[Any]:
    return [got.json for got in sink.received if got.json["title"] == title]


def items(sink: HttpSink, kind: str) -> list[Any]:
    """Return what envelopes of Sentry hold of a kind: JSON lines, each item after a line of its own that says what it
    is."""
    found = []
    for got in list(sink.received):
        body = gzip.decompress(got.body) if got.headers.get("Content-Encoding") == "gzip" else got.body
        lines = [line for line in body.split(b"\n") if line]
        for head, item in zip(lines[1::2], lines[2::2], strict=False):
            if msgspec.json.decode(head).get("type") == kind:
                found.append(msgspec.json.decode(item))
    return found
