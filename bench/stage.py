"""A peer with an empty store, ready to be measured: its calling process, its workers, its scheduler."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

from bench.apps.witness import WITNESS
from bench.peer import Peer
from bench.processes import Running

ROOT = Path(__file__).parents[1]
FIRST_SECONDS = 60.0  # a worker that has done nothing by then is broken


class Caller:
    """The process that calls tasks; orders go in, answers come out, see bench/apps/answer.py."""

    def __init__(self, app: str, environment: dict[str, str], log: Path) -> None:
        self._log = log
        with log.open("ab") as complaints:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "bench.apps.answer", app],
                env={**os.environ, **environment},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=complaints,
                text=True,
            )

    def __enter__(self) -> Caller:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.kill()
        self._process.communicate()

    def ask(self, order: str, **arguments: Any) -> Any:  # Any: what JSON can say
        """Give an order and wait for the answer. Raises: RuntimeError with the log when the process has died."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps({"do": order, "with": arguments}) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # it has died; its log says more
        if not (line := self._process.stdout.readline()):
            raise RuntimeError(f"the caller died of {order!r}:\n{self._log.read_text()[-3000:]}")
        return json.loads(line)


class Stage:
    """One peer, one directory, one store."""

    def __init__(self, peer: Peer, directory: Path, environment: dict[str, str], stack: ExitStack) -> None:
        self.peer = peer
        self._directory = directory
        self._environment = environment
        self._stack = stack
        self.caller = stack.enter_context(Caller(peer.app, environment, directory / "caller.log"))
        self.facts: dict[str, str] = self.caller.ask("facts")  # the store exists from here on

    def start_worker(self) -> Running:
        return self._start(self.peer.worker(), "worker.log")

    def start_scheduler(self) -> Running | None:
        """Start the scheduler; None where the worker has one of its own."""
        command = self.peer.scheduler(self._directory)
        return self._start(command, "scheduler.log") if command else None

    def await_done(self, count: int, worker: Running, *, within: float = 120.0) -> list[tuple[float, int]]:
        """Wait until ``count`` calls have ended, or for ``within`` seconds from the first one on.

        Returns what was seen, as (monotonic seconds, calls ended), beginning with the first that ended. It looks every
        5 ms until then, and afterwards as seldom as it can without seeing the last one late: looking takes time away
        from those who work. Raises: RuntimeError when the worker ends, TimeoutError when nothing gets done.
        """
        seen: list[tuple[float, int]] = []
        deadline = time.monotonic() + FIRST_SECONDS
        while not seen or (seen[-1][1] < count and seen[-1][0] < seen[0][0] + within):
            worker.check()
            done = self.caller.ask("done")
            now = time.monotonic()
            if done:
                seen.append((now, done))
            elif now > deadline:
                raise TimeoutError(f"{self.peer.name}: nothing done within {FIRST_SECONDS} s:\n{worker.tail()}")
            time.sleep(_pause(seen, count))
        return seen

    def _start(self, command: list[str], log: str) -> Running:
        return self._stack.enter_context(Running(command, self._environment, self._directory / log))


@contextmanager
def staged(peer: Peer, directory: Path) -> Iterator[Stage]:
    """Prepare a peer in an empty directory; end all its processes afterwards."""
    with ExitStack() as stack:
        environment = stack.enter_context(peer.prepared(directory))
        environment |= {"PYTHONPATH": str(ROOT), WITNESS: str(directory / "witness")}
        yield Stage(peer, directory, environment, stack)


def _pause(seen: list[tuple[float, int]], count: int) -> float:
    """Half of the time the rest is expected to take, within 2 and 250 ms."""
    if len(seen) < 2:
        return 0.005
    (began, first), (now, done) = seen[0], seen[-1]
    per_second = (done - first) / (now - began)
    return min(0.25, max(0.002, (count - done) / per_second / 2)) if per_second else 0.005
