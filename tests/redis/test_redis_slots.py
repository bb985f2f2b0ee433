"""Slots and unique keys in Redis: what scripts do to the text of a message, and what others have done to the store."""

from __future__ import annotations

from typing import Any

import pytest
from lost_replies import losing
from msgspec import Raw
from redis_words import NOW, POLICY, claim, done, hire, message, put, run_of

from horarium.engines.records import Limit, Page, Revoke, RunFilter
from horarium.engines.redis import RedisEngine
from horarium.message import Cause, Gate, Join, Signature, Slot, Unique, superseded
from horarium.outcome import State
from servers import RedisServer

K = "{horarium}:"
DEBOUNCED = Unique(key="u", replaces=True)
FULL: dict[str, Any] = {
    "args": Raw(b'["a\\n", 12345678901234567890123, 1.10, {}]'),
    "kwargs": Raw(b'{"k": [ 1 ,\n 2 ]}'),
    "priority": 7,
    "eta": NOW + 5,
    "max_retries": 2,
    "time_limit": 1.5,
    "at_most_once": True,
    "group": "g\n",
    "group_index": 3,
    "gate": Gate(size=2, countdown=1.0),
    "joins": (Join(id="nobody", place=1), Join(id="other")),
    "links": (Signature(task="l", args=Raw(b"[1]")),),
    "error_links": (Signature(task="e"),),
    "schedule": 's "parent":"x"',
    "nominal": NOW,
    "cause": Cause(by="me"),
    "headers": {"h": ["\n", None]},
    "origin": "here",
    "root": "r",
    "parent": "p",
}


def held(engine: RedisEngine) -> list[tuple[str, int, bool]]:
    found = engine.inspector.find(RunFilter(), Page()).held
    return [(each.message.id, each.due, each.is_blocked) for each in found]


@pytest.mark.parametrize("waiting", [{}, FULL, {"slot": Slot(key="k"), "expires": NOW + 9}, {"parent": ""}])
@pytest.mark.parametrize("newer", [{}, FULL, {"queue": "q", "slot": Slot(key="l", size=2), "expires": NOW + 1}])
def test_the_newest_takes_the_place_as_the_law_says(
    engine: RedisEngine, waiting: dict[str, Any], newer: dict[str, Any]
) -> None:
    hire(engine)
    one = message(**waiting | {"id": "one", "unique": DEBOUNCED})
    other = message(**newer | {"id": "other", "task": "newer", "unique": DEBOUNCED})
    assert put(engine, one, other) == [True, "one"]
    expected = superseded(one, other)
    assert run_of(engine, "one").message == expected
    assert held(engine) == [("one", NOW if other.eta is None else other.eta, one.gate is not None)]
    counted = engine.inspector.counts().queues
    assert list(counted) == [other.queue]
    if one.gate is None:
        (delivery,) = engine.queue.claim([other.queue], "a", 9, now=other.eta or NOW)
        assert delivery.message == expected
        assert claim(engine) == []
    engine.queue.maintain(now=NOW + 60_000, policy=POLICY)


def test_one_that_stands_aside_is_replaced_by_the_newest_and_back_in_line(engine: RedisEngine) -> None:
    hire(engine)
    first, aside = message(slot=Slot(key="k")), message(slot=Slot(key="k"), unique=DEBOUNCED, expires=NOW + 9)
    put(engine, first, aside)
    (delivery,) = claim(engine)
    assert held(engine)[-1] == (aside.id, NOW, True)
    put(engine, message(unique=DEBOUNCED, task="newer"))
    assert held(engine)[-1] == (aside.id, NOW, False)
    assert [each.message.task for each in claim(engine)] == ["newer"]
    engine.queue.settle([done(delivery)], now=NOW, policy=POLICY)
    assert claim(engine) == []


def test_a_replacement_of_a_message_whose_answer_was_lost_is_made_once(
    engine: RedisEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    hire(engine)
    put(engine, message(id="one", unique=DEBOUNCED))
    with losing(monkeypatch, "put", 1):
        assert put(engine, message(id="two", task="newer", unique=DEBOUNCED)) == ["one"]
    assert [(each.message.id, each.message.task) for each in claim(engine)] == [("one", "newer")]


def test_a_message_may_come_twice_in_one_call(engine: RedisEngine) -> None:
    put(engine, message(id="one", unique=DEBOUNCED))
    twice = message(id="two", unique=Unique(key="u"))
    assert put(engine, twice, twice) == ["one", "one"]


def test_a_slot_whose_holder_was_removed_behind_our_back_is_not_taken_for_ever(
    server: RedisServer, engine: RedisEngine
) -> None:
    hire(engine)
    server.ask("SADD", f"{K}sl:k", run_ended(engine))
    put(engine, message(id="b", slot=Slot(key="k")))
    assert [each.message.id for each in claim(engine)] == ["b"]


def test_a_key_whose_holder_is_gone_or_has_ended_is_free(server: RedisServer, engine: RedisEngine) -> None:
    hire(engine)
    for holder in ("nobody", run_ended(engine)):
        server.ask("HSET", f"{K}uniq", "u", f";{holder}")
        sent = message(unique=Unique(key="u"))
        assert put(engine, sent) == [True]
        assert [each.message.id for each in claim(engine)] == [sent.id]


def test_all_that_stand_aside_can_be_cancelled_at_once(engine: RedisEngine) -> None:
    hire(engine)
    sent = [message(slot=Slot(key="k")) for _ in range(5)]
    put(engine, *sent)
    assert len(claim(engine)) == 1
    aside = tuple(each.id for each in reversed(sent[1:]))
    assert engine.inspector.act(Revoke(ids=aside), now=NOW) == list(aside)
    assert len(held(engine)) == 1
    assert engine.inspector.counts().queues["default"].blocked == 0


def test_hundreds_that_stand_aside_do_not_keep_a_child_from_what_stands_behind_them(engine: RedisEngine) -> None:
    hire(engine)
    put(engine, *(message(slot=Slot(key="k"), priority=9) for _ in range(1_500)), message(id="last"))
    (first, *_) = claim(engine, limit=1)
    assert first.message.slot is not None
    assert [each.message.id for each in claim(engine, limit=1)] == ["last"]
    counts = engine.inspector.counts().queues["default"]
    assert (counts.blocked, counts.ready, counts.claimed) == (1_499, 0, 2)


def test_a_lost_answer_of_a_claim_takes_no_token_twice(engine: RedisEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    hire(engine)
    put(engine, *(message() for _ in range(5)))
    limits = {"t": Limit(rate=0.001, burst=3, bucket="b")}
    with losing(monkeypatch, "claim", 1):
        assert len(claim(engine, limit=2, limits=limits)) == 2
    assert len(claim(engine, limits=limits)) == 1


@pytest.mark.parametrize("task", ["a/b", "é☃𝒳", '"', "\\/", "[1,2]", "\x7f", "\n"])
def test_what_is_in_hand_is_counted_whatever_its_task_is_called(engine: RedisEngine, task: str) -> None:
    hire(engine)
    put(engine, *(message(task=task) for _ in range(4)))
    taken = claim(engine, limit=3)
    assert claim(engine, limits={task: Limit(running=3)}) == []
    logs = ("a line",)  # the way through Python
    engine.queue.settle([done(taken[0]), done(taken[1], logs=logs)], now=NOW, policy=POLICY)
    assert engine.inspector.counts().queues["default"].claimed == 1
    assert len(claim(engine, limits={task: Limit(running=2)})) == 1


def run_ended(engine: RedisEngine) -> str:
    """Return the id of a run that has ended."""
    sent = message()
    put(engine, sent)
    engine.queue.settle(
        [done(each) for each in claim(engine, tasks=["t"]) if each.message == sent], now=NOW, policy=POLICY
    )
    assert run_of(engine, sent.id).state == State.SUCCESS
    return sent.id
