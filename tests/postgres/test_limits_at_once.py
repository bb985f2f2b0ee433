"""Limits, slots and unique keys under fire: many claim and put at once, and none takes one too many."""

from __future__ import annotations

import threading

import psycopg
import pytest
from msgspec import Raw, json
from postgres_words import (
    POLICY,
    claim,
    connect,
    message,
    put_one,
    register,
    settle,
    side_by_side,
    successes,
    until,
    waits_for_a_lock,
)

from horarium.engines.postgres import PostgresEngine
from horarium.engines.records import JOURNAL_KEPT, Limit
from horarium.message import Delivery, Slot, Unique
from horarium.outcome import State


class Watch:
    """Counts what is in hand, and remembers the most of each key."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._now: dict[str, int] = {}
        self.most: dict[str, int] = {}

    def take(self, deliveries: list[Delivery]) -> None:
        with self._lock:
            for delivery in deliveries:
                slot = delivery.message.slot
                key = delivery.message.task if slot is None else slot.key
                self._now[key] = self._now.get(key, 0) + 1
                self.most[key] = max(self.most.get(key, 0), self._now[key])

    def leave(self, deliveries: list[Delivery]) -> None:
        with self._lock:
            for delivery in deliveries:
                slot = delivery.message.slot
                self._now[delivery.message.task if slot is None else slot.key] -= 1


def work_off(engine: PostgresEngine, owner: str, watch: Watch, is_done: threading.Event, **asked: object) -> None:
    """Claim and settle until everything is done, waiting for hints as a worker does."""
    register(engine, owner)
    listener = engine.notifier.listen(["queue:default"])
    while not is_done.is_set():
        deliveries = engine.queue.claim(["default"], owner, 3, now=engine.now(), **asked)  # type: ignore[arg-type]
        watch.take(deliveries)
        watch.leave(deliveries)
        if deliveries:
            settle(engine, successes(engine, deliveries))
        elif not engine.inspector.counts().queues:
            is_done.set()
        else:
            listener.wait(5.0)  # as long as a worker waits for a hint that was lost
    listener.close()


def test_claimers_never_take_more_of_a_slot_than_it_has_and_strand_nobody(engine: PostgresEngine, url: str) -> None:
    now = engine.now()
    slots = [Slot(key=f"k{number % 4}", size=1 + number % 4 % 2) for number in range(160)]
    engine.queue.put([message(now, slot=slot) for slot in slots], now=now)
    watch, is_done = Watch(), threading.Event()
    side_by_side(url, 6, lambda mine, number: work_off(mine, f"o{number}", watch, is_done))
    assert engine.inspector.counts().states == {State.SUCCESS: 160}
    assert watch.most.keys() == {"k0", "k1", "k2", "k3"}
    assert watch.most["k0"] == watch.most["k2"] == 1
    assert max(watch.most["k1"], watch.most["k3"]) <= 2


def test_claimers_never_hold_more_of_a_task_than_its_limit(engine: PostgresEngine, url: str) -> None:
    now = engine.now()
    engine.queue.put([message(now, task="few" if number % 2 else "many") for number in range(200)], now=now)
    watch, is_done = Watch(), threading.Event()
    limits = {"few": Limit(running=2)}
    side_by_side(url, 6, lambda mine, number: work_off(mine, f"o{number}", watch, is_done, limits=limits))
    assert engine.inspector.counts().states == {State.SUCCESS: 200}
    assert watch.most["few"] <= 2


def test_claimers_take_no_more_at_once_than_a_bucket_holds(engine: PostgresEngine, url: str) -> None:
    now = engine.now()
    engine.queue.put([message(now) for _ in range(100)], now=now)
    taken: list[Delivery] = []
    limits = {"t": Limit(rate=0.001, burst=17, bucket="t")}

    def work(mine: PostgresEngine, number: int) -> None:
        register(mine, f"o{number}")
        for _ in range(5):
            taken.extend(mine.queue.claim(["default"], f"o{number}", 2, now=now, limits=limits))

    side_by_side(url, 6, work)
    assert len(taken) == 17


def test_one_that_leaves_while_another_one_looks_is_not_missed(engine: PostgresEngine, url: str) -> None:
    """Its outcome is on its way in a caller's transaction; the next one of the key must not stand aside for it."""
    put_one(engine, id="a", slot=Slot(key="k"))
    (held,) = claim(engine)
    put_one(engine, id="b", slot=Slot(key="k"))
    listener = engine.notifier.listen(["queue:default"])
    with psycopg.connect(url.partition("?schema=")[0]) as connection:
        engine.queue.settle_in(connection, successes(engine, [held]), now=engine.now(), policy=POLICY)
        assert claim(engine) == []
        assert engine.inspector.counts().queues["default"].blocked == 0
        connection.commit()
    assert listener.wait(20.0)
    listener.close()
    assert [each.message.id for each in claim(engine)] == ["b"]


