"""The SQLite engine: the embedded default."""

from horarium.engines.sqlite.engine import SqliteEngine

__all__ = ["SqliteEngine"]
