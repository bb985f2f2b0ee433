"""`make run` with the name of an example, and with another one."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
@pytest.mark.parametrize("name", ["nope", ""])
def test_an_unknown_example_is_refused_with_the_names_of_those_there_are(name: str) -> None:
    done = subprocess.run(
        ["make", "run", f"EXAMPLE={name}"], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    known = " ".join(sorted(path.parent.name for path in (ROOT / "examples").glob("*/show.py")))
    assert done.returncode != 0
    assert f"expected EXAMPLE to be one of: {known}; got '{name}'" in done.stderr


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_the_dashboard_is_installed_with_each_example() -> None:
    planned = subprocess.run(
        ["make", "-nB", "run", "EXAMPLE=events"], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    ).stdout
    assert '-e ".[web]" -r examples/events/requirements.txt' in planned
