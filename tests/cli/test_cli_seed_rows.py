"""What real adopters' guides rely on of the command line (surface.md section 3): each test names its row."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from adopter import WITHIN, Adopter

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


@pytest.fixture
def guide(tmp_path: Path) -> Iterator[Adopter]:
    package = tmp_path / "config"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "celery.py").write_text(APP)
    (tmp_path / "task.py").write_text("from config.celery import add\n")
    guide = Adopter(tmp_path, APP_ROLE="worker")
    yield guide
    guide.close()


@pytest.mark.parametrize("level", ["info", "INFO", "Debug"])
def test_a_worker_takes_level_and_concurrency_as_the_guides_write_them_rows_3_4_5(guide: Adopter, level: str) -> None:
    worker = guide.start("-A", "config", "worker", f"--loglevel={level}", "--concurrency=1")
    guide.says("concurrency: 1 (process)")
    guide.says("ready.")
    assert guide.horarium("-A", "config", "call", "proj.add", "-a", "[1, 2]").returncode == 0
    guide.says("succeeded in")
    worker.terminate()
    assert worker.wait(WITHIN) == 0


def test_a_level_that_hides_takes_effect_row_4(guide: Adopter) -> None:
    worker = guide.start("-A", "config", "worker", "--loglevel=WARNING", "--concurrency=2")
    guide.says("concurrency: 2 (process)")
    guide.until(lambda: guide.run("-m", "horarium.health").returncode == 0)
    assert "ready." not in (guide.folder / "log0").read_text()
    worker.terminate()
    assert worker.wait(WITHIN) == 0


def test_beat_uses_the_settings_schedule_and_goes_on_after_a_restart_row_6(guide: Adopter) -> None:
    for number in range(2):
        beat = guide.start("-A", "config", "beat", "--loglevel=info")
        guide.says("tick", number)
        beat.terminate()
        assert beat.wait(WITHIN) == 0
    assert guide.horarium("-A", "config", "schedules", "list").stdout.startswith("tick\t")


@pytest.mark.parametrize("spec", ["config", "config.celery", "config.celery:app", "config.celery.app"])
def test_an_app_is_found_in_all_the_ways_of_the_guides_row_10(guide: Adopter, spec: str) -> None:
    result = guide.horarium("-A", spec, "tasks", "list")
    assert result.stdout.startswith("proj.add\t"), result.stderr


def test_logs_reach_whoever_collects_them_at_once_row_12(guide: Adopter) -> None:
    """Nothing is buffered: a file or pipe has a line while the process lives."""
    guide.start("-A", "config", "worker", "--loglevel=info", "-c", "1")
    guide.says("ready.")
    guide.start("-A", "config", "beat", "--loglevel=info")
    guide.says("starting", 1)


def test_a_one_liner_that_sends_exits_promptly_row_19(guide: Adopter) -> None:
    result = guide.run("-c", "import task; print(task.add.delay(1, 2).id)")
    assert result.returncode == 0, result.stderr
    waiting = guide.horarium("-A", "config", "runs", "list").stdout
    assert result.stdout.strip() in waiting


def test_every_command_works_without_a_terminal_row_20(guide: Adopter) -> None:
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


def test_a_projects_own_variables_pass_through_untouched_row_24(guide: Adopter) -> None:
    guide.start("-A", "config", "worker", "--loglevel=info", "-c", "1")
    guide.says("ready.")
    guide.run("-c", "import task; task.add.delay(1, 2)")
    guide.says("role worker")


def test_calls_come_from_a_plain_shell_and_from_a_coroutine_row_69(guide: Adopter) -> None:
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
def test_a_scheduler_that_cannot_run_ends_with_the_reason_on_its_last_line_row_134(guide: Adopter, fault: str) -> None:
    if fault == "store":
        (guide.folder / "shop.db").write_bytes(b"this is no database" * 1000)
        reason = "shop.db"
    else:
        (guide.folder / "config" / "celery.py").write_text("import not_installed_here\n")
        reason = "not_installed_here"
    result = guide.horarium("-A", "config", "beat", "--loglevel=info")
    assert result.returncode == 1
    assert reason in result.stderr.strip().splitlines()[-1], result.stderr
