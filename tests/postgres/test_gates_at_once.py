"""Gates under fire: many processes settle the members of one chord, and any of them may end in between."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from msgspec import Raw, json
from msgspec.structs import replace
from postgres_words import POLICY, claim, connect, message, put_one, register, settle, side_by_side, successes, until

from horarium.engines.postgres import PostgresEngine, aftermath
from horarium.engines.postgres import settle as settling
from horarium.engines.records import Purge, Revoke, Seal
from horarium.message import Delivery, Gate, Join, Message
from horarium.outcome import Failed, Settlement, State, Succeeded, told

OOPS = told("TaskError", "oops")


def chord(engine: PostgresEngine, size: int, name: str = "body", **fields: object) -> None:
    """Put a body and its header."""
    now = engine.now()
    header = [message(now, id=f"{name} {i}", joins=(Join(id=name, place=i),)) for i in range(size)]
    body = message(now, id=name, task="body", gate=Gate(size=size), **fields)
    engine.queue.put([body, *header], now=now)


def arrivals(engine: PostgresEngine, deliveries: list[Delivery]) -> list[Settlement]:
    """Return successes whose values are their own ids."""
    return [
        replace(each, outcome=Succeeded(result=Raw(json.encode(each.id))), joins=delivery.message.joins)
        for each, delivery in zip(successes(engine, deliveries), deliveries, strict=True)
    ]


def states(engine: PostgresEngine) -> dict[str, int]:
    return engine.inspector.counts().states


def chores(engine: PostgresEngine) -> None:
    while engine.queue.maintain(now=engine.now(), policy=POLICY).more:
        pass


def left_over(url: str) -> int:
    """Count what the gates have left in the store."""
    with connect(url) as connection:
        rows = connection.execute(
            "SELECT (SELECT count(*) FROM gates) + (SELECT count(*) FROM arrivals) + (SELECT count(*) FROM dooms)"
        ).fetchall()
    return int(rows[0][0])


@contextmanager
def power_cut_behind_the_commit(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let whoever settles end after his commit, before he sees to those who wait."""
    with monkeypatch.context() as patch:
        patch.setattr(settling, "see_to_gates", lambda *_: None)
        patch.setattr(settling, "carry_out_dooms", lambda *_: None)
        patch.setattr(aftermath, "carry_out_dooms", lambda *_: None)
        yield


@pytest.mark.parametrize("batch", [1, 7])
def test_the_body_is_released_once_however_many_settle_its_header_at_once(
    engine: PostgresEngine, url: str, batch: int
) -> None:
    size, names = 120, ["one", "two", "three"]
    for name in names:
        chord(engine, size, name)

    def work(mine: PostgresEngine, number: int) -> None:
        while deliveries := [each for each in claim(mine, f"o{number}", batch) if each.message.task != "body"]:
            settle(mine, arrivals(mine, deliveries))

    with connect(url) as connection:  # the bodies wait elsewhere
        connection.execute("UPDATE messages SET queue = 'bodies' WHERE task = 'body'")
    side_by_side(url, 8, work)
    bodies = engine.results.read(names)
    assert [body.message.gate for body in bodies if body is not None] == [None] * 3
    for name, body in zip(names, bodies, strict=True):
        assert body is not None
        assert json.decode(body.message.args) == [[f"{name} {i}" for i in range(size)]]
    assert left_over(url) == 0


def test_a_chord_and_a_failure_at_once_end_the_body_once(engine: PostgresEngine, url: str) -> None:
    for number in range(10):
        chord(engine, 8, f"body{number}", error_links=())
    deliveries = claim(engine, limit=100)
    told_all = arrivals(engine, deliveries)
    failing = {f"body{number} 3" for number in range(0, 10, 2)}
    told_all = [replace(each, outcome=Failed(error=OOPS)) if each.id in failing else each for each in told_all]

    def work(mine: PostgresEngine, number: int) -> None:
        for each in told_all[number::8]:
            assert settle(mine, [each]) == ["recorded"]

    side_by_side(url, 8, work)
    chores(engine)
    assert states(engine) == {State.SUCCESS: 75, State.FAILURE: 10, State.PENDING: 5}
    assert left_over(url) == 0


