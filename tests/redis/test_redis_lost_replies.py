"""The store has done it, but the caller saw an error: nothing is lost, doubled or left in nobody's hands."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from lost_replies import losing
from msgspec.structs import replace
from redis.exceptions import ConnectionError, TimeoutError
from redis_words import NOW, POLICY, claim, done, fire, firing, hire, message, put, run_of, saved, schedule, stored

from horarium.engines.records import Page, RunFilter
from horarium.engines.redis import RedisEngine, connection
from horarium.engines.redis.lua import SCRIPTS
from horarium.errors import EngineUnavailable
from horarium.outcome import State, Verdict
from horarium.schedules.record import Fate


def test_a_put_whose_answer_was_lost_is_stored_once(engine: RedisEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = message()
    with losing(monkeypatch, "put", 1):
        put(engine, sent)
    assert engine.inspector.counts().states == {State.PENDING: 1}
    with losing(monkeypatch, "put", 2), pytest.raises(EngineUnavailable):
        put(engine, sent)
    assert put(engine, sent) == [False]


@pytest.mark.parametrize("times", [1, 2, 3])
@pytest.mark.parametrize("kind", [ConnectionError, TimeoutError])
def test_a_claim_whose_answer_was_lost_strands_nothing(
    engine: RedisEngine, monkeypatch: pytest.MonkeyPatch, times: int, kind: type[Exception]
) -> None:
    hire(engine)
    messages = [message() for _ in range(5)]
    put(engine, *messages)
    claimed = []
    with losing(monkeypatch, "claim", times, kind):
        while not claimed:
            try:
                claimed = claim(engine, limit=3)
            except EngineUnavailable:
                continue
    assert [each.message.id for each in claimed] == [each.id for each in messages[:3]]
    assert [(each.fence, each.attempt) for each in claimed] == [(1, 1)] * 3
    assert [each.message.id for each in claim(engine)] == [each.id for each in messages[3:]]
    assert engine.inspector.counts().queues["default"].claimed == 5


@pytest.mark.parametrize("kind", [ConnectionError, TimeoutError])
@pytest.mark.parametrize("waiting", [0, 2])
def test_a_claim_that_arrives_after_those_that_followed_takes_nothing(
    engine: RedisEngine, monkeypatch: pytest.MonkeyPatch, kind: type[Exception], waiting: int
) -> None:
    """Something between us and the server held it up for longer than we waited, and did not notice that we left."""
    hire(engine)
    put(engine, *(message() for _ in range(waiting)))
    exchange, held_up = connection._exchange, []

    def exchanged(link: Any, words: Any) -> Any:
        if SCRIPTS["claim"].digest in words and not held_up:
            held_up.append(words)
            raise kind("no answer")
        return exchange(link, words)

    with monkeypatch.context() as patch, suppress(EngineUnavailable):
        patch.setattr(connection, "_exchange", exchanged)
        assert len(claim(engine, limit=1)) == min(waiting, 1)
    claim(engine, limit=1)
    claim(engine, limit=1)
    put(engine, message())
    late = engine.queue._store.use(lambda link: exchange(link, held_up[0]))
    assert late[4:] == []
    assert engine.inspector.counts().queues["default"].claimed == waiting
    assert len(claim(engine)) == 1


def test_a_claim_that_a_signal_interrupts_strands_nothing(engine: RedisEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    hire(engine)
    put(engine, message())
    with losing(monkeypatch, "claim", 1, KeyboardInterrupt), pytest.raises(KeyboardInterrupt):
        claim(engine)
    assert len(claim(engine)) == 1


def test_what_was_settled_meanwhile_is_not_claimed_again_with_a_lost_answer(
    engine: RedisEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    hire(engine)
    put(engine, message(), message())
    with losing(monkeypatch, "claim", 2), pytest.raises(EngineUnavailable):
        claim(engine, limit=1)
    engine.queue.maintain(now=NOW + 60_000, policy=POLICY)  # the owner lapses, and what it held is put back
    hire(engine, "b")
    later = [engine.queue.claim(["default"], "b", 9, now=NOW + 120_000) for _ in range(3)]
    assert [[each.attempt for each in batch] for batch in later] == [[1], [2], []]  # one that crashed comes alone


def test_a_settlement_whose_answer_was_lost_is_recorded_once(
    engine: RedisEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    hire(engine)
    put(engine, message())
    (delivery,) = claim(engine)
    told = done(delivery, follow_ups=(message(),))
    with losing(monkeypatch, "settle", 1):
        verdicts = engine.queue.settle([told], now=NOW, policy=POLICY)
    assert verdicts == [Verdict.REPEATED]
    assert run_of(engine, delivery.message.id).state == State.SUCCESS
    assert engine.inspector.counts().states == {State.SUCCESS: 1, State.PENDING: 1}


def test_a_move_whose_answer_was_lost_is_made_once(engine: RedisEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    hire(engine)
    put(engine, message())
    (delivery,) = claim(engine)
    told = done(delivery, started=None, follow_ups=(message(),))  # without its times it is no plain success
    with losing(monkeypatch, "commit", 1):
        engine.queue.settle([told], now=NOW, policy=POLICY)
    assert engine.inspector.counts().states == {State.SUCCESS: 1, State.PENDING: 1}


def test_a_firing_whose_answer_was_lost_has_won_all_the_same(
    engine: RedisEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = saved(engine)
    with losing(monkeypatch, "fire", 1):
        assert fire(engine, firing(first)) == [Fate.SENT]
    assert fire(engine, firing(first)) == [Fate.LOST]
    after = stored(engine)
    assert (after.total_runs, after.next_fire) == (1, NOW + 60_000)
    assert engine.inspector.counts().states == {State.PENDING: 1}


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({}, Fate.SENT),
        ({"messages": ()}, Fate.SENT),
        ({"overlap": "skip"}, Fate.SKIPPED),
        ({"overlap": "queue_one"}, Fate.HELD),
        ({"overlap": "cancel_previous"}, Fate.SENT),
        ({"overlap": "replace_queued"}, Fate.SENT),
        ({"version": 9}, Fate.LOST),
        ({"kind": "manual"}, Fate.SENT),
    ],
)
def test_a_second_asking_is_told_the_same_fate_and_changes_nothing(
    engine: RedisEngine, monkeypatch: pytest.MonkeyPatch, fields: dict[str, Any], told: Fate
) -> None:
    with_loss, without = (saved(engine, name) for name in "ab")
    for each in (with_loss, without):
        fire(engine, firing(each))  # it waits
    for times, each in ((1, stored(engine, "a")), (0, stored(engine, "b"))):
        with losing(monkeypatch, "fire", times):
            assert fire(engine, firing(each, **fields)) == [told]
    strays = {"id": "", "name": ""}
    assert replace(stored(engine, "a"), **strays) == replace(stored(engine, "b"), **strays)
    found = [engine.results.search(RunFilter(schedule=name), Page()).runs for name in "ab"]
    assert [run.state for run in found[0]] == [run.state for run in found[1]]


def test_a_repetition_whose_answer_was_lost_is_told_as_one(
    engine: RedisEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = saved(engine)
    fire(engine, firing(first))
    (edited,) = engine.schedules.save([first], now=NOW)  # sets next_fire back
    with losing(monkeypatch, "fire", 1):
        assert fire(engine, firing(edited)) == [Fate.REPEATED]


def test_a_firing_that_arrives_after_its_second_asking_does_nothing(
    engine: RedisEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    held_up = []
    exchange = connection._exchange

    def exchanged(link: Any, words: Any) -> Any:
        if SCRIPTS["fire"].digest in words and not held_up:
            held_up.append(words)
            raise ConnectionError("no answer")
        return exchange(link, words)

    first = saved(engine)
    with monkeypatch.context() as patch:
        patch.setattr(connection, "_exchange", exchanged)
        assert fire(engine, firing(first, overlap="queue_one")) == [Fate.SENT]
    before = stored(engine)
    engine.schedules._store.use(lambda link: exchange(link, held_up[0]))
    assert stored(engine) == before
    assert engine.inspector.counts().states == {State.PENDING: 1}


def test_a_save_whose_answer_was_lost_is_no_conflict_with_itself(
    engine: RedisEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with losing(monkeypatch, "save_schedules", 1):
        (first,) = engine.schedules.save([schedule()], now=NOW)
    assert first.version == 1
    with losing(monkeypatch, "save_schedules", 1):
        (second,) = engine.schedules.save([first], now=NOW)
    assert second.version == 2
