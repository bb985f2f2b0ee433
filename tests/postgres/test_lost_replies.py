"""Sessions that end in between: nothing is stranded, nothing is done twice, and the answers are true."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from msgspec.structs import replace
from postgres_words import (
    POLICY,
    backends,
    claim,
    connect,
    fire,
    firing,
    message,
    put_one,
    register,
    save,
    schedule,
    settle,
    stored,
    successes,
)

from horarium.engines.postgres import PostgresEngine
from horarium.engines.postgres.sql import Database
from horarium.errors import EngineUnavailable
from horarium.message import Gate, Join, Slot, Unique
from horarium.outcome import Failed, told
from horarium.schedules.record import Fate


@contextmanager
def reply_lost(monkeypatch: pytest.MonkeyPatch, *names: str, times: int = 1) -> Iterator[None]:
    """Let the first statements of these names be carried out and their answers be lost with the connection."""
    run = Database.run
    lost: list[str] = []

    def run_and_lose(self: Database, name: str, /, **values: Any) -> Any:
        cursor = run(self, name, **values)
        if name in names and len(lost) < times:
            lost.append(name)
            if self.connection.info.pipeline_status:
                self.connection._pipeline.sync()  # type: ignore[union-attr]
            if self.connection.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
                self.connection.execute("COMMIT")
            self.connection.close()
            raise psycopg.OperationalError("the reply was lost")
        return cursor

    with monkeypatch.context() as patch:
        patch.setattr(Database, "run", run_and_lose)
        yield
    assert len(lost) == times


def end_sessions(url: str) -> None:
    """Let the server end all sessions of the store, as an administrator would."""
    with connect(url) as connection:
        for pid in backends(url):
            connection.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))


VERBS: dict[str, Callable[[PostgresEngine], object]] = {
    "put": put_one,
    "claim": claim,
    "settle": lambda engine: settle(engine, successes(engine, claim(engine))),
    "renew": register,
    "maintain": lambda engine: engine.queue.maintain(now=engine.now(), policy=POLICY),
    "read": lambda engine: engine.results.read(["x"]),
    "counts": lambda engine: engine.inspector.counts(),
    "save": lambda engine: engine.schedules.save([schedule(engine)], now=engine.now()),
    "notify": lambda engine: engine.notifier.notify(["queue:default"]),
}


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_a_verb_after_the_server_ended_the_session_works_on_a_new_one(
    engine: PostgresEngine, url: str, verb: str
) -> None:
    put_one(engine)
    end_sessions(url)
    VERBS[verb](engine)


def test_a_claim_whose_reply_was_lost_is_handed_out_when_it_is_repeated(
    engine: PostgresEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = {put_one(engine) for _ in range(5)}
    register(engine)
    with reply_lost(monkeypatch, "claim"):
        deliveries = engine.queue.claim(["default"], "o", 3, now=engine.now())
    assert len(deliveries) == 3
    assert [(each.fence, each.attempt) for each in deliveries] == [(1, 1)] * 3
    rest = engine.queue.claim(["default"], "o", 9, now=engine.now())
    assert {each.message.id for each in (*deliveries, *rest)} == ids
    assert settle(engine, successes(engine, [*deliveries, *rest])) == ["recorded"] * 5


def test_a_claim_that_failed_for_the_caller_is_handed_out_by_the_next_one(
    engine: PostgresEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [put_one(engine) for _ in range(5)]
    register(engine)
    with reply_lost(monkeypatch, "claim", "claimed_before", times=2), pytest.raises(EngineUnavailable):
        engine.queue.claim(["default"], "o", 3, now=engine.now())
    first = engine.queue.claim(["default"], "o", 2, now=engine.now())
    second = engine.queue.claim(["default"], "o", 9, now=engine.now())
    third = engine.queue.claim(["default"], "o", 9, now=engine.now())
    assert [[each.message.id for each in batch] for batch in (first, second, third)] == [ids[:2], ids[2:3], ids[3:]]
    assert engine.queue.claim(["default"], "o", 9, now=engine.now()) == []


def test_another_owners_lost_claim_is_left_to_it(engine: PostgresEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    put_one(engine)
    register(engine, "o")
    register(engine, "p")
    with reply_lost(monkeypatch, "claim", "claimed_before", times=2), pytest.raises(EngineUnavailable):
        engine.queue.claim(["default"], "o", 3, now=engine.now())
    assert engine.queue.claim(["default"], "p", 3, now=engine.now()) == []
    assert len(engine.queue.claim(["default"], "o", 3, now=engine.now())) == 1


def test_a_put_whose_reply_was_lost_tells_the_truth_when_it_is_repeated(
    engine: PostgresEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = put_one(engine)
    messages = [message(engine.now()), message(engine.now(), id=known), message(engine.now())]
    with reply_lost(monkeypatch, "announce"):
        assert engine.queue.put(messages, now=engine.now()) == [True, False, True]
    assert engine.inspector.counts().states == {"PENDING": 3}


def test_a_settlement_whose_reply_was_lost_is_not_lost(engine: PostgresEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    put_one(engine)
    told_twice = successes(engine, claim(engine), message(engine.now(), id="next"))
    with reply_lost(monkeypatch, "settle_success"):
        assert settle(engine, told_twice) == ["repeated"]
    assert engine.inspector.counts().states["SUCCESS"] == 1


def test_follow_ups_are_there_after_a_lost_reply(engine: PostgresEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    put_one(engine)
    put_one(engine)
    one, two = successes(engine, claim(engine), message(engine.now(), id="next"))
    failed = replace(two, outcome=Failed(error=told("Reject", "no")))
    with reply_lost(monkeypatch, "announce"):
        assert settle(engine, [one, failed]) == ["repeated", "repeated"]
    assert engine.inspector.counts().states == {"SUCCESS": 1, "FAILURE": 1, "PENDING": 1}


@pytest.mark.parametrize("kind", ["auto", "backfill", "manual"])
@pytest.mark.parametrize("lost", ["lock_free_to_fire", "drop_known", "announce"])
def test_a_firing_whose_reply_was_lost_was_sent_once(
    engine: PostgresEngine, monkeypatch: pytest.MonkeyPatch, kind: Any, lost: str
) -> None:
    shot = firing(save(engine), kind=kind)
    with reply_lost(monkeypatch, lost):
        assert fire(engine, shot) == [Fate.SENT]
    assert fire(engine, shot) == [Fate.REPEATED if kind == "manual" else Fate.LOST]
    assert engine.inspector.counts().states == {"PENDING": 1}
    assert stored(engine).total_runs == (0 if kind == "manual" else 1)


def test_each_firing_of_a_call_whose_reply_was_lost_meets_its_fate_once(
    engine: PostgresEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One is sent, one skipped, one was fired before an edit, one has nothing to send, one must wait, one is late."""
    names = ("sent", "skipped", "repeated", "passed over", "held", "late")
    first = [save(engine, name) for name in names]
    fire(engine, *(firing(each) for each in first if each.name in ("skipped", "repeated", "held")))
    edited = [replace(stored(engine, "repeated"), next_fire=first[2].next_fire)]
    engine.schedules.save(edited, now=engine.now())
    fields: dict[str, dict[str, Any]] = {
        "skipped": {"overlap": "skip"},
        "passed over": {"messages": (), "missed": 1},
        "held": {"overlap": "queue_one"},
        "late": {"version": 9},
    }
    shots = [firing(stored(engine, name), **fields.get(name, {})) for name in names]
    with reply_lost(monkeypatch, "announce"):
        fates = fire(engine, *shots)
    assert fates == [Fate.SENT, Fate.SKIPPED, Fate.REPEATED, Fate.SENT, Fate.HELD, Fate.LOST]
    after = {name: stored(engine, name) for name in names}
    assert [after[name].total_runs for name in names] == [1, 1, 1, 0, 1, 0]
    assert (after["skipped"].skipped, after["passed over"].missed, after["held"].held) == (1, 1, True)
    assert engine.inspector.counts().states == {"PENDING": 4}


