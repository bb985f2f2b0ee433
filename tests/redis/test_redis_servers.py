"""Servers of all kinds, and what becomes of calls when they restart, forget their scripts, or run out of memory."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace
from redis_words import NOW, POLICY, Open, claim, done, hire, message, put

from horarium.clock import ManualClock
from horarium.engines.records import DeadOwner, Revoke
from horarium.engines.redis import RedisEngine
from horarium.errors import EngineUnavailable, StoreUnusable
from horarium.outcome import Ignored, Run, State, Verdict
from servers import RedisServer, free_port, program


def test_a_server_that_forgot_its_scripts_is_told_them_again(server: RedisServer, engine: RedisEngine) -> None:
    hire(engine)
    put(engine, message())
    server.ask("SCRIPT", "FLUSH")
    assert len(claim(engine)) == 1


def test_a_connection_that_the_server_closed_is_made_anew_without_a_word(
    server: RedisServer, engine: RedisEngine
) -> None:
    put(engine, message())
    server.ask("CLIENT", "KILL", "TYPE", "normal")
    assert put(engine, message()) == [True]


def test_what_was_accepted_survives_a_killed_server_that_flushes_always() -> None:
    with RedisServer(appendfsync="always") as server:
        engine = RedisEngine(server.url)
        put(engine, *(message() for _ in range(50)))
        server.restart()
        assert engine.inspector.counts().states == {State.PENDING: 50}
        engine.close()


def test_a_server_that_is_away_is_unavailable_and_named_without_its_password(server: RedisServer) -> None:
    server.kill()
    engine = RedisEngine(f"redis://me:canary@127.0.0.1:{server.port}/0")
    with pytest.raises(EngineUnavailable, match=rf"redis://\*\*\*@127.0.0.1:{server.port}/0") as refused:
        put(engine, message())
    assert "canary" not in str(refused.value)


def test_a_frozen_server_is_unavailable_within_the_patience(server: RedisServer, open_engine: Open) -> None:
    engine = open_engine(patience=0.3)
    put(engine, message())
    server.freeze()
    began = time.monotonic()
    with pytest.raises(EngineUnavailable):
        put(engine, message())
    assert time.monotonic() - began < 5
    server.thaw()
    put(engine, message())


def test_the_clock_of_a_frozen_server_is_waited_for_once(server: RedisServer) -> None:
    """It was read before each publish: ``delay()`` took 15 s, three times its deadline."""
    clock = ManualClock()
    engine = RedisEngine(server.url, clock=clock, patience=0.3)
    engine.now()
    server.freeze()
    clock.advance(6)
    engine.now()
    began = time.monotonic()
    for _ in range(20):
        engine.now()
    assert time.monotonic() - began < 0.3
    server.thaw()
    engine.close()


def test_a_wrong_password_is_told_as_such() -> None:
    with RedisServer("--requirepass", "right") as server:
        for url in (server.url, server.url.replace("//", "//:canary@")):
            with pytest.raises(StoreUnusable, match="password") as refused:
                put(RedisEngine(url), message())
            assert "canary" not in str(refused.value)
        engine = RedisEngine(server.url.replace("//", "//:right@"))
        assert put(engine, message()) == [True]
        engine.close()


def test_a_server_that_drops_messages_when_memory_is_short_is_refused() -> None:
    with (
        RedisServer("--maxmemory-policy", "allkeys-lru") as server,
        pytest.raises(StoreUnusable, match=r"allkeys-lru.*set maxmemory-policy noeviction"),
    ):
        put(RedisEngine(server.url), message())


def test_full_memory_is_an_error_at_the_call_and_passes(server: RedisServer, engine: RedisEngine) -> None:
    hire(engine)
    put(engine, message())
    (delivery,) = claim(engine)
    server.ask("CONFIG", "SET", "maxmemory", "1")
    with pytest.raises(EngineUnavailable, match="maxmemory"):
        put(engine, message())
    server.ask("CONFIG", "SET", "maxmemory", "0")
    assert put(engine, message()) == [True]
    assert engine.inspector.counts().states == {State.RECEIVED: 1, State.PENDING: 1}
    assert delivery.attempt == 1


def test_without_memory_all_but_puts_goes_on_so_that_room_is_made(server: RedisServer, engine: RedisEngine) -> None:
    hire(engine)
    hire(engine, "gone")
    put(engine, *(message(id=f"m{number}", priority=9 - number) for number in range(5)))
    put(engine, message(priority=0, expires=NOW + 5))
    assert claim(engine, "gone", limit=1)
    server.ask("CONFIG", "SET", "maxmemory", "1")
    hire(engine)  # a lease is renewed
    first, second = claim(engine, limit=2, tasks=frozenset({"t", "never told before"}))
    ends = [done(first), replace(done(second), outcome=Ignored())]
    assert engine.queue.settle(ends[:1], now=NOW, policy=POLICY) == [Verdict.RECORDED]
    assert engine.queue.settle(ends[1:], now=NOW, policy=POLICY) == [Verdict.RECORDED]
    assert engine.inspector.act(Revoke(ids=("m4",)), now=NOW) == ["m4"]
    assert engine.results.forget([second.message.id]) == 1
    done_now = engine.queue.maintain(now=NOW + 86_400_000, policy=POLICY, dead=[DeadOwner(owner="gone")])
    assert (done_now.returned, done_now.expired, done_now.forgotten) == (1, 1, 2)
    with pytest.raises(EngineUnavailable, match="maxmemory"):
        put(engine, message())
    with pytest.raises(EngineUnavailable, match="maxmemory"):
        engine.results.record([Run(message=message(), state=State.SUCCESS, changed=NOW)], keep=9.0, now=NOW)


def test_a_replica_is_no_store(server: RedisServer, engine: RedisEngine) -> None:
    with RedisServer("--replicaof", "127.0.0.1", str(server.port)) as replica:
        other = RedisEngine(replica.url)
        with pytest.raises(StoreUnusable, match="master"):
            other.check()
        with pytest.raises(EngineUnavailable, match="replica"):
            put(other, message())
        other.close()


@pytest.mark.parametrize(
    ("appendfsync", "durability", "told"),
    [
        (None, "full", "append-only"),
        ("everysec", "full", "about a second"),
        ("always", "full", None),
        (None, "relaxed", None),
    ],
)
def test_what_weakens_the_promises_is_told(appendfsync: str | None, durability: str, told: str | None) -> None:
    with RedisServer(appendfsync=appendfsync) as server:
        engine = RedisEngine(server.url, durability=durability)  # type: ignore[arg-type]
        found = engine.weaknesses()
        engine.close()
    assert [told in each for each in found if told] == ([] if told is None else [True])
    assert bool(found) == bool(told)


def test_a_socket_file_is_an_address_too(tmp_path: Path) -> None:
    path = f"/tmp/horarium-{os.getpid()}.sock"  # a socket's path must be short
    with RedisServer("--unixsocket", path):
        engine = RedisEngine(f"redis+socket://{path}?namespace=x")
        assert put(engine, message()) == [True]
        engine.close()


@pytest.fixture
def cluster() -> Iterator[list[RedisServer]]:
    """Two nodes that share the slots."""
    buses = [str(free_port()), str(free_port())]
    options = [("--cluster-enabled", "yes", "--cluster-port", bus) for bus in buses]
    with RedisServer(*options[0]) as one, RedisServer(*options[1]) as other:
        one.ask("CLUSTER", "ADDSLOTSRANGE", "0", "8191")
        other.ask("CLUSTER", "ADDSLOTSRANGE", "8192", "16383")
        one.ask("CLUSTER", "MEET", "127.0.0.1", str(other.port), buses[1])
        deadline = time.monotonic() + 20
        whole = (b"cluster_state:ok", b"cluster_slots_ok:16384")
        while not all(fact in node.ask("CLUSTER", "INFO") for node in (one, other) for fact in whole):
            assert time.monotonic() < deadline, one.ask("CLUSTER", "INFO")
            time.sleep(0.05)  # between two looks at a fact
        yield [one, other]


def test_a_namespace_of_a_cluster_is_found_from_every_node(cluster: list[RedisServer]) -> None:
    for namespace in ("a", "b", "c", "horarium"):
        for number, node in enumerate(cluster):
            engine = RedisEngine(f"{node.url}?namespace={namespace}")
            hire(engine)
            assert put(engine, message(id=f"m{number}")) == [True]
            assert len(claim(engine)) == 1
            listener = engine.notifier.listen(["queue:default"])
            engine.notifier.notify(["queue:default"])
            assert listener.wait(10)
            listener.close()
            engine.close()


def test_sentinels_know_the_master(server: RedisServer, tmp_path: Path) -> None:
    port = RedisServer().port
    config = tmp_path / "sentinel.conf"
    config.write_text(f"port {port}\nbind 127.0.0.1\nsentinel monitor shop 127.0.0.1 {server.port} 1\n")
    command = ["setpriv", "--pdeathsig", "KILL", program("redis-server"), str(config), "--sentinel"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd=tmp_path)
    try:
        engine = RedisEngine(f"sentinel://127.0.0.1:{port}/shop/0")
        deadline = time.monotonic() + 20
        while True:
            try:
                assert put(engine, message(created=NOW)) == [True]
                break
            except EngineUnavailable:  # it has only just started
                assert time.monotonic() < deadline
                time.sleep(0.05)  # between two tries
        engine.close()
        assert RedisEngine(server.url).inspector.counts().states == {State.PENDING: 1}
    finally:
        process.kill()
        process.wait()
