"""The PostgreSQL engine: for many hosts."""

from horarium.engines.postgres.engine import PostgresEngine

__all__ = ["PostgresEngine"]
