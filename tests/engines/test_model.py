"""The model test: random steps on SQLite and on memory, side by side."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from model import SideBySide

from horarium.engines.protocol import Engine

PATIENT = settings(
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink),
    print_blob=True,
)


def open_sqlite(path: Path) -> Engine:
    from horarium.engines.sqlite import SqliteEngine

    return SqliteEngine(path, durability="relaxed")


class SqliteBesideMemory(SideBySide):
    open_subject = staticmethod(open_sqlite)


class TestSqliteBesideMemory(SqliteBesideMemory.TestCase):
    settings = settings(PATIENT, max_examples=40, stateful_step_count=40)


@pytest.mark.soak
class TestSqliteBesideMemoryForLong(SqliteBesideMemory.TestCase):
    settings = settings(PATIENT, max_examples=3000, stateful_step_count=80)