def test_what_ended_behind_its_commit_is_carried_out_by_maintain(
    engine: PostgresEngine, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    chord(engine, 2, "released", joins=(Join(id="next"),))
    chord(engine, 2, "doomed", joins=(Join(id="last"),))
    engine.queue.put([message(engine.now(), id="last", gate=Gate(size=1, is_link=True))], now=engine.now())
    told_all = arrivals(engine, claim(engine))
    with power_cut_behind_the_commit(monkeypatch):
        settle(
            engine, [replace(each, outcome=Failed(error=OOPS)) if each.id == "doomed 0" else each for each in told_all]
        )
    assert states(engine) == {State.SUCCESS: 3, State.FAILURE: 1, State.PENDING: 3}
    assert claim(engine) == []
    listener = engine.notifier.listen(["queue:default"])
    chores(engine)
    assert listener.wait(20.0)
    listener.close()
    assert states(engine) == {State.SUCCESS: 3, State.FAILURE: 3, State.PENDING: 1}
    assert [each.message.id for each in claim(engine)] == ["released"]
    assert left_over(url) == 0


def test_a_settlement_that_is_told_again_is_counted_if_it_was_not(
    engine: PostgresEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    chord(engine, 1)
    told_all = arrivals(engine, claim(engine))
    with power_cut_behind_the_commit(monkeypatch):
        settle(engine, told_all)
    assert settle(engine, told_all) == ["repeated"]
    assert [each.message.id for each in claim(engine)] == ["body"]


def test_who_cannot_lock_a_body_leaves_it_to_maintain(
    engine: PostgresEngine, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aftermath, "LOCK_PATIENCE", 0.05)
    chord(engine, 1)
    told_all = arrivals(engine, claim(engine))
    with connect(url) as connection, connection.transaction():
        connection.execute("SELECT FROM messages WHERE id = 'body' FOR UPDATE")
        assert settle(engine, told_all) == ["recorded"]
    assert claim(engine) == []
    chores(engine)
    assert [each.message.id for each in claim(engine)] == ["body"]


def test_many_maintain_at_once_what_was_left(engine: PostgresEngine, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(20):
        chord(engine, 3, f"b{number}")
    told_all = arrivals(engine, claim(engine))
    failed = {f"b{number} 0" for number in range(10)}
    with power_cut_behind_the_commit(monkeypatch):
        settle(engine, [replace(each, outcome=Failed(error=OOPS)) if each.id in failed else each for each in told_all])
    side_by_side(url, 6, lambda mine, number: chores(mine))
    chores(engine)
    assert states(engine) == {State.SUCCESS: 50, State.FAILURE: 20, State.PENDING: 10}
    assert left_over(url) == 0


def test_a_late_arrival_at_an_earlier_gate_is_not_taken_for_one_at_the_next(engine: PostgresEngine, url: str) -> None:
    chord(engine, 2)
    late, other = claim(engine)
    arrived = arrivals(engine, [late])
    address = url.partition("?schema=")[0]
    with psycopg.connect(address) as connection:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        connection.execute("SELECT 1")
        engine.queue.settle_in(connection, arrived, now=engine.now(), policy=POLICY)
        engine.inspector.act(Revoke(ids=("body",)), now=engine.now())
        engine.results.forget(["body"])
        engine.queue.put([message(engine.now(), id="body", gate=Gate(size=2))], now=engine.now())
        connection.commit()
    settle(engine, arrivals(engine, [other]))
    chores(engine)
    assert claim(engine) == []
    with connect(url) as onlooker:
        assert onlooker.execute("SELECT member FROM arrivals").fetchall() == [("body 1",)]


def test_a_chain_and_all_that_waits_for_it_may_be_long(engine: PostgresEngine, url: str) -> None:
    now, length = engine.now(), 2500
    gate = Gate(size=1, is_link=True)
    steps = [
        message(now, id=f"{i:04}", joins=(Join(id=f"{i + 1:04}"),), gate=gate if i else None) for i in range(length)
    ]
    engine.queue.put(steps, now=now)
    (first,) = claim(engine)
    (failed,) = successes(engine, [first])
    settle(engine, [replace(failed, outcome=Failed(error=OOPS))])
    assert states(engine) == {State.FAILURE: length}
    assert left_over(url) == 0


def test_purging_members_dooms_bodies_elsewhere(engine: PostgresEngine, url: str) -> None:
    chord(engine, 50, queue="bodies")
    assert len(engine.inspector.act(Purge(queues=("default",)), now=engine.now())) == 50
    assert states(engine) == {State.REVOKED: 50, State.FAILURE: 1}
    assert left_over(url) == 0


def test_a_body_that_cannot_be_read_is_set_aside_alone(engine: PostgresEngine, url: str) -> None:
    chord(engine, 1, "bad")
    chord(engine, 1, "good")
    with connect(url) as connection:
        connection.execute("UPDATE messages SET message = '{' WHERE id = 'bad'")
    settle(engine, arrivals(engine, claim(engine)))
    assert [each.message.id for each in claim(engine)] == ["good"]
    (bad,) = engine.results.read(["bad"])
    assert bad is not None and bad.state == State.DEAD
    assert left_over(url) == 0


def test_a_callers_transaction_releases_what_it_opens_when_it_commits(engine: PostgresEngine, url: str) -> None:
    chord(engine, 3)
    told_all = arrivals(engine, claim(engine))
    address = url.partition("?schema=")[0]
    with psycopg.connect(address) as connection:
        engine.queue.settle_in(connection, told_all[:2], now=engine.now(), policy=POLICY)
        connection.rollback()
        engine.queue.settle_in(connection, told_all, now=engine.now(), policy=POLICY)
        assert claim(engine) == []
        connection.commit()
    assert [each.message.id for each in claim(engine)] == ["body"]
    assert left_over(url) == 0


def test_two_callers_who_arrive_last_at_once_lose_no_arrival(engine: PostgresEngine, url: str) -> None:
    chord(engine, 2)
    one, other = arrivals(engine, claim(engine))
    address = url.partition("?schema=")[0]
    second = threading.Event()

    def settle_other() -> None:
        with psycopg.connect(address) as connection:
            engine.queue.settle_in(connection, [other], now=engine.now(), policy=POLICY)
            connection.commit()
        second.set()

    with psycopg.connect(address) as connection:
        engine.queue.settle_in(connection, [one], now=engine.now(), policy=POLICY)
        thread = threading.Thread(target=settle_other, daemon=True)
        thread.start()
        assert not second.wait(0.1)  # it waits at the gate for us
        connection.commit()
    thread.join(30)
    assert [each.message.id for each in claim(engine)] == ["body"]


def test_sealing_and_arriving_at_once_release_the_body(engine: PostgresEngine, url: str) -> None:
    for round in range(10):
        name, now = f"body{round}", engine.now()
        body: Message = message(now, id=name, task="body", gate=Gate())
        members = [message(now, id=f"{name} {i}", joins=(Join(id=name, place=i),)) for i in range(4)]
        engine.queue.put([body, *members], now=now)
    told_all = arrivals(engine, claim(engine))

    def work(mine: PostgresEngine, number: int) -> None:
        if number == 4:
            for round in range(10):
                mine.inspector.act(Seal(id=f"body{round}", size=4), now=mine.now())
        else:
            for each in told_all[number::4]:
                settle(mine, [each])

    side_by_side(url, 5, work)
    assert sorted(each.message.id for each in claim(engine)) == sorted(f"body{round}" for round in range(10))


def test_older_workers_see_nothing_of_what_is_blocked(engine: PostgresEngine, url: str) -> None:
    """What the statements of version 2 look for: what waits is what has no owner."""
    chord(engine, 1)
    with connect(url) as connection:
        rows = connection.execute("SELECT id FROM messages WHERE owner IS NULL").fetchall()
        connection.execute(  # as they store one
            "INSERT INTO messages (id, turn, queue, task, rank, due, once, token, state, created, changed, message)"
            " VALUES ('old', 99, 'default', 't', -5, 1, false, 0, 'PENDING', 1, 1, %s)",
            (json.encode(message(1, id="old")).decode(),),
        )
    assert rows == [("body 0",)]
    register(engine)
    assert [each.message.id for each in claim(engine)] == ["old", "body 0"]
    put_one(engine)
    until(lambda: claim(engine) != [])
