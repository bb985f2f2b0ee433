"""The statements of the SQLite engine, one per file, by name, and two ways to carry one out."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import apsw

from horarium.engines.statements import read_statements

SQL = read_statements(Path(__file__).parent)

Row: TypeAlias = tuple[Any, ...]  # apsw knows the types of columns only at run time; each reader of rows knows its own
Values: TypeAlias = Mapping[str, object] | Sequence[object]


def fetch(db: apsw.Connection, name: str, values: Values = ()) -> list[Row]:
    """Carry out a statement and return all its rows."""
    return db.execute(SQL[name], values).fetchall()


def change(db: apsw.Connection, name: str, values: Values) -> int:
    """Carry out a statement; return how many rows it changed."""
    db.execute(SQL[name], values)
    return db.changes()
