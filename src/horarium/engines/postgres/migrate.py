"""Migrations: numbered, forward only, all that are missing in one transaction.

The table ``migrations`` counts them. An advisory lock lets one process apply them while the others wait, and then find
nothing to do. A schema that is newer than this version is refused.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from zlib import crc32

from psycopg import Connection
from psycopg.rows import tuple_row

from horarium.errors import StoreUnusable

FOLDER = Path(__file__).with_name("migrations")
MIGRATIONS = {int(path.name[:4]): path for path in sorted(FOLDER.glob("[0-9]*.sql"))}
LATEST = max(MIGRATIONS)
LOCK_SPACE = 0x486F7261  # "Hora": apart from other programs' advisory locks
PATIENCE_MS = 60_000  # a migration may take longer than a verb, and others wait for it


def migrate(connection: Connection[Any], schema: str, shown: str) -> None:
    """Apply what is missing, all or nothing. Safe in many processes at once. Raises: StoreUnusable, psycopg.Error."""
    found = _version(connection, schema)
    if found < LATEST:
        with connection.transaction():
            connection.execute(f"SET LOCAL lock_timeout = {PATIENCE_MS}; SET LOCAL statement_timeout = {PATIENCE_MS}")
            connection.execute(f"SELECT pg_advisory_xact_lock({LOCK_SPACE}, {crc32(schema.encode()) - 2**31})")
            found = _version(connection, schema)  # read again: somebody may have been faster
            if found < LATEST:
                connection.execute(_script(connection, schema, found))
    if found > LATEST:
        raise StoreUnusable(
            f"expected the schema {schema} of the store {shown} to be of version {LATEST} or older, it is {found}: a "
            "newer Horarium has changed it; upgrade this one"
        )


def _version(connection: Connection[Any], schema: str) -> int:
    """Return the number of the newest migration that was applied; 0 where there is none."""
    # Asked of the tables of the catalogue, not with to_regclass: that answers from a cache of the session, which does
    # not hear of others' changes while it waits for an advisory lock.
    known = (
        "SELECT FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace"
        " WHERE n.nspname = %s AND c.relname = 'migrations'"
    )
    cursor = connection.cursor(row_factory=tuple_row)
    if cursor.execute(known, (schema,)).fetchone() is None:
        return 0
    row = cursor.execute(f'SELECT max(number) FROM "{schema}".migrations').fetchone()
    return 0 if row is None or row[0] is None else int(row[0])


def _script(connection: Connection[Any], schema: str, found: int) -> str:
    """Return all that is missing as one text: sent at once, it takes 20 ms."""
    there = connection.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", (schema,)).fetchone()
    steps = [] if there else [f'CREATE SCHEMA "{schema}";']  # asking to create one that exists takes a right, too
    if found == 0:
        steps.append(f'CREATE TABLE "{schema}".migrations (number integer PRIMARY KEY);')
    for number, path in sorted(MIGRATIONS.items()):
        if number > found:
            steps.append(path.read_text(encoding="utf-8").replace("{schema}", f'"{schema}"'))
            steps.append(f'INSERT INTO "{schema}".migrations (number) VALUES ({number});')
    return "\n".join(steps)