def test_one_that_stands_aside_is_seen_by_whoever_leaves(engine: PostgresEngine, url: str) -> None:
    put_one(engine, id="a", slot=Slot(key="k"))
    (held,) = claim(engine)
    put_one(engine, id="b", slot=Slot(key="k"))
    assert claim(engine) == []
    assert engine.inspector.counts().queues["default"].blocked == 1
    with psycopg.connect(url.partition("?schema=")[0]) as connection:
        engine.queue.settle_in(connection, successes(engine, [held]), now=engine.now(), policy=POLICY)
        assert claim(engine) == []
        connection.rollback()
    assert claim(engine) == []
    settle(engine, successes(engine, [held]))
    assert [each.message.id for each in claim(engine)] == ["b"]


def test_many_of_one_key_and_others_behind_them(engine: PostgresEngine) -> None:
    now = engine.now()
    engine.queue.put([message(now, priority=9, slot=Slot(key="k")) for _ in range(3000)], now=now)
    engine.queue.put([message(now, id="free", priority=0)], now=now)
    deliveries = claim(engine, limit=2)
    assert len(deliveries) == 2
    assert deliveries[1].message.id == "free"
    assert engine.inspector.counts().queues["default"].blocked == 2999


def test_one_of_many_puts_of_a_unique_key_stores_it(engine: PostgresEngine, url: str) -> None:
    engine.check()
    answers: list[tuple[str, object]] = []
    now = engine.now()

    def work(mine: PostgresEngine, number: int) -> None:
        for round in range(20):
            id = f"{round} {number}"
            made = [message(now, id=f"{id} {key}", unique=Unique(key=f"{round} {key}")) for key in "ab"]
            if number % 2:
                made.reverse()
            answers.extend(zip([each.id for each in made], mine.queue.put(made, now=now), strict=True))

    side_by_side(url, 6, work)
    stored = {id for id, answer in answers if answer is True}
    assert len(stored) == 40
    assert {answer for _, answer in answers if answer is not True} <= stored
    assert engine.inspector.counts().states == {State.PENDING: 40}


def test_the_newest_of_many_takes_the_place_and_none_of_them_is_lost(engine: PostgresEngine, url: str) -> None:
    engine.check()
    unique = Unique(key="k", until="start", replaces=True)
    put, started = threading.Lock(), threading.Event()
    last = {"n": 0}
    seen: list[int] = []

    def work(mine: PostgresEngine, number: int) -> None:
        if number == 0:
            while not started.wait(0.001) or mine.inspector.counts().queues:
                for delivery in claim(mine, "claimer"):
                    seen.append(json.decode(delivery.message.args)[0])
                    settle(mine, successes(mine, [delivery]))
            return
        for _ in range(40):
            with put:  # so that there is one order of puts
                last["n"] += 1
                args = Raw(json.encode([last["n"]]))
                mine.queue.put([message(mine.now(), args=args, unique=unique)], now=mine.now())
        if last["n"] == 120:
            started.set()

    side_by_side(url, 4, work)
    assert seen[-1] == 120
    assert seen == sorted(seen)


