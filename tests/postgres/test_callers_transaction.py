"""put_in and settle_in: messages and outcomes that come with a caller's own transaction, or not at all."""

from __future__ import annotations

import psycopg
import pytest
from postgres_words import POLICY, claim, connect, message, put_one, register, successes
from psycopg.rows import dict_row

from horarium.engines.postgres import PostgresEngine
from horarium.errors import StoreUnusable


@pytest.fixture
def address(url: str) -> str:
    return url.partition("?schema=")[0]


def test_a_message_is_there_when_the_caller_commits(engine: PostgresEngine, address: str) -> None:
    with psycopg.connect(address) as connection:
        made = message(engine.now())
        assert engine.queue.put_in(connection, [made], now=engine.now()) == [True]
        assert engine.results.read([made.id]) == [None]
        assert claim(engine) == []
        connection.commit()
        assert [delivery.message for delivery in claim(engine)] == [made]


def test_a_message_goes_with_a_rollback(engine: PostgresEngine, address: str) -> None:
    with psycopg.connect(address) as connection:
        made = message(engine.now())
        engine.queue.put_in(connection, [made], now=engine.now())
        connection.rollback()
    assert engine.results.read([made.id]) == [None]
    assert engine.queue.put([made], now=engine.now()) == [True]


def test_known_ids_are_told_from_new_ones(engine: PostgresEngine, address: str) -> None:
    waiting, ended = put_one(engine, queue="later"), put_one(engine)
    engine.queue.settle(successes(engine, claim(engine)), now=engine.now(), policy=POLICY)
    with psycopg.connect(address, row_factory=dict_row) as connection:
        asked = [message(engine.now(), id=id) for id in (waiting, "new", ended, "new")]
        assert engine.queue.put_in(connection, asked, now=engine.now()) == [False, True, False, False]
    assert engine.inspector.counts().states == {"PENDING": 2, "SUCCESS": 1}


def test_listeners_are_woken_by_the_commit_and_not_before(engine: PostgresEngine, address: str) -> None:
    listener = engine.notifier.listen(["queue:default"])
    with psycopg.connect(address) as connection:
        engine.queue.put_in(connection, [message(engine.now())], now=engine.now())
        assert not listener.wait(0.1)
        connection.commit()
        assert listener.wait(20.0)
    listener.close()


def test_a_connection_in_autocommit_mode_stores_at_once_and_whole(engine: PostgresEngine, address: str) -> None:
    with psycopg.connect(address, autocommit=True) as connection:
        made = message(engine.now())
        assert engine.queue.put_in(connection, [made], now=engine.now()) == [True]
        assert engine.results.read([made.id]) != [None]
        with connection.transaction():
            assert engine.queue.put_in(connection, [message(engine.now(), id="x")], now=engine.now()) == [True]
            assert engine.results.read(["x"]) == [None]
        assert engine.results.read(["x"]) != [None]


def test_a_task_ends_together_with_what_it_wrote(engine: PostgresEngine, url: str, address: str) -> None:
    id = put_one(engine)
    told = successes(engine, claim(engine), message(engine.now(), id="next"))
    with psycopg.connect(address) as connection, connect(url) as onlooker:
        connection.execute("CREATE TABLE IF NOT EXISTS public.ledger_of_a_test (x integer)")
        verdicts = engine.queue.settle_in(connection, told, now=engine.now(), policy=POLICY)
        assert verdicts == ["recorded"]
        assert onlooker.execute("SELECT state FROM messages").fetchall() == [("RECEIVED",)]
        connection.commit()
        onlooker.execute("DROP TABLE public.ledger_of_a_test")
    (run, following) = engine.results.read([id, "next"])
    assert run is not None and run.state == "SUCCESS"
    assert following is not None and following.state == "PENDING"


def test_an_outcome_goes_with_a_rollback(engine: PostgresEngine, address: str) -> None:
    put_one(engine)
    told = successes(engine, claim(engine), message(engine.now(), id="next"))
    with psycopg.connect(address) as connection:
        assert engine.queue.settle_in(connection, told, now=engine.now(), policy=POLICY) == ["recorded"]
        connection.rollback()
    assert engine.inspector.counts().states == {"RECEIVED": 1}
    assert engine.queue.settle(told, now=engine.now(), policy=POLICY) == ["recorded"]


def test_an_owner_that_lost_its_delivery_is_told_before_the_caller_commits(
    engine: PostgresEngine, address: str
) -> None:
    put_one(engine)
    told = successes(engine, claim(engine))
    engine.inspector.leave(["o"], now=engine.now())
    with psycopg.connect(address) as connection:
        assert engine.queue.settle_in(connection, told, now=engine.now(), policy=POLICY) == ["lost"]


def test_the_schema_is_made_before_a_callers_transaction_needs_it(engine: PostgresEngine, address: str) -> None:
    with psycopg.connect(address) as connection:
        assert engine.queue.put_in(connection, [message(1)], now=1) == [True]
    register(engine)


def test_an_error_on_a_callers_connection_is_one_of_ours(engine: PostgresEngine, address: str) -> None:
    engine.check()
    with psycopg.connect(address) as connection:
        connection.execute("SET TRANSACTION READ ONLY")
        with pytest.raises(Exception, match="read-only"):
            engine.queue.put_in(connection, [message(1)], now=1)
        connection.rollback()
        with pytest.raises(psycopg.Error):
            connection.execute("SELECT 1/0")
        with pytest.raises(StoreUnusable, match="current transaction is aborted"):
            engine.queue.put_in(connection, [message(1)], now=1)
        connection.rollback()
