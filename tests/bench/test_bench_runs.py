"""The bench must not rot: a smoke run of everything, which asserts no times."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from bench.peers import PEERS
from bench.scenarios import DEFAULT

ROOT = Path(__file__).parents[2]


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bench", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=250)


# A quick run takes 20 s on an idle machine, and more than the usual limit where others are busy.
pytestmark = pytest.mark.timeout(280)


@pytest.fixture
def store_directory() -> Iterator[Path]:
    """One that a server's own user may enter; pytest's are for their owner only."""
    with tempfile.TemporaryDirectory(prefix="horarium-bench-test-") as directory:
        Path(directory).chmod(0o711)
        yield Path(directory)


def test_a_quick_run_measures_every_scenario_of_horarium_and_leaves_out_peers_that_are_not_here(
    tmp_path: Path, store_directory: Path
) -> None:
    wanted = ["horarium_sqlite", *(peer.name for peer in PEERS if peer.venv)]  # its other stores: the next question
    nobody = ("--environments", str(tmp_path / "none"), "--peers", ",".join(wanted))
    ran = bench("--quick", *nobody, "--out", str(tmp_path / "results"), "--dir", str(store_directory))

    assert ran.returncode == 0, ran.stdout + ran.stderr
    (kept,) = (tmp_path / "results").glob("*.json")
    report = json.loads(kept.read_text())
    measured = {entry["scenario"] for entry in report["entries"] if entry["peer"] == "horarium_sqlite"}
    assert measured == {scenario.name for scenario in DEFAULT}
    assert all(entry["figures"] for entry in report["entries"])
    assert report["failures"] == []
    assert {peer.name for peer in PEERS if peer.venv} <= set(report["absent"])
    assert {entry["peer"] for entry in report["entries"]} == {"horarium_sqlite"}
    shown = ran.stdout.replace("\n", " ")
    assert all(name in shown for name in report["absent"])


def test_each_store_of_horarium_is_measured(tmp_path: Path, store_directory: Path) -> None:
    ours = {peer.name for peer in PEERS if peer.name.startswith("horarium_")}
    wanted = ("--scenarios", "drain", "--peers", ",".join(ours))
    ran = bench("--quick", *wanted, "--out", str(tmp_path), "--dir", str(store_directory))

    assert ran.returncode == 0, ran.stdout + ran.stderr
    (kept,) = tmp_path.glob("*.json")
    report = json.loads(kept.read_text())
    assert {entry["peer"] for entry in report["entries"] if entry["figures"]} == ours
    assert report["failures"] == []


def test_scale_is_measured_when_it_is_asked_for(tmp_path: Path) -> None:
    ran = bench("--quick", "--scenarios", "scale", "--peers", "horarium_sqlite", "--out", str(tmp_path))

    assert ran.returncode == 0, ran.stdout + ran.stderr
    (kept,) = tmp_path.glob("*.json")
    (entry,) = json.loads(kept.read_text())["entries"]
    taken = {figure["metric"] for figure in entry["figures"]}
    assert {"work off, 1,000 queued", "put, 1,000 queued", "claim one, kept runs and future messages"} <= taken


def test_schedulers_are_measured_when_it_is_asked_for(tmp_path: Path) -> None:
    wanted = ("--scenarios", "due,million,lateness", "--peers", "horarium_sqlite")
    ran = bench("--quick", *wanted, "--out", str(tmp_path))

    assert ran.returncode == 0, ran.stdout + ran.stderr
    (kept,) = tmp_path.glob("*.json")
    report = json.loads(kept.read_text())
    taken = {(entry["scenario"], figure["metric"]) for entry in report["entries"] for figure in entry["figures"]}
    assert ("due", "until enqueued, 1,000 of 10,000 due") in taken
    assert ("million", "edit to firing, worst") in taken
    assert ("lateness", "p99") in taken


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
