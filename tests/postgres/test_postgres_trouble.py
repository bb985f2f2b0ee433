"""Trouble with the server: one line that says what to do, without the password, and retries where they help."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from postgres_words import POLICY, claim, connect, message, put_one, register, settle, successes

from horarium.engines.connect import connect as open_store
from horarium.engines.postgres import PostgresEngine
from horarium.engines.postgres.address import read_address
from horarium.engines.postgres.trouble import UNAVAILABLE, UNUSABLE, translate
from horarium.engines.records import Page, RunFilter
from horarium.errors import EngineError, EngineUnavailable, ImproperlyConfigured, StoreUnusable
from servers import PostgresServer, free_port

SECRET = "s3cret-word"


@pytest.fixture(scope="module")
def guarded() -> Iterator[PostgresServer]:
    """A server that asks for a password."""
    with PostgresServer() as server:
        with psycopg.connect(server.url, autocommit=True) as connection:
            connection.execute(f"CREATE ROLE guest LOGIN PASSWORD '{SECRET}'")
            connection.execute("REVOKE CREATE ON DATABASE postgres FROM PUBLIC")
            connection.execute("CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
        hba = server.folder / "data" / "pg_hba.conf"
        hba.write_text("host all postgres 127.0.0.1/32 trust\nhost all guest 127.0.0.1/32 scram-sha-256\n")
        with psycopg.connect(server.url, autocommit=True) as connection:
            connection.execute("SELECT pg_reload_conf()")
        yield server


def told(url: str, kind: type[EngineError]) -> str:
    """Return what somebody is told who opens a store, and see that it is one line without the password."""
    engine = PostgresEngine(url, patience=2.0)
    with pytest.raises(kind) as caught:
        engine.check()
    engine.close()
    text = str(caught.value)
    assert type(caught.value) is kind
    assert "\n" not in text and SECRET not in text and "wr0ng" not in text
    assert text.startswith("expected the ")
    return text


def test_a_wrong_port() -> None:
    text = told(f"postgresql://u:{SECRET}@127.0.0.1:{free_port()}/db", EngineUnavailable)
    assert "`store`" in text and "refused" in text


def test_a_wrong_password(guarded: PostgresServer) -> None:
    text = told(f"postgresql://guest:wr0ng@127.0.0.1:{guarded.port}/postgres", StoreUnusable)
    assert "refused the password" in text and "set `store`" in text


def test_a_missing_database(guarded: PostgresServer) -> None:
    text = told(f"postgresql://postgres@127.0.0.1:{guarded.port}/nowhere", StoreUnusable)
    assert "has no such database" in text and "create it, or set `store`" in text


def test_a_user_who_may_not_come_in(guarded: PostgresServer) -> None:
    text = told(f"postgresql://stranger@127.0.0.1:{guarded.port}/postgres", StoreUnusable)
    assert "pg_hba.conf" in text


def test_a_user_who_may_not_create_the_schema(guarded: PostgresServer) -> None:
    text = told(f"postgresql://guest:{SECRET}@127.0.0.1:{guarded.port}/postgres", StoreUnusable)
    assert "does not permit that to this user" in text and "grant it CREATE" in text


def test_a_user_who_may_see_the_schema_but_not_write_to_it(guarded: PostgresServer) -> None:
    PostgresEngine(f"postgresql://postgres@127.0.0.1:{guarded.port}/postgres?schema=shown").check()
    with psycopg.connect(guarded.url, autocommit=True) as connection:
        connection.execute("GRANT USAGE ON SCHEMA shown TO guest; GRANT SELECT ON ALL TABLES IN SCHEMA shown TO guest")
    text = told(f"postgresql://guest:{SECRET}@127.0.0.1:{guarded.port}/postgres?schema=shown", StoreUnusable)
    assert "does not permit that to this user" in text


def test_a_server_without_tls_that_is_asked_for_it(guarded: PostgresServer) -> None:
    text = told(f"postgresql://postgres@127.0.0.1:{guarded.port}/postgres?sslmode=require", StoreUnusable)
    assert "over TLS" in text and "sslmode" in text


def test_a_database_that_cannot_hold_every_character(guarded: PostgresServer) -> None:
    text = told(f"postgresql://postgres@127.0.0.1:{guarded.port}/latin", StoreUnusable)
    assert "encoded in UTF8" in text


def test_a_read_only_database(guarded: PostgresServer) -> None:
    url = f"postgresql://postgres@127.0.0.1:{guarded.port}/postgres?schema=read_only"
    PostgresEngine(url).check()
    text = told(f"{url}&options=-c%20default_transaction_read_only%3Don", StoreUnusable)
    assert "default_transaction_read_only is on" in text


def test_a_server_that_is_too_old(engine: PostgresEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("horarium.engines.postgres.session.OLDEST_SERVER", 990_000)
    with pytest.raises(StoreUnusable, match=r"expected the store .* to be PostgreSQL 13 or newer, it is 1"):
        engine.check()


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("postgresql://h/db?schema=No-Good", "expected store to be a URL whose schema is"),
        ("postgresql://h/db?schema=pg_mine", "expected store to be a URL whose schema is"),
        ("postgresql://h/db?schema=", "expected store to be a URL whose schema is"),
        ("postgresql://u:s3cret-word@h/db?nonsense=1", "expected store to be a URL that PostgreSQL can read"),
        ("postgresql://u:s3cret-word@h:port/db", "expected store to be a URL with a number for its port"),
    ],
)
def test_a_url_that_cannot_be_read_is_told_so_at_once(url: str, complaint: str) -> None:
    with pytest.raises(ImproperlyConfigured) as caught:
        open_store(url).check()
    assert complaint in str(caught.value)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://u:s3cret-word@h:1/db?schema=x", "postgresql://u:***@h:1/db?schema=x"),
        ("postgres://u@h/db", "postgres://u@h/db"),
        ("postgresql://h/db?user=u&password=s3cret-word", "postgresql://h/db?user=u&password=***"),
        ("postgresql://u:s3c%40ret@h1:1,h2:2/db", "postgresql://u:***@h1:1,h2:2/db"),
    ],
)
def test_a_url_is_shown_without_its_password(url: str, shown: str) -> None:
    assert PostgresEngine(url).url == shown
    assert "cret" not in repr(PostgresEngine(url))


def test_what_a_url_says_wins_over_our_own_settings() -> None:
    address = read_address("postgresql://h/db?connect_timeout=9&application_name=shop", patience=5.0, durable=True)
    assert (address.conninfo["connect_timeout"], address.conninfo["application_name"]) == ("9", "shop")
    assert "synchronous_commit=on" in address.conninfo["options"]


@pytest.mark.parametrize(("table", "kind"), [(UNAVAILABLE, EngineUnavailable), (UNUSABLE, StoreUnusable)])
def test_every_row_of_the_table_is_told_as_it_says(table: dict[str, tuple[str, str]], kind: type[EngineError]) -> None:
    for state, (found, remedy) in table.items():
        error = psycopg.Error("it went wrong")
        error.sqlstate = state if len(state) == 5 else f"{state}000"
        ours = translate(error, "postgresql://h/db")
        assert type(ours) is kind
        assert found in str(ours) and remedy in str(ours)


def test_a_lock_that_somebody_keeps_is_waited_for_no_longer_than_the_patience(url: str) -> None:
    engine = PostgresEngine(url, patience=0.5)
    put_one(engine)
    told_once = successes(engine, claim(engine))
    with connect(url) as other, other.transaction():
        other.execute("SELECT 1 FROM messages FOR UPDATE")
        with pytest.raises(EngineUnavailable, match="kept a lock for too long"):
            settle(engine, told_once)
        assert engine.queue.claim(["default"], "o", 9, now=engine.now()) == []  # passed over, not waited for
    assert settle(engine, told_once) == ["recorded"]
    engine.close()


def test_a_table_that_somebody_keeps_is_told_of_without_our_statement(url: str) -> None:
    engine = PostgresEngine(url, patience=0.5)
    engine.check()
    with connect(url) as other, other.transaction():
        other.execute("LOCK TABLE messages IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(EngineUnavailable, match="kept a lock for too long") as caught:
            engine.inspector.find(RunFilter(), Page())
    assert "LINE" not in str(caught.value) and "canceling statement due to lock timeout" in str(caught.value)
    engine.close()


def test_a_server_that_stands_still_is_noticed_and_its_session_given_up() -> None:
    with PostgresServer() as server:
        engine = PostgresEngine(server.url, patience=0.5)
        put_one(engine)
        pid = engine._store.carry_out(lambda db, again: db.connection.info.backend_pid)
        os.kill(pid, signal.SIGSTOP)  # of this test's own server
        with pytest.raises(EngineUnavailable, match="no answer within"):
            put_one(engine)
        os.kill(pid, signal.SIGCONT)
        put_one(engine)
        engine.close()


def test_a_server_that_comes_back_is_used_again_without_a_word() -> None:
    with PostgresServer() as server:
        engine = PostgresEngine(server.url, patience=2.0)
        id = put_one(engine)
        server.stop("fast")
        with pytest.raises(EngineUnavailable):
            put_one(engine)
        server.start()
        assert [delivery.message.id for delivery in claim(engine)] == [id]
        engine.close()


def test_settlements_that_lock_each_other_out_are_all_recorded(engine: PostgresEngine) -> None:
    """Two callers name the same deliveries in opposite orders, again and again."""
    for _ in range(60):
        put_one(engine)
    told_once = successes(engine, claim(engine))
    odd = [each for place, each in enumerate(told_once) if place % 2]
    verdicts: list[str] = []

    def run(order: list[Any]) -> None:
        for start in range(0, len(order), 10):
            verdicts.extend(settle(engine, order[start : start + 10]))

    threads = [threading.Thread(target=run, args=[order]) for order in (told_once, told_once[::-1], odd)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert verdicts.count("recorded") == 60
    assert set(verdicts) == {"recorded", "repeated"}


def test_puts_that_lock_each_other_out_are_all_stored(engine: PostgresEngine) -> None:
    engine.check()
    messages = [message(engine.now()) for _ in range(200)]
    stored: list[bool] = []

    def run(order: list[Any]) -> None:
        stored.extend(engine.queue.put(order, now=engine.now()))

    threads = [threading.Thread(target=run, args=[order]) for order in (messages, messages[::-1]) * 3]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(stored), sum(stored)) == (1200, 200)


def test_a_dead_lock_is_tried_again(engine: PostgresEngine, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from horarium.engines.postgres.sql import Database

    fetch, failures = Database.fetch, ["40P01", "40001"]

    def clash(self: Database, name: str, /, **values: object) -> object:
        if name == "claim" and failures:
            error = psycopg.Error("deadlock")
            error.sqlstate = failures.pop()
            raise error
        return fetch(self, name, **values)  # type: ignore[arg-type]

    id = put_one(engine)
    register(engine)
    monkeypatch.setattr(Database, "fetch", clash)
    assert [each.message.id for each in engine.queue.claim(["default"], "o", 9, now=engine.now())] == [id]


def test_more_threads_than_connections_wait_for_one(engine: PostgresEngine, url: str) -> None:
    engine.check()
    barrier = threading.Barrier(20)

    def run() -> None:
        barrier.wait()
        put_one(engine)

    threads = [threading.Thread(target=run) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert engine.inspector.counts().states == {"PENDING": 20}
    with connect(url) as connection:
        ours = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'horarium' AND query LIKE %s",
            (f'%{url.partition("?schema=")[2]}"%',),
        ).fetchone()
    assert ours is not None and ours[0] <= 8


def test_no_session_stays_in_a_transaction(engine: PostgresEngine, url: str) -> None:
    put_one(engine)
    settle(engine, successes(engine, claim(engine), message(engine.now(), id="next")))
    engine.queue.maintain(now=engine.now(), policy=POLICY)
    with connect(url) as connection:
        found = connection.execute(
            "SELECT DISTINCT state FROM pg_stat_activity WHERE application_name = 'horarium'"
        ).fetchall()
    assert ("idle in transaction",) not in found


def test_weaknesses_of_the_configuration_are_named(engine: PostgresEngine, url: str) -> None:
    named = engine.weaknesses()  # the tests' server flushes nothing
    assert [line.split()[0] for line in named] == ["fsync", "full_page_writes"]
    forced = PostgresEngine(f"{url}&options=-c%20synchronous_commit%3Doff")
    assert any(line.startswith("synchronous_commit is off") for line in forced.weaknesses())
    forced.close()
    relaxed = PostgresEngine(url, durability="relaxed")
    assert [line.split()[0] for line in relaxed.weaknesses()] == ["fsync", "full_page_writes"]
    relaxed.close()


def test_a_replica_is_refused_when_checked_and_waited_for_when_written_to() -> None:
    with PostgresServer() as server:
        engine = PostgresEngine(server.url, patience=2.0)
        put_one(engine)
        server.stop("fast")
        (server.folder / "data" / "standby.signal").touch()
        server.start()
        with pytest.raises(StoreUnusable, match=r"expected the store .* to be a primary server, it is a replica"):
            engine.check()
        with pytest.raises(EngineUnavailable, match="is read-only at the moment"):
            put_one(engine)
        assert engine.results.read(["x"]) == [None]
        engine.close()
