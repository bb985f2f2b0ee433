"""Gates in Redis: a process may die between the note that one has turned and carrying it out, and answers get lost."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from lost_replies import losing
from msgspec import Raw, json
from redis.exceptions import ConnectionError
from redis_words import NOW, POLICY, Open, claim, done, hire, message, put, run_of

from horarium.engines.records import Note, Page, Purge, Revoke, RunFilter, Seal
from horarium.engines.redis import RedisEngine, connection
from horarium.engines.redis.lua import SCRIPTS
from horarium.errors import EngineUnavailable
from horarium.message import Delivery, Gate, Join, Message, Signature, Unique
from horarium.outcome import Failed, Outcome, Replaced, Settlement, State, Verdict, told
from servers import RedisServer

K = "{horarium}:"
OOPS = told("TaskError", "oops")


class Died(Exception):
    """The process ends here."""


@contextmanager
def dying_at(monkeypatch: pytest.MonkeyPatch, script: str, call: int = 1) -> Iterator[None]:
    """End the process, as far as the store can tell, when it is about to send a script for so many times."""
    exchange, calls = connection._exchange, 0

    def exchanged(link: Any, words: Any) -> Any:
        nonlocal calls
        if SCRIPTS[script].digest in words:  # not the text, which follows where the server does not know it yet
            calls += 1
            if calls == call:
                raise Died
        return exchange(link, words)

    with monkeypatch.context() as patch, suppress(Died):
        patch.setattr(connection, "_exchange", exchanged)
        yield
    assert calls >= call, "not exercised"


def body(size: int | None = 1, **fields: Any) -> Message:
    return message(**{"id": "body", "task": "body", "gate": Gate(size=size)} | fields)


def member(place: int = 0, **fields: Any) -> Message:
    return message(**{"id": f"h{place}", "joins": (Join(id="body", place=place),)} | fields)


def succeeded(delivery: Delivery, **fields: Any) -> Settlement:
    return done(delivery, joins=delivery.message.joins, **fields)


def ended(delivery: Delivery, outcome: Outcome, **fields: Any) -> Settlement:
    return Settlement(id=delivery.message.id, owner=delivery.owner, fence=delivery.fence, outcome=outcome, **fields)


def settle(engine: RedisEngine, *told: Settlement) -> list[Verdict]:
    return engine.queue.settle(told, now=NOW, policy=POLICY)


def maintain(engine: RedisEngine) -> None:
    while engine.queue.maintain(now=NOW, policy=POLICY).more:
        pass


def chord(engine: RedisEngine, size: int = 2, **fields: Any) -> list[Delivery]:
    """Put a body and what it waits for, which is in hand now."""
    hire(engine)
    put(engine, body(size, **fields), *(member(place) for place in range(size)))
    return claim(engine)


def blocked(engine: RedisEngine) -> list[str]:
    found = engine.inspector.find(RunFilter(), Page(limit=1000)).held
    return [each.message.id for each in found if each.is_blocked]


@pytest.mark.parametrize("fields", [{}, {"started": None}])
def test_maintain_releases_what_a_process_that_died_had_noted(
    engine: RedisEngine, monkeypatch: pytest.MonkeyPatch, fields: dict[str, Any]
) -> None:
    first, second = chord(engine)
    settle(engine, succeeded(first))
    with dying_at(monkeypatch, "commit", call=2 if fields else 1):  # without its times the arrival is a move itself
        settle(engine, succeeded(second, **fields))
    assert claim(engine) == []
    assert blocked(engine) == ["body"]
    maintain(engine)
    (released,) = claim(engine)
    assert json.decode(released.message.args) == [[42, 42]]
    maintain(engine)
    assert claim(engine) == []


def test_maintain_dooms_on_where_a_process_that_died_stopped(
    server: RedisServer, engine: RedisEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    hire(engine)
    link = Gate(size=1, gives="value", is_link=True)
    steps = [message(id=f"s{n}", gate=link if n else None, joins=(Join(id=f"s{n + 1}"),)) for n in range(5)]
    put(engine, *steps, message(id="s5", gate=link))
    (delivery,) = claim(engine)
    with dying_at(monkeypatch, "commit", call=3):  # s0 has failed and s1 has ended with it; s2 is only noted
        settle(engine, ended(delivery, Failed(error=OOPS)))
    states = [run_of(engine, f"s{n}").state for n in range(6)]
    assert states == [State.FAILURE] * 2 + [State.PENDING] * 4
    maintain(engine)
    assert [run_of(engine, f"s{n}").error for n in range(6)] == [OOPS] * 6
    assert server.ask("KEYS", f"{K}turned") == b"*0\r\n"


@pytest.mark.parametrize("call", [1, 2])
def test_a_purge_that_dies_halfway_leaves_nobody_waiting_for_ever(
    engine: RedisEngine, monkeypatch: pytest.MonkeyPatch, call: int
) -> None:
    put(engine, body(2, queue="bodies"), member(0), member(1))
    with dying_at(monkeypatch, "commit", call):
        engine.inspector.act(Purge(queues=("default",)), now=NOW)
    maintain(engine)
    engine.inspector.act(Purge(queues=("default",)), now=NOW)
    assert run_of(engine, "body").state == State.FAILURE
    assert blocked(engine) == []


@pytest.mark.parametrize("script", ["settle", "commit"])
def test_a_release_whose_answer_was_lost_is_made_once(
    engine: RedisEngine, monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    (delivery,) = chord(engine, 1)
    with losing(monkeypatch, script, 1):
        settle(engine, succeeded(delivery))
    (released,) = claim(engine)
    assert json.decode(released.message.args) == [[42]]


@pytest.mark.parametrize("script", ["settle", "commit"])
def test_a_settlement_that_is_made_again_carries_out_what_the_first_one_had_noted(
    engine: RedisEngine, monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    (delivery,) = chord(engine, 1)
    with losing(monkeypatch, script, 2), pytest.raises(EngineUnavailable):
        settle(engine, succeeded(delivery))
    assert settle(engine, succeeded(delivery)) == [Verdict.REPEATED]
    assert [each.message.id for each in claim(engine)] == ["body"]


def test_a_failure_whose_answer_was_lost_dooms_all_the_same(
    engine: RedisEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    (delivery,) = chord(engine, 1, error_links=(Signature(task="on_error"),))
    with losing(monkeypatch, "commit", 1):
        settle(engine, ended(delivery, Failed(error=OOPS)))
    assert run_of(engine, "body").state == State.FAILURE
    assert [each.message.task for each in claim(engine)] == ["on_error"]


@pytest.mark.parametrize("step", [1, 2, 3])
def test_a_chain_ends_whole_whichever_answer_was_lost(
    engine: RedisEngine, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    hire(engine)
    link = Gate(size=1, gives="value", is_link=True)
    put(engine, *(message(id=f"s{n}", gate=link if n else None, joins=(Join(id=f"s{n + 1}"),)) for n in range(5)))
    (delivery,) = claim(engine)
    exchange, calls = connection._exchange, []

    def exchanged(link: Any, words: Any) -> Any:
        answer = exchange(link, words)
        if SCRIPTS["commit"].digest in words:
            calls.append(words)
            if len(calls) == step:
                raise ConnectionError("the answer was lost")
        return answer

    with monkeypatch.context() as patch:
        patch.setattr(connection, "_exchange", exchanged)
        settle(engine, ended(delivery, Failed(error=OOPS)))
    assert [run_of(engine, f"s{n}").error for n in range(5)] == [OOPS] * 5


def test_a_seal_whose_answer_was_lost_opens_the_gate_all_the_same(
    engine: RedisEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    hire(engine)
    put(engine, body(None), member())
    settle(engine, succeeded(claim(engine)[0]))
    with losing(monkeypatch, "seal", 1):
        engine.inspector.act(Seal(id="body", size=1), now=NOW)
    assert [each.message.id for each in claim(engine)] == ["body"]


def test_a_replacement_whose_answer_was_lost_is_made_once(engine: RedisEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    hire(engine)
    put(engine, message(id="x"))
    (delivery,) = claim(engine)
    waiting = message(id="x", task="last", gate=Gate(size=1, gives="value"))
    before = message(id="before", joins=(Join(id="x"),))
    with losing(monkeypatch, "commit", 1):
        settle(engine, ended(delivery, Replaced(message=waiting), follow_ups=(before,)))
    (first,) = claim(engine)
    settle(engine, succeeded(first))
    (last,) = claim(engine)
    assert (last.message.task, json.decode(last.message.args)) == ("last", [42])


def test_two_processes_that_carry_out_the_same_release_make_it_once(
    engine: RedisEngine, open_engine: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One has looked at what the other one carries out before it."""
    (delivery,) = chord(engine, 1)
    other = open_engine()
    exchange, met = connection._exchange, []

    def exchanged(link: Any, words: Any) -> Any:
        if SCRIPTS["commit"].digest in words and not met:
            met.append(words)
            maintain(other)
            (released,) = claim(other)
            other.queue.settle([done(released)], now=NOW, policy=POLICY)
        return exchange(link, words)

    with monkeypatch.context() as patch:
        patch.setattr(connection, "_exchange", exchanged)
        settle(engine, succeeded(delivery))
    assert met
    assert run_of(engine, "body").state == State.SUCCESS
    assert claim(engine) == []


