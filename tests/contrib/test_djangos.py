"""The suite passes on each Django that is supported: see suite/README.md.

Each run is a process of its own, with the Python of an environment that `make test` makes, and shares nothing with this
one: neither variables nor files. Run by xdist they go side by side.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from servers import PostgresServer

ROOT = Path(__file__).parents[2]
SUITE = Path(__file__).parent / "suite"
PATIENCE = 600  # seconds, on a machine that runs all the other tests at the same time
PYTHONS = {
    "4.2": ROOT / ".venv-django42" / "bin" / "python",
    "5.2": Path(sys.executable),
    "6.0": ROOT / ".venv-django60" / "bin" / "python",
}
WHOLE = "5.2"  # where what is marked `once` is run, too
pytestmark = pytest.mark.timeout(PATIENCE + 60)
on_each_django = pytest.mark.parametrize("django", PYTHONS)


@on_each_django
def test_the_suite_passes(django: str, tmp_path: Path) -> None:
    run_suite(django, tmp_path, marks=["not once"])


@pytest.mark.parametrize("marks", ["once and not browser", "once and browser"])
def test_what_is_the_same_on_every_django_passes_on_one(marks: str, tmp_path: Path) -> None:
    run_suite(WHOLE, tmp_path, marks=[marks])


@on_each_django
def test_what_depends_on_the_database_passes_on_postgresql_too(django: str, tmp_path: Path) -> None:
    with PostgresServer() as server:
        marks = ["on_postgresql"] if django == WHOLE else ["on_postgresql", "not once"]
        run_suite(django, tmp_path, marks=marks, SITE_DATABASE=server.url)


def run_suite(django: str, folder: Path, *, marks: list[str], **environment: str) -> None:
    with (folder / "output").open("w+") as output:
        process = subprocess.Popen(
            [str(python_with(django)), "-m", "pytest", "-q", "--durations=5", "-m", " and ".join(marks)],
            cwd=SUITE,
            env={**own_environment(django, folder), **environment},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            code: int | str = process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            code = f"ended after {PATIENCE} s"
        output.seek(0)
        assert code == 0, f"on Django {django}: {code}\n{output.read()[-20_000:]}"


def own_environment(django: str, folder: Path) -> dict[str, str]:
    """Return all that the run may know of this one."""
    passed_on = {name: os.environ[name] for name in ("PATH", "LANG", "TZ", "CI") if name in os.environ}
    return {
        **passed_on,
        "HOME": str(folder),
        "PYTHONPATH": str(ROOT / "src"),
        "SITE_DJANGO": django,
        "SITE_FOLDER": str(folder),
        "SITE_STORE": f"sqlite:///{folder}/store.db",
    }


def python_with(django: str) -> Path:
    """Return the Python of the environment with this Django; skip the test, or fail it in CI, where there is none."""
    python = PYTHONS[django]
    if not python.exists() or (django != WHOLE and not (python.parents[1] / ".ready").exists()):
        tell = pytest.fail if os.environ.get("CI") else pytest.skip
        tell(
            f"there is no environment with Django {django} in {python.parents[1]}; `make test` makes it"
            + (", given a Python 3.12 or newer (see PYTHON_NEW in the Makefile)" if django == "6.0" else "")
        )
    return python
