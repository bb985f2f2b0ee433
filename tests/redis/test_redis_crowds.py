"""Many at once: batches beyond what one call of Lua may carry, many lines, the order of all of them."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace
from redis_words import NOW, POLICY, claim, done, hire, message, put

from horarium.engines.records import Page, Purge, RunFilter
from horarium.engines.redis import RedisEngine
from horarium.engines.redis.connection import Store
from horarium.outcome import Retried, State, Verdict, told
from servers import RedisServer


def test_ten_thousand_in_one_call_of_each_verb(engine: RedisEngine) -> None:
    hire(engine)
    messages = [message(id=f"m{number:05}") for number in range(10_000)]
    assert all(put(engine, *messages))
    claimed = claim(engine, limit=20_000)
    assert [each.message.id for each in claimed] == [each.id for each in messages]
    verdicts = engine.queue.settle([done(each) for each in claimed], now=NOW, policy=POLICY)
    assert set(verdicts) == {Verdict.RECORDED}
    assert engine.queue.maintain(now=NOW + 100_000_000, policy=POLICY).more
    while engine.queue.maintain(now=NOW + 100_000_000, policy=POLICY).more:
        pass
    assert engine.inspector.counts().states == {}


def test_the_order_holds_over_hundreds_of_lines(engine: RedisEngine) -> None:
    hire(engine)
    messages = [
        message(id=f"m{number:04}", task=f"t{number % 70}", priority=number % 3, eta=NOW - number % 5)
        for number in range(1000)
    ]
    put(engine, *messages)
    turns = {each.id: turn for turn, each in enumerate(messages)}
    wanted = sorted(messages, key=lambda each: (-each.priority, each.eta, turns[each.id]))
    claimed = []
    while batch := claim(engine, limit=130):
        claimed += [each.message.id for each in batch]
    assert claimed == [each.id for each in wanted]


def test_a_listing_shows_all_that_waits_although_the_head_of_the_line_is_claimed_meanwhile(
    engine: RedisEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    hire(engine)
    put(engine, *(message(id=f"m{number:04}", eta=NOW - number // 900) for number in range(1600)))
    call, claimed = Store.call, []

    def called(store: Store, name: str, arguments: Any = ()) -> Any:
        answer = call(store, name, arguments)
        if name == "lines" and arguments:  # a stretch was read
            claimed.extend(each.message.id for each in claim(engine, limit=300))
        return answer

    with monkeypatch.context() as patch:
        patch.setattr(Store, "call", called)
        page = engine.inspector.find(RunFilter(), Page(limit=9999))
    seen = [each.message.id for each in page.held]
    assert len(seen) == len(set(seen))
    assert {f"m{number:04}" for number in range(1600)} - set(claimed) <= set(seen)


def test_a_purge_reaches_what_stands_behind_a_thousand_that_nobody_can_read(
    server: RedisServer, engine: RedisEngine
) -> None:
    put(engine, *(message(id=f"m{number:04}") for number in range(1100)))
    for number in range(1000):
        server.ask("HSET", "{horarium}:msg", f"m{number:04}", "1;1;1;{")
    assert len(engine.inspector.act(Purge(), now=NOW)) == 100


def test_a_page_shows_nothing_again_that_was_put_under_the_id_at_its_end(engine: RedisEngine) -> None:
    put(engine, *(message(id=f"m{number}", created=NOW + number) for number in range(4)))
    page = engine.results.search(RunFilter(), Page(limit=2))
    assert [run.id for run in page.runs] == ["m3", "m2"]
    engine.inspector.act(Purge(), now=NOW)
    engine.results.forget(["m2"])
    put(engine, message(id="m2", created=NOW + 100), message(id="a", created=NOW + 50))
    page = engine.results.search(RunFilter(), Page(limit=9, after=page.next))
    assert [run.id for run in page.runs] == ["m1", "m0"]


def test_pages_of_many_made_in_one_millisecond_hold_each_run_once(engine: RedisEngine) -> None:
    put(engine, *(message(id=f"m{number:04}") for number in range(1500)))
    seen, after = [], None
    while True:
        page = engine.results.search(RunFilter(tasks=("t",)), Page(limit=333, after=after))
        seen += [run.id for run in page.runs]
        if seen and len(seen) == 333:
            engine.inspector.act(Purge(), now=NOW)
            engine.results.forget([seen[-1], "m0500"])  # the place itself is gone, and one of those to come
        after = page.next
        if after is None:
            break
    assert seen == [f"m{number:04}" for number in range(1499, -1, -1) if number != 500]
    assert engine.inspector.counts().states == {State.REVOKED: 1498}


def test_names_of_tasks_are_told_apart_whatever_stands_in_them(engine: RedisEngine) -> None:
    hire(engine)
    assert not claim(engine, tasks=frozenset(["a\nb"]))
    put(engine, message(task="a"), message(task="a\nb"), message(task=""))
    assert [each.message.task for each in claim(engine, tasks=frozenset(["a", "b"]))] == ["a"]


def test_a_search_follows_a_retried_message_that_says_it_was_created_later(engine: RedisEngine) -> None:
    hire(engine)
    put(engine, message(id="a", schedule="s"), message(id="b", created=NOW + 1))
    (delivery,) = claim(engine, limit=1)
    again = Retried(message=replace(delivery.message, created=NOW + 2), error=told("TaskError", "oops"))
    engine.queue.settle([replace(done(delivery), outcome=again)], now=NOW, policy=POLICY)
    filters = (RunFilter(), RunFilter(since=NOW + 2), RunFilter(until=NOW + 2), RunFilter(schedule="s", since=NOW + 2))
    found = [[run.id for run in engine.results.search(each, Page()).runs] for each in filters]
    assert found == [["a", "b"], ["a"], ["b"], ["a"]]


def test_thousands_that_are_overdue_do_not_keep_a_child_from_what_stands_behind_them(engine: RedisEngine) -> None:
    hire(engine)
    put(engine, *(message(expires=NOW - 1) for _ in range(3000)), message(id="good"))
    assert [each.message.id for each in claim(engine)] == ["good"]
    assert engine.inspector.counts().states == {State.EXPIRED: 3000, State.RECEIVED: 1}