def test_one_that_is_revoked_while_it_is_released_stays_revoked(
    engine: RedisEngine, open_engine: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    (delivery,) = chord(engine, 1)
    with dying_at(monkeypatch, "commit"):
        settle(engine, succeeded(delivery))
    assert open_engine().inspector.act(Revoke(ids=("body",)), now=NOW) == ["body"]
    maintain(engine)
    assert (run_of(engine, "body").state, claim(engine)) == (State.REVOKED, [])


def test_one_that_is_replaced_by_a_newer_one_while_it_is_released_is_released_as_that(
    engine: RedisEngine, open_engine: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    debounced = Unique(key="u", replaces=True)
    (delivery,) = chord(engine, 1, unique=debounced)
    other, newer = open_engine(), message(unique=debounced, args=Raw(b'["newer"]'))
    exchange, met = connection._exchange, []

    def exchanged(link: Any, words: Any) -> Any:
        if SCRIPTS["commit"].digest in words and not met:
            met.append(words)
            assert put(other, newer) == ["body"]
        return exchange(link, words)

    with monkeypatch.context() as patch:
        patch.setattr(connection, "_exchange", exchanged)
        settle(engine, succeeded(delivery))
    (released,) = claim(engine)
    assert (released.message.id, json.decode(released.message.args)) == ("body", [[42], "newer"])


def test_without_memory_gates_turn_all_the_same_and_notes_are_kept(server: RedisServer, engine: RedisEngine) -> None:
    held = chord(engine, 2)
    put(engine, body(1, id="last"), message(id="x", joins=(Join(id="last"),)))
    (failing,) = claim(engine)
    server.ask("CONFIG", "SET", "maxmemory", "1")
    settle(engine, *(succeeded(each) for each in held))
    settle(engine, ended(failing, Failed(error=OOPS)))
    engine.notes.post([Note(key="switch", text=Raw(b"1"))], now=NOW)
    assert [each.message.id for each in claim(engine)] == ["body"]
    assert run_of(engine, "last").state == State.FAILURE
    assert [note.key for note in engine.notes.read("", now=NOW)] == ["switch"]


def test_the_values_of_a_large_chord_are_read_whole_and_in_order(engine: RedisEngine) -> None:
    size = 3000  # more than one answer tells
    for delivery in reversed(chord(engine, size) + claim(engine, limit=size)):
        place = delivery.message.joins[0].place
        settle(engine, succeeded(delivery, value=Raw(str(place).encode())))
    (released,) = claim(engine)
    assert json.decode(released.message.args) == [list(range(size))]


def test_a_chain_step_takes_one_call_more_and_the_others_take_none(
    engine: RedisEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    hire(engine)
    put(engine, body(1), member(), *(message(id=id) for id in ("plain", "one", "other")))
    held = {each.message.id: each for each in claim(engine)}
    exchange, sent = connection._exchange, []

    def exchanged(link: Any, words: Any) -> Any:
        sent.append(words)
        return exchange(link, words)

    def calls(delivery: Delivery) -> int:
        sent.clear()
        settle(engine, succeeded(delivery))
        return len(sent)

    settle(engine, done(held["one"]), ended(held["other"], Failed(error=OOPS)))  # the server knows the scripts now
    with monkeypatch.context() as patch:
        patch.setattr(connection, "_exchange", exchanged)
        assert (calls(held["plain"]), calls(held["h0"])) == (1, 2)


@pytest.mark.parametrize("stored", ["", "1;1;1;{", "no message"])
def test_a_blocked_message_that_nobody_can_read_ends_when_its_gate_turns(
    server: RedisServer, engine: RedisEngine, stored: str
) -> None:
    (delivery,) = chord(engine, 1)
    server.ask("HSET", f"{K}msg", "body", stored)
    settle(engine, succeeded(delivery))
    assert run_of(engine, "body").state == State.DEAD
    assert blocked(engine) == []
    maintain(engine)


def test_a_gate_whose_message_is_gone_is_no_chore_for_ever(server: RedisServer, engine: RedisEngine) -> None:
    (delivery,) = chord(engine, 1)
    server.ask("HDEL", f"{K}msg", "body")
    settle(engine, succeeded(delivery))
    maintain(engine)
    assert server.ask("KEYS", f"{K}turned") == b"*0\r\n"
