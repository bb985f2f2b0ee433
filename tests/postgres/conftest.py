"""What the tests of the PostgreSQL engine share: a schema each, and processes of their own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from horarium.engines.postgres import PostgresEngine
from postgres_stores import postgres_server, postgres_url  # noqa: F401 - fixtures

PRELUDE = f"""
import os, sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from postgres_words import *
"""


@pytest.fixture
def url(postgres_url: str) -> str:  # noqa: F811 - the fixture
    return postgres_url


@pytest.fixture
def engine(url: str) -> Iterator[PostgresEngine]:
    engine = PostgresEngine(url)
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
