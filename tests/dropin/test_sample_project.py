"""A project written for Celery passes its own tests: with the real Celery, and unchanged with Horarium.

Each time a Redis, a worker and a scheduler are started as its README says, with the program named celery.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from sample_lists import ALL, NOT_YET, PROJECT

from servers import RedisServer

PATIENCE = 240
pytestmark = pytest.mark.timeout(PATIENCE + 60)


def test_the_sample_project_passes_its_tests_with_the_real_celery(celery_bin: Path, tmp_path: Path) -> None:
    with project(celery_bin, tmp_path, {}) as run_tests:
        run_tests(ALL)


def test_the_sample_project_passes_its_tests_with_horarium_in_its_place(dropin_bin: Path, tmp_path: Path) -> None:
    with project(dropin_bin, tmp_path, {"HORARIUM_DROPIN": "1"}) as run_tests:
        run_tests([name for name in ALL if name not in NOT_YET], leaving=[name for name in NOT_YET if "::" in name])


def test_what_is_not_run_yet_is_there_and_says_what_it_waits_for() -> None:
    assert [name for name in NOT_YET if name.partition("::")[0] not in ALL] == []
    assert all(NOT_YET.values())


def test_the_sample_project_knows_nothing_of_horarium() -> None:
    sources = [path for path in PROJECT.rglob("*.py") if "horarium" in path.read_text("utf-8").lower()]
    assert sources == [PROJECT / "sample" / "__init__.py"]  # its docstring says that it does not


@contextmanager
def project(programs: Path, folder: Path, environment: dict[str, str]) -> Iterator:
    """Start what the project needs, with the programs of one environment; yield a function that runs its tests."""
    with ExitStack() as stack:
        redis = stack.enter_context(RedisServer())
        env = {
            "PATH": f"{programs}:{os.environ['PATH']}",
            "HOME": str(folder),
            "NO_COLOR": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "SAMPLE_REDIS": f"redis://127.0.0.1:{redis.port}",
            "SAMPLE_JOURNAL": str(folder / "journal.txt"),
            **environment,
        }
        celery = [str(programs / "celery"), "-A", "sample"]
        worker = [*celery, "worker", "--loglevel=info", "-c", "2", "-Q", "sample,slow", "--without-gossip"]
        beat = [*celery, "beat", "-l", "info", "-s", str(folder / "schedule"), "--pidfile", str(folder / "beat.pid")]
        for name, command in (("worker", worker), ("beat", beat)):
            stack.enter_context(going_on(command, env, folder / f"{name}.log"))

        def run_tests(files: list[str], leaving: list[str] | None = None) -> None:
            leave = [f"--deselect=tests/{name}" for name in leaving or ()]
            own = ["-q", "-p", "no:cacheprovider"]
            done = subprocess.run(
                [str(programs / "python"), "-m", "pytest", *own, *leave, *(f"tests/{name}" for name in files)],
                cwd=PROJECT,
                env=env,
                capture_output=True,
                text=True,
                timeout=PATIENCE,
            )
            logs = "\n".join(f"{log.name}:\n{log.read_text()[-3000:]}" for log in folder.glob("*.log"))
            assert done.returncode == 0, f"{done.stdout[-12_000:]}{done.stderr[-2000:]}\n{logs}"

        yield run_tests


@contextmanager
def going_on(command: list[str], env: dict[str, str], log: Path) -> Iterator[None]:
    """Run a program while the block lasts, then ask it to stop, and end it if it does not."""
    with log.open("wb") as out:
        process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", *command], cwd=PROJECT, env=env, stdout=out, stderr=subprocess.STDOUT
        )
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(20)
