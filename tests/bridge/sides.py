"""The two sides of a bridge, as real processes: an old project on the real Celery, and a new one on Horarium.

Celery lives in an environment of its own, which `make test` makes: nothing of it may be where Horarium is tested.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CELERY = ROOT / ".venv-celery" / "bin" / "python"
WITHIN = 40.0  # seconds; a bound for a machine that is busy, never a wait

OLD = """
import os
from datetime import datetime
from decimal import Decimal

from celery import Celery, chord, group

app = Celery("legacy", broker=os.environ["OLD_BROKER"], backend=os.environ["OLD_RESULTS"])
app.conf.broker_connection_retry_on_startup = True
app.conf.worker_hijack_root_logger = False


@app.task(name="shop.add")
def add(x, y):
    raise AssertionError("the new side runs this")


@app.task(name="shop.fail")
def fail(text):
    raise AssertionError("the new side runs this")


@app.task(name="shop.echo")
def echo(value):
    raise AssertionError("the new side runs this")


@app.task(name="old.double")
def double(x):
    return x * 2


@app.task(name="old.fail")
def old_fail(text):
    raise ValueError(text)


@app.task(name="old.flaky", bind=True, max_retries=2)
def flaky(self):
    if self.request.retries < 2:
        raise self.retry(countdown=0)
    return self.request.retries


@app.task(name="old.next_day")
def next_day(day):
    from datetime import timedelta

    return day + timedelta(days=1)
"""

NEW = """
from horarium import Horarium

app = Horarium("shop", store="sqlite:///shop.db")


@app.task(name="shop.add")
def add(x, y):
    return x + y


@app.task(name="shop.fail")
def fail(text):
    raise ValueError(text)


@app.task(name="shop.echo")
def echo(value):
    return value
"""


class Sides:
    """A folder with both projects, and the processes that were started in it."""

    def __init__(self, folder: Path, broker: str, results: str) -> None:
        if not CELERY.exists():
            tell = pytest.fail if os.environ.get("CI") else pytest.skip
            tell(f"there is no environment with Celery in {CELERY.parents[1]}; `make test` makes one")
        self.folder, self.broker, self.results = folder, broker, results
        self.started: list[tuple[subprocess.Popen[bytes], Path]] = []
        (folder / "legacy.py").write_text(OLD)
        (folder / "shop.py").write_text(NEW)

    def old(self, script: str) -> str:
        """Run a script of the old side's, such as a producer; return what it prints."""
        return self._done([str(CELERY), "-c", f"from legacy import *\n{script}"])

    def new(self, script: str) -> str:
        """Run a script of the new side's; return what it prints."""
        return self._done([sys.executable, "-c", f"from shop import *\n{script}"])

    def horarium(self, *arguments: str) -> str:
        return self._done([sys.executable, "-m", "horarium", "-A", "shop", *arguments])

    def start_horarium(self, *arguments: str) -> subprocess.Popen[bytes]:
        return self._start([sys.executable, "-m", "horarium", "-A", "shop", *arguments])

    def start_celery(self, *queues: str) -> subprocess.Popen[bytes]:
        options = [
            "-P",
            "solo",
            "-c",
            "1",
            "--without-gossip",
            "--without-mingle",
            "-l",
            "INFO",
            "-Q",
            ",".join(queues),
        ]
        return self._start([str(CELERY), "-m", "celery", "-A", "legacy", "worker", *options])

    def said(self, process: subprocess.Popen[bytes]) -> str:
        return next(log for started, log in self.started if started is process).read_text()

    def await_said(self, process: subprocess.Popen[bytes], text: str) -> None:
        def has_said() -> bool:
            assert process.poll() is None or text in self.said(process), self.said(process)
            return text in self.said(process)

        until(has_said, lambda: f"{text!r} is not in what it said:\n{self.said(process)}")

    def close(self) -> None:
        for process, _ in self.started:
            if process.poll() is None:
                process.kill()
        for process, _ in self.started:
            process.wait(WITHIN)

    def stop(self, process: subprocess.Popen[bytes], number: int = signal.SIGTERM) -> int:
        process.send_signal(number)
        return process.wait(WITHIN)

    def _environment(self) -> dict[str, str]:
        kept = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith(("HORARIUM_", "CELERY_", "PYTHONPATH"))
        }
        return {**kept, "OLD_BROKER": self.broker, "OLD_RESULTS": self.results, "PYTHONUNBUFFERED": "1"}

    def _for(self, command: list[str]) -> dict[str, str]:
        """Only our own side sees our sources."""
        path = {} if command[0] == str(CELERY) else {"PYTHONPATH": str(ROOT / "src")}
        return {**self._environment(), **path}

    def _done(self, command: list[str]) -> str:
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self._for(command),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=WITHIN,
            check=False,
        )
        logs = "".join(f"\n--- {log.name}\n{log.read_text()[-3000:]}" for _, log in self.started)
        assert done.returncode == 0, f"{command[-3:]}\n{done.stdout}{done.stderr}{logs}"
        return done.stdout.strip()

    def _start(self, command: list[str]) -> subprocess.Popen[bytes]:
        log = self.folder / f"log{len(self.started)}"
        with log.open("wb") as out:
            process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *command],
                cwd=self.folder,
                env=self._for(command),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
            )
        self.started.append((process, log))
        return process


def until(fact: Callable[[], bool], told: Callable[[], str] = lambda: "") -> None:
    """Wait for a fact."""
    deadline = time.monotonic() + WITHIN
    while not fact():
        assert time.monotonic() < deadline, told()
        time.sleep(0.02)  # between two looks at a fact
