"""Guests: connections of callers, in whose transactions this store takes part. Each is looked at once, before that.

That two connections reach the same database cannot be told from their addresses: there are poolers, tunnels and copies.
So the store holds an advisory lock of a random number for a moment, and the guest must see it.
"""

from __future__ import annotations

import weakref
from contextlib import suppress
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus

from horarium.engines.postgres.connection import Store, transaction
from horarium.engines.postgres.sql import Database
from horarium.engines.postgres.tokens import new_token
from horarium.engines.postgres.trouble import translate
from horarium.errors import CannotJoinTransaction


class Guests:
    """The connections that have been looked at. A connection stays with its database, so once is enough."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: weakref.WeakSet[psycopg.Connection[Any]] = weakref.WeakSet()
        # Where guests were found to be neighbours. Frameworks open a connection for each request: it is spared the
        # look, for what answers at one host and port under one name is one database, whoever stands in between.
        self._addresses: set[tuple[str, str, int, str]] = set()

    def check(self, connection: object) -> None:
        """See that a transaction of this connection is one of the store's own database, and can go on.

        Raises: CannotJoinTransaction, EngineUnavailable, StoreUnusable.
        """
        guest = _psycopg(connection)
        if guest.closed:
            raise CannotJoinTransaction("expected an open connection, got one that is closed; pass the one in use")
        if guest.info.transaction_status == TransactionStatus.INERROR:
            raise CannotJoinTransaction(
                "expected a transaction that can go on, got one in which a statement has failed; roll it back first"
            )
        if guest in self._known:
            return
        if _address(guest) not in self._addresses and not self._is_neighbour(guest):
            raise CannotJoinTransaction(
                f"expected a connection to the database of the store {self._store.address.shown}, got one to "
                f"{guest.info.dbname!r} on {guest.info.host}:{guest.info.port}; a transaction cannot span two "
                "databases: set store to the database of your own tables, or send after your commit"
            )
        self._known.add(guest)
        self._addresses.add(_address(guest))

    def abandon(self, connection: psycopg.Connection[Any]) -> None:
        """Roll back what is still open on a connection; one that cannot even do that has nothing open any more."""
        open_ones = (TransactionStatus.INTRANS, TransactionStatus.INERROR)
        if not connection.closed and connection.info.transaction_status in open_ones:
            with suppress(psycopg.Error):
                connection.rollback()

    def _is_neighbour(self, guest: psycopg.Connection[Any]) -> bool:
        mark = new_token()

        def work(db: Database, again: bool) -> bool:
            with transaction(db, durable=False):
                db.fetch("show_mark", mark=mark)
                try:
                    ((is_seen,),) = self._store.on(guest).fetch("sees_mark", high=mark >> 32, low=mark & 0xFFFF_FFFF)
                except psycopg.Error as error:  # the guest's trouble is not the store's, to be tried again
                    raise translate(error, "of the connection that was passed") from error
            return bool(is_seen)

        return self._store.carry_out(work)


def _address(guest: psycopg.Connection[Any]) -> tuple[str, str, int, str]:
    info = guest.info
    return info.host, info.hostaddr, info.port, info.dbname


def _psycopg(connection: object) -> psycopg.Connection[Any]:
    if isinstance(connection, psycopg.Connection):
        return connection
    found = f"{type(connection).__module__}.{type(connection).__qualname__}"
    remedy = "use the driver psycopg 3 (SQLAlchemy: postgresql+psycopg://)"
    if isinstance(connection, psycopg.AsyncConnection):
        remedy = "open a psycopg.Connection for this transaction, in a thread"
    raise CannotJoinTransaction(f"expected a psycopg connection, or one that holds it, got {found}; {remedy}")
