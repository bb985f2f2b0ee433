"""A Redis of each test's own, and one RabbitMQ for all tests of a process: it takes long to start."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from servers import RabbitServer, RedisServer


@pytest.fixture
def redis_server() -> Iterator[RedisServer]:
    with RedisServer() as server:
        yield server


@pytest.fixture(scope="session")
def rabbit_server() -> Iterator[RabbitServer]:
    with RabbitServer() as server:
        yield server
