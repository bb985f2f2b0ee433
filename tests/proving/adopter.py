"""A project's folder as the five guides of real adopters have it, with the processes that were started there."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

WITHIN = 90.0  # seconds; far longer than anything takes, but the machine may be busy with other tests


class Adopter:
    """Runs command lines in a folder, without a terminal, and ends whatever it started."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder = folder
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("HORARIUM_", "CELERY_", "PYTHONUNBUFFERED"))}
        self.environment = {**kept, "HORARIUM_RUN_DIR": str(folder / "run"), **environment}
        self.started: list[subprocess.Popen[bytes]] = []

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        for package in path.relative_to(self.folder).parents[:-1]:
            (self.folder / package / "__init__.py").touch()
        path.write_text(text)

    def run(self, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run `python ...` to its end."""
        return self.finish(sys.executable, *command, **environment)

    def finish(self, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return subprocess.run(
            command,
            cwd=self.folder,
            env={**self.environment, **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=WITHIN,
            check=False,
        )

    def horarium(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return self.run("-m", "horarium", *arguments, **environment)

    def start(self, *arguments: str, under: Sequence[str] = (), **environment: str) -> subprocess.Popen[bytes]:
        """Start `horarium ...`; its output goes to a file. ``under`` is a command that starts what it is given."""
        return self.launch(*under, sys.executable, "-m", "horarium", *arguments, **environment)

    def launch(self, *command: str, **environment: str) -> subprocess.Popen[bytes]:
        """Start a command; its output goes to a file."""
        with self.log(len(self.started)).open("wb") as log:
            process = subprocess.Popen(
                command,
                cwd=self.folder,
                env={**self.environment, **environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                process_group=0,
            )
        self.started.append(process)
        return process

    def log(self, number: int) -> Path:
        return self.folder / f"log{number}"

    def text(self, number: int = -1) -> str:
        """What a process has written; the one that was started last unless a number is given."""
        return self.log(number % len(self.started)).read_text()

    def says(self, words: str, number: int = 0, times: int = 1) -> None:
        self.until(lambda: self.text(number).count(words) >= times, lambda: f"{words!r} in\n{self.text(number)}")

    def until(self, fact: Callable[[], object], what: Callable[[], str] = lambda: "") -> None:
        end = time.monotonic() + WITHIN
        while not fact():
            assert time.monotonic() < end, what() or self.logs()
            time.sleep(0.05)  # between two looks at a fact

    def logs(self) -> str:
        return "\n".join(f"log{number}:\n{self.text(number)[-2000:]}" for number in range(len(self.started)))

    def stop(self, *processes: subprocess.Popen[bytes], by: int = signal.SIGTERM) -> list[int]:
        """End these, or all that still run, in good order; return their exit codes."""
        running = [process for process in processes or self.started if process.poll() is None]
        for process in running:
            process.send_signal(by)
        return [process.wait(WITHIN) for process in running]

    def close(self) -> None:
        for process in self.started:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(WITHIN)
