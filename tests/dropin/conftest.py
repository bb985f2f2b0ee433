"""What tests of drop-in mode share: the mode itself, an environment with horarium-dropin, and one with Celery."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest

from horarium import dropin

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "packages" / "horarium-dropin"
CELERY = ROOT / ".venv-celery"
PATIENCE = 300

collect_ignore = ["sample"]  # a project of its own, which is run in processes of its own


@pytest.fixture
def mode() -> Iterator[None]:
    """Drop-in mode, for the length of a test. Celery must not be installed where the tests run."""
    dropin.install()
    yield
    dropin.uninstall()


@pytest.fixture(scope="session")
def dropin_bin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of a virtual environment that has horarium-dropin, built and installed as its users do.

    All else it takes from the running environment and from this working copy.
    """
    place = tmp_path_factory.mktemp("dropin") / "venv"
    run(sys.executable, "-m", "venv", "--without-pip", str(place))
    python = str(place / "bin" / "python")
    run(sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps", str(PACKAGE))
    purelib = run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip()
    paths = f"{ROOT / 'src'}\n{sysconfig.get_path('purelib')}\n"
    (Path(purelib) / "running_environment.pth").write_text(paths)
    return place / "bin"


@pytest.fixture(scope="session")
def celery_bin() -> Path:
    """The programs of the environment that has the real Celery; `make test` makes it."""
    if not (CELERY / ".ready").exists():
        tell = pytest.fail if os.environ.get("CI") else pytest.skip
        tell(f"there is no environment with Celery in {CELERY}; `make test` makes it")
    return CELERY / "bin"


def run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout
