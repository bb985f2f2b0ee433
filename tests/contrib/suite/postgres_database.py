"""A PostgreSQL of the tests' own as a second database of the project, which may hold the app's store too."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connections

from servers import PostgresServer

ALIAS = "bank"


@contextmanager
def second_database(server: PostgresServer, alias: str = ALIAS, **options: Any) -> Iterator[Any]:
    """Give Django a database on a server, under an alias, for the length of a ``with`` block."""
    settings = copy.deepcopy(connections.settings["default"])
    settings |= {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "postgres",
        "USER": "postgres",
        "HOST": "127.0.0.1",
        "PORT": str(server.port),
        "OPTIONS": {},
        **options,
    }
    connections.settings[alias] = settings
    try:
        yield connections[alias]
    finally:
        connections[alias].close()
        del connections[alias]
        del connections.settings[alias]
