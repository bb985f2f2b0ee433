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
from horarium.engines.protocol import Engine
from horarium.engines.records import Placed
from horarium.errors import CannotJoinTransaction, EngineUnavailable
from horarium.message import Message, new_id

if TYPE_CHECKING:
    from horarium.app.request import Request
    from horarium.app.task import Task

logger = logging.getLogger(__name__)

# Whether what is sent here and now is sent with an eye to the transaction.
_is_aware: ContextVar[bool] = ContextVar("horarium_django_aware", default=False)

# What each connection has written into its outbox in the open transaction.
_gathered: WeakKeyDictionary[BaseDatabaseWrapper, _Gathered] = WeakKeyDictionary()

# By store: the databases that are known not to be its own. Asking costs round trips to both.
_strangers: WeakKeyDictionary[Engine, set[tuple[str, ...]]] = WeakKeyDictionary()


def send_on_commit(
    task: Task,
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
    handle = app.handle_of((message, True), task, {"add_to_parent": False})
    parent = current_request() if options.get("add_to_parent", True) else None
    put = _Put(app, message, handle, parent, retry=options.get("retry", True))
    if outbox.is_on(connection.alias):
        connection.validate_no_broken_transaction()
        outbox.insert(connection, message)
        gathered = _gathered.setdefault(connection, _Gathered(connection))
        gathered.add(put)
        connection.on_commit(_SendFromOutbox(gathered, message.id).carry_out, robust=robust)
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
    queue: Any = engine.queue  # a TransactionalQueue, if its capabilities say so
    if not engine.capabilities.transactional:
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

    __slots__ = ("_handle", "_parent", "app", "message", "retry")

    def __init__(self, app: Any, message: Message, handle: AsyncResult, parent: Request | None, *, retry: bool) -> None:
        self.app = app
        self.message = message
        self._handle = handle
        self._parent = parent
        self.retry = retry

    def carry_out(self) -> None:
        carry_out([self])

    def note(self, placed: Placed) -> None:
        """Note what the store said."""
        if isinstance(placed, str):  # it is unique, and the run of another one stands for it
            self._handle.id, self._handle.is_new = placed, False
        if self._parent is not None:
            self._parent.note_child(self._handle)


def carry_out(puts: Sequence[_Put], *, retry: bool = True) -> None:
    """Store messages after their commit, those of one app in one round trip. ``retry``: try again while the store is
    away, unless a caller has forbidden it. Raises: EngineUnavailable."""
    for app in {put.app: None for put in puts}:
        own = [put for put in puts if put.app is app]
        with aware():
            placed = app.producer.dispatch([put.message for put in own], retry=retry and all(put.retry for put in own))
        for put, said in zip(own, placed, strict=True):
            put.note(said)


class _Gathered:
    """What one connection has written into the outbox: after the commit the first that is called takes all along, in
    few round trips. Which of them were committed, and not rolled back to a savepoint, the table says."""

    def __init__(self, connection: BaseDatabaseWrapper) -> None:
        self._connection = connection
        self._waiting: dict[str, _Put] = {}

    def add(self, put: _Put) -> None:
        if not self._connection.run_on_commit:  # a transaction that has just begun: what is left here was rolled back
            self._waiting.clear()
        self._waiting[put.message.id] = put

    def send_with(self, id: str) -> None:
        """Send one of them, with all others, unless it was taken along."""
        if id not in self._waiting:
            return
        puts, self._waiting = list(self._waiting.values()), {}
        try:
            for start in range(0, len(puts), outbox.BATCH):
                self._send({put.message.id: put for put in puts[start : start + outbox.BATCH]})
        except (EngineUnavailable, DatabaseError) as error:
            logger.warning("what was sent on commit stays in the outbox, and a worker sends it: %s", outbox.told(error))

    def _send(self, puts: dict[str, _Put]) -> None:
        if len(puts) > 1:
            committed = outbox.present(self._connection, list(puts))
            puts = {id: put for id, put in puts.items() if id in committed}
        # Once: nobody is to wait for a store that is away, when a worker will send it.
        carry_out(list(puts.values()), retry=False)
        outbox.remove(self._connection, list(puts))


class _SendFromOutbox:
    """What is done after the commit for one of them."""

    __slots__ = ("_gathered", "_id")

    def __init__(self, gathered: _Gathered, id: str) -> None:
        self._gathered = gathered
        self._id = id

    def carry_out(self) -> None:
        self._gathered.send_with(self._id)


def _run_on_commit(
    task: Task,
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
    handle: AsyncResult = app.handle_of((message, True), task, {"add_to_parent": False})

    def run() -> None:
        handle.end_with(app.run_inline(task, args, kwargs, chosen).run)

    connection.on_commit(run, robust=robust)
    return handle
