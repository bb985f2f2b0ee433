"""Servers for the stores between which is moved."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from postgres_stores import postgres_server, postgres_url  # noqa: F401 - fixtures
from servers import RedisServer


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    with RedisServer() as server:
        yield server
