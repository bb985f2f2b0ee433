"""A Redis server of each test's own, an engine on it, and the few words that questions need."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from redis_words import Open

from horarium.engines.redis import RedisEngine
from servers import RedisServer


@pytest.fixture
def server() -> Iterator[RedisServer]:
    with RedisServer() as server:
        yield server


@pytest.fixture
def open_engine(server: RedisServer) -> Iterator[Open]:
    """A function that opens an engine on the server, or on another URL; whatever it opened is closed at the end."""
    opened: list[RedisEngine] = []

    def open(url: str = "", **options: object) -> RedisEngine:
        opened.append(RedisEngine(url or server.url, **options))  # type: ignore[arg-type]
        return opened[-1]

    yield open
    for engine in opened:
        engine.close()


@pytest.fixture
def engine(open_engine: Open) -> RedisEngine:
    return open_engine()
