"""The Redis engine: many hosts, one server (Redis >= 6.2 or Valkey), one namespace."""

from horarium.engines.redis.engine import RedisEngine

__all__ = ["RedisEngine"]
