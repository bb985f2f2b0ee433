"""The stores of the chaos tests: a file, and servers of the test's own."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
from ground import Ground
from scene import Scene
from sites import Site, make_site

from horarium.engines.connect import connect
from horarium.engines.protocol import Engine
from servers import PostgresServer, RedisServer

SCHEMAS = count()


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    """One that the plays within a process share; whoever means to hurt one starts his own."""
    with RedisServer() as server:
        yield server


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    with PostgresServer() as server:
        yield server  # type: ignore[misc]


@pytest.fixture(params=["memory", "sqlite", "redis", "postgres"])
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
        case "postgres":
            shared: PostgresServer = request.getfixturevalue("postgres_server")
            return f"{shared.url}?schema=play_{os.getpid()}_{next(SCHEMAS)}"
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


@pytest.fixture
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    """A store of the test's own; which one, its parameter says."""
    site = make_site(request.param, tmp_path)
    yield site
    site.close()


@pytest.fixture
def scene(site: Site, tmp_path: Path) -> Iterator[Scene]:
    scene = Scene(site, tmp_path)
    yield scene
    scene.close()


@pytest.fixture
def proxied(site: Site, tmp_path: Path) -> Iterator[Scene]:
    """A scene whose processes reach the store by a proxy."""
    scene = Scene(site, tmp_path, proxied=True)
    yield scene
    scene.close()
