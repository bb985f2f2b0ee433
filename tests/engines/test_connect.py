"""From a URL to an engine, or to an error that says what to write instead."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from horarium.engines.connect import connect
from horarium.errors import ImproperlyConfigured


def test_memory_is_a_store_of_its_own_each_time() -> None:
    first, second = connect("memory://"), connect("memory:")
    assert first.capabilities.name == second.capabilities.name == "memory"
    assert first.queue is not second.queue


@pytest.mark.parametrize("url", ["sqlite:///rel.db", "SQLite:///rel.db"])
def test_three_slashes_name_a_file_in_the_working_directory(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    engine = connect(url)
    engine.inspector.counts()
    engine.close()
    assert (tmp_path / "rel.db").exists()


def test_four_slashes_name_a_file_anywhere(tmp_path: Path) -> None:
    engine = connect(f"sqlite:///{tmp_path}/abs.db", durability="relaxed")
    engine.inspector.counts()
    engine.close()
    assert (tmp_path / "abs.db").exists()


@pytest.mark.parametrize("url", ["sqlite:", "sqlite://", "sqlite:///"])
def test_a_bare_scheme_is_the_default_file(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    engine = connect(url)
    engine.inspector.counts()
    engine.close()
    assert (tmp_path / "horarium.db").exists()


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("mysql://eve:secret@host/db", "memory, sqlite"),
        ("horarium.db", "memory, sqlite"),
        ("", "memory, sqlite"),
        ("sqlite://events.db", "write sqlite:///events.db"),
        ("sqlite:/var/events.db", "write sqlite:////var/events.db"),
        ("sqlite:///:memory:", "memory://"),
        ("memory://shared", "nothing behind it"),
    ],
)
def test_a_url_that_cannot_be_read_is_refused_with_a_remedy(url: str, said: str) -> None:
    with pytest.raises(ImproperlyConfigured) as caught:
        connect(url)
    assert said in str(caught.value)
    assert "secret" not in str(caught.value)


def test_an_unknown_durability_is_refused() -> None:
    with pytest.raises(ImproperlyConfigured, match="'full' or 'relaxed', got 'none'"):
        connect("memory://", durability="none")


def test_an_engine_that_nobody_asked_for_is_not_imported() -> None:
    code = (
        "import sys; from horarium.engines.connect import connect; connect('memory://');"
        "assert 'apsw' not in sys.modules and 'horarium.engines.sqlite' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=30)
