"""The package horarium-dropin, built and installed as its users do."""

from __future__ import annotations

import subprocess
from pathlib import Path

from horarium import __version__

PROGRAM = "import sys, celery; print(celery.__version__)"


def python(programs: Path, script: str, **environment: str) -> str:
    done = subprocess.run(
        [str(programs / "python"), "-c", script], env=environment, capture_output=True, text=True, timeout=60
    )
    return done.stdout + done.stderr


def test_with_the_variable_import_celery_brings_horarium(dropin_bin: Path) -> None:
    assert python(dropin_bin, PROGRAM, HORARIUM_DROPIN="1").strip() == f"5.7.0+horarium.{__version__}"


def test_without_it_nothing_happens(dropin_bin: Path) -> None:
    for environment in ({}, {"HORARIUM_DROPIN": "0"}, {"HORARIUM_DROPIN": ""}):
        assert "No module named 'celery'" in python(dropin_bin, PROGRAM, **environment)
    assert python(dropin_bin, "import sys; print('horarium_dropin' in sys.modules)").strip() == "False"


def test_a_program_that_imports_no_celery_imports_nothing_of_horarium(dropin_bin: Path) -> None:
    script = "import sys, json; print([name for name in sys.modules if name.startswith('horarium.')])"
    assert python(dropin_bin, script, HORARIUM_DROPIN="1").strip() == "[]"


def test_the_command_celery_needs_no_variable(dropin_bin: Path, tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(
        "from celery import Celery, shared_task\n"
        "app = Celery('shop', store='sqlite:///shop.db')\n\n\n"
        "@shared_task\ndef add(x, y):\n    return x + y\n"
    )
    command = [str(dropin_bin / "celery"), "-A", "shop", "call", "shop.add", "-a", "[1, 2]"]
    done = subprocess.run(command, cwd=tmp_path, env={}, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.strip()) == 36


def test_check_hides_no_celery_where_there_is_none(dropin_bin: Path, tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text("from celery import Celery\napp = Celery('shop', store='sqlite:///shop.db')\n")
    command = [str(dropin_bin / "celery"), "-A", "shop", "check"]
    for environment in ({}, {"HORARIUM_DROPIN": "1"}):
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60)
        assert "drop-in mode is on" in done.stdout
        assert "hides" not in done.stdout, done.stdout
