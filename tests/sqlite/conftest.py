"""What the tests of the SQLite engine share: a store, and processes of their own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from horarium.engines.sqlite import SqliteEngine

PRELUDE = f"""
import os, sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from sqlite_words import *
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


@pytest.fixture
def engine(path: Path) -> Iterator[SqliteEngine]:
    engine = SqliteEngine(path)
    yield engine
    engine.close()


@pytest.fixture
def script() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start a Python program as a process of its own; whatever still runs at the end is killed, by its pid."""
    started: list[subprocess.Popen[str]] = []

    def start(text: str, *args: object) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", PRELUDE + text, *map(str, args)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True)
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()
