"""Databases go from the real django-celery-beat 2.9 to Horarium and back, and lose nothing on the way.

``moved`` is a project that was written for Celery. Each step is a process: with the real packages (.venv-celery), or
in drop-in mode with ours. Rows 7, 8, 85 and 87 too.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest

from servers import PostgresServer

ROOT = Path(__file__).parents[2]
PROJECT = Path(__file__).parent / "moved"
THEIRS = ROOT / ".venv-celery"
OURS = {"HORARIUM_DROPIN": "1", "PYTHONPATH": str(ROOT / "src")}
PATIENCE = 120
pytestmark = pytest.mark.timeout(PATIENCE + 60)


class Project:
    """The project with a database of its own; ``theirs`` and ``ours`` take a step with the one or the other."""

    def __init__(self, folder: Path, database: str) -> None:
        self.folder = folder
        self.database = database

    def theirs(self, *steps: str) -> list[Any]:
        if not (THEIRS / ".ready").exists():
            tell = pytest.fail if os.environ.get("CI") else pytest.skip
            tell(f"there is no environment with Celery in {THEIRS}; `make test` makes it")
        return self._take(THEIRS / "bin" / "python", steps, {})

    def ours(self, *steps: str) -> list[Any]:
        return self._take(Path(sys.executable), steps, OURS)

    def run_until(self, argument: str) -> None:
        """Run a worker of ours with a scheduler until a run with this argument has left its proof."""
        proof = self.folder / "proof"
        store = {"MOVED_PROOF": str(proof), "MOVED_BROKER": f"sqlite:///{self.folder}/store.db"}
        command = "worker -B --scheduler django_celery_beat.schedulers:DatabaseScheduler -P thread -c 1".split()
        with (self.folder / "log").open("w") as log:
            worker = subprocess.Popen(
                [sys.executable, "-m", "horarium", "-A", "moved_site", *command],
                env=self._environment(**OURS, **store),
                cwd=PROJECT,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        try:
            deadline = time.monotonic() + PATIENCE
            while not proof.exists() or argument not in proof.read_text().split():
                assert worker.poll() is None and time.monotonic() < deadline, (self.folder / "log").read_text()
                time.sleep(0.05)  # between two looks at a fact
        finally:
            worker.terminate()
            worker.wait(PATIENCE)

    def _environment(self, **environment: str) -> dict[str, str]:
        passed_on = {"PATH": os.environ["PATH"], "HOME": str(self.folder)}
        return {**passed_on, "MOVED_DATABASE": self.database, **environment}

    def _take(self, python: Path, steps: tuple[str, ...], environment: dict[str, str]) -> list[Any]:
        done = subprocess.run(
            [str(python), "-W", "ignore", str(PROJECT / "steps.py"), *steps],
            env=self._environment(**environment),
            cwd=PROJECT,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        assert done.returncode == 0, f"{steps}\n{done.stdout}{done.stderr}"
        answers: list[Any] = json.loads(done.stdout.splitlines()[-1])
        return answers


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with PostgresServer() as started:
        yield started


def on_sqlite(folder: Path, name: str) -> Project:
    return Project(folder, f"sqlite://{folder}/{name}.sqlite3")


def on_postgresql(folder: Path, name: str, server: PostgresServer) -> Project:
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return Project(folder, server.url.rpartition("/")[0] + f"/{name}")


def test_each_migration_does_what_the_real_one_does_on_sqlite(tmp_path: Path) -> None:
    _compare(on_sqlite(tmp_path, "theirs"), on_sqlite(tmp_path, "ours"))


def test_each_migration_does_what_the_real_one_does_on_postgresql(tmp_path: Path, server: PostgresServer) -> None:
    _compare(on_postgresql(tmp_path, "theirs", server), on_postgresql(tmp_path, "ours", server))


def _compare(theirs: Project, ours: Project) -> None:
    [wanted], [found] = theirs.theirs("history"), ours.ours("history")
    assert [name for name, *_ in found] == [name for name, *_ in wanted]
    assert len(found) == 21
    for (name, *of_theirs), (_, *of_ours) in zip(wanted, found, strict=True):
        for what, theirs_is, ours_is in zip(("dependencies", "tables", "models"), of_theirs, of_ours, strict=True):
            assert ours_is == theirs_is, f"{what} after {name}"


def without_the_right_to_run(dump: list[Any]) -> list[Any]:
    """Return what a database holds but for the one right that Horarium adds."""
    return [[each for each in part if "run_periodictask" not in each] for part in dump]


def test_a_database_is_taken_over_as_it_is_and_given_back_rows_85_87_and_92(tmp_path: Path) -> None:
    project = on_sqlite(tmp_path, "site")
    *_, before = project.theirs("migrate", "fill", "begin_beat", "dump")

    applied, taken, names, said = project.ours("migrate", "dump", "names", "setup")
    assert "Applying django_celery_beat" not in applied and "Applying places" not in applied
    assert without_the_right_to_run(taken) == before
    assert len(set(names)) == 1
    assert "from settings: adopted" in said and said.endswith("1 adopted\n")
    project.ours("edit")
    project.run_until("8")
    [edited] = project.ours("dump")
    run = next(row["fields"] for row in edited[0] if row["fields"].get("name") == "off")
    assert run["total_run_count"] > 0 and run["last_run_at"] is not None
    assert set(project.ours("pages")[0].values()) == {200}

    applied, given_back, scheduled, pages = project.theirs("migrate", "dump", "scheduled", "pages")
    assert "No migrations to apply." in applied
    assert given_back == edited != taken
    made = {"hourly", "Ночью 夜", "sunset", "once", "off", "new", "from a migration", "from settings"}
    assert set(scheduled) - {"celery.backend_cleanup"} == made
    assert scheduled["off"].startswith("[8] <freq: 1.00 second>")
    assert set(pages.values()) == {200}


def test_a_database_may_change_sides_in_the_middle_of_its_migrations(tmp_path: Path) -> None:
    project, straight = on_sqlite(tmp_path, "site"), on_sqlite(tmp_path, "straight")
    project.theirs("migrate:django_celery_beat:0008_auto_20180914_1922")
    there = "migrate:django_celery_beat"
    assert project.ours(there, "schema")[1] == straight.ours(there, "schema")[1]


@pytest.mark.parametrize("is_postgresql", [False, True], ids=["sqlite", "postgresql"])
def test_several_processes_at_once_make_each_row_of_the_settings_once(
    tmp_path: Path, server: PostgresServer, is_postgresql: bool
) -> None:
    project = on_postgresql(tmp_path, "site", server) if is_postgresql else on_sqlite(tmp_path, "site")
    project.ours("migrate:django_celery_beat", "migrate:horarium")
    with ThreadPoolExecutor(3) as pool:
        said = [one.result()[0] for one in [pool.submit(project.ours, "setup") for _ in range(3)]]
    assert sorted(said) == ["1 unchanged\n", "1 unchanged\n", "from settings: created\n1 created\n"]
