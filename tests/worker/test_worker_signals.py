"""The signals of real workers and schedulers, started as users start them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from yard import PATIENCE, wait_for

from horarium import Horarium
from horarium.app.abortable import AbortableAsyncResult

BELLS = '''
import logging, os, time
from horarium import Horarium, every, signals
from horarium.app.abortable import AbortableTask

app = Horarium("bells", store="sqlite:///bells.db")


def note(*words):
    descriptor = os.open("witness.txt", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(descriptor, (" ".join(map(str, (os.getpid(), *words))) + "\\n").encode())
    os.close(descriptor)


@app.task(name="add")
def add(x, y):
    return x + y


@app.task(name="nap", bind=True, time_limit=60)
def nap(self, seconds):
    note("napping", self.request.id)
    time.sleep(seconds)


@app.task(name="stoppable", base=AbortableTask, bind=True)
def stoppable(self):
    note("waiting", self.request.id)
    deadline = time.monotonic() + 20
    while not self.is_aborted() and time.monotonic() < deadline:
        time.sleep(0.02)  # between two looks
    return self.is_aborted()


@app.task(name="tick", schedule=every(seconds=1))
def tick():
    return signals.task_prerun.name


PLAIN = """worker_init worker_ready worker_shutdown worker_process_init worker_process_shutdown heartbeat_sent
    worker_before_create_process beat_init beat_embedded_init import_modules""".split()


def bell(signal=None, sender=None, **facts):
    shown = {name: value for name, value in facts.items() if name in ("pid", "exitcode", "sig", "how")}
    note(signal.name, type(sender).__name__, *(f"{name}={value}" for name, value in sorted(shown.items())))


for name in PLAIN:
    getattr(signals, name).connect(bell)


@signals.worker_shutting_down.connect
def going(sender=None, **facts):
    note("worker_shutting_down", sender, facts["sig"], facts["how"], facts["exitcode"])


@signals.celeryd_init.connect
def init(sender=None, conf=None, options=None, **_):
    note("celeryd_init", sender, options["loglevel"])
    conf.worker_output_limit = 4711


@signals.celeryd_after_setup.connect
def after_setup(sender=None, instance=None, conf=None, **_):
    note("celeryd_after_setup", sender, instance.hostname, instance.app.main, conf.worker_output_limit)


@signals.user_preload_options.connect
def preload(sender=None, app=None, options=None, **_):
    note("user_preload_options", sender, app.main, options["loglevel"])


@signals.worker_ready.connect
def send_one(sender=None, **_):
    sender.app.send_task("add", (1, 1), task_id="sent-when-ready")


@signals.after_setup_logger.connect
def logger_made(logger=None, loglevel=None, **_):
    note("after_setup_logger", logger.name, loglevel)


@signals.after_setup_task_logger.connect
def task_logger_made(logger=None, **_):
    note("after_setup_task_logger", logger.name)


@signals.task_received.connect
def received(sender=None, request=None, **_):
    note("task_received", sender, request.id, request.name, request.args)


@signals.task_success.connect
def success(sender=None, result=None, **_):
    note("task_success", sender.name, result)


@signals.task_revoked.connect
def revoked(sender=None, request=None, terminated=None, signum=None, expired=None, **_):
    note("task_revoked", sender.name, request.id, terminated, signum, expired)


@signals.task_failure.connect
def failure(sender=None, task_id=None, exception=None, **_):
    note("task_failure", sender.name, task_id, type(exception).__name__)


@signals.after_task_publish.connect
def published(sender=None, headers=None, **_):
    note("after_task_publish", sender, headers.get("id"))
'''

QUIET = (
    BELLS
    + """

@signals.setup_logging.connect
def no_logging(loglevel=None, **_):
    note("setup_logging", loglevel)
"""
)


class Tower:
    """One folder with the module ``bells``, its store, and the processes that a test starts there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "bells.py").write_text(BELLS)
        (folder / "quiet.py").write_text(QUIET)
        self.processes: list[subprocess.Popen[bytes]] = []
        self.app = Horarium("bells", store=f"sqlite:///{folder}/bells.db", set_as_current=False)

    def start(self, *args: str, module: str = "bells") -> subprocess.Popen[bytes]:
        with (self.folder / "log.txt").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "horarium", "-A", module, *args],
                cwd=self.folder,
                stdout=log,
                stderr=log,
                env={**os.environ},
                start_new_session=True,
            )
        self.processes.append(process)
        return process

    @property
    def witness(self) -> list[str]:
        """All lines, without the pid."""
        path = self.folder / "witness.txt"
        return [line.partition(" ")[2] for line in path.read_text().splitlines()] if path.exists() else []

    def pids(self, word: str) -> set[int]:
        lines = (self.folder / "witness.txt").read_text().splitlines()
        return {int(line.split()[0]) for line in lines if line.split()[1] == word}

    def saw(self, line: str) -> str:
        """Wait for a line that begins so."""
        found: str = wait_for(
            lambda: next((each for each in self.witness if each.startswith(line)), None),
            f"{line!r} in {self.witness}\n{(self.folder / 'log.txt').read_text()[-3000:]}",
        )
        return found

    def send(self, name: str, *args: Any, **options: Any) -> str:
        id: str = self.app.send_task(name, args, **options).id
        return id

    def close(self) -> None:
        for process in self.processes:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
                try:
                    process.wait(10)
                except subprocess.TimeoutExpired:
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait(10)
        self.app.close()


