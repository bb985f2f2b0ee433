"""Real workers that write down what they run, in processes of their own."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.once

HERE = Path(__file__).parent
WITHIN = 30.0


class Site:
    """The project with a database and a store in files."""

    def __init__(self, folder: Path, **environ: str) -> None:
        self.folder = folder
        self.database = folder / "site.sqlite3"
        paths = os.pathsep.join([str(HERE), *filter(None, [os.environ.get("PYTHONPATH")])])
        self.environ = {
            **os.environ,
            "PYTHONPATH": paths,
            "DJANGO_SETTINGS_MODULE": "site_project.settings",
            "SITE_FOLDER": str(folder),
            "SITE_STORE": f"sqlite:///{folder}/store.db",
            "CELERY_RESULT_BACKEND": "django-db",
            **environ,
        }
        self.environ.pop("SITE_DATABASE", None)
        self.log = folder / "worker.log"
        self.workers: list[subprocess.Popen[bytes]] = []

    def manage(self, *words: str) -> str:
        command = [sys.executable, "-m", "django", *words]
        done = subprocess.run(command, env=self.environ, cwd=HERE, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def run(self, script: str) -> str:
        """Run a script in the project, as a web process would; return what it prints."""
        begin = "import django; import site_project; django.setup()\nfrom shop.tasks import add, fail\n"
        command = [sys.executable, "-c", begin + script]
        done = subprocess.run(command, env=self.environ, cwd=HERE, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "horarium", "-A", "site_project", "worker", "-c", "1", "-n", "w@h"]
        with self.log.open("ab") as log:
            worker = subprocess.Popen(command, env=self.environ, cwd=HERE, stdout=log, stderr=log)
        self.workers.append(worker)
        return worker

    def rows(self) -> dict[str, tuple[Any, ...]]:
        with sqlite3.connect(self.database) as database:
            found = database.execute("SELECT task_id, status, result, worker FROM django_celery_results_taskresult")
            return {id: tuple(rest) for id, *rest in found}

    def wait_for(self, condition: Callable[[], bool]) -> None:
        until = time.monotonic() + WITHIN
        while not condition():
            assert time.monotonic() < until, self.log.read_text()
            time.sleep(0.05)  # between two looks at a file


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    site = Site(tmp_path)
    yield site
    for worker in site.workers:
        if worker.poll() is None:
            worker.send_signal(signal.SIGTERM)
            worker.wait(WITHIN)


def test_rows_come_as_soon_as_there_are_tables_row_32(site: Site) -> None:
    """Whatever ends has its row: run, revoked while it waited, or expired; and a missing table loses nothing."""
    site.start()
    first = site.run("result = add.delay(1, 2); assert result.get(timeout=30) == 3; print(result.id)")
    site.wait_for(lambda: "run python manage.py migrate django_celery_results" in site.log.read_text())
    assert site.log.read_text().count("migrate django_celery_results") <= 2  # each of two processes tells it once
    site.manage("migrate", "-v0")
    ids = site.run(
        "from horarium.contrib.django.results.models import TaskResult\n"
        "good, bad = add.delay(1, 2), fail.delay('so')\n"
        "waits = add.apply_async((1, 2), countdown=600); waits.revoke()\n"
        "late = add.apply_async((1, 2), expires=0.001)\n"
        "assert good.get(timeout=30) == 3\n"
        "row = TaskResult.objects.get(task_id=good.id)\n"
        "assert (row.status, row.result, row.worker) == ('SUCCESS', '3', 'w@h'), row.as_dict()\n"
        "bad.get(timeout=30, propagate=False)\n"
        "assert TaskResult.objects.get(task_id=bad.id).status == 'FAILURE'\n"
        "print(waits.id, late.id)"
    ).split()
    site.wait_for(lambda: all(id in site.rows() for id in ids))
    assert [site.rows()[id][0] for id in ids] == ["REVOKED", "REVOKED"]
    assert first not in site.rows()  # it had ended well before, and the store has it


def test_a_database_that_is_locked_is_waited_for(site: Site) -> None:
    site.manage("migrate", "-v0")
    site.start()
    site.run("assert add.delay(1, 2).get(timeout=30) == 3")
    lock = sqlite3.connect(site.database, isolation_level=None)
    lock.execute("BEGIN EXCLUSIVE")
    id = site.run("result = add.delay(3, 4); print(result.id)")
    site.wait_for(lambda: site.log.read_text().count("succeeded") == 2)
    look = f"from horarium import AsyncResult; result = AsyncResult({id!r})\n"
    assert site.run(look + "print(result.state)") != "SUCCESS"
    lock.execute("COMMIT")
    lock.close()
    assert site.run(look + "print(result.get(timeout=30))") == "7"
    assert site.rows()[id][:2] == ("SUCCESS", "7")


def test_without_django_a_worker_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "bare.py").write_text(
        "from horarium import Horarium\napp = Horarium('bare', result_backend='django-db')\n"
    )
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])}
    environ.pop("DJANGO_SETTINGS_MODULE", None)
    for command in ("worker", "check"):
        done = subprocess.run(
            [sys.executable, "-m", "horarium", "-A", "bare", "--store", f"sqlite:///{tmp_path}/s.db", command],
            env=environ,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 1, done.stderr
        assert "set DJANGO_SETTINGS_MODULE" in done.stdout + done.stderr
