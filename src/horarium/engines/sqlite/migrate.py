"""Migrations: numbered, forward only, all that are missing in one transaction.

``PRAGMA user_version`` counts them; the write lock lets one process apply them while the others wait and then find
nothing to do.
"""

from __future__ import annotations

from pathlib import Path

import apsw

APPLICATION_ID = 0x486F_7261  # "Hora": tells our files from other programs' databases
FOLDER = Path(__file__).with_name("migrations")
MIGRATIONS = {int(path.name[:4]): path for path in sorted(FOLDER.glob("[0-9]*.sql"))}
LATEST = max(MIGRATIONS)


def migrate(connection: apsw.Connection) -> None:
    """Apply what is missing, all or nothing. Safe in many processes at once."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        version = int(connection.pragma("user_version"))  # read again: somebody may have been faster
        for number, path in sorted(MIGRATIONS.items()):
            if number > version:
                connection.execute(path.read_text(encoding="utf-8"))
                connection.pragma("user_version", number)
        connection.pragma("application_id", APPLICATION_ID)
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
