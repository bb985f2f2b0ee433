"""Real web servers for tests: uvicorn on loopback, on a port that the system chooses, in a folder of its own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self, TypeVar

import httpx
import psutil

from horarium import Horarium

SOURCE = Path(__file__).parents[2] / "src"
PATIENCE = 30.0
EMBEDDED = "horarium.contrib.embedding"
ADDRESS = re.compile(r"Uvicorn running on (http://127\.0\.0\.1:\d+)")

T = TypeVar("T")


def eventually(look: Callable[[], T], what: str) -> T:
    """Return what ``look`` returns as soon as it is true."""
    deadline = time.monotonic() + PATIENCE
    while not (found := look()):
        assert time.monotonic() < deadline, f"{what} did not come about within {PATIENCE:g} s"
        time.sleep(0.02)  # between two looks at a fact of other processes
    return found


class WebServer:
    """uvicorn, serving ``main:web`` of a folder. Its group is killed at the end, whatever a test has left of it."""

    def __init__(self, folder: Path, *choices: str) -> None:
        self.folder = folder
        self.log = folder / "web.log"
        with self.log.open("wb") as out:
            self.process = psutil.Popen(
                [sys.executable, "-m", "uvicorn", "main:web", "--host", "127.0.0.1", "--port", "0", *choices],
                cwd=folder,
                env={**os.environ, "PYTHONPATH": str(SOURCE)},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                process_group=0,
            )
        self.app = Horarium("test", store=f"sqlite:///{folder}/shop.db", set_as_current=False)
        self._seen: dict[int, psutil.Process] = {}

    def __enter__(self) -> Self:
        found = eventually(lambda: ADDRESS.search(self.said) or self.process.poll() is not None, "an address")
        assert not isinstance(found, bool), self.said
        self.client = httpx.Client(base_url=found[1], timeout=PATIENCE, trust_env=False)
        return self

    def __exit__(self, *exc: object) -> None:
        self.client.close()
        self.app.close()
        family = self.family()
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        for each in family:
            if each.is_running():
                each.kill()
        psutil.wait_procs(family, timeout=PATIENCE)

    @property
    def said(self) -> str:
        return self.log.read_text()

    def family(self) -> list[psutil.Process]:
        """Return the processes below the server, those too that were seen there before and live on."""
        if self.process.poll() is None:
            self._seen |= {each.pid: each for each in self.process.children(recursive=True)}
        return [each for each in self._seen.values() if each.is_running() and each.status() != psutil.STATUS_ZOMBIE]

    def embedded(self) -> list[psutil.Process]:
        """Return the processes of embedded workers and schedulers that the web processes have started."""
        commands = {each: _command(each) for each in self.family()}
        web = [each.pid for each, command in commands.items() if command and EMBEDDED not in command]
        starters = {self.process.pid, *web}
        return [each for each, command in commands.items() if EMBEDDED in command and each.ppid() in starters]

    def wait_for_ready(self, workers: int = 1) -> list[psutil.Process]:
        """Wait until embedded workers are ready; return their processes."""
        eventually(lambda: self.said.count(" ready.") >= workers, "a worker that is ready")
        return self.embedded()

    def result(self, path: str, **params: str | int) -> str:
        """Let the server send a task; return the id."""
        answer = self.client.post(path, params=params)
        assert answer.status_code == 202, answer.text
        id: str = answer.json()["id"]
        return id

    def wait_until_gone(self) -> None:
        eventually(lambda: not self.family(), "the end of all processes")


def _command(process: psutil.Process) -> list[str]:
    """Return the command line of a process; empty when it has just ended: it must not be taken for one of the web's."""
    try:
        return process.cmdline()
    except psutil.Error:
        return []
