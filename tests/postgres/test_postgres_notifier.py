"""Hints over the server: sent only where somebody waits, and found again after the connection broke."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator

import pytest
from postgres_words import POLICY, claim, connect, message, put_one, settle, successes

from horarium.engines.postgres import PostgresEngine
from horarium.engines.postgres.notifier import PostgresListener
from servers import PostgresServer

LONG = 20.0
SOON = 0.1


@pytest.fixture
def listener(engine: PostgresEngine) -> Iterator[PostgresListener]:
    listener = engine.notifier.listen(["queue:default", "results"])
    yield listener
    listener.close()


@pytest.fixture
def sender(url: str) -> Iterator[PostgresEngine]:
    sender = PostgresEngine(url)
    yield sender
    sender.close()


def hear_all(listener: PostgresListener) -> None:
    while listener.wait(SOON):
        pass


def hub_sessions(url: str) -> list[int]:
    with connect(url) as connection:
        rows = connection.execute(
            "SELECT pid FROM pg_stat_activity WHERE application_name = 'horarium' AND query LIKE '%advisory_%shared%'"
        ).fetchall()
    return [pid for (pid,) in rows]


def test_put_settle_and_fire_wake_whoever_waits_without_being_asked(
    sender: PostgresEngine, listener: PostgresListener
) -> None:
    put_one(sender)
    assert listener.wait(LONG)
    hear_all(listener)
    deliveries = claim(sender)
    settle(sender, successes(sender, deliveries))
    assert listener.wait(LONG)


def test_a_hint_is_never_missed_however_often_one_looks(sender: PostgresEngine, listener: PostgresListener) -> None:
    for _ in range(200):
        sender.queue.put([message(sender.now())], now=sender.now())
        assert listener.wait(LONG)


def test_a_busy_listener_is_told_nothing_and_hears_the_first_hint_after_it_looked(
    sender: PostgresEngine, engine: PostgresEngine, listener: PostgresListener, url: str
) -> None:
    channel = engine._store and engine.notifier._topics.topic("queue:default").channel
    with connect(url) as onlooker:
        onlooker.execute(f"LISTEN {channel}")
        for _ in range(30):
            put_one(sender)
            time.sleep(0.005)  # so that the listening thread can hear of each
        heard = [notify.channel for notify in onlooker.notifies(timeout=0.2)]
    assert 1 <= len(heard) < 30
    assert listener.wait(LONG)
    hear_all(listener)
    put_one(sender)
    assert listener.wait(LONG)


def test_nobody_is_notified_where_nobody_waits(sender: PostgresEngine, url: str) -> None:
    put_one(sender)
    with connect(url) as onlooker:
        onlooker.execute(f"LISTEN {sender.notifier._topics.topic('queue:default').channel}")
        put_one(sender)
        assert list(onlooker.notifies(timeout=0.2)) == []


def test_two_schemas_do_not_wake_each_other(engine: PostgresEngine, listener: PostgresListener, url: str) -> None:
    other = PostgresEngine(f"{url}_other")
    try:
        put_one(other)
        assert not listener.wait(SOON)
    finally:
        other.close()
        with connect(url) as connection:
            connection.execute("SET client_min_messages = warning")
            connection.execute(f"DROP SCHEMA {url.partition('?schema=')[2]}_other CASCADE")


def test_a_broken_connection_is_made_anew_and_the_listener_looks_for_itself(
    sender: PostgresEngine, listener: PostgresListener, url: str
) -> None:
    put_one(sender)
    assert listener.wait(LONG)
    hear_all(listener)
    for pid in hub_sessions(url):
        with connect(url) as connection:
            connection.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))
    assert listener.wait(LONG)  # something may have been missed
    hear_all(listener)
    put_one(sender)
    assert listener.wait(LONG)


def test_while_the_server_is_away_a_wait_is_a_wait() -> None:
    with PostgresServer() as server:
        engine = PostgresEngine(server.url, patience=1.0)
        listener = engine.notifier.listen(["queue:default"])
        server.stop("fast")
        began = time.monotonic()
        hear_all(listener)
        assert not listener.wait(0.3)
        assert time.monotonic() - began < 10
        engine.notifier.notify(["queue:default"])  # lost, and no error
        threading.Timer(0.1, listener.wake).start()
        assert listener.wait(LONG)
        server.start()
        assert listener.wait(LONG)
        hear_all(listener)
        put_one(engine)
        assert listener.wait(LONG)
        listener.close()
        engine.close()


def test_a_listener_can_be_made_while_the_server_is_away() -> None:
    with PostgresServer() as server:
        engine = PostgresEngine(server.url, patience=1.0)
        server.stop("fast")
        listener = engine.notifier.listen(["queue:default"])
        assert not listener.wait(SOON)
        server.start()
        assert listener.wait(LONG)
        engine.close()
        listener.close()


def test_wake_may_be_called_by_a_signal_handler(listener: PostgresListener) -> None:
    before = signal.signal(signal.SIGUSR1, lambda number, frame: listener.wake())
    try:
        threading.Timer(0.1, os.kill, [os.getpid(), signal.SIGUSR1]).start()
        assert listener.wait(LONG)
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_a_closed_engine_ends_its_listening_thread(url: str) -> None:
    engine = PostgresEngine(url)
    listener = engine.notifier.listen(["queue:default"])
    names = [thread.name for thread in threading.enumerate()]
    assert "horarium-postgres-listener" in names
    engine.close()
    assert names.count("horarium-postgres-listener") - 1 == [t.name for t in threading.enumerate()].count(
        "horarium-postgres-listener"
    )
    assert not listener.wait(0)
    listener.close()
    engine.queue.maintain(now=engine.now(), policy=POLICY)
    engine.close()
