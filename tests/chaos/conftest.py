"""The stores of the chaos tests: a file, and servers of the test's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from ground import Ground

from horarium.engines.connect import connect
from horarium.engines.protocol import Engine
from servers import RedisServer


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    """One that the plays within a process share; whoever means to hurt one starts his own."""
    with RedisServer() as server:
        yield server


@pytest.fixture(params=["memory", "sqlite", "redis"])
def make_engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], Engine]]:
    """A function that returns an engine with an empty store; all are closed at the end."""
    opened: list[Engine] = []

    def make() -> Engine:
        opened.append(connect(_empty_store(request, tmp_path, len(opened)), durability="relaxed"))
        return opened[-1]

    yield make
    for engine in opened:
        engine.close()


def _empty_store(request: pytest.FixtureRequest, folder: Path, number: int) -> str:
    match request.param:
        case "redis":
            server: RedisServer = request.getfixturevalue("redis_server")
            server.ask("FLUSHALL")
            return server.url
        case "sqlite":
            return f"sqlite:///{folder}/{number}.db"
        case _:
            return "memory://"


@pytest.fixture
def ground(tmp_path: Path) -> Iterator[Ground]:
    ground = Ground(tmp_path)
    yield ground
    ground.close()
    assert ground.left_over() == []
