"""A claim whose answer was lost: what the store gave to the child stands in its line all the same."""

from __future__ import annotations

from faults import FaultyEngine, Once, refuse

from horarium.clock import ManualClock
from horarium.engines.memory import MemoryEngine
from horarium.engines.records import MaintenancePolicy, Member
from horarium.event import Silent
from horarium.message import Message
from horarium.outcome import Settlement, Succeeded
from horarium.worker.feed import Feed
from horarium.worker.hand import Hand


def make_feed(engine: FaultyEngine, clock: ManualClock, hand: Hand) -> Feed:
    return Feed(
        engine.queue,
        engine.notifier.listen(["queue:default"]),
        clock,
        owner="c/1",
        queues=("default",),
        tasks=frozenset(["tick"]),
        observer=Silent(),
        noted_look=lambda now: None,
        hand=hand,
    )


def test_what_a_claim_handed_over_whose_answer_was_lost_is_taken_up_once_and_nothing_else() -> None:
    clock = ManualClock()
    lost = Once("queue.claim", "after", refuse, nth=3)
    engine = FaultyEngine(MemoryEngine(clock=clock), lost, clock)
    hand = Hand(engine.inspector, "c/1")
    feed = make_feed(engine, clock, hand)
    members = [Member(owner=owner, kind="child", name="w") for owner in ("c/1", "c/2")]
    engine.queue.renew(members, now=clock.now(), lease=10.0)
    engine.queue.put([Message(id=id, task="tick", created=clock.now()) for id in "abcde"], now=clock.now())
    engine.queue.claim(["default"], "c/2", 1, now=clock.now())  # a: another one's
    assert feed.refill(1)
    assert [delivery.message.id for delivery in feed.line] == ["b"]
    feed.pop()
    assert feed.refill(1)
    assert [delivery.message.id for delivery in feed.line] == ["e", "c", "d"]  # by the new claim; overlooked
    assert lost.has_hit


def test_what_was_settled_is_no_longer_in_hand() -> None:
    clock = ManualClock()
    engine = MemoryEngine(clock=clock)
    hand = Hand(engine.inspector, "c/1")
    engine.queue.renew([Member(owner="c/1", kind="child", name="w")], now=clock.now(), lease=10.0)
    engine.queue.put([Message(id=f"{n:04}", task="tick", created=clock.now()) for n in range(1200)], now=clock.now())
    known = engine.queue.claim(["default"], "c/1", 600, now=clock.now())
    hand.take(known)
    engine.queue.claim(["default"], "c/1", 500, now=clock.now())
    assert [d.message.id for d in hand.overlooked(clock.now())] == [f"{n:04}" for n in range(600, 1100)]
    assert hand.overlooked(clock.now()) == []
    done = [Settlement(id=d.message.id, owner="c/1", fence=d.fence, outcome=Succeeded(result=None)) for d in known[:-1]]
    engine.queue.settle(done, now=clock.now(), policy=MaintenancePolicy())
    hand.put_down(done)
    assert hand.overlooked(clock.now()) == []
    assert len(hand._known) == 501, "what is done is not remembered for ever"
