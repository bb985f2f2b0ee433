"""Where a store is kept, and how to get at it: a file, a Redis server, a PostgreSQL server of one test's own."""

from __future__ import annotations

from pathlib import Path

from proxy import Proxy

from horarium.engines.connect import connect
from horarium.engines.protocol import Engine
from servers import PostgresServer, RedisServer, Server


class Site:
    """``url`` is the test's own, undisturbed way to the store; ``through`` one by a proxy."""

    name = "sqlite"

    def __init__(self, folder: Path) -> None:
        self.url = f"sqlite:///{folder}/store.db"

    def through(self, proxy: Proxy) -> str:
        raise NotImplementedError("there is no network before a file")

    def open(self) -> Engine:
        return connect(self.url)

    def close(self) -> None:
        """A file goes with its folder."""


class ServedSite(Site):
    """A store that a server keeps."""

    server: Server

    def __init__(self, server: Server, url: str) -> None:
        self.server = server
        self.url = url
        server.__enter__()

    def through(self, proxy: Proxy) -> str:
        return self.url.replace(f":{self.server.port}/", f":{proxy.port}/")

    def named(self, proxy: Proxy, namespace: str) -> str:
        """Return the URL of an empty store of its own on the same server, by a proxy."""
        raise NotImplementedError

    def close(self) -> None:
        self.server.close()


class RedisSite(ServedSite):
    name = "redis"
    server: RedisServer

    def __init__(self, *options: str, appendfsync: str | None = None) -> None:
        server = RedisServer(*options, appendfsync=appendfsync)
        super().__init__(server, server.url)

    def named(self, proxy: Proxy, namespace: str) -> str:
        return f"{self.through(proxy)}?namespace={namespace}"

    def tell(self, *words: str) -> str:
        """Give the server a command by a connection of its own; return its answer as it came."""
        return self.server.ask(*words).decode(errors="replace")


class PostgresSite(ServedSite):
    name = "postgres"
    server: PostgresServer

    def __init__(self, *options: str, folder: Path | None = None) -> None:
        server = PostgresServer(*options, folder=folder)
        super().__init__(server, server.url)

    def named(self, proxy: Proxy, namespace: str) -> str:
        return f"{self.through(proxy)}?schema={namespace}"

    def tell(self, statement: str) -> list[tuple[object, ...]]:
        """Carry out a statement on a connection of its own, and at once."""
        import psycopg

        with psycopg.connect(self.url, autocommit=True, connect_timeout=5) as connection:
            cursor = connection.execute(statement)  # type: ignore[call-overload]
            return cursor.fetchall() if cursor.description else []


def make_site(name: str, folder: Path) -> Site:
    match name:
        case "redis":
            return RedisSite(appendfsync="everysec")
        case "postgres":
            return PostgresSite()
        case _:
            return Site(folder)
