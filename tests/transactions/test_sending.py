"""Sending inside of the caller's transaction: invisible before its commit, gone after its rollback."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import copy_context
from pathlib import Path
from typing import Any

import psycopg
import pytest
from desk import Desk
from psycopg.rows import dict_row
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session

from horarium import Horarium, shared_task
from horarium.app import shared as declared
from horarium.app import transaction
from horarium.app.transaction import unwrap_connections_with
from horarium.engines.pair import PairEngine
from horarium.errors import CannotJoinTransaction, InvalidArguments
from horarium.testing import drain
from servers import PostgresServer

KINDS = ["psycopg", "psycopg in autocommit", "rows as dicts", "SQLAlchemy session", "SQLAlchemy connection", "wrapped"]


class Wrapper:
    """A framework's own connection, as Django's."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self.inner = connection


@contextmanager
def opened(desk: Desk, kind: str) -> Iterator[tuple[Any, Any, Any]]:
    """Yield what the caller holds, with an order inserted in its open transaction, and how to commit or roll back."""
    insert = "INSERT INTO orders VALUES (1, 'new')"
    if kind.startswith("SQLAlchemy"):
        engine = create_engine(desk.sqlalchemy)
        held: Any = Session(engine) if kind.endswith("session") else engine.connect()
        with held:
            held.execute(text(insert))
            yield held, held.commit, held.rollback
        engine.dispose()
    elif kind == "psycopg in autocommit":
        with desk.connect(autocommit=True) as connection:
            connection.execute("BEGIN")
            connection.execute(insert)
            yield connection, connection.commit, connection.rollback
    else:
        options = {"row_factory": dict_row} if kind == "rows as dicts" else {}
        with desk.connect(**options) as connection:
            connection.execute(insert)
            held = Wrapper(connection) if kind == "wrapped" else connection
            yield held, connection.commit, connection.rollback


@pytest.fixture
def unwrapper(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transaction, "_unwrappers", [])
    unwrap_connections_with(lambda held: held.inner if isinstance(held, Wrapper) else None)


@pytest.mark.usefixtures("unwrapper")
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_sent_is_invisible_before_the_commit_and_there_after_it(desk: Desk, kind: str) -> None:
    with opened(desk, kind) as (held, commit, _):
        with desk.app.transaction(held):
            handle = desk.app.tasks["ship"].delay(1)
            desk.app.send_task("ship", (2,))
            desk.app.send_many([desk.app.tasks["ship"].s(number) for number in range(3)])
        assert desk.waiting() == 0
        assert not handle.exists()
        commit()
    assert desk.waiting() == 5
    assert handle.state == "PENDING"
    assert len(drain(desk.app)) == 5
    assert desk.orders() == [1]


@pytest.mark.usefixtures("unwrapper")
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_sent_is_gone_after_a_rollback(desk: Desk, kind: str) -> None:
    with opened(desk, kind) as (held, _, roll_back):
        handle = desk.app.tasks["ship"].using(held).delay(1)
        roll_back()
    assert desk.waiting() == 0
    assert not handle.exists()
    assert desk.orders() == []


def test_an_exception_between_takes_the_call_back(desk: Desk) -> None:
    with pytest.raises(ValueError, match="changed my mind"), desk.connect() as connection:
        connection.execute("INSERT INTO orders VALUES (1, 'new')")
        desk.app.tasks["ship"].using(connection).apply_async((1,), task_id="ship-1")
        raise ValueError("changed my mind")
    assert (desk.waiting(), desk.orders()) == (0, [])


def test_the_same_task_id_never_makes_a_second_run(desk: Desk) -> None:
    for _ in range(2):
        with desk.connect() as connection:
            desk.app.tasks["ship"].using(connection).apply_async((1,), task_id="ship-1")
    assert desk.waiting() == 1


