"""What a schedule knows of its runs: an account in keys of its own, which nothing leaves wrong for long."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace
from redis_words import (
    NOW,
    POLICY,
    claim,
    done,
    fire,
    firing,
    hire,
    message,
    put,
    run_of,
    saved,
    schedule,
    stored,
)

from horarium.engines.records import Purge
from horarium.engines.redis import RedisEngine
from horarium.engines.redis.connection import Store
from horarium.errors import EngineUnavailable
from horarium.outcome import Failed, Ignored, Retried, State, Verdict, told
from horarium.schedules.record import Fate
from servers import RedisServer

K = "{horarium}:"
OOPS = told("TaskError", "oops")
OLD_STATE = f"1;1;{NOW};;0;0;person;id of s"  # as it was written before schedules knew of their runs


def account(server: RedisServer) -> set[str]:
    """The keys that say what is active."""
    found = {line.removeprefix(K) for line in server.ask("KEYS", "*").decode().split("\r\n") if K in line}
    return {key for key in found if key == "sent" or key.startswith("a:")}


def active(server: RedisServer, name: str = "s") -> int:
    return int(server.ask("SCARD", f"{K}a:{name}").decode()[1:])


def forget_the_account(server: RedisServer) -> None:
    """Leave the store as a version that kept none would have."""
    server.ask("DEL", f"{K}sent", f"{K}a:s")
    server.ask("HSET", f"{K}schx", "s", OLD_STATE)


def test_messages_without_a_schedule_are_on_no_account(server: RedisServer, engine: RedisEngine) -> None:
    hire(engine)
    put(engine, message(), message(parent="p", root="r"))
    assert account(server) == set()
    engine.queue.settle([done(each) for each in claim(engine)], now=NOW, policy=POLICY)
    assert account(server) == set()


def test_a_callers_own_message_counts_as_a_run_of_the_schedule_that_it_names(engine: RedisEngine) -> None:
    first = saved(engine)
    put(engine, message(schedule="s"))
    assert fire(engine, firing(first, overlap="skip")) == [Fate.SKIPPED]


def test_a_message_that_is_put_twice_and_forgotten_is_counted_once(server: RedisServer, engine: RedisEngine) -> None:
    hire(engine)
    sent = message(schedule="s")
    for _ in range(2):
        put(engine, sent, sent)
        assert active(server) == 1
        engine.inspector.act(Purge(), now=NOW)
        put(engine, sent)  # it has ended, and is left as it is
        assert account(server) == set()
        engine.results.forget([sent.id])


def test_a_retried_message_stays_on_the_account_and_moves_with_its_schedule(
    server: RedisServer, engine: RedisEngine
) -> None:
    hire(engine)
    put(engine, message(schedule="s", nominal=NOW))
    for name in ("s", "s", "other", None, "s"):
        (delivery,) = claim(engine)
        again = Retried(message=replace(delivery.message, schedule=name), error=OOPS)
        engine.queue.settle([replace(done(delivery), outcome=again)], now=NOW, policy=POLICY)
        assert account(server) == ({"sent", f"a:{name}"} if name else set())
    saved(engine)
    (delivery,) = claim(engine)
    engine.queue.settle([done(delivery, logs=("a line",))], now=NOW, policy=POLICY)
    assert (stored(engine).succeeded, stored(engine).ended) == (NOW, NOW)
    assert account(server) == set()


def test_a_message_that_nobody_can_read_is_told_of_all_the_same(server: RedisServer, engine: RedisEngine) -> None:
    hire(engine)
    first = saved(engine)
    fire(engine, firing(first))
    assert fire(engine, firing(stored(engine), overlap="queue_one")) == [Fate.HELD]
    server.ask("HSET", f"{K}msg", f"{first.id}-{NOW}", "1;1;1;{")
    claim(engine)  # sets it aside
    after = stored(engine)
    assert (after.failures, after.held) == (1, False)
    assert account(server) == set()


def test_a_run_that_was_ended_behind_our_back_stops_its_schedule_no_longer(
    server: RedisServer, engine: RedisEngine
) -> None:
    """By a worker of a version that keeps no account, for one."""
    first = saved(engine)
    ended, gone = message(schedule="s"), message(schedule="s")
    put(engine, ended, gone)
    server.ask("HSET", f"{K}rec", ended.id, '[2,1,"",1,0,1,"w","SUCCESS",null,2,"",{}]')
    server.ask("HDEL", f"{K}msg", gone.id)
    assert fire(engine, firing(first, overlap="skip")) == [Fate.SENT]
    assert active(server) == 1
    assert server.ask("HLEN", f"{K}sent") == b":1\r\n"


def test_a_state_of_the_older_form_is_read_and_written_anew(server: RedisServer, engine: RedisEngine) -> None:
    first = saved(engine)
    server.ask("HSET", f"{K}schx", "s", OLD_STATE)
    assert stored(engine) == first
    assert engine.schedules.due(NOW, 9) == [first]
    assert fire(engine, firing(first)) == [Fate.SENT]
    hire(engine)
    engine.queue.settle([done(each) for each in claim(engine)], now=NOW, policy=POLICY)
    after = stored(engine)
    assert (after.total_runs, after.succeeded, after.ended) == (1, NOW, NOW)
    (edited,) = engine.schedules.save([after], now=NOW)
    assert edited == replace(after, version=2)


@pytest.mark.parametrize("edit", [False, True])
def test_what_an_older_version_has_sent_is_taken_over_when_it_is_counted(
    server: RedisServer, engine: RedisEngine, edit: bool
) -> None:
    hire(engine)
    first = saved(engine)
    put(engine, message(id="ended", schedule="s"), message(id="waits", schedule="s", nominal=NOW - 7, priority=0))
    engine.queue.settle([done(each) for each in claim(engine, limit=1)], now=NOW, policy=POLICY)
    forget_the_account(server)
    if edit:
        (first,) = engine.schedules.save([first], now=NOW)
    fire(engine, firing(first))  # one that asks for no count takes nothing over, and does not hide that nothing was
    assert active(server) == 1
    assert fire(engine, firing(stored(engine), overlap="queue_one", max_active=2)) == [Fate.HELD]
    assert active(server) == 2
    engine.queue.settle([done(each) for each in claim(engine)], now=NOW, policy=POLICY)
    assert (stored(engine).held, stored(engine).succeeded) == (False, NOW)
    assert account(server) == set()


@pytest.mark.parametrize("state", ["", ";", "x", "1;1;1;1;1;1;1", "-1;1;;;0;0;person;id"])
def test_a_state_that_nobody_can_read_stops_neither_runs_nor_other_schedules(
    server: RedisServer, engine: RedisEngine, state: str
) -> None:
    hire(engine)
    first, _ = saved(engine), saved(engine, "b")
    fire(engine, firing(first))
    server.ask("HSET", f"{K}schx", "s", state)
    (delivery,) = claim(engine)
    assert engine.queue.settle([done(delivery)], now=NOW, policy=POLICY) == [Verdict.RECORDED]
    assert "expected a stored schedule that can be read" in str(stored(engine).error)
    server.ask("ZADD", f"{K}due", "0", "s")
    assert [each.name for each in engine.schedules.due(NOW, 1)] == []  # and it is out of the way
    assert [each.name for each in engine.schedules.due(NOW, 1)] == ["b"]
    assert fire(engine, firing(first)) == [Fate.LOST]
    (mended,) = engine.schedules.save([schedule(next_fire=None)], now=NOW)
    assert (mended.version, mended.error) == (1, None)
    assert [each.name for each in engine.schedules.due(NOW, 9)] == ["b"]


def before_the_next(monkeypatch: pytest.MonkeyPatch, script: str, act: Callable[[], object]) -> None:
    """Do something between two calls of a verb: right before it comes to this script again, once."""
    call, calls = Store.call, []

    def called(store: Store, name: str, arguments: Any = ()) -> Any:
        if name == script and calls == ["looked"]:
            calls.append("acted")
            act()
        if name == "look" and not calls:
            calls.append("looked")
        return call(store, name, arguments)

    monkeypatch.setattr(Store, "call", called)


@pytest.mark.parametrize("overlap", ["cancel_previous", "replace_queued"])
def test_what_is_claimed_while_it_is_to_make_way_is_looked_at_again(
    engine: RedisEngine, monkeypatch: pytest.MonkeyPatch, overlap: str
) -> None:
    hire(engine)
    first = saved(engine)
    fire(engine, firing(first))
    second = stored(engine)
    before_the_next(monkeypatch, "fire", lambda: claim(engine))
    assert fire(engine, firing(second, overlap=overlap)) == [Fate.SENT]
    run = run_of(engine, f"{first.id}-{NOW}")
    assert (run.state, run.cancel) == (State.RECEIVED, "terminate" if overlap == "cancel_previous" else None)


def test_what_ends_while_it_is_to_make_way_has_ended_as_it_did(
    engine: RedisEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    hire(engine)
    first = saved(engine)
    fire(engine, firing(first))
    (delivery,) = claim(engine)
    second = stored(engine)
    before_the_next(monkeypatch, "fire", lambda: engine.queue.settle([done(delivery)], now=NOW, policy=POLICY))
    assert fire(engine, firing(second, overlap="cancel_previous")) == [Fate.SENT]
    assert run_of(engine, delivery.message.id).state == State.SUCCESS
    assert (stored(engine).total_runs, stored(engine).succeeded) == (2, NOW)


def test_a_schedule_edited_while_its_runs_are_to_make_way_keeps_them(
    engine: RedisEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = saved(engine)
    fire(engine, firing(first))
    second = stored(engine)
    before_the_next(monkeypatch, "fire", lambda: engine.schedules.save([second], now=NOW))
    assert fire(engine, firing(second, overlap="cancel_previous")) == [Fate.LOST]
    assert run_of(engine, f"{first.id}-{NOW}").state == State.PENDING


def test_firings_of_one_call_see_what_those_before_them_did_even_where_some_must_be_asked_twice(
    engine: RedisEngine,
) -> None:
    first, other = saved(engine), saved(engine, "other")
    chain = [replace(first, next_fire=NOW + number * 60_000) for number in range(4)]
    firings = [firing(each, overlap="cancel_previous") for each in chain]
    assert fire(engine, *firings[:2], firing(other), *firings[2:]) == [Fate.SENT] * 5
    assert engine.inspector.counts().states == {State.REVOKED: 3, State.PENDING: 2}
    assert stored(engine).total_runs == 4


def test_messages_are_put_in_the_order_of_firings_even_where_some_must_be_asked_twice(engine: RedisEngine) -> None:
    hire(engine)
    runs = [saved(engine, name) for name in "abcd"]
    fire(engine, *(firing(each) for each in runs))
    overlaps = ("allow", "cancel_previous", "allow", "replace_queued")
    again = [firing(stored(engine, each.name), overlap=overlap) for each, overlap in zip(runs, overlaps, strict=True)]
    assert fire(engine, *again) == [Fate.SENT] * 4
    claimed = [each.message for each in claim(engine) if each.message.nominal != NOW]
    assert [each.schedule for each in claimed] == ["a", "b", "c", "d"]


def test_ten_thousand_instants_are_fired_in_one_call_and_in_one_firing(engine: RedisEngine) -> None:
    many = engine.schedules.save([schedule(f"s{number}") for number in range(10_000)], now=NOW)
    assert set(fire(engine, *(firing(each) for each in many))) == {Fate.SENT}
    one = saved(engine)
    assert fire(engine, firing(one, *range(NOW, NOW + 10_000), overlap="skip")) == [Fate.SENT]
    assert engine.inspector.counts().states == {State.PENDING: 20_000}
    assert stored(engine).total_runs == 10_000
    assert fire(engine, firing(stored(engine), overlap="cancel_previous")) == [Fate.SENT]
    assert engine.inspector.counts().states == {State.REVOKED: 10_000, State.PENDING: 10_001}


@pytest.mark.parametrize("overlap", ["allow", "skip", "queue_one", "cancel_previous", "replace_queued"])
def test_without_memory_nothing_fires_and_ends_are_told_all_the_same(
    server: RedisServer, engine: RedisEngine, overlap: str
) -> None:
    hire(engine)
    fire(engine, firing(saved(engine)))
    before = stored(engine)
    deliveries = claim(engine)
    fire(engine, firing(before))
    before = stored(engine)
    server.ask("CONFIG", "SET", "maxmemory", "1")
    with pytest.raises(EngineUnavailable, match="maxmemory"):
        fire(engine, firing(before, overlap=overlap))
    assert stored(engine) == before
    assert engine.queue.settle([done(each) for each in deliveries], now=NOW, policy=POLICY) == [Verdict.RECORDED]
    assert (stored(engine).succeeded, stored(engine).ended) == (NOW, NOW)


@pytest.mark.parametrize("outcome", [Failed(error=OOPS), Ignored()])
def test_a_released_schedule_is_announced_by_whatever_ends_its_run(engine: RedisEngine, outcome: Any) -> None:
    hire(engine)
    fire(engine, firing(saved(engine)))
    (delivery,) = claim(engine)
    assert fire(engine, firing(stored(engine), overlap="queue_one")) == [Fate.HELD]
    assert engine.schedules.due(NOW + 60_000, 9) == []
    listener = engine.notifier.listen(["schedules"])
    engine.queue.settle([replace(done(delivery), outcome=outcome)], now=NOW, policy=POLICY)
    assert listener.wait(10)
    assert [each.name for each in engine.schedules.due(NOW + 60_000, 9)] == ["s"]


def test_what_was_answered_is_kept_for_a_while_only(server: RedisServer, engine: RedisEngine) -> None:
    fire(engine, firing(saved(engine)))
    (key,) = (line for line in server.ask("KEYS", f"{K}said:*").decode().split("\r\n") if K in line)
    assert 0 < int(server.ask("TTL", key)[1:]) <= 60