@pytest.fixture
def tower(tmp_path: Path) -> Iterator[Tower]:
    tower = Tower(tmp_path)
    yield tower
    tower.close()


def test_a_worker_rings_from_its_beginning_to_its_end(tower: Tower) -> None:
    worker = tower.start("worker", "-c", "1", "-n", "tower@here", "-l", "warning", "-B")
    tower.saw("worker_ready Supervisor")
    tower.saw("task_success add 2")
    tower.saw("heartbeat_sent Renewer")
    tower.saw("task_success tick task_prerun")
    os.kill(worker.pid, signal.SIGTERM)
    assert worker.wait(PATIENCE) == 0
    rung = tower.witness
    for line in (
        "user_preload_options worker bells WARNING",
        "celeryd_init tower@here WARNING",
        "celeryd_after_setup tower@here tower@here bells 4711",
        "import_modules Horarium",
        "worker_init Supervisor",
        "worker_before_create_process Zygote",
        "worker_process_init NoneType",
        "beat_init Scheduler",
        "beat_embedded_init Scheduler",
        "after_setup_logger root 30",
        "after_setup_task_logger celery.task",
        "after_task_publish add sent-when-ready",
        "task_received tower@here sent-when-ready add [1, 1]",
        "worker_shutting_down tower@here SIGTERM Warm 0",
        "worker_shutdown Supervisor",
    ):
        assert rung.count(line) == 1, (line, rung)
    assert any(line.startswith("after_task_publish tick") for line in rung)
    (child,) = tower.pids("worker_process_init")
    assert f"worker_process_shutdown NoneType exitcode=0 pid={child}" in rung
    assert tower.pids("task_success") == {child}
    assert tower.pids("worker_ready") == tower.pids("worker_init") == {worker.pid}


def test_runs_that_are_ended_by_force_are_told_by_the_supervisor(tower: Tower) -> None:
    worker = tower.start("worker", "-c", "1")
    slow = tower.send("nap", 60)
    tower.saw(f"napping {slow}")
    tower.app.control.revoke(slow, terminate=True)
    tower.saw(f"task_revoked nap {slow} True SIGKILL False")
    limited = tower.send("nap", 60, time_limit=0.5)
    tower.saw(f"task_failure nap {limited} TimeLimitExceeded")
    assert tower.pids("task_failure") == tower.pids("task_revoked") == {worker.pid}


def test_runs_that_are_ended_by_force_in_threads_are_told_there(tower: Tower) -> None:
    tower.start("worker", "-c", "2", "-P", "thread")
    slow = tower.send("nap", 60)
    tower.saw(f"napping {slow}")
    tower.app.control.revoke(slow, terminate=True)
    tower.saw(f"task_revoked nap {slow} True SIGKILL False")


def test_an_abortable_task_hears_of_it_in_another_process(tower: Tower) -> None:
    tower.start("worker", "-c", "1")
    result = AbortableAsyncResult(tower.send("stoppable"), app=tower.app)
    tower.saw(f"waiting {result.id}")
    assert not result.is_aborted()
    result.abort()
    assert result.is_aborted()
    assert result.get(timeout=PATIENCE) is True


def test_a_scheduler_rings_when_it_begins_and_when_it_sends(tower: Tower) -> None:
    beat = tower.start("beat", "-l", "debug")
    tower.saw("user_preload_options beat bells DEBUG")
    tower.saw("beat_init Scheduler")
    tower.saw("after_task_publish tick")
    assert not any(line.startswith("beat_embedded_init") for line in tower.witness)
    os.kill(beat.pid, signal.SIGTERM)
    assert beat.wait(PATIENCE) == 0


def test_a_receiver_of_setup_logging_does_it_instead(tower: Tower) -> None:
    tower.start("worker", "-c", "1", module="quiet")
    tower.saw("setup_logging 20")
    tower.saw("worker_ready Supervisor")
    assert not any(line.startswith("after_setup") for line in tower.witness)
