"""Whether `manage.py migrate` is at work in an SQLite file.

Its migrations read, and then write in the same transaction; SQLite refuses that at once ("database is locked") if
somebody else writes in between, however patient it is told to be. So a scheduler that was waiting for its tables keeps
its hands off until the others are there, too.
"""

from __future__ import annotations

from django.db import connections
from django.db.migrations.exceptions import BadMigrationError, NodeNotFoundError
from django.db.migrations.executor import MigrationExecutor

from horarium.clock import Seconds

LONGEST: Seconds = 10.0  # a project may have migrations that nobody applies


def is_under_way(using: str) -> bool:
    """Tell whether migrations are waiting to be applied to an SQLite database; of others, always False: they have
    room for two. Raises: Django's database errors."""
    connection = connections[using]
    if connection.vendor != "sqlite":
        return False
    try:
        executor = MigrationExecutor(connection)
    except (BadMigrationError, NodeNotFoundError):
        return False  # `migrate` itself cannot work with it either
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))
