"""Addresses of stores: reads the spellings that Celery and SQLAlchemy use, and hides what is secret in one.

An address that has no equivalent here is refused with the nearest that has. Nothing is opened or imported.
"""

from __future__ import annotations

import re

SAME_STORE = "store"  # what result_backend says for: where the messages are
# What it says for: where the messages are, and beside that where programs look that were written for Celery.
ARCHIVES = ("django-db", "django-cache")

REDIS = ("redis", "rediss", "redis+socket", "unix", "sentinel")
POSTGRES = ("postgresql", "postgres")
SCHEMES = ("memory", "sqlite", *REDIS, *POSTGRES)

_SQL_PREFIX = re.compile(r"(db|sqla|sqlalchemy|database)\+", re.IGNORECASE)
_SQL_DRIVER = re.compile(r"(postgresql|postgres|sqlite)\+[a-z0-9_]+", re.IGNORECASE)
_SECRET = re.compile(r"([?&;][^=&;]*(?:password|passwd|pwd|secret|token)[^=&;]*=)[^&;#\s]*", re.IGNORECASE)
_SQLITE = '"sqlite:///horarium.db"'
_SERVERS = '"redis://host:6379/0" or "postgresql://user:password@host/database"'

_LONG_NAMES = {
    "django_celery_results.backends.database:databasebackend": "django-db",
    "django_celery_results.backends:databasebackend": "django-db",
    "django_celery_results.backends.cache:cachebackend": "django-cache",
    "django_celery_results.backends:cachebackend": "django-cache",
}

# The nearest that is there for schemes of Celery's that have no equivalent.
_NEAREST: dict[str, str] = {
    "amqp amqps pyamqp librabbitmq rabbitmq": f"RabbitMQ is no store: write {_SQLITE}, {_SERVERS}; "
    "`horarium bridge` connects them with those who still send by RabbitMQ",
    "sqs kafka confluentkafka gcpubsub azurestoragequeues azureservicebus mongodb etcd zookeeper consul pyro slmq qpid "
    "nats": f"the nearest is {_SERVERS}",
    "filesystem file": f"the nearest is {_SQLITE}, a file",
    "cache memcache memcached": f"a cache forgets at will: write {_SERVERS}",
    "mysql mariadb oracle mssql cockroachdb": '"postgresql://user:password@host/database" is the nearest database',
    "cassandra elasticsearch couchbase couchdb arangodb dynamodb cosmosdbsql azureblockblob s3 gs riak":
        '"postgresql://user:password@host/database" is the nearest that remembers',
}  # fmt: skip


def masked(text: str) -> str:
    """Return an address as people may see it: without user, password and secret options."""
    head, separator, rest = text.partition("://")
    if not separator:
        return text
    if "@" in rest:
        rest = f"***@{rest.rpartition('@')[2]}"
    return head + separator + _SECRET.sub(r"\1***", rest)


def read_store(address: object) -> str:
    """Return the address of a store in our own spelling. Raises: ValueError with a remedy."""
    if _is_several(address):
        raise ValueError('write one address; for a failover of Redis "sentinel://host:26379,host:26379/SERVICE/0"')
    if not isinstance(address, str) or not address:
        raise ValueError(f"write the whole URL: {_SQLITE} (four slashes for an absolute path)")
    scheme, colon, rest = _in_our_words(address).partition(":")
    if not colon or (scheme in SCHEMES and not rest.startswith("//")):
        raise ValueError(_nearest(scheme) or f"write the whole URL: {_SQLITE} (four slashes for an absolute path)")
    if scheme not in SCHEMES:
        raise ValueError(_nearest(scheme) or f"known schemes are {', '.join(SCHEMES)}; write for example {_SQLITE}")
    return f"{scheme}:{rest}"


def read_results(address: object) -> str | None:
    """Return the address of the store for results, SAME_STORE, one of ARCHIVES, or None for none at all.

    Raises: ValueError.
    """
    if address is None:
        return None
    name = address.lower().removesuffix("//").removesuffix(":") if isinstance(address, str) else ""
    if name == "disabled":
        return None
    if name in (SAME_STORE, "rpc"):  # rpc: Celery sends results by way of the broker
        return SAME_STORE
    name = _LONG_NAMES.get(name, name)
    if name in ARCHIVES:
        return name
    return read_store(address)


def _is_several(address: object) -> bool:
    if not isinstance(address, str):
        return isinstance(address, list | tuple)
    return ";" in address.partition("?")[0] and not address.lower().startswith("sentinel:")


def _in_our_words(address: str) -> str:
    """Return an address without what SQLAlchemy and Celery write before or behind the scheme."""
    scheme, colon, rest = address.partition(":")
    scheme = _SQL_PREFIX.sub("", scheme, count=1)
    driver = _SQL_DRIVER.fullmatch(scheme)
    scheme = driver.group(1) if driver else scheme
    return f"{scheme.lower()}{colon}{rest}"


def _nearest(scheme: str) -> str | None:
    name = scheme.partition("+")[0]
    return next((nearest for names, nearest in _NEAREST.items() if name in names.split()), None)
