"""Runs that end and firings that are decided at the same moment, brought about one lock at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from msgspec import Raw
from msgspec.structs import replace
from postgres_words import (
    POLICY,
    claim,
    connect,
    fire,
    firing,
    put_one,
    register,
    save,
    schedule,
    settle,
    stored,
    successes,
    until,
    waits_for_a_lock,
)

from horarium.engines.postgres import PostgresEngine, connection
from horarium.engines.postgres import firing as postgres_firing
from horarium.engines.postgres.sql import Database
from horarium.engines.records import SCHEDULE_TOPIC, Revoke
from horarium.outcome import Failed, Settlement, told
from horarium.schedules.record import Fate, Overlap, Schedule

LONG = 30.0
SETTLE_SUCCESS = "WITH told AS MATERIALIZED"  # how the statement begins: the server shows no more of it


@contextmanager
def stopped_before(monkeypatch: pytest.MonkeyPatch, name: str) -> Iterator[tuple[threading.Event, threading.Event]]:
    """Let the first who comes to a statement stand still there. The events: somebody does; that one may go on."""
    run, reached, go = Database.run, threading.Event(), threading.Event()

    def run_or_stop(self: Database, asked: str, /, **values: Any) -> Any:
        if asked == name and not reached.is_set():
            reached.set()
            assert go.wait(LONG)
        return run(self, asked, **values)

    with monkeypatch.context() as patch:
        patch.setattr(Database, "run", run_or_stop)
        yield reached, go
        go.set()


@pytest.fixture
def aside() -> Iterator[Callable[..., Future[Any]]]:
    """Carry something out in a thread of its own."""
    with ThreadPoolExecutor(8) as pool:
        yield pool.submit


@pytest.fixture(autouse=True)
def firings_wait_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Locks are waited for, however slow this machine is."""
    monkeypatch.setattr(postgres_firing, "LOCK_PATIENCE", LONG)


def fired(engine: PostgresEngine, name: str = "s") -> list[Settlement]:
    """Fire a schedule; return the settlements of what is in hand then."""
    assert fire(engine, firing(save(engine, name))) == [Fate.SENT]
    return successes(engine, claim(engine))


def failed(settlements: list[Settlement]) -> list[Settlement]:
    return [replace(each, outcome=Failed(error=told("Oops", "no"))) for each in settlements]


def held(engine: PostgresEngine, name: str = "s") -> Fate:
    (fate,) = fire(engine, firing(stored(engine, name), overlap="queue_one"))
    return fate


def test_an_end_that_has_yet_to_lock_its_schedule_releases_what_is_held_meanwhile(
    engine: PostgresEngine, monkeypatch: pytest.MonkeyPatch, aside: Callable[..., Future[Any]]
) -> None:
    settlements = failed(fired(engine))
    with stopped_before(monkeypatch, "tell_schedules") as (reached, go):
        ends = aside(settle, engine, settlements)
        assert reached.wait(LONG)
        assert held(engine) is Fate.HELD
        go.set()
        assert ends.result(LONG) == ["recorded"]
    after = stored(engine)
    assert (after.held, after.failures) == (False, 1)
    assert held(engine) is Fate.SENT


def test_a_plain_success_that_waits_for_its_schedule_finds_the_hold_its_snapshot_cannot_show(
    engine: PostgresEngine, url: str, aside: Callable[..., Future[Any]]
) -> None:
    settlements = fired(engine)
    listener = engine.notifier.listen([SCHEDULE_TOPIC])
    with connect(url) as other, other.transaction():
        other.execute("SELECT FROM schedules FOR UPDATE")
        ends = aside(settle, engine, settlements)
        until(lambda: waits_for_a_lock(url, SETTLE_SUCCESS))
        other.execute("UPDATE schedules SET held = true")
    assert ends.result(LONG) == ["recorded"]
    assert (stored(engine).held, stored(engine).succeeded) == (False, firing(stored(engine)).expected - 60_000)
    assert listener.wait(LONG)
    listener.close()


