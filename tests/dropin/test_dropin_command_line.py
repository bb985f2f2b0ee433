"""`horarium celery ...` and `HORARIUM_DROPIN=1 horarium ...`: Celery's command lines as they are."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

USAGE = (2, 64)  # click's code, and that of sysexits.h, which Celery has
SHOP = """
from celery import Celery, shared_task

app = Celery("shop", store="sqlite:///shop.db")


@shared_task
def add(x, y):
    return x + y
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    (tmp_path / "shop.py").write_text(SHOP)
    return tmp_path


def horarium(
    folder: Path, *arguments: str, code: int | tuple[int, ...] = 0, **environment: str
) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "horarium", *arguments],
        cwd=folder,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode in (code if isinstance(code, tuple) else (code,)), done.stdout + done.stderr
    return done


def test_a_command_line_of_celerys_is_understood(shop: Path) -> None:
    checked = horarium(shop, "celery", "-A", "shop", "check")
    assert "1 task" in checked.stdout + checked.stderr
    assert len(horarium(shop, "celery", "-A", "shop.app", "call", "shop.add", "--args=[1, 2]").stdout.strip()) == 36
    assert "shop.add" in horarium(shop, "celery", "-q", "-A", "shop:app", "--no-color", "tasks", "list").stdout


def test_the_variable_alone_turns_the_mode_on_for_horariums_own_commands(shop: Path) -> None:
    assert "shop.add" in horarium(shop, "-A", "shop", "tasks", "list", HORARIUM_DROPIN="1").stdout
    refused = horarium(shop, "-A", "shop", "tasks", "list", code=1, HORARIUM_DROPIN="0")
    assert "No module named 'celery'" in refused.stderr


def test_an_app_of_celerys_is_found_without_being_named(shop: Path) -> None:
    assert "shop.add" in horarium(shop, "celery", "tasks", "list").stdout


def test_options_that_mean_nothing_before_the_command_are_explained(shop: Path) -> None:
    done = horarium(shop, "celery", "--loader", "app", "--skip-checks", "-A", "shop", "tasks", "list")
    assert "note: --loader has no effect: the app is found by -A" in done.stderr
    assert "shop.add" in done.stdout


def test_options_of_the_worker_are_taken_and_explained(shop: Path) -> None:
    # A queue that cannot be is the end of it: what is asked here is whether the options are read.
    options = "-O fair -E --without-gossip --without-mingle --prefetch-multiplier 4 -c nonsense".split()
    done = horarium(shop, "celery", "-A", "shop", "worker", "-l", "INFO", "-P", "prefork", *options, code=USAGE)
    assert "expected a number of slots or 'auto'" in done.stderr


def test_a_command_that_there_is_not_says_what_there_is_instead(shop: Path) -> None:
    done = horarium(shop, "celery", "-A", "shop", "multi", "start", "w1", code=USAGE)
    assert "systemd" in done.stderr


def test_the_help_and_the_version_are_horariums(shop: Path) -> None:
    assert "worker" in horarium(shop, "celery", "--help").stdout
    assert horarium(shop, "celery", "--version").stdout.startswith("horarium ")


def test_check_says_that_the_mode_is_on_and_that_a_real_celery_is_hidden(shop: Path) -> None:
    (shop / "site" / "celery").mkdir(parents=True)
    (shop / "site" / "celery" / "__init__.py").write_text("")
    paths = f"{shop / 'site'}:{os.environ.get('PYTHONPATH', '')}"
    for command, code in (("check", 0), ("doctor", 1)):  # the doctor finds no store
        said = horarium(shop, "celery", "-A", "shop", command, code=code, PYTHONPATH=paths).stdout
        assert "drop-in mode" in said
        assert str(shop / "site" / "celery") in said


def test_advice_names_the_same_mode(shop: Path) -> None:
    said = horarium(shop, "celery", "-A", "shop", "doctor", code=1).stdout
    assert "-> horarium celery -A shop worker" in said
