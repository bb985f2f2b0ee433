"""Claims over many lines (queue, task and priority): exactly in order, however unevenly the messages lie."""

from __future__ import annotations

import threading
from random import Random

import pytest
from postgres_words import message, register

from horarium.engines.postgres import PostgresEngine
from horarium.message import Message


def shuffled(engine: PostgresEngine, count: int, seed: int) -> list[Message]:
    """Return messages of many lines, most of them in one, with etas that come in no order."""
    random, now = Random(seed), engine.now()
    return [
        message(
            now,
            task=random.choice(["often"] * 20 + [f"task {number}" for number in range(30)]),
            queue=random.choice(["default", "default", "mail"]),
            priority=random.choice([5, 5, 5, 9, 1]),
            eta=random.choice([None, now - random.randrange(1000)]),
        )
        for _ in range(count)
    ]


@pytest.mark.parametrize("limit", [1, 7, 100, 1000])
def test_what_is_claimed_comes_in_one_order_over_all_lines(engine: PostgresEngine, limit: int) -> None:
    now = engine.now()
    messages = shuffled(engine, 200 if limit == 1 else 600, limit)
    engine.queue.put(messages, now=now)
    register(engine)
    taken: list[str] = []
    while batch := engine.queue.claim(["mail", "default"], "o", limit, now=now):
        assert len(batch) == min(limit, len(messages) - len(taken))
        taken += [delivery.message.id for delivery in batch]
    due = {each.id: now if each.eta is None else each.eta for each in messages}
    place = {each.id: number for number, each in enumerate(messages)}
    expected = sorted(messages, key=lambda each: (-each.priority, due[each.id], place[each.id]))
    assert taken == [each.id for each in expected]


def test_unknown_tasks_and_what_is_overdue_are_passed_over_wherever_they_lie(engine: PostgresEngine) -> None:
    now = engine.now()
    known = [message(now, task=f"known {number % 3}") for number in range(50)]
    strange = [message(now, task=f"strange {number % 40}", priority=9) for number in range(400)]
    overdue = [message(now, task="known 1", priority=9, expires=now) for _ in range(300)]
    engine.queue.put([*strange, *overdue, *known], now=now)
    register(engine)
    tasks = {each.task for each in known}
    batch = engine.queue.claim(["default"], "o", 50, now=now, tasks=tasks)
    assert [delivery.message.id for delivery in batch] == [each.id for each in known]
    assert engine.inspector.counts().states == {"EXPIRED": 300, "RECEIVED": 50, "PENDING": 400}


def test_claims_at_once_share_many_lines_without_a_gap_or_a_double(engine: PostgresEngine) -> None:
    now = engine.now()
    messages = shuffled(engine, 1500, 3)
    engine.queue.put(messages, now=now)
    taken: list[str] = []

    def work(owner: str) -> None:
        while batch := engine.queue.claim(["mail", "default"], owner, 40, now=now):
            taken.extend(delivery.message.id for delivery in batch)

    owners = [f"owner {number}" for number in range(4)]
    for owner in owners:
        register(engine, owner)
    threads = [threading.Thread(target=work, args=[owner]) for owner in owners]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    work("owner 0")
    assert sorted(taken) == sorted(each.id for each in messages)
