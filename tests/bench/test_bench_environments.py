"""A peer's environment: told when it is not there, and why when it cannot be made; used only while up to date."""

from __future__ import annotations

from pathlib import Path

import pytest
from bench.peers import PEERS
from bench.venue import Venue

from bench import environments


@pytest.fixture
def wanted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of requirements of the environment that is called huey here."""
    monkeypatch.setattr(environments, "REQUIREMENTS", tmp_path)
    path = tmp_path / "huey.txt"
    path.write_text("# nothing: an environment with no packages\n")
    return path


def test_a_peer_whose_environment_cannot_be_made_takes_no_part_and_says_why(wanted: Path, tmp_path: Path) -> None:
    wanted.write_text("./no-such-folder-here\n")
    venue = Venue(tmp_path / "made", {})
    (peer, *_) = (peer for peer in PEERS if peer.venv == "huey" and not peer.servers)

    venue.make("huey")

    told = venue.missing(peer)
    assert told is not None
    assert "could not be made" in told


def test_an_environment_is_made_once_and_again_when_its_requirements_change(wanted: Path, tmp_path: Path) -> None:
    made = tmp_path / "made"
    assert environments.missing(made, "huey") is not None

    assert environments.make(made, "huey") is None
    assert environments.missing(made, "huey") is None
    assert Path(environments.python_of(made, "huey")).exists()

    wanted.write_text("# something else\n")
    assert environments.missing(made, "huey") is not None


def test_every_environment_that_a_peer_lives_in_has_its_requirements() -> None:
    for venv in {peer.venv for peer in PEERS if peer.venv}:
        assert (environments.REQUIREMENTS / f"{venv}.txt").exists(), venv
