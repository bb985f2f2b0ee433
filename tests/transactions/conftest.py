"""An app on PostgreSQL, and tables of its user's in the same database."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from desk import Desk

from postgres_stores import postgres_server, postgres_url  # noqa: F401  # fixtures


@pytest.fixture
def desk(postgres_url: str) -> Iterator[Desk]:  # noqa: F811  # the fixture itself
    address = postgres_url.partition("?")[0]
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS orders")
        connection.execute("CREATE TABLE orders (id int PRIMARY KEY, state text NOT NULL)")
    desk = Desk(postgres_url, address)
    yield desk
    desk.close()
