"""A bare round trip to a PostgreSQL server: SELECT 1, prepared, in autocommit."""

from __future__ import annotations

import os
from importlib.metadata import version

import psycopg

from bench.apps import witness

_connection = psycopg.connect(os.environ["BENCH_STORE"], autocommit=True)


def note() -> None:
    _connection.execute("SELECT 1", prepare=True).fetchone()
    witness.tell_start()


def facts() -> dict[str, str]:
    return {"round trip": "SELECT 1, prepared", "psycopg": version("psycopg")}