def test_a_firing_that_waits_for_an_end_sees_it(
    engine: PostgresEngine, url: str, aside: Callable[..., Future[Any]]
) -> None:
    settlements = fired(engine)
    with psycopg.connect(url.partition("?schema=")[0]) as caller:
        engine.queue.settle_in(caller, settlements, now=engine.now(), policy=POLICY)
        fires = aside(held, engine)
        until(lambda: waits_for_a_lock(url, "FOR UPDATE"))
        caller.commit()
    assert fires.result(LONG) is Fate.SENT


def test_an_end_whose_snapshot_is_older_than_its_schedule_tells_it_all_the_same(
    engine: PostgresEngine, url: str, monkeypatch: pytest.MonkeyPatch, aside: Callable[..., Future[Any]]
) -> None:
    """A schedule is deleted and created anew while a run of it ends."""
    settlements = fired(engine)
    engine.schedules.delete(["s"])
    with stopped_before(monkeypatch, "lock_schedules") as (reached, go):
        creates = aside(save, engine, "s", id="new")
        assert reached.wait(LONG)
        ends = aside(settle, engine, settlements)
        until(lambda: waits_for_a_lock(url, SETTLE_SUCCESS))
        go.set()
        creates.result(LONG)
        assert ends.result(LONG) == ["recorded"]
    assert stored(engine).id == "new"
    assert stored(engine).succeeded is not None


@pytest.mark.parametrize("overlap", ["cancel_previous", "replace_queued"])
@pytest.mark.parametrize("at", ["lock_free_to_fire", "lock_to_fire"])
def test_what_is_sent_between_the_two_locks_of_a_firing_makes_way_as_well(
    engine: PostgresEngine,
    url: str,
    monkeypatch: pytest.MonkeyPatch,
    aside: Callable[..., Future[Any]],
    overlap: Overlap,
    at: str,
) -> None:
    made = save(engine)
    with stopped_before(monkeypatch, at) as (reached, go):
        with connect(url) as other, other.transaction():
            other.execute("SELECT FROM schedules FOR UPDATE" if at == "lock_to_fire" else "SELECT")
            fires = aside(fire, engine, firing(made, overlap=overlap))
            assert reached.wait(LONG)
        assert fire(engine, firing(made, kind="manual")) == [Fate.SENT]
        go.set()
        assert fires.result(LONG) == [Fate.SENT]
    assert engine.inspector.counts().states == {"REVOKED": 1, "PENDING": 1}


def test_failures_in_a_row_are_counted_in_the_order_of_a_batch(engine: PostgresEngine) -> None:
    for _ in range(5):
        fire(engine, firing(stored(engine) if engine.schedules.get(["s"]) != [None] else save(engine)))
    a, b, c, d, e = successes(engine, claim(engine))
    assert settle(engine, [*failed([a, b]), c, *failed([d]), e]) == ["recorded"] * 5
    assert stored(engine).failures == 0
    for _ in range(3):
        fire(engine, firing(stored(engine)))
    a, b, c = successes(engine, claim(engine))
    assert settle(engine, [*failed([a]), b, *failed([c])]) == ["recorded"] * 3
    assert stored(engine).failures == 1


def settle_failures(engine: PostgresEngine, settlements: list[Settlement]) -> object:
    return settle(engine, failed(settlements))


def settle_mixed(engine: PostgresEngine, settlements: list[Settlement]) -> object:
    return settle(engine, [settlements[0], *failed(settlements[1:])])


def leave_and_revoke(engine: PostgresEngine, settlements: list[Settlement]) -> object:
    engine.inspector.leave(["o"], now=engine.now())
    return engine.inspector.act(Revoke(ids=tuple(each.id for each in settlements)), now=engine.now())


def fire_in_turn(engine: PostgresEngine, settlements: list[Settlement]) -> object:
    """Fire, the last one first."""
    return fire(engine, *(firing(stored(engine, name), overlap="cancel_previous") for name in ("s2", "s1")))