def test_whoever_puts_a_key_waits_for_a_callers_transaction_with_the_same(engine: PostgresEngine, url: str) -> None:
    engine.check()
    now, answers = engine.now(), list[object]()
    unique = Unique(key="k")

    def put_second() -> None:
        answers.extend(engine.queue.put([message(now, id="second", unique=unique)], now=now))

    with psycopg.connect(url.partition("?schema=")[0]) as connection:
        assert engine.queue.put_in(connection, [message(now, id="first", unique=unique)], now=now) == [True]
        thread = threading.Thread(target=put_second, daemon=True)
        thread.start()
        until(lambda: waits_for_a_lock(url, "uniques"))
        connection.commit()
    thread.join(30)
    assert answers == ["first"]


def test_a_key_goes_with_a_rollback(engine: PostgresEngine, url: str) -> None:
    engine.check()
    now, unique = engine.now(), Unique(key="k")
    with psycopg.connect(url.partition("?schema=")[0]) as connection:
        engine.queue.put_in(connection, [message(now, unique=unique)], now=now)
        connection.rollback()
    assert engine.queue.put([message(now, unique=unique)], now=now) == [True]


def test_a_task_that_sends_itself_again_is_stored_by_its_own_end(engine: PostgresEngine) -> None:
    put_one(engine, id="a", unique=Unique(key="k"))
    settle(engine, successes(engine, claim(engine), message(engine.now(), id="b", unique=Unique(key="k"))))
    assert [each.message.id for each in claim(engine)] == ["b"]


def test_keys_of_holders_that_are_gone_are_swept_up(engine: PostgresEngine, url: str) -> None:
    put_one(engine, id="a", unique=Unique(key="kept"))
    with connect(url) as connection:
        connection.execute("INSERT INTO uniques (key, id, looked) VALUES ('stale', 'nobody', 0)")
        connection.execute("UPDATE uniques SET looked = 0")
        engine.queue.maintain(now=engine.now(), policy=POLICY)
        assert connection.execute("SELECT key FROM uniques WHERE looked > 0").fetchall() == [("kept",)]
        assert connection.execute("SELECT count(*) FROM uniques").fetchall() == [(1,)]


@pytest.mark.parametrize("key", ["x" * 5000, "a\0b"])
def test_keys_longer_than_an_index_takes_are_keys_too(engine: PostgresEngine, key: str) -> None:
    put_one(engine, id="a", unique=Unique(key=key), slot=Slot(key=key))
    now = engine.now()
    assert engine.queue.put([message(now, unique=Unique(key=key))], now=now) == ["a"]
    put_one(engine, id="b", slot=Slot(key=key))
    assert [each.message.id for each in claim(engine)] == ["a"]


def test_a_reader_of_the_journal_misses_nobody_who_commits_later(engine: PostgresEngine, url: str) -> None:
    place = engine.journal.tail(None, 1).next
    is_over = threading.Event()
    read: list[int] = []

    def work(mine: PostgresEngine, number: int) -> None:
        nonlocal place
        if number == 0:
            while True:
                was_over = is_over.is_set()
                page = mine.journal.tail(place, 50)
                read.extend(int(bytes(entry)) for entry in page.entries)
                place = page.next
                assert not page.missed
                if was_over and not page.entries:
                    return
        for each in range(60):
            mine.journal.append([Raw(str(number * 1000 + each).encode())], now=mine.now())
        if number == 1:
            is_over.set()

    side_by_side(url, 5, work)
    page = engine.journal.tail(place, JOURNAL_KEPT)
    read += [int(bytes(entry)) for entry in page.entries]
    assert sorted(read) == sorted(number * 1000 + each for number in range(1, 5) for each in range(60))
    for number in range(1, 5):
        theirs = [each for each in read if each // 1000 == number]
        assert theirs == sorted(theirs)


def test_the_journal_keeps_its_newest_entries(engine: PostgresEngine, url: str) -> None:
    for start in range(0, JOURNAL_KEPT + 500, 500):
        engine.journal.append([Raw(str(start + each).encode()) for each in range(500)], now=engine.now())
    engine.queue.maintain(now=engine.now(), policy=POLICY)
    with connect(url) as connection:
        assert connection.execute("SELECT count(*), min(number) FROM journal").fetchall() == [(JOURNAL_KEPT, 501)]
    page = engine.journal.tail("500", 1)
    assert (page.missed, page.entries) == (False, (Raw(b"500"),))
    assert engine.journal.tail("499", 1).missed
