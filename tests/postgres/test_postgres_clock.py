"""The server's clock: whatever this host thinks the time is, and while the server is away."""

from __future__ import annotations

import time

import pytest
from postgres_words import put_one

from horarium.clock import ManualClock
from horarium.engines.postgres import PostgresEngine
from horarium.engines.postgres.server_clock import READ_EVERY, ServerClock
from horarium.errors import EngineUnavailable

SERVER = 1_900_000_000_000


class Server:
    """A server's clock, which can be away."""

    def __init__(self) -> None:
        self.now: float = SERVER
        self.is_away = False
        self.readings = 0

    def read(self) -> float:
        self.readings += 1
        if self.is_away:
            raise EngineUnavailable("away")
        return self.now


def test_a_step_of_the_hosts_clock_changes_nothing() -> None:
    host, server = ManualClock(0), Server()
    clock = ServerClock(server.read, host)
    assert clock.now() == SERVER
    host.step(-3600)
    assert clock.now() == SERVER
    host.advance(2)
    assert clock.now() == SERVER + 2000


def test_the_server_is_asked_again_only_now_and_then() -> None:
    host, server = ManualClock(0), Server()
    clock = ServerClock(server.read, host)
    for _ in range(100):
        clock.now()
    before = server.readings
    host.advance(READ_EVERY)
    clock.now()
    clock.now()
    assert server.readings == before + 1


def test_a_step_of_the_servers_clock_is_followed() -> None:
    host, server = ManualClock(0), Server()
    clock = ServerClock(server.read, host)
    clock.now()
    host.advance(READ_EVERY)
    server.now = SERVER + 100_000
    assert clock.now() == SERVER + 100_000


def test_time_goes_on_while_the_server_is_away() -> None:
    host, server = ManualClock(0), Server()
    clock = ServerClock(server.read, host)
    server.is_away = True
    with pytest.raises(EngineUnavailable):
        clock.now()
    server.is_away = False
    assert clock.now() == SERVER
    server.is_away = True
    host.advance(60)
    assert clock.now() == SERVER + 60_000
    asked = server.readings
    clock.now()
    assert server.readings == asked


def test_the_engines_time_is_the_servers(engine: PostgresEngine) -> None:
    put_one(engine)
    before = time.time() * 1000
    now = engine.now()
    assert before - 1000 <= now <= time.time() * 1000  # one host, so one wall clock; known within a round trip
