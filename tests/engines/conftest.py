"""Engines to examine. Another one sits the exam as soon as it has a fixture of its own here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from horarium.engines.memory import MemoryEngine
from horarium.engines.protocol import Engine
from postgres_stores import postgres_server, postgres_url  # noqa: F401 - fixtures
from servers import RedisServer

pytest.register_assert_rewrite("horarium.testing.conformance")


@pytest.fixture
def open_memory() -> Callable[[], Engine]:
    """The memory engine cannot be opened twice: it lives in the one object."""
    engine = MemoryEngine()
    return lambda: engine


@pytest.fixture
def open_sqlite(tmp_path: Path) -> Callable[[], Engine]:
    from horarium.engines.sqlite import SqliteEngine

    return lambda: SqliteEngine(tmp_path / "exam.db")


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    with RedisServer() as server:
        yield server


@pytest.fixture
def open_redis(request: pytest.FixtureRequest) -> Callable[[], Engine]:
    from horarium.engines.redis import RedisEngine

    server = request.getfixturevalue("redis_server")
    server.ask("FLUSHALL")
    return lambda: RedisEngine(server.url)


@pytest.fixture
def open_pair(tmp_path: Path) -> Callable[[], Engine]:
    """Two engines as one: one carries, another one remembers."""
    from horarium.engines.pair import PairEngine
    from horarium.engines.sqlite import SqliteEngine

    return lambda: PairEngine(SqliteEngine(tmp_path / "carries.db"), SqliteEngine(tmp_path / "remembers.db"))


@pytest.fixture
def open_postgres(postgres_url: str) -> Callable[[], Engine]:  # noqa: F811 - the fixture
    from horarium.engines.postgres import PostgresEngine

    return lambda: PostgresEngine(postgres_url)


@pytest.fixture(params=["memory", "sqlite", "redis", "postgres", "pair"])
def reopen(request: pytest.FixtureRequest) -> Iterator[Callable[[], Engine]]:
    """A function that opens the store once more; whatever it opened is closed at the end."""
    open_store: Callable[[], Engine] = request.getfixturevalue(f"open_{request.param}")
    opened: list[Engine] = []

    def open_once_more() -> Engine:
        opened.append(open_store())
        return opened[-1]

    yield open_once_more
    for engine in opened:
        engine.close()


@pytest.fixture
def engine(reopen: Callable[[], Engine]) -> Engine:
    return reopen()
