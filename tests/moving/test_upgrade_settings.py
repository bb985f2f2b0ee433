"""``horarium upgrade settings``: names of Celery 3 become today's, and nothing else in the file changes."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from horarium.cli.main import root
from horarium.moving.upgrading import upgrade

OLD = """\
import os

BROKER_URL = os.environ["BROKER_URL"]  # theirs
CELERYD_CONCURRENCY = 4
CELERY_RESULT_BACKEND = 'redis://'
if DEBUG:
    CELERY_ALWAYS_EAGER = True
app.conf.CELERY_ACKS_LATE = True
app.conf.update(CELERYBEAT_SCHEDULE={}, **{"CELERYD_TASK_TIME_LIMIT": 3})
CELERY_LAUNCHER = settings.CELERY_ALWAYS_EAGER
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "celeryconfig.py").write_bytes(OLD.encode())
    return tmp_path / "celeryconfig.py"


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(root, ["upgrade", "settings", *map(str, arguments)])


def test_old_names_become_new_ones(file: Path) -> None:
    result = run(file)
    assert result.exit_code == 0
    assert file.read_text() == (
        OLD.replace("BROKER_URL =", "broker_url =")
        .replace("CELERYD_CONCURRENCY", "worker_concurrency")
        .replace("CELERY_RESULT_BACKEND", "result_backend")
        .replace("    CELERY_ALWAYS_EAGER", "    task_always_eager")
        .replace("CELERY_ACKS_LATE", "task_acks_late")
        .replace("CELERYBEAT_SCHEDULE", "beat_schedule")
        .replace("CELERYD_TASK_TIME_LIMIT", "task_time_limit")
    )
    assert "CELERYD_CONCURRENCY -> worker_concurrency" in result.stdout


@pytest.mark.parametrize("option", ["--django", "--compat"])
def test_names_for_django_keep_their_namespace(file: Path, option: str) -> None:
    assert run(file, option).exit_code == 0
    text = file.read_text()
    assert "CELERY_WORKER_CONCURRENCY = 4" in text and "CELERY_BROKER_URL = os.environ" in text
    assert "CELERY_RESULT_BACKEND = 'redis://'" in text and "CELERY_TASK_ALWAYS_EAGER = True" in text


def test_a_copy_is_kept_unless_it_is_not_wanted(file: Path) -> None:
    run(file, "--no-backup")
    assert not file.with_name("celeryconfig.py.orig").exists()
    file.write_text(OLD)
    run(file)
    assert file.with_name("celeryconfig.py.orig").read_text() == OLD


@pytest.mark.parametrize("namespaced", [False, True])
def test_upgrading_twice_is_upgrading_once(namespaced: bool) -> None:
    once, _ = upgrade(OLD.encode(), namespaced=namespaced)
    assert upgrade(once, namespaced=namespaced) == (once, {})


def test_a_file_with_new_names_is_left_alone(file: Path) -> None:
    file.write_text("task_acks_late = True\r\n")
    result = run(file)
    assert result.exit_code == 0 and "nothing to rename" in result.stderr
    assert not file.with_name("celeryconfig.py.orig").exists()


def test_a_file_that_is_no_python_is_an_error(file: Path) -> None:
    file.write_text("print 'two'\n")
    result = run(file)
    assert result.exit_code == 1 and result.stderr.startswith("error:") and "celeryconfig.py" in result.stderr
