"""Many at once: batches beyond what one call of Lua may carry, many lines, the order of all of them."""

from __future__ import annotations

from redis_words import NOW, POLICY, claim, done, hire, message, put

from horarium.engines.protocol import Page, Purge, RunFilter
from horarium.engines.redis import RedisEngine
from horarium.outcome import State, Verdict


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