@pytest.mark.parametrize("lost", ["settle_success", "announce"])
def test_an_end_whose_reply_was_lost_is_told_once(
    engine: PostgresEngine, monkeypatch: pytest.MonkeyPatch, lost: str
) -> None:
    fire(engine, firing(save(engine)))
    (delivery,) = claim(engine)
    (success,) = successes(engine, [delivery])
    with reply_lost(monkeypatch, lost):
        assert settle(engine, [success]) == ["repeated"]
    assert (stored(engine).succeeded, stored(engine).failures) == (delivery.message.nominal, 0)
    fire(engine, firing(stored(engine)))
    (success,) = successes(engine, claim(engine))
    with reply_lost(monkeypatch, "tell_schedules"):
        assert settle(engine, [replace(success, outcome=Failed(error=told("Oops", "no")))]) == ["repeated"]
    assert stored(engine).failures == 1


def test_a_save_whose_reply_was_lost_is_no_conflict(engine: PostgresEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    with reply_lost(monkeypatch, "insert_schedules"):
        (saved,) = engine.schedules.save([schedule(engine)], now=engine.now())
    assert saved.version == 1
    with reply_lost(monkeypatch, "replace_schedules"):
        (edited,) = engine.schedules.save([replace(saved, task="u")], now=engine.now())
    assert (edited.version, edited.task) == (2, "u")
    assert engine.schedules.get(["s"]) == [edited]


def test_a_put_of_unique_keys_whose_reply_was_lost_is_answered_as_it_was(
    engine: PostgresEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, unique = engine.now(), Unique(key="k", replaces=True)
    put_one(engine, id="held", unique=Unique(key="l"))
    made = [message(now, id=id, unique=unique) for id in ("a", "b", "a")]
    made.append(message(now, id="c", unique=Unique(key="l")))
    with reply_lost(monkeypatch, "hold_keys"):
        assert engine.queue.put(made, now=now) == [True, "a", False, "held"]
    assert engine.queue.put(made, now=now) == [False, "a", False, "held"]
    assert engine.inspector.counts().states == {"PENDING": 2}


@pytest.mark.parametrize("statement", ["arrive", "count_arrivals"])
def test_an_arrival_whose_reply_was_lost_opens_the_gate(
    engine: PostgresEngine, monkeypatch: pytest.MonkeyPatch, statement: str
) -> None:
    now = engine.now()
    body = message(now, id="body", gate=Gate(size=1))
    engine.queue.put([body, message(now, joins=(Join(id="body"),))], now=now)
    (delivery,) = claim(engine)
    (done,) = successes(engine, [delivery])
    with reply_lost(monkeypatch, statement):
        assert settle(engine, [replace(done, joins=delivery.message.joins)]) == ["repeated"]
    assert [each.message.id for each in claim(engine)] == ["body"]


def test_a_careful_claim_whose_reply_was_lost_is_handed_out(
    engine: PostgresEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_one(engine, id="a", slot=Slot(key="k"))
    put_one(engine, id="b", slot=Slot(key="k"))
    with reply_lost(monkeypatch, "hand_over"):
        assert [each.message.id for each in claim(engine)] == ["a"]
    assert claim(engine) == []
