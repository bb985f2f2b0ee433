"""The model test: random steps on an engine and on memory, side by side."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from model import SideBySide

from horarium.engines.protocol import Engine
from postgres_stores import drop, shared_server
from servers import RedisServer

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


def open_pair(path: Path) -> Engine:
    from horarium.engines.pair import PairEngine

    return PairEngine(open_sqlite(path), open_sqlite(path.with_name("kept.db")))


class PairBesideMemory(SideBySide):
    open_subject = staticmethod(open_pair)


class TestPairBesideMemory(PairBesideMemory.TestCase):
    settings = settings(PATIENT, max_examples=40, stateful_step_count=40)


def open_redis(path: Path) -> Engine:
    from horarium.engines.redis import RedisEngine

    return RedisEngine(f"{RedisBesideMemory.server.url}?namespace={path.parent.name}")


class RedisBesideMemory(SideBySide):
    open_subject = staticmethod(open_redis)
    server: ClassVar[RedisServer]


@pytest.fixture(scope="module")
def redis_model() -> Iterator[None]:
    with RedisServer() as RedisBesideMemory.server:
        yield


@pytest.mark.usefixtures("redis_model")
class TestRedisBesideMemory(RedisBesideMemory.TestCase):
    settings = settings(PATIENT, max_examples=40, stateful_step_count=40)


def open_postgres(path: Path) -> Engine:
    from horarium.engines.postgres import PostgresEngine

    schema = f"model_{path.parent.name.lower()}"  # the same folder again is the same store again
    return PostgresEngine(f"{shared_server().url}?schema={schema}", durability="relaxed")


class PostgresBesideMemory(SideBySide):
    open_subject = staticmethod(open_postgres)

    def teardown(self) -> None:
        super().teardown()
        drop(self.subject.url)


class TestPostgresBesideMemory(PostgresBesideMemory.TestCase):
    settings = settings(PATIENT, max_examples=40, stateful_step_count=40)


@pytest.mark.soak
@pytest.mark.usefixtures("redis_model")
class TestRedisBesideMemoryForLong(RedisBesideMemory.TestCase):
    settings = settings(PATIENT, max_examples=1000, stateful_step_count=80)


@pytest.mark.soak
class TestPostgresBesideMemoryForLong(PostgresBesideMemory.TestCase):
    settings = settings(PATIENT, max_examples=3000, stateful_step_count=80)
