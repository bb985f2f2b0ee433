"""A peer with an empty store, ready to be measured: its servers, its calling process, its workers, its scheduler."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

import psutil  # type: ignore[import-untyped]

from bench.apps.witness import WITNESS
from bench.peer import Peer
from bench.processes import Running
from bench.venue import Venue

ROOT = Path(__file__).parents[1]
FIRST_SECONDS = 60.0  # a worker that has done nothing by then is broken


class Caller:
    """The process that calls tasks; orders go in, answers come out, see bench/apps/answer.py."""

    def __init__(self, python: str, app: str, environment: dict[str, str], log: Path) -> None:
        self._log = log
        with log.open("ab") as complaints:
            self._process = subprocess.Popen(
                [python, "-m", "bench.apps.answer", app],
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

    def __init__(
        self, peer: Peer, python: str, directory: Path, servers: list[Running], names: dict[str, str], stack: ExitStack
    ) -> None:
        self.peer = peer
        self._python = python
        self._directory = directory
        self._servers = servers
        self._names = names  # what the texts of a peer may name
        self._environment = {name: text.format_map(names) for name, text in peer.settings}
        self._environment |= {
            "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "src")]),
            WITNESS: str(directory / "witness"),
        }
        self._stack = stack
        caller = Caller(python, peer.app, self._environment, directory / "caller.log")
        self.caller = stack.enter_context(caller)
        self.facts: dict[str, str] = self.caller.ask("facts")  # the store exists from here on

    def start_worker(self, name: str = "worker") -> Running:
        return self._start(self.peer.worker, name)

    def start_scheduler(self) -> Running | None:
        """Start the scheduler; None where the worker has one of its own."""
        return self._start(self.peer.scheduler, "scheduler") if self.peer.scheduler else None

    def server_processes(self) -> list[psutil.Process]:
        return [member for server in self._servers for member in server.tree()]

    def await_done(
        self, count: int, worker: Running, *, within: float = 120.0, at_first: Callable[[], None] = lambda: None
    ) -> list[tuple[float, int]]:
        """Wait until ``count`` calls have ended, or for ``within`` seconds from the first one on.

        Calls ``at_first`` when the first one is seen. Returns what was seen, as (monotonic seconds, calls ended),
        beginning with the first that ended. It looks every 5 ms until then, and afterwards as seldom as it can without
        seeing the last one late: looking takes time away from those who work.
        Raises: RuntimeError when the worker ends, TimeoutError when nothing gets done.
        """
        seen: list[tuple[float, int]] = []
        deadline = time.monotonic() + FIRST_SECONDS
        while not seen or (seen[-1][1] < count and seen[-1][0] < seen[0][0] + within):
            worker.check()
            done = self.caller.ask("done")
            now = time.monotonic()
            if done:
                seen.append((now, done))
                if len(seen) == 1:
                    at_first()
            elif now > deadline:
                raise TimeoutError(f"{self.peer.name}: nothing done within {FIRST_SECONDS} s:\n{worker.tail()}")
            time.sleep(pause(seen, count))
        return seen

    def _start(self, arguments: tuple[str, ...], name: str) -> Running:
        names = {**self._names, "process": name}
        command = [self._python, *(argument.format_map(names) for argument in arguments)]
        return self._stack.enter_context(Running(command, self._environment, self._directory / f"{name}.log"))


@contextmanager
def staged(peer: Peer, venue: Venue, directory: Path) -> Iterator[Stage]:
    """Prepare a peer in an empty directory; end all its processes afterwards."""
    with ExitStack() as stack:
        servers = stack.enter_context(venue.serving(peer, directory))
        names = {"directory": str(directory), **{name: served.address for name, served in servers.items()}}
        running = [served.process for served in servers.values()]
        yield Stage(peer, venue.python(peer), directory, running, names, stack)


def pause(seen: list[tuple[float, int]], count: int) -> float:
    """Return half of the time the rest is expected to take, within 2 and 250 ms."""
    if len(seen) < 2:
        return 0.005
    (began, first), (now, done) = seen[0], seen[-1]
    per_second = (done - first) / (now - began)
    return min(0.25, max(0.002, (count - done) / per_second / 2)) if per_second else 0.005
