"""What it costs that runs are counted and their output is kept: ``python -m bench.keeping sqlite|redis``.

Four workers of two processes, each with a queue of its own on one store, work off a batch by turns: as it comes;
without the counted series; without kept output (``worker_output_limit=0``); without both. Figures are medians of the
rounds: CPU of all the worker's processes for a task, and tasks a second. There is no setting that leaves the series
out: the app of the bench takes the scorer's work away (BENCH_WITHOUT_SERIES). The workers log from WARNING on in all
variants, as they come: what logging itself takes is not what keeping takes.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from bench.draining import drain
from bench.kept_runs import served
from bench.machine import pulse
from bench.processes import Running

VARIANTS = {
    "as it comes": {},
    "without series": {"BENCH_WITHOUT_SERIES": "1"},
    "without output": {"BENCH_OUTPUT_LIMIT": "0"},
    "without both": {"BENCH_WITHOUT_SERIES": "1", "BENCH_OUTPUT_LIMIT": "0"},
}
BATCHES = {"shop.quick": 15_000, "shop.talkative": 5_000}
ROUNDS = 7
COMMAND = (sys.executable, "-m", "horarium", "-A", "bench.apps.horarium_shop", "worker", "-l", "warning", "-c", "2")


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure one store, and print a line for each task and variant."""
    parser = argparse.ArgumentParser(prog="bench.keeping")
    parser.add_argument("store", choices=["sqlite", "postgres", "redis"])
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--task", choices=list(BATCHES), action="append")
    asked = parser.parse_args(arguments)
    with served(asked.store, None) as url, tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        print(f"{asked.store}: {pulse(Path(folder))}", flush=True)
        os.environ["BENCH_STORE"] = url
        from bench.apps.horarium_shop import app  # reads the environment

        app.engine.check()
        workers = {}
        for place, (name, environment) in enumerate(VARIANTS.items()):
            command = [*COMMAND, "-Q", f"turn{place}", "-n", f"turn{place}@bench"]
            workers[name] = stack.enter_context(Running(command, environment, Path(folder) / f"{place}.log"))
        for task in asked.task or BATCHES:
            found: dict[str, list[tuple[float, float]]] = {name: [] for name in VARIANTS}
            for turn in range(asked.rounds + 1):
                for place, (name, worker) in enumerate(workers.items()):
                    figures = drain(app, task, BATCHES[task], worker, queue=f"turn{place}")
                    if turn:  # the first round warms up
                        found[name].append(figures)
            _tell(task, found)
        app.close()


def _tell(task: str, found: dict[str, list[tuple[float, float]]]) -> None:
    least = statistics.median(cpu for _, cpu in found["without both"])
    for name, figures in found.items():
        rate, cpu = (statistics.median(each) for each in zip(*figures, strict=True))
        lowest, highest = min(cpu for _, cpu in figures), max(cpu for _, cpu in figures)
        spent = f"{cpu:6.1f} us ({lowest:.1f} to {highest:.1f}), {cpu / least - 1:+6.1%}"
        print(f"  {task:16} {name:16} {spent}; {rate:,.0f}/s", flush=True)


if __name__ == "__main__":
    main()
