"""What real adopters' guides rely on of the command line (surface.md section 3): each test names its row."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

WITHIN = 30.0
APP = """
import os
from horarium import Horarium, every

app = Horarium("proj", store="sqlite:///shop.db")


@app.task(name="proj.add")
def add(x: int, y: int) -> int:
    print("role", os.environ.get("APP_ROLE"))
    return x + y


app.conf.beat_schedule = {"tick": {"task": "proj.add", "schedule": every(seconds=1), "args": [1, 2]}}
"""


class Guide:
    """A project folder as the guides have it, and the processes that were started there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("HORARIUM_", "CELERY_", "PYTHONUNBUFFERED"))}
        self.environment = {**kept, "HORARIUM_RUN_DIR": str(folder / "run"), "APP_ROLE": "worker"}
        self.started: list[subprocess.Popen[bytes]] = []

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *command],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=WITHIN,
            check=False,
        )

    def horarium(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.run("-m", "horarium", *arguments)

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        with (self.folder / f"log{len(self.started)}").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "horarium", *arguments],
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                process_group=0,
            )
        self.started.append(process)
        return process

    def says(self, words: str, number: int = 0) -> None:
        log = self.folder / f"log{number}"
        end = time.monotonic() + WITHIN
        while words not in log.read_text():
            assert time.monotonic() < end, f"{words!r} in\n{log.read_text()}"
            time.sleep(0.05)  # between two looks at a fact

    def until(self, fact: Callable[[], object]) -> None:
        end = time.monotonic() + WITHIN
        while not fact():
            assert time.monotonic() < end
            time.sleep(0.05)  # between two looks at a fact

    def close(self) -> None:
        for process in self.started:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(WITHIN)


@pytest.fixture
def guide(tmp_path: Path) -> Iterator[Guide]:
    package = tmp_path / "config"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "celery.py").write_text(APP)
    (tmp_path / "task.py").write_text("from config.celery import add\n")
    guide = Guide(tmp_path)
    yield guide
    guide.close()


@pytest.mark.parametrize("level", ["info", "INFO", "Debug"])
def test_a_worker_takes_level_and_concurrency_as_the_guides_write_them_rows_3_4_5(guide: Guide, level: str) -> None:
    worker = guide.start("-A", "config", "worker", f"--loglevel={level}", "--concurrency=1")
    guide.says("concurrency: 1 (process)")
    guide.says("ready.")
    assert guide.horarium("-A", "config", "call", "proj.add", "-a", "[1, 2]").returncode == 0
    guide.says("succeeded in")
    worker.terminate()
    assert worker.wait(WITHIN) == 0


def test_a_level_that_hides_takes_effect_row_4(guide: Guide) -> None:
    worker = guide.start("-A", "config", "worker", "--loglevel=WARNING", "--concurrency=2")
    guide.says("concurrency: 2 (process)")
    guide.until(lambda: guide.run("-m", "horarium.health").returncode == 0)
    assert "ready." not in (guide.folder / "log0").read_text()
    worker.terminate()
    assert worker.wait(WITHIN) == 0


def test_beat_uses_the_settings_schedule_and_goes_on_after_a_restart_row_6(guide: Guide) -> None:
    for number in range(2):
        beat = guide.start("-A", "config", "beat", "--loglevel=info")
        guide.says("tick", number)
        beat.terminate()
        assert beat.wait(WITHIN) == 0
    assert guide.horarium("-A", "config", "schedules", "list").stdout.startswith("tick\t")


@pytest.mark.parametrize("spec", ["config", "config.celery", "config.celery:app", "config.celery.app"])
def test_an_app_is_found_in_all_the_ways_of_the_guides_row_10(guide: Guide, spec: str) -> None:
    result = guide.horarium("-A", spec, "tasks", "list")
    assert result.stdout.startswith("proj.add\t"), result.stderr


def test_logs_reach_whoever_collects_them_at_once_row_12(guide: Guide) -> None:
    """Nothing is buffered: a file or pipe has a line while the process lives."""
    guide.start("-A", "config", "worker", "--loglevel=info", "-c", "1")
    guide.says("ready.")
    guide.start("-A", "config", "beat", "--loglevel=info")
    guide.says("starting", 1)


def test_a_one_liner_that_sends_exits_promptly_row_19(guide: Guide) -> None:
    result = guide.run("-c", "import task; print(task.add.delay(1, 2).id)")
    assert result.returncode == 0, result.stderr
    waiting = guide.horarium("-A", "config", "runs", "list").stdout
    assert result.stdout.strip() in waiting


def test_every_command_works_without_a_terminal_row_20(guide: Guide) -> None:
    guide.run("-c", "import task; task.add.delay(1, 2)")
    for command, code in (
        (("status",), 69),
        (("list", "bindings"), 0),
        (("runs", "list"), 0),
        (("schedules", "list"), 0),
        (("report",), 0),
        (("shell",), 0),
        (("purge", "-f"), 0),
    ):
        result = guide.horarium("-A", "config", *command)
        assert result.returncode == code, (command, result.stderr)


def test_a_projects_own_variables_pass_through_untouched_row_24(guide: Guide) -> None:
    guide.start("-A", "config", "worker", "--loglevel=info", "-c", "1")
    guide.says("ready.")
    guide.run("-c", "import task; task.add.delay(1, 2)")
    guide.says("role worker")


def test_calls_come_from_a_plain_shell_and_from_a_coroutine_row_69(guide: Guide) -> None:
    script = (
        "import asyncio, task\n"
        "async def handler():\n"
        "    return (await task.add.adelay(1, 2)).id\n"
        "print(task.add.delay(1, 2).id, asyncio.run(handler()))\n"
    )
    result = guide.run("-c", script)
    assert result.returncode == 0, result.stderr
    shown = guide.horarium("-A", "config", "runs", "list").stdout
    assert all(id in shown for id in result.stdout.split())


@pytest.mark.parametrize("fault", ["store", "import"])
def test_a_scheduler_that_cannot_run_ends_with_the_reason_on_its_last_line_row_134(guide: Guide, fault: str) -> None:
    if fault == "store":
        (guide.folder / "shop.db").write_bytes(b"this is no database" * 1000)
        reason = "shop.db"
    else:
        (guide.folder / "config" / "celery.py").write_text("import not_installed_here\n")
        reason = "not_installed_here"
    result = guide.horarium("-A", "config", "beat", "--loglevel=info")
    assert result.returncode == 1
    assert reason in result.stderr.strip().splitlines()[-1], result.stderr
