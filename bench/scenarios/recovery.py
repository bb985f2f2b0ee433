"""How long after its worker was killed does a task run again: after one process (child), and after all of them (host)?

A task holds on to its worker. For ``child`` the process that runs it gets SIGKILL, whatever else the worker consists of
lives on; for ``host`` all processes of the worker do, none of which learns of another's death, while a second worker
looks on. Whoever does not run it again within ``recovery_seconds`` is told as such: it has lost the task, or finds
it later than anybody would wait here. The two experiments run at the same time, each with a store of its own.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bench.peer import Peer
from bench.processes import Running
from bench.scenario import Metric, Samples, Scenario, Size
from bench.stage import Stage, staged
from bench.venue import Venue

Killing = Callable[[int, list[Running]], None]


def measure(peer: Peer, venue: Venue, directory: Path, size: Size) -> tuple[Samples, dict[str, str]]:
    killings: dict[str, tuple[Killing, int]] = {"child": (_kill_child, 1), "host": (_kill_host, 2)}
    facts = {"a killed worker": peer.killed}
    samples: Samples = {}
    with ThreadPoolExecutor(len(killings)) as threads:
        rescues = {
            name: threads.submit(_rescue, peer, venue, directory / name, size, *how) for name, how in killings.items()
        }
        for name, rescue in rescues.items():
            if (took := rescue.result()) is None:
                facts[name] = f"not within {size.recovery_seconds:g} s"
            else:
                samples[name] = [took]
    return samples, facts


def _rescue(peer: Peer, venue: Venue, directory: Path, size: Size, kill: Killing, hosts: int) -> float | None:
    """Return the seconds from the killing to the next start of the task; None if there was none in time."""
    directory.mkdir()
    with staged(peer, venue, directory) as stage:
        workers = [stage.start_worker(f"worker{number}") for number in range(hosts)]
        _await_ready(stage, workers)
        holder = stage.caller.ask("hold")
        killed = time.monotonic_ns()
        kill(holder, workers)
        again = stage.caller.ask("again", within=size.recovery_seconds)
        return None if again is None else (again - killed) / 1e9


def _await_ready(stage: Stage, workers: list[Running]) -> None:
    """Let the workers do something, so that one that is still starting is not taken for one that looks on."""
    stage.caller.ask("delay", count=20)
    for worker in workers:
        stage.await_done(20, worker)


def _kill_child(holder: int, workers: list[Running]) -> None:
    _worker_of(holder, workers)
    os.kill(holder, signal.SIGKILL)


def _kill_host(holder: int, workers: list[Running]) -> None:
    _worker_of(holder, workers).kill_tree()


def _worker_of(pid: int, workers: list[Running]) -> Running:
    for worker in workers:
        if any(member.pid == pid for member in worker.tree()):
            return worker
    raise RuntimeError(f"the task says that process {pid} runs it, but that is none of the workers' processes")


SCENARIO = Scenario(
    name="recovery",
    question="killed with a task in hand: seconds until it runs again",
    metrics=(
        Metric(name="child", unit="s", samples="child"),
        Metric(name="host", unit="s", samples="host"),
    ),
    measure=measure,
    rounds=1,
    side_by_side=True,
)
