"""The stores of the chaos tests: a file, and servers of the test's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from ground import Ground

from horarium.engines.connect import connect
from horarium.engines.protocol import Engine


@pytest.fixture(params=["memory", "sqlite"])
def make_engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], Engine]]:
    """A function that returns an engine with an empty store; all are closed at the end."""
    opened: list[Engine] = []

    def make() -> Engine:
        url = "memory://" if request.param == "memory" else f"sqlite:///{tmp_path}/{len(opened)}.db"
        opened.append(connect(url, durability="relaxed"))
        return opened[-1]

    yield make
    for engine in opened:
        engine.close()


@pytest.fixture
def ground(tmp_path: Path) -> Iterator[Ground]:
    ground = Ground(tmp_path)
    yield ground
    ground.close()
    assert ground.left_over() == []
