"""``horarium migrate`` while workers of both stores run and callers call: each task is run once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

WITHIN = 60.0
APP = """
import os
from horarium import Horarium, every

app = Horarium("shop", store="sqlite:///old.db", durability="relaxed")


def witness(name: str) -> None:
    descriptor = os.open("witness", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(descriptor, f"{name}\\n".encode())
    os.close(descriptor)


@app.task(name="shop.charge")
def charge(number: int) -> None:
    witness(f"charge {number}")


@app.task(name="shop.tick", bind=True)
def tick(self) -> None:
    witness(f"tick {self.request.id}")
"""
OLD, NEW = "sqlite:///old.db", "sqlite:///new.db"
CALLS = 3000


class Move:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("HORARIUM_", "CELERY_"))}
        self.environment = {**kept, "HORARIUM_RUN_DIR": str(folder / "run")}
        self.started: list[subprocess.Popen[bytes]] = []

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        with (self.folder / f"log{len(self.started)}").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "horarium", *arguments],
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                process_group=0,
            )
        self.started.append(process)
        return process

    def run(self, *command: str) -> str:
        done = subprocess.run(
            [sys.executable, *command],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=WITHIN,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def witnessed(self) -> Counter[str]:
        path = self.folder / "witness"
        return Counter(path.read_text().splitlines() if path.exists() else ())

    def until(self, fact: Callable[[], object]) -> None:
        end = time.monotonic() + WITHIN
        while not fact():
            assert time.monotonic() < end, {log.name: log.read_text()[-800:] for log in self.folder.glob("log*")}
            time.sleep(0.05)  # between two looks at a fact

    def close(self) -> None:
        for process in self.started:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(WITHIN)


@pytest.fixture
def move(tmp_path: Path) -> Iterator[Move]:
    (tmp_path / "shop.py").write_text(APP)
    move = Move(tmp_path)
    yield move
    move.close()


def test_each_task_runs_once_while_it_moves_between_stores_that_both_have_workers(move: Move) -> None:
    send = (
        "from shop import app\n"
        "wait = lambda n: (0, 3 + n % 5, 3600)[n % 3]\n"
        f"app.send_many([('shop.charge', [n], {{}}, {{'countdown': wait(n)}}) for n in range({CALLS})])"
    )
    move.run("-c", send)
    move.start("-A", "shop", "--store", OLD, "worker", "-c", "1", "-l", "warning", "-n", "old@here")
    move.until(lambda: move.witnessed())
    move.start("-A", "shop", "--store", NEW, "worker", "-c", "1", "-l", "warning", "-n", "new@here")
    said = move.run("-m", "horarium", "migrate", OLD, NEW, "--results")
    assert "0 messages left waiting in SRC" in said
    move.until(lambda: sum(move.witnessed().values()) >= CALLS * 2 // 3)
    assert move.witnessed() == Counter(f"charge {n}" for n in range(CALLS) if n % 3 != 2)
    assert "PENDING" in move.run("-m", "horarium", "-A", "shop", "--store", NEW, "runs", "list", "--state", "PENDING")


def test_a_schedule_moves_while_schedulers_of_both_stores_run_and_goes_on_in_one(move: Move) -> None:
    make = (
        "from shop import app; from horarium import every; app.schedules.create('tick', 'shop.tick', every(seconds=1))"
    )
    move.run("-c", make)
    move.start("-A", "shop", "--store", OLD, "worker", "-B", "-c", "1", "-l", "warning", "-n", "old@here")
    move.until(lambda: move.witnessed())
    move.start("-A", "shop", "--store", NEW, "worker", "-B", "-c", "1", "-l", "warning", "-n", "new@here")
    move.run("-m", "horarium", "migrate", OLD, NEW, "--schedules")
    before = len(move.witnessed())
    move.until(lambda: len(move.witnessed()) >= before + 3)
    assert set(move.witnessed().values()) == {1}
    listed = move.run("-m", "horarium", "-A", "shop", "--store", OLD, "schedules", "list")
    assert "paused" in listed
