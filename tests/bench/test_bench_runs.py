"""The bench must not rot: a smoke run of everything, which asserts no times."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bench", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100)


def test_a_quick_run_measures_every_scenario_of_horarium_and_leaves_out_peers_that_are_not_here(tmp_path: Path) -> None:
    ran = bench("--quick", "--out", str(tmp_path / "results"), "--dir", str(tmp_path))

    assert ran.returncode == 0, ran.stdout + ran.stderr
    (kept,) = (tmp_path / "results").glob("*.json")
    report = json.loads(kept.read_text())
    measured = {entry["scenario"] for entry in report["entries"] if entry["peer"] == "horarium_sqlite"}
    assert measured == {"drain", "publish", "latency", "startup", "idle", "memory", "import"}
    assert all(entry["figures"] for entry in report["entries"])
    assert report["failures"] == []
    assert all(reason in ran.stdout.replace("\n", " ") for reason in report["absent"])


def test_check_fails_and_names_the_bars_when_horarium_has_no_figure() -> None:
    ran = bench("--quick", "--check", "--scenarios", "import", "--peers", "huey_sqlite")

    assert ran.returncode == 1
    assert "import: time of horarium_sqlite <= 80" in ran.stdout
    assert "no figure of Horarium's" in ran.stdout


@pytest.mark.parametrize(("option", "known"), [("--peers", "horarium_sqlite"), ("--scenarios", "latency")])
def test_an_unknown_name_is_refused_with_those_that_are_known(option: str, known: str) -> None:
    ran = bench(option, "no_such_thing")

    assert ran.returncode == 2
    assert "no_such_thing" in ran.stderr
    assert known in ran.stderr