@pytest.mark.parametrize("work", [settle, settle_failures, settle_mixed, leave_and_revoke, fire_in_turn])
def test_schedules_are_locked_in_the_order_of_their_names(
    engine: PostgresEngine, url: str, aside: Callable[..., Future[Any]], work: Callable[..., object]
) -> None:
    """Ids and places are in the other order, so nothing else brings this one about."""
    settlements = (fired(engine, "s2") + fired(engine, "s1"))[:2]
    with connect(url) as first, connect(url) as second, first.transaction():
        first.execute("SELECT FROM schedules WHERE name = 's1' FOR UPDATE")
        with second.transaction():
            second.execute("SELECT FROM schedules WHERE name = 's2' FOR UPDATE")
            done = aside(work, engine, settlements)
            until(lambda: waits_for_a_lock(url, ""))
        first.execute("SELECT FROM schedules WHERE name = 's2' FOR UPDATE NOWAIT")
    assert done.result(LONG)


@pytest.mark.parametrize("work", [settle, settle_failures, settle_mixed, leave_and_revoke, fire_in_turn])
def test_messages_are_locked_before_schedules(
    engine: PostgresEngine, url: str, aside: Callable[..., Future[Any]], work: Callable[..., object]
) -> None:
    settlements = (fired(engine, "s2") + fired(engine, "s1"))[:2]
    with connect(url) as other, other.transaction():
        other.execute("SELECT FROM messages FOR UPDATE")
        done = aside(work, engine, settlements)
        until(lambda: waits_for_a_lock(url, ""))
        other.execute("SELECT FROM schedules FOR UPDATE NOWAIT")
    assert done.result(LONG)


def test_messages_of_a_mixed_batch_are_locked_in_the_order_of_their_ids(
    engine: PostgresEngine, url: str, aside: Callable[..., Future[Any]]
) -> None:
    put_one(engine, id="b")
    put_one(engine, id="a")
    success, failure = successes(engine, claim(engine))
    with connect(url) as other, other.transaction():
        other.execute("SELECT FROM messages WHERE id = 'a' FOR UPDATE")
        done = aside(settle, engine, [success, *failed([failure])])
        until(lambda: waits_for_a_lock(url, ""))
        other.execute("SELECT FROM messages WHERE id = 'b' FOR UPDATE NOWAIT")
    assert done.result(LONG) == ["recorded"] * 2


@pytest.mark.parametrize("others", [0, 1])
def test_a_success_of_the_first_instant_there_is_counts(engine: PostgresEngine, others: int) -> None:
    """Alone it takes the short road, with another outcome beside it the long one."""
    assert fire(engine, firing(save(engine, next_fire=0))) == [Fate.SENT]
    for _ in range(others):
        put_one(engine)
    one, *rest = successes(engine, claim(engine))
    settle(engine, [one, *failed(rest)])
    assert stored(engine).succeeded == 0


def test_what_one_call_sends_is_put_in_the_order_of_its_firings(engine: PostgresEngine) -> None:
    """Also where a schedule is fired again, of which the first firing comes too late."""
    one, two = save(engine, "one", next_fire=1), save(engine, "two", next_fire=1)
    shots = [firing(one, version=9), firing(one), firing(two), firing(replace(one, next_fire=60_001))]
    assert fire(engine, *shots) == [Fate.LOST, Fate.SENT, Fate.SENT, Fate.SENT]
    assert [each.message.id for each in claim(engine)] == ["one 1 auto", "two 1 auto", "one 60001 auto"]


