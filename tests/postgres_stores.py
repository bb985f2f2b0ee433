"""Schemas to test in: one PostgreSQL server per test process, a schema per test.

The two fixtures are taken into the ``conftest`` of each room that needs them.
"""

from __future__ import annotations

import atexit
from collections.abc import Iterator
from functools import cache
from itertools import count

import psycopg
import pytest

from servers import PostgresServer

_numbers = count()


@cache
def shared_server() -> PostgresServer:
    """Start this test process's server, which ends with it."""
    server = PostgresServer("max_connections=200", "shared_buffers=64MB", "synchronous_commit=on")
    server.__enter__()
    atexit.register(server.close)
    return server


def fresh_url(server: PostgresServer) -> str:
    """Return the URL of a schema that is not there yet."""
    return f"{server.url}?schema=test_{next(_numbers)}"


def drop(url: str) -> None:
    """Remove a schema, and with it whatever was left open on it."""
    address, _, schema = url.partition("?schema=")
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("SET client_min_messages = warning")
        connection.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE")  # type: ignore[arg-type]


@pytest.fixture
def postgres_server() -> PostgresServer:
    """The shared server: not to be stopped."""
    return shared_server()


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    url = fresh_url(postgres_server)
    yield url
    drop(url)
