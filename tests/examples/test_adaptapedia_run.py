"""Adaptapedia as its users run it: its own tests, its migrations, and the whole of it started and stopped.

In processes of their own: Django can be set up once in a process, and an app would be the current one of every test.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from watching import missing, watch

HOME = Path(__file__).parents[2] / "examples" / "adaptapedia"
PATIENCE = 240  # seconds; each ends as soon as it is done


def run(folder: Path, *words: str, home: Path = HOME) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if name not in ("REDIS_URL", "DATABASE_URL")}
    return subprocess.run(
        [sys.executable, *words],
        cwd=home,
        env={**kept, "ADAPTAPEDIA_RUN": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


@pytest.mark.timeout(PATIENCE)
def test_its_own_tests_pass_without_a_broker_row_137(tmp_path: Path) -> None:
    done = run(tmp_path, "manage.py", "test")
    assert done.returncode == 0 and "\nOK\n" in done.stdout, done.stdout
    assert not (tmp_path / "horarium.db").exists()


def test_its_migration_makes_the_tables_of_its_models(tmp_path: Path) -> None:
    done = run(tmp_path, "manage.py", "makemigrations", "--check", "--dry-run", "ingestion")
    assert done.returncode == 0, done.stdout


@pytest.mark.timeout(PATIENCE)
def test_the_whole_fires_fails_retries_and_succeeds(tmp_path: Path) -> None:
    shown = watch("adaptapedia", tmp_path)
    assert missing(shown) == [], shown
    for fired in ("[daily-wikidata-ingestion]", "[daily-statistics-update]"):
        assert fired in shown, shown
    assert "adaptations: 120" in shown, shown
