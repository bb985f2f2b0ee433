"""Atomic enqueue: the store is the very PostgreSQL database of Django's connection."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import DatabaseError, transaction
from django.db.transaction import TransactionManagementError
from postgres_database import ALIAS, second_database
from site_process import Site

from horarium import Horarium
from horarium.contrib.django.task import DjangoTask
from horarium.errors import CannotJoinTransaction
from servers import PostgresServer


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with PostgresServer("log_statement=all") as server:
        yield server


@pytest.fixture
def bank(server: PostgresServer, django_db_blocker: Any) -> Iterator[Any]:
    with django_db_blocker.unblock(), second_database(server) as connection:
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE IF EXISTS accounts")
            cursor.execute("CREATE TABLE accounts (name text)")
        yield connection


@pytest.fixture
def app(server: PostgresServer) -> Iterator[Horarium]:
    app = Horarium("bank", store=server.url, set_as_current=False, task_cls=DjangoTask)

    @app.task(name="pay")
    def pay(name: str) -> None: ...

    yield app
    app.control.purge()
    app.close()


def waiting(app: Horarium) -> int:
    return sum(queue.ready + queue.scheduled for queue in app.engine.inspector.counts().queues.values())


def insert(connection: Any, name: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO accounts VALUES (%s)", [name])


def test_row_and_message_are_there_together_or_not_at_all(bank: Any, app: Horarium) -> None:
    pay: Any = app.tasks["pay"]
    with transaction.atomic(using=ALIAS):
        insert(bank, "ana")
        handle = pay.apply_async_on_commit(("ana",), using=ALIAS)
        assert waiting(app) == 0
        assert bank.run_on_commit == []  # nothing is left to be done after the commit
    assert waiting(app) == 1
    assert handle.run is not None
    with pytest.raises(KeyError), transaction.atomic(using=ALIAS):
        pay.apply_async_on_commit(("ben",), using=ALIAS)
        raise KeyError
    assert waiting(app) == 1


def test_a_savepoint_takes_its_messages_with_it(bank: Any, app: Horarium) -> None:
    pay: Any = app.tasks["pay"]
    with transaction.atomic(using=ALIAS):
        pay.apply_async_on_commit(("outer",), using=ALIAS)
        with pytest.raises(KeyError), transaction.atomic(using=ALIAS):
            pay.apply_async_on_commit(("inner",), using=ALIAS)
            raise KeyError
    assert waiting(app) == 1


def test_a_session_that_is_killed_before_its_commit_sends_nothing_after_it_all(
    bank: Any, app: Horarium, server: PostgresServer
) -> None:
    pay: Any = app.tasks["pay"]
    with pytest.raises(DatabaseError), transaction.atomic(using=ALIAS):
        insert(bank, "ana")
        pay.apply_async_on_commit(("ana",), using=ALIAS)
        with psycopg.connect(server.url, autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s)", [bank.connection.info.backend_pid])
    bank.close()
    assert waiting(app) == 0


def test_it_is_one_query_in_the_transaction(bank: Any, app: Horarium, server: PostgresServer) -> None:
    pay: Any = app.tasks["pay"]
    with transaction.atomic(using=ALIAS):  # the first looks whether the two are one database
        pay.apply_async_on_commit(("first",), using=ALIAS)
    bank.close()  # as between two requests
    with transaction.atomic(using=ALIAS):
        insert(bank, "ana")
        before = statements(server, bank.connection.info.backend_pid)
        pay.apply_async_on_commit(("ana",), using=ALIAS)
        asked = statements(server, bank.connection.info.backend_pid) - before
    assert asked == 1


def statements(server: PostgresServer, pid: int) -> int:
    """Return how many statements a session has sent, as the server's log counts them."""
    with psycopg.connect(server.url) as other:  # what it logs comes after what was asked for
        mark = f"mark {time.monotonic_ns()}"
        other.execute(f"SELECT '{mark}'")
    deadline = time.monotonic() + 10
    while mark not in (log := server.log.read_text()):
        assert time.monotonic() < deadline
    return len(re.findall(rf"^.*\[{pid}\] LOG:  (?:execute|statement)", log, re.MULTILINE))


def test_a_transaction_that_cannot_go_on_takes_no_message(bank: Any, app: Horarium) -> None:
    pay: Any = app.tasks["pay"]
    with transaction.atomic(using=ALIAS):
        pay.apply_async_on_commit(("first",), using=ALIAS)
    with pytest.raises(TransactionManagementError), transaction.atomic(using=ALIAS):
        with pytest.raises(DatabaseError), transaction.atomic(using=ALIAS, savepoint=False):
            insert(bank, "nul\0")
        with bank.cursor() as cursor, pytest.raises(DatabaseError):
            cursor.execute("no SQL at all")
        pay.apply_async_on_commit(("ana",), using=ALIAS)


def test_another_database_on_the_same_server_is_not_joined(bank: Any, app: Horarium, server: PostgresServer) -> None:
    pay: Any = app.tasks["pay"]
    with bank.cursor() as cursor:
        cursor.execute("DROP DATABASE IF EXISTS elsewhere")
        cursor.execute("CREATE DATABASE elsewhere")
    with second_database(server, "elsewhere", NAME="elsewhere") as other, transaction.atomic(using="elsewhere"):
        pay.apply_async_on_commit(("ana",), using="elsewhere")
        assert len(other.run_on_commit) == 1
        assert waiting(app) == 0
    assert waiting(app) == 1


def test_a_transaction_can_be_joined_by_its_alias(bank: Any, app: Horarium) -> None:
    pay: Any = app.tasks["pay"]
    with pytest.raises(KeyError), transaction.atomic(using=ALIAS):
        pay.using(ALIAS).delay("ana")
        with app.transaction(bank):
            pay.delay("ben")
        raise KeyError
    with transaction.atomic(using=ALIAS):
        pay.using(ALIAS).delay("ana")
    assert waiting(app) == 1
    with pytest.raises(CannotJoinTransaction):
        pay.using("default").delay("ana")


KILLED_AT_THE_COMMIT = """
import os
with transaction.atomic():
    tasks.nothing.delay_on_commit("survivor")
    transaction.on_commit(lambda: os.kill(os.getpid(), 9))
"""


@pytest.mark.once
def test_a_process_that_is_killed_right_after_the_commit_has_sent_its_message(
    server: PostgresServer, tmp_path: Path
) -> None:
    site = Site(tmp_path, database=server.url, store=server.url)
    site.python(KILLED_AT_THE_COMMIT, expect=-9)
    assert site.manage("horarium", "runs", "list").count("depot.tasks.nothing") == 1
