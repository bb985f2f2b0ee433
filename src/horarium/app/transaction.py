"""Joining a transaction of the caller's: what is sent in it is there when it commits, and gone when it rolls back.

The store must be able to take part: PostgreSQL, when the caller's connection is one to the store's own database. This
room finds the driver's connection inside of what the caller holds (a psycopg connection, a SQLAlchemy session or
connection, or whatever a registered function can unwrap) and remembers it for the length of a ``with`` block. It
neither begins nor ends a transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from horarium.app.connection import Connection
from horarium.engines.protocol import Engine, TransactionalQueue
from horarium.errors import CannotJoinTransaction

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from horarium.app.result import AsyncResult
    from horarium.app.task import Task

# Any throughout: the connections of drivers and frameworks that this floor does not know.
Unwrap = Callable[[Any], Any]

_unwrappers: list[Unwrap] = []


class Joined:
    """A connection of the caller's, checked, and the queue that takes part in its transaction."""

    __slots__ = ("connection", "queue")

    def __init__(self, queue: TransactionalQueue, connection: Any) -> None:
        self.queue = queue
        self.connection = connection


# The joined transactions of this context, innermost last, each with the way to the store that it is for.
_joined: ContextVar[tuple[tuple[Connection, Joined], ...]] = ContextVar("horarium_transactions", default=())


def unwrap_connections_with(function: Unwrap) -> Unwrap:
    """Let ``app.transaction`` understand another kind of connection: ``function`` returns the driver's connection
    inside of what it is given, or None if that is none of its kind. Usable as a decorator; frameworks call it once."""
    _unwrappers.append(function)
    return function


def join(engine: Engine, connection: Any) -> Joined:
    """Return the joined transaction of a connection. Raises: CannotJoinTransaction, EngineUnavailable."""
    queue = engine.queue
    if not engine.capabilities.transactional or not isinstance(queue, TransactionalQueue):
        raise CannotJoinTransaction(
            f"expected a store that can take part in a transaction of the caller's, got {engine.url}; only PostgreSQL "
            'can: set store="postgresql://..." to the database of your own tables, or send after your commit'
        )
    found = driver_connection(connection)
    queue.check_guest(found)
    return Joined(queue, found)


@contextmanager
def joined(way: Connection, connection: Any) -> Iterator[None]:
    """Let what is sent by ``way`` in a ``with`` block go into the transaction of a connection."""
    token = _joined.set((*_joined.get(), (way, join(way.engine, connection))))
    try:
        yield
    finally:
        _joined.reset(token)


def joined_by(way: Connection) -> Joined | None:
    """Return the transaction into which this context sends, None if there is none."""
    for own, found in reversed(_joined.get()):
        if own is way:
            return found
    return None


def driver_connection(connection: Any) -> Any:
    """Return the driver's connection inside of whatever holds one; what is not known is returned as it is."""
    for unwrap in _unwrappers:
        if (found := unwrap(connection)) is not None:
            return found
    if callable(getattr(connection, "connection", None)) and hasattr(connection, "get_bind"):  # SQLAlchemy: a Session
        connection = connection.connection()
    pooled = getattr(connection, "connection", None)  # SQLAlchemy: a Connection
    return getattr(pooled, "driver_connection", None) or connection


class Using:
    """A task whose calls go into the transaction of a connection: ``task.using(connection).delay(...)``."""

    __slots__ = ("_connection", "_task")

    def __init__(self, task: Task, connection: Any) -> None:
        self._task = task
        self._connection = connection

    def delay(self, *args: Any, **kwargs: Any) -> AsyncResult:
        """Send it with these arguments, in the transaction."""
        return self.apply_async(args, kwargs)

    def apply_async(
        self, args: Sequence[Any] | None = None, kwargs: Mapping[str, Any] | None = None, **options: Any
    ) -> AsyncResult:
        """Send it in the transaction. See Task.apply_async for options and law.

        Raises also: CannotJoinTransaction.
        """
        with joined(self._task.app.connection, self._connection):
            return self._task.apply_async(args, kwargs, **options)