def test_a_worker_is_woken_by_the_commit(desk: Desk) -> None:
    listener = desk.app.engine.notifier.listen(["queue:default"])
    with desk.connect() as connection:
        desk.app.tasks["ship"].using(connection).delay(1)
        assert not listener.wait(0.2)
        connection.commit()
        assert listener.wait(10)
    listener.close()


def test_only_this_app_and_only_inside_of_the_block(desk: Desk) -> None:
    other = Horarium("other", store="memory://", set_as_current=False)
    with desk.connect() as connection:
        with desk.app.transaction(connection):
            other.send_task("elsewhere")
        desk.app.tasks["ship"].delay(1)
        connection.rollback()
    assert other.engine.inspector.counts().states == {"PENDING": 1}
    assert desk.waiting() == 1


def test_a_shared_task_is_sent_by_the_app_of_the_moment(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(declared, "shared_tasks", [])  # no app of another test takes it over

    @shared_task(name="shared")
    def shared() -> None: ...

    def send() -> None:
        desk.app.set_current()
        with desk.connect() as connection:
            shared.using(connection).delay()
            connection.rollback()

    copy_context().run(send)
    assert desk.waiting() == 0


def test_a_call_that_is_wrong_leaves_the_transaction_alone(desk: Desk) -> None:
    with desk.connect() as connection:
        connection.execute("INSERT INTO orders VALUES (1, 'new')")
        with pytest.raises(InvalidArguments):
            desk.app.tasks["ship"].using(connection).delay()
    assert desk.orders() == [1]


# What is refused.


def refused(app: Horarium, connection: object) -> str:
    with pytest.raises(CannotJoinTransaction) as refusal, app.transaction(connection):
        raise AssertionError("it was joined")
    return str(refusal.value)


@pytest.mark.parametrize("store", ["memory://", "sqlite:///{folder}/shop.db"])
def test_a_store_that_cannot_take_part_says_so(store: str, tmp_path: Path) -> None:
    with Horarium("shop", store=store.format(folder=tmp_path), set_as_current=False) as app:
        assert "only PostgreSQL can" in refused(app, object())


def test_a_connection_of_another_driver_is_refused(desk: Desk) -> None:
    import sqlite3

    said = refused(desk.app, sqlite3.connect(":memory:"))
    assert "expected a psycopg connection" in said and "sqlite3.Connection" in said
    assert "psycopg 3" in refused(desk.app, create_engine("sqlite://").connect())


def test_a_connection_to_another_database_is_refused(desk: Desk) -> None:
    with desk.connect(autocommit=True) as connection:
        connection.execute("CREATE DATABASE elsewhere")
    with psycopg.connect(desk.address, dbname="elsewhere") as connection:
        assert "a transaction cannot span two databases" in refused(desk.app, connection)


def test_a_connection_to_another_server_is_refused_though_all_names_are_the_same(desk: Desk) -> None:
    with PostgresServer() as server, psycopg.connect(server.url) as connection:
        assert "a transaction cannot span two databases" in refused(desk.app, connection)


def test_a_closed_connection_and_a_void_transaction_are_refused(desk: Desk) -> None:
    connection = desk.connect()
    with pytest.raises(psycopg.Error):
        connection.execute("SELECT 1/0")
    assert "roll it back first" in refused(desk.app, connection)
    connection.close()
    assert "closed" in refused(desk.app, connection)


def test_a_connection_is_looked_at_once(desk: Desk) -> None:
    with desk.connect() as connection:
        for number in range(3):
            desk.app.tasks["ship"].using(connection).delay(number)
        [(seen,)] = connection.execute("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%pg_locks%'")
    assert seen <= 1
    assert desk.waiting() == 3


def test_a_pair_takes_part_when_its_carrier_can(desk: Desk, tmp_path: Path) -> None:
    store = desk.app.conf.store
    with Horarium("two", store=store, result_backend=f"sqlite:///{tmp_path}/kept.db", set_as_current=False) as app:
        assert isinstance(app.engine, PairEngine)
        with desk.connect() as connection, app.transaction(connection):
            app.send_task("ship", (1,))
        assert desk.waiting() == 1
