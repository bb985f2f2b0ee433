"""The peers' virtual environments: one for each file in bench/requirements, made when it is first needed.

Nothing of theirs may be where Horarium is installed, and they do not agree about the version of redis-py.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
DEFAULT = ROOT / ".venv-bench"
REQUIREMENTS = Path(__file__).parent / "requirements"
MAKE_SECONDS = 600
READY = ".ready"  # in an environment: the requirements that it was made from


def python_of(environments: Path, venv: str) -> str:
    """Return the interpreter of an environment; the running one for ""."""
    return str(environments / venv / "bin" / "python") if venv else sys.executable


def missing(environments: Path, venv: str) -> str | None:
    """Say why an environment cannot be used, or None if it can."""
    if _is_ready(environments / venv, REQUIREMENTS / f"{venv}.txt"):
        return None
    return f"there is no environment for it in {environments}; `make bench` makes one"


def make(environments: Path, venv: str) -> str | None:
    """Make an environment unless it is there and up to date; say why that did not succeed, None if it did."""
    place, wanted = environments / venv, REQUIREMENTS / f"{venv}.txt"
    if _is_ready(place, wanted):
        return None
    shutil.rmtree(place, ignore_errors=True)
    try:
        _run([sys.executable, "-m", "venv", str(place)])
        install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", str(wanted)]
        _run([str(place / "bin" / "python"), *install])
    except (subprocess.SubprocessError, OSError) as error:
        told = getattr(error, "stderr", None) or str(error)
        return f"its environment could not be made: {told.strip().splitlines()[-1]}"
    (place / READY).write_text(wanted.read_text())
    return None


def _run(command: list[str]) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True, timeout=MAKE_SECONDS)


def _is_ready(place: Path, wanted: Path) -> bool:
    ready = place / READY
    return ready.exists() and ready.read_text() == wanted.read_text()
