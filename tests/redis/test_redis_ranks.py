"""Another priority in Redis: what somebody else does to a message between the look at it and the move, and answers get
lost. The move changes the message and not its record, so it must see to it that the message is still the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from lost_replies import losing
from redis_words import NOW, POLICY, Open, claim, done, hire, message, put, run_of

from horarium.engines.records import Page, Purge, Rank, Revoke, RunFilter
from horarium.engines.redis import RedisEngine, connection
from horarium.engines.redis.lua import SCRIPTS
from horarium.message import Gate, Join, Slot, Unique
from horarium.outcome import State
from servers import RedisServer

K = "{horarium}:"


@contextmanager
def meanwhile(monkeypatch: pytest.MonkeyPatch, script: str, act: Callable[[], object]) -> Iterator[None]:
    """Let somebody else act just before a script is sent, once."""
    exchange, met = connection._exchange, []

    def exchanged(link: Any, words: Any) -> Any:
        if SCRIPTS[script].digest in words and not met:
            met.append(words)
            act()
        return exchange(link, words)

    with monkeypatch.context() as patch:
        patch.setattr(connection, "_exchange", exchanged)
        yield
    assert met, "not exercised"


def rank(engine: RedisEngine, priority: int, *ids: str) -> list[str]:
    return engine.inspector.act(Rank(ids=ids, priority=priority), now=NOW)


def listed(engine: RedisEngine) -> list[tuple[str, int]]:
    return [(each.message.id, each.message.priority) for each in engine.inspector.find(RunFilter(), Page()).held]


def empty(server: RedisServer, engine: RedisEngine) -> bool:
    """Tell whether nothing is left in any line once all is purged."""
    engine.inspector.act(Purge(), now=NOW)
    keys = (line.removeprefix(K) for line in server.ask("KEYS", f"{K}*").decode().split("\r\n") if K in line)
    return not [key for key in keys if key.startswith(("l:", "q:", "queues", "aside", "block"))]


def test_a_rank_whose_answer_was_lost_is_made_once(
    server: RedisServer, engine: RedisEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    hire(engine)
    put(engine, message(id="a"), message(id="b"), message(id="c", slot=Slot(key="k")))
    with losing(monkeypatch, "commit", 1):
        rank(engine, 9, "b", "c")
    assert listed(engine) == [("b", 9), ("c", 9), ("a", 5)]
    assert [each.message.id for each in claim(engine)] == ["b", "c", "a"]
    assert empty(server, engine)


def test_one_that_is_claimed_meanwhile_stays_as_it_was(
    server: RedisServer, engine: RedisEngine, open_engine: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    hire(engine)
    put(engine, message(id="a"), message(id="b"))
    other = open_engine()
    with meanwhile(monkeypatch, "commit", lambda: claim(other, limit=1)):
        assert rank(engine, 9, "a", "b") == ["b"]
    assert (run_of(engine, "a").state, run_of(engine, "a").message.priority) == (State.RECEIVED, 5)
    assert [each.message.priority for each in claim(engine)] == [9]
    assert empty(server, engine)


def test_one_that_is_claimed_and_given_back_meanwhile_is_ranked(
    server: RedisServer, engine: RedisEngine, open_engine: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    hire(engine)
    put(engine, message(id="a"))
    other = open_engine()

    def to_and_fro() -> None:
        claim(other)
        other.inspector.leave(["a"], now=NOW)

    with meanwhile(monkeypatch, "commit", to_and_fro):
        assert rank(engine, 9, "a") == ["a"]
    hire(engine, "b")
    assert [(each.message.id, each.message.priority) for each in claim(engine, "b")] == [("a", 9)]
    assert empty(server, engine)


@pytest.mark.parametrize("newer", [{}, {"priority": 3}, {"gate": Gate(size=1)}, {"queue": "other"}])
def test_one_that_a_newer_one_replaces_meanwhile_is_ranked_as_that(
    server: RedisServer,
    engine: RedisEngine,
    open_engine: Open,
    monkeypatch: pytest.MonkeyPatch,
    newer: dict[str, Any],
) -> None:
    """Without a record, and in the very same place in line, only its text tells that it is another one."""
    debounced = Unique(key="u", replaces=True)
    put(engine, message(id="a", unique=debounced))
    other = open_engine()
    with meanwhile(monkeypatch, "commit", lambda: put(other, message(unique=debounced, origin="newer", **newer))):
        assert rank(engine, 9, "a") == ["a"]
    found = run_of(engine, "a").message
    assert (found.origin, found.priority, found.queue) == ("newer", 9, newer.get("queue", "default"))
    assert listed(engine) == [("a", 9)]
    assert empty(server, engine)


def test_one_that_is_revoked_meanwhile_stays_revoked(
    server: RedisServer, engine: RedisEngine, open_engine: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(engine, message(id="a"))
    other = open_engine()
    with meanwhile(monkeypatch, "commit", lambda: other.inspector.act(Revoke(ids=("a",)), now=NOW)):
        assert rank(engine, 9, "a") == []
    assert (run_of(engine, "a").state, listed(engine)) == (State.REVOKED, [])
    assert empty(server, engine)


def test_one_that_steps_aside_meanwhile_is_back_in_line(
    server: RedisServer, engine: RedisEngine, open_engine: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    hire(engine)
    put(engine, *(message(id=id, slot=Slot(key="k")) for id in "ab"))
    other = open_engine()
    with meanwhile(monkeypatch, "commit", lambda: claim(other)):  # a is in hand now, and b aside
        assert rank(engine, 9, "b") == ["b"]
    assert [each.is_blocked for each in engine.inspector.find(RunFilter(), Page()).held] == [False, False]
    assert claim(engine) == []
    assert empty(server, engine)


def test_one_that_comes_back_into_line_meanwhile_stands_there_once(
    server: RedisServer, engine: RedisEngine, open_engine: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    hire(engine)
    put(engine, *(message(id=id, slot=Slot(key="k")) for id in "ab"))
    (delivery,) = claim(engine)
    other = open_engine()
    with meanwhile(monkeypatch, "commit", lambda: other.queue.settle([done(delivery)], now=NOW, policy=POLICY)):
        assert rank(engine, 9, "b") == ["b"]
    assert listed(engine) == [("b", 9)]
    assert [each.message.id for each in claim(engine)] == ["b"]
    assert empty(server, engine)


def test_one_whose_gate_opens_meanwhile_is_ranked_in_line(
    server: RedisServer, engine: RedisEngine, open_engine: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    hire(engine)
    put(engine, message(id="body", gate=Gate(size=1)), message(id="h", joins=(Join(id="body"),)))
    (delivery,) = claim(engine)
    other = open_engine()
    told = done(delivery, joins=delivery.message.joins)
    with meanwhile(monkeypatch, "commit", lambda: other.queue.settle([told], now=NOW, policy=POLICY)):
        assert rank(engine, 9, "body") == ["body"]
    (body,) = claim(engine)
    assert (body.message.priority, bytes(body.message.args), body.message.gate) == (9, b"[[42]]", None)
    assert empty(server, engine)


def test_one_that_is_ranked_while_it_is_released_is_released_as_that(
    server: RedisServer, engine: RedisEngine, open_engine: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    hire(engine)
    put(engine, message(id="body", gate=Gate(size=1)), message(id="h", joins=(Join(id="body"),)))
    (delivery,) = claim(engine)
    other = open_engine()
    with meanwhile(monkeypatch, "commit", lambda: rank(other, 9, "body")):
        engine.queue.settle([done(delivery, joins=delivery.message.joins)], now=NOW, policy=POLICY)
    (body,) = claim(engine)
    assert (body.message.priority, bytes(body.message.args)) == (9, b"[[42]]")
    assert empty(server, engine)


def test_one_that_stood_aside_leaves_nothing_where_it_stood(server: RedisServer, engine: RedisEngine) -> None:
    hire(engine)
    put(engine, *(message(id=id, slot=Slot(key="k")) for id in "abcde"))
    assert len(claim(engine)) == 1
    rank(engine, 0, "e")  # and b is called back
    assert server.ask("ZCARD", f"{K}aside:1:k:7:default:t") == b":2\r\n"
    rank(engine, 9, "c", "d")
    assert server.ask("EXISTS", f"{K}aside:1:k:7:default:t", f"{K}asides:k") == b":0\r\n"
    assert empty(server, engine)


@pytest.mark.parametrize("part", ["msg", "rec"])
def test_one_that_nobody_can_read_stays_where_it_is_and_stops_no_other(
    server: RedisServer, engine: RedisEngine, part: str
) -> None:
    hire(engine)
    put(engine, message(id="bad"), message(id="good"))
    server.ask("HSET", f"{K}{part}", "bad", "1;1;1;{")
    assert rank(engine, 9, "bad", "good") == ["good"]
    assert [each.message.id for each in claim(engine)] == ["good"]
    assert run_of(engine, "bad").state == State.DEAD


def test_a_place_written_by_hand_can_be_ranked(server: RedisServer, engine: RedisEngine) -> None:
    """Whatever stands in front of a message is compared as it is stored, not as we would write it."""
    hire(engine)
    put(engine, message(id="a"))
    stored = server.ask("HGET", f"{K}msg", "a").decode().split("\r\n")[1]
    server.ask("HSET", f"{K}msg", "a", stored.replace(";", "; ", 1))
    assert rank(engine, 9, "a") == ["a"]
    assert [each.message.priority for each in claim(engine)] == [9]
