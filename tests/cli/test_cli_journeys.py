"""What a user does, command by command, in real processes over a SQLite store of the test's own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

WITHIN = 30.0  # seconds; a bound for a machine that is busy, never a wait

SHOP = """
from horarium import Horarium, every

app = Horarium("shop", store="sqlite:///shop.db")


@app.task(name="shop.charge")
def charge(order: int) -> int:
    return order * 2


@app.task(name="shop.fail", max_retries=0)
def fail() -> None:
    raise ValueError("no money")


app.conf.beat_schedule = {"tick": {"task": "shop.charge", "schedule": every(seconds=1), "args": [1]}}
"""


class Project:
    """A folder with an app, and the processes started in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.started: list[subprocess.Popen[bytes]] = []

    def run(self, *arguments: str, timeout: float = WITHIN) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "horarium", *arguments],
            cwd=self.folder,
            env=clean_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def json(self, *arguments: str) -> Any:
        result = self.run(*arguments, "--json")
        assert result.stdout, f"{arguments}: {result.stderr}"
        return json.loads(result.stdout)

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start a runner; what it says goes to a file of its own, see ``said``."""
        log = (self.folder / f"log{len(self.started)}").open("wb")
        process = subprocess.Popen(
            [sys.executable, "-m", "horarium", *arguments],
            cwd=self.folder,
            env=clean_environment(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            process_group=0,
        )
        log.close()
        self.started.append(process)
        return process

    def await_store(self) -> None:
        until((self.folder / "shop.db").exists)

    def said(self, process: subprocess.Popen[bytes]) -> str:
        return (self.folder / f"log{self.started.index(process)}").read_text()

    def await_worker(self) -> None:
        until(lambda: self.run("inspect", "ping", "-t", "5").returncode == 0)

    def close(self) -> None:
        for process in self.started:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in self.started:
            try:
                process.wait(WITHIN)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(WITHIN)


def clean_environment() -> dict[str, str]:
    return {k: v for k, v in os.environ.items() if not k.startswith(("HORARIUM_", "CELERY_"))}


def until(fact: Callable[[], bool]) -> None:
    end = time.monotonic() + WITHIN
    while not fact():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)  # between two looks at a fact


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    (tmp_path / "shop.py").write_text(SHOP)
    project = Project(tmp_path)
    yield project
    project.close()


def test_a_corrupt_store_is_one_line_and_is_left_as_it_is(project: Project) -> None:
    (project.folder / "shop.db").write_bytes(b"not a database" * 100)
    for command in (["runs", "list"], ["call", "shop.charge", "-a", "[1]"], ["purge", "-f"], ["status"]):
        result = project.run(*command)
        assert result.returncode == 1, command
        [line] = result.stderr.splitlines()
        assert line.startswith("error: ") and "shop.db" in line
    assert (project.folder / "shop.db").read_bytes() == b"not a database" * 100


@pytest.mark.parametrize("runner", ["beat", "worker"])
def test_a_runner_on_a_corrupt_store_exits_with_1_and_says_why(project: Project, runner: str) -> None:
    (project.folder / "shop.db").write_bytes(b"not a database" * 100)
    result = project.run(runner)
    assert result.returncode == 1
    assert "not a database" in result.stderr and "Traceback" not in result.stderr
    assert (project.folder / "shop.db").read_bytes() == b"not a database" * 100


def test_a_store_in_a_folder_that_is_not_there_is_one_line(project: Project) -> None:
    result = project.run("--store", "sqlite:///missing/shop.db", "call", "shop.charge", "-a", "[1]")
    assert result.returncode == 1
    assert len(result.stderr.splitlines()) == 1 and not (project.folder / "missing").exists()


def test_beat_fires_and_stops_when_told(project: Project) -> None:
    beat = project.start("beat", "-l", "info", "-S", "celery.beat:PersistentScheduler", "-s", "celerybeat")
    project.await_store()
    until(lambda: len(project.json("runs", "list", "--schedule", "tick")) >= 2)
    assert [s["pid"] for s in project.json("status")["schedulers"]] == [beat.pid]
    beat.send_signal(signal.SIGTERM)
    assert beat.wait(WITHIN) == 0
    said = project.said(beat)
    assert "beat v" in said and "is starting" in said and "Sending due task tick" in said
    assert said.count("--schedule has no effect") == 1


def test_a_paused_schedule_does_not_fire_and_doctor_says_so(project: Project) -> None:
    project.start("beat")
    project.await_store()
    until(lambda: len(project.json("runs", "list")) >= 1)
    assert project.run("schedules", "pause", "tick", "--note", "stocktaking").returncode == 0
    [paused] = [f for f in project.json("doctor", "shop.charge") if f["cause"] == "schedule-paused"]
    assert "stocktaking" in paused["text"] and paused["remedy"] == "horarium schedules resume tick"
    before = len(project.json("runs", "list"))
    run_id = project.run("schedules", "run", "tick").stdout.strip()
    assert {row["id"] for row in project.json("runs", "list")} >= {run_id}
    assert len(project.json("runs", "list")) == before + 1
    assert project.run("schedules", "resume", "tick").returncode == 0
    until(lambda: len(project.json("runs", "list")) > before + 1)


def test_from_call_to_result_with_a_worker(project: Project) -> None:
    worker = project.start("worker", "--loglevel=info", "--concurrency=1", "--without-gossip")
    project.await_worker()
    called = project.run("call", "shop.charge", "-a", "[21]", "--wait")
    assert (called.returncode, called.stdout) == (0, "42\n"), called.stderr
    run_id = project.run("call", "shop.fail").stdout.strip()
    failed = project.run("result", run_id, "--timeout", "20")
    assert failed.returncode == 1 and "builtins.ValueError: no money" in failed.stderr
    assert "ValueError: no money" in project.run("runs", "show", run_id[:23]).stdout
    assert project.json("inspect", "registered")[next(iter(project.json("inspect", "ping")))] == [
        "shop.charge",
        "shop.fail",
    ]
    assert project.run("status").returncode == 0
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(WITHIN) == 0
    assert "ready." in project.said(worker) and "--without-gossip has no effect" in project.said(worker)
    assert project.run("inspect", "ping", "-t", "0.1").returncode == 69


def test_what_is_misspelt_in_a_call_is_known_from_the_live_workers(project: Project) -> None:
    project.start("worker", "-c", "1")
    project.await_worker()
    (project.folder / "empty.py").write_text(
        "from horarium import Horarium\napp = Horarium('x', store='sqlite:///shop.db')\n"
    )
    result = project.run("-A", "empty", "call", "shop.chrage", "-a", "[1]")
    assert result.returncode == 3 and "did you mean: shop.charge" in result.stderr
    assert project.run("-A", "empty", "call", "shop.charge", "-a", "[3]", "--wait").stdout == "6\n"


def test_a_worker_with_beat_runs_what_it_fires(project: Project) -> None:
    worker = project.start("worker", "--beat", "-c", "1")
    project.await_store()
    until(lambda: len(project.json("runs", "list", "--schedule", "tick", "--state", "SUCCESS")) >= 2)
    assert len(project.json("status")["schedulers"]) == 1
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(WITHIN) == 0


def test_a_logfile_takes_the_words_of_worker_and_children(project: Project) -> None:
    worker = project.start("worker", "-c", "1", "-f", "logs/worker.log")
    project.await_worker()
    project.run("call", "shop.charge", "-a", "[1]", "--wait")
    until(lambda: "succeeded in" in (project.folder / "logs" / "worker.log").read_text())
    assert "ready." not in project.said(worker)


def test_dev_takes_up_a_change_and_survives_a_mistake(project: Project) -> None:
    dev = project.start("dev", "-A", "shop", "-c", "1")
    project.await_worker()
    assert project.run("-A", "shop", "call", "shop.charge", "-a", "[2]", "--wait", "--timeout", "20").stdout == "4\n"
    (project.folder / "shop.py").write_text(SHOP.replace("order * 2", "order * (3"))
    until(lambda: "waiting for the next save" in project.said(dev))
    assert "SyntaxError" in project.said(dev) and "shop.py" in project.said(dev)
    (project.folder / "shop.py").write_text(SHOP.replace("order * 2", "order * 300"))
    project.await_worker()
    assert project.run("-A", "shop", "call", "shop.charge", "-a", "[2]", "--wait", "--timeout", "20").stdout == "600\n"
    dev.send_signal(signal.SIGINT)
    assert dev.wait(WITHIN) == 0
    assert project.run("-A", "shop", "inspect", "ping", "-t", "0.1").returncode == 69


def test_a_worker_option_that_makes_no_sense_is_refused(project: Project) -> None:
    result = project.run("worker", "--pool", "swimming")
    error, _ = result.stderr.splitlines()
    assert result.returncode == 64 and error.startswith("error: ") and "swimming" in error
