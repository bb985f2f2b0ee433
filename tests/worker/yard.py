"""Real workers, as processes, on a SQLite store of the test's own; every wait is for a fact, with a deadline."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import errands
import msgspec
import psutil

from horarium import Horarium
from horarium.outcome import ENDED, Run

HERE = Path(__file__).parent
PATIENCE = 20.0


def wait_for(fact: Callable[[], Any], what: str, timeout: float = PATIENCE) -> Any:
    """Wait until something is true and return it; fail when it has not become so."""
    deadline = time.monotonic() + timeout
    while True:
        found = fact()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout:g} s: {what}")
        time.sleep(0.02)  # between two looks at a fact


class Worker:
    """A worker process and its log."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self.process = process
        self.log = log
        self.pid = process.pid

    @property
    def text(self) -> str:
        return self.log.read_text(errors="replace")

    def says(self, words: str, times: int = 1, timeout: float = PATIENCE) -> None:
        wait_for(lambda: self.text.count(words) >= times, f"{words!r} in the log:\n{self.text}", timeout)

    def signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def ends(self, timeout: float = PATIENCE) -> int:
        """Wait for its end; return its exit code."""
        return self.process.wait(timeout)

    def family(self) -> list[psutil.Process]:
        """All processes that stem from it."""
        return psutil.Process(self.pid).children(recursive=True)

    def children(self) -> list[int]:
        """The pids of the children that run tasks."""
        (zygote,) = psutil.Process(self.pid).children()
        return [child.pid for child in zygote.children()]


class Yard:
    """One test's store, witness file and workers."""

    def __init__(self, folder: Path, *, store: str | None = None, results: str = "store") -> None:
        self.folder = folder
        self.store = store or f"sqlite:///{folder}/store.db"
        self.results = results
        self.witness = folder / "witness.txt"
        self.workers: list[Worker] = []
        self.app = Horarium("errands", store=self.store, result_backend=results, set_as_current=False)

    def send(self, task: str, *args: Any, **options: Any) -> str:
        id: str = self.app.send_task(task, args, **options).id
        return id

    def start(self, *, ready: bool = True, program: str = "run_worker.py", **options: Any) -> Worker:
        options = {"concurrency": 2, "lease": 6.0, "sweep": 1.0, "grace": 5.0, **options}
        log = self.folder / f"worker-{len(self.workers)}.log"
        environment = {
            **os.environ,
            "ERRANDS_STORE": self.store,
            "ERRANDS_RESULTS": self.results,
            "ERRANDS_WITNESS": str(self.witness),
            "ERRANDS_PARENT": str(os.getpid()),
        }
        with log.open("wb") as out:
            process = subprocess.Popen(
                [sys.executable, str(HERE / program), msgspec.json.encode(options).decode()],
                stdout=out,
                stderr=out,
                env=environment,
                cwd=self.folder,
                start_new_session=True,
            )
        worker = Worker(process, log)
        self.workers.append(worker)
        if ready:
            worker.says("ready.")
        return worker

    def run(self, id: str) -> Run:
        (run,) = self.app.engine.results.read([id])
        assert run is not None, id
        return run

    def ends(self, *ids: str, timeout: float = PATIENCE) -> list[Run]:
        """Wait until all of them have ended; return their runs."""

        def ended() -> list[Run] | None:
            runs = [run for run in self.app.engine.results.read(ids) if run is not None and run.state in ENDED]
            return runs if len(runs) == len(ids) else None

        def states() -> str:
            logs = "\n".join(worker.text[-3000:] for worker in self.workers)
            return f"{[run and run.state for run in self.app.engine.results.read(ids)]}\n{logs}"

        try:
            found: list[Run] = wait_for(ended, "the runs have ended", timeout)
        except AssertionError as error:
            raise AssertionError(f"{error}: {states()}") from None
        return found

    def saw(self, *words: object) -> list[list[str]]:
        """Return the witness's lines that begin with these words."""
        wanted = [str(word) for word in words]
        return [line for line in errands.witnessed(self.witness) if line[: len(wanted)] == wanted]

    def sees(self, *words: object, times: int = 1, timeout: float = PATIENCE) -> list[list[str]]:
        """Wait until the witness has seen this so many times."""
        return wait_for(
            lambda: lines if len(lines := self.saw(*words)) >= times else None,
            f"{words} witnessed {times} times: {errands.witnessed(self.witness)}",
            timeout,
        )

    def close(self) -> None:
        for worker in self.workers:
            family = []
            if worker.process.poll() is None:
                family = worker.family()
                os.kill(worker.pid, signal.SIGCONT)
                worker.process.kill()
                worker.process.wait(10)
            for process in family:
                with suppress(psutil.NoSuchProcess):
                    process.kill()
        self.app.close()


def is_alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
