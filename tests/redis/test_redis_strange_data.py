"""What others have written under our keys stops nobody but itself."""

from __future__ import annotations

import pytest
from msgspec import Raw
from msgspec.structs import replace
from redis_words import NOW, POLICY, claim, done, hire, message, put, run_of, schedule

from horarium.engines.records import Page, Purge, Revoke, RunFilter
from horarium.engines.redis import RedisEngine
from horarium.errors import StoreUnusable
from horarium.outcome import State, Verdict
from servers import RedisServer

K = "{horarium}:"
ODD = '[0,0,"",0,0,1,"worker","PENDING",null,0,"",{}]'  # can be read, but one that waits has no worker


@pytest.mark.parametrize("stored", ["", "no message", "00000000000001;1;1;{", '1;1;1;{"id":5}', "x;y;z;[]"])
def test_a_message_that_nobody_can_read_is_set_aside_alone(
    server: RedisServer, engine: RedisEngine, stored: str
) -> None:
    hire(engine)
    bad, good = message(), message()
    put(engine, bad, good)
    server.ask("HSET", f"{K}msg", bad.id, stored)
    engine.results.search(RunFilter(), Page())
    engine.inspector.find(RunFilter(), Page())
    (delivery,) = claim(engine)
    assert delivery.message.id == good.id
    assert run_of(engine, bad.id).state == State.DEAD
    assert engine.queue.settle([done(delivery)], now=NOW, policy=POLICY) == [Verdict.RECORDED]
    assert not engine.inspector.counts().queues


@pytest.mark.parametrize("record", ["", "[", "[0]", '[0,"x"]', "[0,1,2,3]", "null", "[0,1,1,1,1,1,1,1,1,1,1,{}]", ODD])
def test_a_record_that_nobody_can_read_is_set_aside_alone(
    server: RedisServer, engine: RedisEngine, record: str
) -> None:
    hire(engine)
    bad, good = message(), message()
    put(engine, bad, good)
    server.ask("HSET", f"{K}rec", bad.id, record)
    engine.results.search(RunFilter(), Page())
    engine.inspector.find(RunFilter(), Page())
    (delivery,) = claim(engine)
    assert delivery.message.id == good.id
    assert run_of(engine, bad.id).state == State.DEAD
    assert not claim(engine)


def test_what_a_dead_owner_holds_and_nobody_can_read_is_set_aside(server: RedisServer, engine: RedisEngine) -> None:
    hire(engine)
    one, other, good = message(), message(), message()
    put(engine, one, other, good)
    assert len(claim(engine)) == 3
    server.ask("HSET", f"{K}msg", one.id, "1;1;1;{")
    server.ask("HSET", f"{K}rec", other.id, "[")
    found = engine.queue.maintain(now=NOW + 60_000, policy=POLICY)
    assert (found.dead, found.returned) == (2, 1)
    assert [run_of(engine, each.id).state for each in (one, other, good)] == [State.DEAD, State.DEAD, State.RETRY]


def test_arguments_that_are_no_utf8_stop_no_chore(engine: RedisEngine) -> None:
    hire(engine)
    bad, good = message(args=Raw(b'["\xff"]')), message()
    put(engine, bad, good)
    assert len(claim(engine)) == 2
    found = engine.queue.maintain(now=NOW + 60_000, policy=POLICY)
    assert (found.dead, found.returned) == (1, 1)


def test_instants_beyond_what_a_score_can_say_stop_no_listing(engine: RedisEngine) -> None:
    eternal = message(eta=2**63 - 1, expires=2**63 - 1)
    put(engine, eternal)
    assert [each.message for each in engine.inspector.find(RunFilter(), Page()).held] == [eternal]
    assert engine.inspector.counts().queues["default"].scheduled == 1
    assert engine.inspector.act(Purge(), now=NOW) == [eternal.id]


@pytest.mark.parametrize(
    "member", ["x", "00000000000000", "000000000000000", "999999999999999nobody's", "99999999999999zz"]
)
def test_a_strange_place_in_line_is_struck_off(server: RedisServer, engine: RedisEngine, member: str) -> None:
    hire(engine)
    good = message()
    put(engine, good)
    server.ask("ZADD", f"{K}l:7:default:5:t", "0", member)
    claimed = [each.message.id for _ in range(3) for each in claim(engine)]
    assert claimed == [good.id]
    assert engine.inspector.act(Purge(), now=NOW) == []


def test_people_can_cancel_and_purge_beside_what_nobody_can_read(server: RedisServer, engine: RedisEngine) -> None:
    bad, good, other = message(), message(), message()
    put(engine, bad, good, other)
    server.ask("HSET", f"{K}msg", bad.id, "1;1;1;{")
    assert engine.inspector.act(Revoke(ids=(bad.id, good.id)), now=NOW) == [good.id]
    assert engine.inspector.act(Purge(), now=NOW) == [other.id]


def test_a_schedule_that_nobody_can_read_shows_its_error_and_stops_no_other(
    server: RedisServer, engine: RedisEngine
) -> None:
    engine.schedules.save([schedule("a"), schedule("b")], now=NOW)
    server.ask("HSET", f"{K}sch", "a", "{")
    assert [each.name for each in engine.schedules.due(NOW, 9)] == ["b"]
    (bad,) = engine.schedules.get(["a"])
    assert bad is not None
    assert "expected a stored schedule that can be read" in str(bad.error)
    (mended,) = engine.schedules.save([replace(schedule("a"), version=1)], now=NOW)
    assert mended.version == 2
    assert [each.name for each in engine.schedules.due(NOW, 9)] == ["a", "b"]


def test_foreign_data_under_our_keys_is_told_as_such(server: RedisServer, engine: RedisEngine) -> None:
    server.ask("SET", f"{K}msg", "mine")
    with pytest.raises(StoreUnusable, match=r"foreign data.*namespace"):
        put(engine, message())