def test_many_ends_and_firings_never_wait_for_each_other_in_a_circle(
    engine: PostgresEngine, monkeypatch: pytest.MonkeyPatch, aside: Callable[..., Future[Any]]
) -> None:
    """Settlements come in batches of every kind, in any order; firings cancel, replace and hold what they settle."""
    names = [f"s{number}" for number in range(12)]
    engine.schedules.save([schedule(engine, name) for name in names], now=engine.now())
    overlaps: list[Overlap] = ["queue_one", "cancel_previous", "replace_queued", "skip"]
    deadlocks: list[psycopg.Error] = []
    is_clash = connection.is_clash

    def count(error: psycopg.Error) -> bool:
        if error.sqlstate == "40P01":
            deadlocks.append(error)
        return is_clash(error)

    def scheduler(number: int) -> None:
        for turn in range(40):
            found = engine.schedules.get(names)
            shots = [firing(each, overlap=overlaps[(turn + number) % 4], max_active=2) for each in found if each]
            fire(engine, *(shots if number else shots[::-1]))

    def worker(owner: str) -> None:
        register(engine, owner)
        turn = 0
        while not all(each.done() for each in schedulers):
            turn += 1
            told = successes(engine, engine.queue.claim(["default"], owner, 9, now=engine.now()))
            mixed = told[:3] + failed(told[3:6]) + told[6:] if turn % 2 else told
            settle(engine, mixed[::-1] if turn % 3 else mixed)

    monkeypatch.setattr(connection, "is_clash", count)
    schedulers = [aside(scheduler, number) for number in range(2)]
    workers = [aside(worker, owner) for owner in "abc"]
    for each in (*schedulers, *workers):
        each.result(2 * LONG)
    assert deadlocks == []
    until(lambda: not settle_all(engine))
    assert not [name for name in names if stored(engine, name).held]


def settle_all(engine: PostgresEngine) -> list[str]:
    return settle(engine, successes(engine, claim(engine)))


def test_a_caller_who_ends_a_run_releases_its_schedule_with_the_commit_and_not_before(
    engine: PostgresEngine, url: str
) -> None:
    settlements = fired(engine)
    assert held(engine) is Fate.HELD
    listener = engine.notifier.listen([SCHEDULE_TOPIC])
    with psycopg.connect(url.partition("?schema=")[0]) as caller:
        engine.queue.settle_in(caller, settlements, now=engine.now(), policy=POLICY)
        caller.rollback()
        assert stored(engine).held
        engine.queue.settle_in(caller, settlements, now=engine.now(), policy=POLICY)
        assert not listener.wait(0.1)
        caller.commit()
        assert listener.wait(LONG)
    listener.close()
    assert not stored(engine).held


def test_a_caller_who_does_not_commit_keeps_his_own_schedule_and_no_other(
    engine: PostgresEngine, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_firing, "LOCK_PATIENCE", 0.1)
    settlements = fired(engine, "his")
    save(engine, "other")
    with psycopg.connect(url.partition("?schema=")[0]) as caller:
        engine.queue.settle_in(caller, settlements, now=engine.now(), policy=POLICY)
        shots = [firing(stored(engine, name), overlap="cancel_previous") for name in ("his", "other")]
        assert fire(engine, *shots) == [Fate.LOST, Fate.SENT]
        caller.commit()
    assert fire(engine, *shots) == [Fate.SENT, Fate.LOST]


def test_messages_that_no_schedule_has_fired_touch_no_schedule(engine: PostgresEngine, url: str) -> None:
    save(engine)
    put_one(engine)
    settlements = successes(engine, claim(engine))
    with connect(url) as other, other.transaction():
        other.execute("SELECT FROM schedules FOR UPDATE")
        assert settle(engine, settlements) == ["recorded"]


def test_an_edit_and_a_deletion_of_a_schedule_stop_no_end_of_its_runs(engine: PostgresEngine) -> None:
    settlements = fired(engine, "edited") + fired(engine, "deleted")
    edited: Schedule = stored(engine, "edited")
    engine.schedules.save([replace(edited, task="other")], now=engine.now())
    engine.schedules.delete(["deleted"])
    assert settle(engine, settlements) == ["recorded"] * len(settlements)
    assert stored(engine, "edited").succeeded is not None


def test_many_schedules_are_saved_in_as_few_statements_as_one(
    engine: PostgresEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[str] = []
    run = Database.run

    def noting(self: Database, name: str, /, **values: Any) -> Any:
        sent.append(name)
        return run(self, name, **values)

    monkeypatch.setattr(Database, "run", noting)
    created = engine.schedules.save([schedule(engine, f"daily-{number}") for number in range(50)], now=1)
    changed = engine.schedules.save([replace(each, args=Raw(b"[1]")) for each in created], now=2)
    assert len([name for name in sent if name != "clock"]) <= 6
    assert engine.schedules.get([each.name for each in changed]) == changed
    assert {each.version for each in changed} == {2}
