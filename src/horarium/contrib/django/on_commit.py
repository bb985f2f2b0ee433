"""Sending when Django's transaction commits: in the transaction itself, by way of the outbox, or right after it."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from horarium.app.request import current_request
from horarium.app.result import AsyncResult
from horarium.app.transaction import driver_connection, joined, unwrap_connections_with
from horarium.contrib.django import outbox
from horarium.engines.protocol import Engine, TransactionalQueue
from horarium.errors import CannotJoinTransaction, EngineUnavailable
from horarium.message import Message, new_id

if TYPE_CHECKING:
    from horarium.app.request import Request
    from horarium.contrib.django.task import DjangoTask

logger = logging.getLogger(__name__)

# Whether what is sent here and now is sent with an eye to the transaction.
_is_aware: ContextVar[bool] = ContextVar("horarium_django_aware", default=False)

# By store: the databases that are known not to be its own. Asking costs round trips to both.
_strangers: WeakKeyDictionary[Engine, set[tuple[str, ...]]] = WeakKeyDictionary()


def send_on_commit(
    task: DjangoTask,
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    options: Mapping[str, Any],
    *,
    using: str | None,
    robust: bool,
) -> AsyncResult:
    """Send a call when the transaction of a database commits; see DjangoTask.apply_async_on_commit."""
    app: Any = task.app  # a Horarium
    connection = connections[using or DEFAULT_DB_ALIAS]
    if not connection.in_atomic_block and connection.get_autocommit():
        handle: AsyncResult = app.call(task, args, kwargs, options)
        return handle
    with aware():
        if app.conf.task_always_eager:
            return _run_on_commit(task, args, kwargs, options, connection, robust)
        if is_neighbour(app.connection, connection):
            connection.validate_no_broken_transaction()
            with joined(app.connection, connection):
                return app.call(task, args, kwargs, options)
        message = app.producer.announced(task.name, task, args, kwargs, options)
    handle = app._handle((message, True), task, {"add_to_parent": False})
    parent = current_request() if options.get("add_to_parent", True) else None
    put = _Put(app, message, handle, parent, retry=options.get("retry", True))
    if outbox.is_on(connection.alias):
        connection.validate_no_broken_transaction()
        outbox.insert(connection, message)
        connection.on_commit(_PutFromOutbox(put, connection).carry_out, robust=robust)
    else:
        connection.on_commit(put.carry_out, robust=robust)
    return handle


@contextmanager
def aware() -> Iterator[None]:
    """Let what is sent in a ``with`` block count as sent with an eye to the transaction."""
    token = _is_aware.set(True)
    try:
        yield
    finally:
        _is_aware.reset(token)


def is_aware() -> bool:
    return _is_aware.get()


def is_neighbour(way: Any, connection: BaseDatabaseWrapper) -> bool:
    """Whether the store of ``way`` (an app's connection) can take part in transactions of Django's connection.

    Opens neither if their addresses tell already. Raises: EngineUnavailable, StoreUnusable.
    """
    if connection.vendor != "postgresql":
        return False
    if not way.is_open and not way.urls[0].startswith("postgres"):
        return False
    engine: Engine = way.engine
    queue = engine.queue
    if not engine.capabilities.transactional or not isinstance(queue, TransactionalQueue):
        return False
    chosen = connection.settings_dict
    place = (connection.alias, *(str(chosen.get(part)) for part in ("HOST", "PORT", "NAME", "USER")))
    strangers = _strangers.setdefault(engine, set())
    if place in strangers:
        return False
    try:
        queue.check_guest(driver_connection(connection))
    except CannotJoinTransaction:
        connection.validate_no_broken_transaction()
        strangers.add(place)
        return False
    return True


@unwrap_connections_with
def _unwrapped(connection: Any) -> Any:
    """Return the driver's connection inside of Django's, or of the one that an alias names."""
    if isinstance(connection, str) and connection in connections:
        connection = connections[connection]
    if not isinstance(connection, BaseDatabaseWrapper):
        return None
    connection.ensure_connection()
    return connection.connection


class _Put:
    """What is done after the commit: the message is stored."""

    __slots__ = ("_app", "_handle", "_parent", "_retry", "message")

    def __init__(self, app: Any, message: Message, handle: AsyncResult, parent: Request | None, *, retry: bool) -> None:
        self._app = app
        self.message = message
        self._handle = handle
        self._parent = parent
        self._retry = retry

    def carry_out(self) -> None:
        with aware():
            [placed] = self._app.producer.dispatch([self.message], retry=self._retry)
        if isinstance(placed, str):  # it is unique, and the run of another one stands for it
            self._handle.id, self._handle.is_new = placed, False
        if self._parent is not None:
            self._parent.note_child(self._handle)


class _PutFromOutbox:
    """The same, and it is taken out of the outbox; what fails is left to a relay."""

    __slots__ = ("_connection", "_put")

    def __init__(self, put: _Put, connection: BaseDatabaseWrapper) -> None:
        self._put = put
        self._connection = connection

    def carry_out(self) -> None:
        message = self._put.message
        try:
            self._put.carry_out()
            outbox.remove(self._connection, [message.id])
        except (EngineUnavailable, DatabaseError) as error:
            logger.warning("%s[%s] stays in the outbox; a worker sends it: %s", message.task, message.id, error)


def _run_on_commit(
    task: DjangoTask,
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    options: Mapping[str, Any],
    connection: BaseDatabaseWrapper,
    robust: bool,
) -> AsyncResult:
    """Run a call inline when the transaction commits, as ``task_always_eager`` asks for."""
    app: Any = task.app
    chosen = {**options, "task_id": options.get("task_id") or new_id(app.now())}
    message = app.producer.message(task.name, task, args, kwargs, chosen)
    handle: AsyncResult = app._handle((message, True), task, {"add_to_parent": False})

    def run() -> None:
        handle._ended = app.run_inline(task, args, kwargs, chosen).run

    connection.on_commit(run, robust=robust)
    return handle
