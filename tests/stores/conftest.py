"""Two stores that a test can take away: one carries messages, another one remembers how they ended."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from away import Away

from horarium.clock import ManualClock
from horarium.engines.memory import MemoryEngine
from horarium.engines.pair import PairEngine
from horarium.engines.protocol import Engine
from horarium.engines.sqlite import SqliteEngine


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture(params=["memory+sqlite", "sqlite+memory"])
def pair(request: pytest.FixtureRequest, tmp_path: Path, clock: ManualClock) -> Iterator[PairEngine]:
    """A pair whose halves are ``Away`` engines: each can be made unreachable before or after what it is asked."""

    def make(name: str) -> Engine:
        if name == "memory":
            return MemoryEngine(clock)
        return SqliteEngine(tmp_path / "store.db", durability="relaxed", clock=clock)

    carrier, keeper = (Away(make(name)) for name in request.param.split("+"))
    pair = PairEngine(carrier, keeper)
    yield pair
    pair.close()
