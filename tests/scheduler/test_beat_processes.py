"""Schedulers as processes on one SQLite store, ended without warning while they work."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random
from time import sleep

from horarium.app.app import Horarium
from horarium.clock import SystemClock
from horarium.engines.records import Page, RunFilter

MODULE = """
from horarium.app.app import Horarium
from horarium.schedules import every

app = Horarium("shop", store="sqlite:///{path}")

@app.task(name="ping")
def ping(): ...

app.conf.beat_schedule = {{f"s{{n}}": {{"task": "ping", "schedule": every(0.05 * (n + 1))}} for n in range(4)}}
"""
RUN = """
from shop import app
from horarium.scheduler.beat import Scheduler
raise SystemExit(Scheduler(app).run())
"""
ENOUGH = 60.0  # seconds after which the test has failed
KILLS = 4
STEP_MS = 50


def test_schedulers_that_are_killed_at_random_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(MODULE.format(path=tmp_path / "shop.db"))
    random = Random(7)
    with Horarium("reader", store=f"sqlite:///{tmp_path / 'shop.db'}", set_as_current=False) as reader:
        processes = [start(tmp_path), start(tmp_path)]
        try:
            for _ in range(KILLS):
                before = fired(reader)
                wait_until(lambda before=before: fired(reader) > before + 15)
                victim = processes.pop(random.randrange(2))
                victim.send_signal(signal.SIGKILL)
                victim.wait(ENOUGH)
                processes.append(start(tmp_path))
            before = fired(reader)
            wait_until(lambda: fired(reader) > before + 15)
            wait_until(lambda: {process.pid for process in processes} <= signed_on(reader))  # they hear signals by now
        finally:
            for process in processes:
                process.terminate()
        assert [process.wait(ENOUGH) for process in processes] == [0, 0]
        for number in range(4):
            check_line(reader, f"s{number}", STEP_MS * (number + 1))


def check_line(reader: Horarium, name: str, step: int) -> None:
    """Every instant of the schedule's line was either sent, once, or counted as missed."""
    [schedule] = reader.engine.schedules.get([name])
    held = reader.engine.inspector.find(RunFilter(schedule=name), Page(limit=100_000)).held
    nominals = sorted(each.message.nominal - schedule.anchor for each in held)
    assert len(set(nominals)) == len(nominals) == schedule.total_runs
    assert all(nominal % step == 0 for nominal in nominals)
    assert len(nominals) + schedule.missed == nominals[-1] // step


def start(folder: Path) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    return subprocess.Popen([sys.executable, "-c", RUN], cwd=folder, env=environment, stderr=subprocess.DEVNULL)


def signed_on(reader: Horarium) -> set[int]:
    members = reader.engine.inspector.workers(now=reader.engine.now())
    return {record.member.pid for record in members if record.alive}


def fired(reader: Horarium) -> int:
    return sum(schedule.total_runs for schedule in reader.engine.schedules.browse(Page(limit=10)).schedules)


def wait_until(fact: Callable[[], bool]) -> None:
    clock = SystemClock()
    deadline = clock.monotonic() + ENOUGH
    while not fact():
        assert clock.monotonic() < deadline
        sleep(0.01)  # the fact is made by another process: look again soon, and leave it the CPU
