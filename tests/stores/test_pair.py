"""What is promised when one store carries and another one remembers: each sentence of docs/why/promises.md."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from away import Away
from msgspec import Raw
from msgspec.structs import replace

from horarium.clock import ManualClock
from horarium.engines.pair import PairEngine
from horarium.engines.records import DeadOwner, MaintenancePolicy, Member, Page, Purge, Revoke, RunFilter
from horarium.errors import EngineUnavailable
from horarium.message import Delivery, Message
from horarium.outcome import ErrorRecord, Failed, Outcome, Retried, Run, Settlement, State, Succeeded, Verdict
from horarium.schedules.record import Fate, Firing, Schedule

POLICY = MaintenancePolicy(crash_limit=1, keep=3600.0)
DONE = Succeeded(result=Raw(b"42"))
OOPS = ErrorRecord(class_path="builtins.ValueError", args=Raw(b'["oops"]'), text="oops", traceback="line 1\n")


class Shop:
    """Short words for what is done to a pair."""

    def __init__(self, pair: PairEngine, clock: ManualClock) -> None:
        self.pair = pair
        self.clock = clock

    @property
    def carrier(self) -> Any:  # Away, which stands where the pair expects an Engine
        return self.pair.carrier

    @property
    def keeper(self) -> Any:
        return self.pair.keeper

    def put(self, id: str, **fields: Any) -> Message:
        message = Message(**{"id": id, "task": "t", "created": self.clock.now()} | fields)
        self.pair.queue.put([message], now=self.clock.now())
        return message

    def claim(self, owner: str = "a") -> Delivery:
        now = self.clock.now()
        self.pair.queue.renew([Member(owner=owner, kind="child", name=f"{owner}@host")], now=now, lease=10.0)
        (delivery,) = self.pair.queue.claim(["default"], owner, 1, now=now)
        return delivery

    def settle(self, delivery: Delivery, outcome: Outcome = DONE, **fields: Any) -> Verdict:
        given: dict[str, Any] = {"worker": "a@host", "started": self.clock.now() - 5, "ended": self.clock.now()}
        settlement = Settlement(
            id=delivery.message.id, owner=delivery.owner, fence=delivery.fence, outcome=outcome, **given | fields
        )
        (verdict,) = self.pair.queue.settle([settlement], now=self.clock.now(), policy=POLICY)
        return verdict

    def done(self, id: str) -> None:
        self.put(id)
        assert self.settle(self.claim()) is Verdict.RECORDED

    def save_schedule(self) -> None:
        now = self.clock.now()
        schedule = Schedule(
            id="S", name="s", task="t", spec={"type": "every"}, anchor=now, created=now, changed=now, next_fire=now
        )
        self.pair.schedules.save([schedule], now=now)

    def schedule(self) -> Schedule:
        (schedule,) = self.pair.schedules.get(["s"])
        assert schedule is not None
        return schedule

    def firing(self, **fields: Any) -> Firing:
        due = self.clock.now()
        message = Message(id="next", task="t", created=due, schedule="s", nominal=due)
        firing = Firing(schedule="s", version=1, expected=due, messages=(message,), next_fire=due + 60_000)
        return replace(firing, **fields)

    def run(self, id: str) -> Run:
        (run,) = self.pair.results.read([id])
        assert run is not None
        return run

    def kept(self, id: str) -> Run | None:
        (run,) = self.keeper.engine.results.read([id])
        return run

    def carried(self, id: str) -> Run | None:
        (run,) = self.carrier.engine.results.read([id])
        return run

    def found(self, filter: RunFilter | None = None) -> list[str]:
        return [run.id for run in self.pair.results.search(filter or RunFilter(), Page()).runs]


@pytest.fixture
def shop(pair: PairEngine, clock: ManualClock) -> Shop:
    return Shop(pair, clock)


# Recorded before it is acknowledged.


def test_the_end_is_recorded_whole_before_the_carrier_is_told(shop: Shop) -> None:
    shop.put("m")
    delivery = shop.claim()
    shop.carrier.meanwhile["settle"] = lambda: None  # the question whether it is still ours
    seen: list[Run | None] = []

    def look_again() -> None:
        shop.carrier.meanwhile["settle"] = lambda: seen.append(shop.kept("m"))

    shop.keeper.meanwhile["record"] = look_again
    assert shop.settle(delivery, Failed(error=OOPS), logs=("one",)) is Verdict.RECORDED
    (record,) = seen
    assert record is not None
    assert (record.state, record.error, record.logs) == (State.FAILURE, OOPS, ("one",))


def test_the_carrier_keeps_the_state_and_not_the_result(shop: Shop) -> None:
    shop.done("m")
    carried = shop.carried("m")
    assert carried is not None
    assert (carried.state, carried.result) == (State.SUCCESS, None)
    assert shop.run("m").result == Raw(b"42")
    shop.put("bad")
    shop.settle(shop.claim(), Failed(error=OOPS), logs=("a line",))
    carried = shop.carried("bad")
    assert carried is not None and carried.error is not None
    assert (carried.error.text, carried.error.traceback, carried.logs) == ("oops", None, ())
    assert (shop.run("bad").error, shop.run("bad").logs) == (OOPS, ("a line",))


def test_a_known_id_is_not_put_again_while_its_record_is_kept(shop: Shop) -> None:
    shop.done("m")
    now = shop.clock.now()
    assert shop.pair.queue.put([Message(id="m", task="t", created=now)], now=now) == [False]
    shop.clock.advance(3600)
    shop.pair.queue.maintain(now=shop.clock.now(), policy=POLICY)
    assert shop.pair.results.read(["m"]) == [None]
    assert shop.kept("m") is None


# What fails may be tried again, and nothing is lost.


@pytest.mark.parametrize("half", ["carrier", "keeper"])
@pytest.mark.parametrize("when", ["cut_before", "cut_after"])
def test_while_either_store_is_away_an_end_is_refused_and_can_be_made_later(shop: Shop, half: str, when: str) -> None:
    shop.put("m")
    delivery = shop.claim()
    away: Away = getattr(shop, half)
    setattr(away, when, {"settle", "record"})
    with pytest.raises(EngineUnavailable):
        shop.settle(delivery)
    setattr(away, when, set())
    assert shop.run("m").state == State.RECEIVED
    assert shop.settle(delivery) is Verdict.RECORDED
    assert (shop.run("m").state, shop.run("m").result) == (State.SUCCESS, Raw(b"42"))


def test_an_acknowledgement_whose_answer_was_lost_is_known_again(shop: Shop) -> None:
    shop.put("m")
    delivery = shop.claim()

    def cut() -> None:
        shop.carrier.cut_after = {"settle"}  # from the second call on, which acknowledges

    shop.keeper.meanwhile["record"] = cut
    with pytest.raises(EngineUnavailable):
        shop.settle(delivery)
    shop.carrier.cut_after = set()
    assert shop.settle(delivery) is Verdict.REPEATED
    assert shop.run("m").result == Raw(b"42")


def test_a_crash_between_record_and_acknowledgement_lets_the_task_run_again(shop: Shop) -> None:
    shop.put("m")
    leave_a_record_without_acknowledgement(shop, shop.claim())
    assert shop.kept("m") is not None
    assert shop.run("m").state == State.RECEIVED  # nobody is shown an end that is none yet
    assert shop.found(RunFilter(states=(State.SUCCESS,))) == []
    shop.pair.queue.maintain(now=shop.clock.now(), policy=POLICY, dead=[DeadOwner(owner="a")])
    assert shop.run("m").state == State.PENDING
    assert shop.settle(shop.claim("b"), Succeeded(result=Raw(b"43"))) is Verdict.RECORDED
    assert shop.run("m").result == Raw(b"43")


def test_a_schedule_learns_of_an_end_when_it_is_acknowledged_and_only_once(shop: Shop) -> None:
    shop.save_schedule()
    shop.put("m", schedule="s", nominal=7)
    delivery = shop.claim()
    shop.clock.advance(1)
    leave_a_record_without_acknowledgement(shop, delivery, Failed(error=OOPS))
    assert (shop.schedule().failures, shop.schedule().ended) == (0, None)
    assert shop.settle(delivery, Failed(error=OOPS)) is Verdict.RECORDED
    assert shop.settle(delivery, Failed(error=OOPS)) is Verdict.REPEATED
    assert (shop.schedule().failures, shop.schedule().ended) == (1, shop.clock.now())


def test_a_hold_outlasts_a_record_that_was_not_acknowledged(shop: Shop) -> None:
    shop.save_schedule()
    shop.put("m", schedule="s", nominal=7)
    delivery = shop.claim()
    firing = shop.firing(overlap="queue_one")
    assert shop.pair.schedules.fire([firing], now=shop.clock.now()) == [Fate.HELD]
    leave_a_record_without_acknowledgement(shop, delivery)
    assert shop.schedule().held
    shop.pair.queue.maintain(now=shop.clock.now(), policy=POLICY, dead=[DeadOwner(owner="a")])
    assert shop.schedule().held
    shop.settle(shop.claim("b"))
    assert (shop.schedule().held, shop.schedule().succeeded) == (False, 7)
    assert shop.pair.schedules.fire([firing], now=shop.clock.now()) == [Fate.SENT]


@pytest.mark.parametrize("end", ["revoked", "purged", "expired", "dead"])
def test_an_end_that_the_carrier_makes_reads_right_whatever_was_recorded_before(shop: Shop, end: str) -> None:
    expires = shop.clock.now() + 1000 if end == "expired" else None
    shop.put("m", expires=expires)
    leave_a_record_without_acknowledgement(shop, shop.claim())
    now = shop.clock.now()
    error = OOPS if end == "dead" else None
    shop.pair.queue.maintain(now=now, policy=POLICY, dead=[DeadOwner(owner="a", running=("m",), error=error)])
    ends: dict[str, tuple[Callable[[], object], State]] = {
        "revoked": (lambda: shop.pair.inspector.act(Revoke(ids=("m",)), now=now), State.REVOKED),
        "purged": (lambda: shop.pair.inspector.act(Purge(), now=now), State.REVOKED),
        "expired": (lambda: shop.pair.queue.maintain(now=shop.clock.now() + 2000, policy=POLICY), State.EXPIRED),
        "dead": (lambda: None, State.DEAD),
    }
    make, state = ends[end]
    make()
    assert (shop.run("m").state, shop.run("m").result) == (state, None)
    assert shop.found(RunFilter(states=(state,))) == ["m"]
    assert shop.found(RunFilter(states=(State.SUCCESS,))) == []


def test_what_a_superseded_attempt_came_to_is_not_recorded(shop: Shop) -> None:
    shop.put("m")
    first = shop.claim()
    shop.pair.queue.maintain(now=shop.clock.now(), policy=POLICY, dead=[DeadOwner(owner="a")])
    assert shop.settle(shop.claim("b"), Succeeded(result=Raw(b'"second"'))) is Verdict.RECORDED
    assert shop.settle(first, Succeeded(result=Raw(b'"first"'))) is Verdict.LOST
    assert shop.run("m").result == Raw(b'"second"')


def test_the_dead_are_buried_although_the_keeper_is_away(shop: Shop) -> None:
    shop.put("m")
    shop.claim()
    shop.keeper.cut_before = {"*"}
    done = shop.pair.queue.maintain(now=shop.clock.now(), policy=POLICY, dead=[DeadOwner(owner="a")])
    assert done.returned == 1
    assert shop.claim("b").message.id == "m"


def test_what_has_not_ended_is_read_although_the_keeper_is_away(shop: Shop) -> None:
    shop.put("m")
    shop.keeper.cut_before = {"*"}
    assert shop.run("m").state == State.PENDING
    delivery = shop.claim()
    assert shop.run("m").state == State.RECEIVED
    assert shop.settle(delivery, Retried(message=delivery.message, error=OOPS)) is Verdict.RECORDED


def test_what_the_keeper_remembers_outlives_the_carrier(shop: Shop) -> None:
    shop.done("m")
    shop.carrier.engine.results.forget(["m"])  # as a Redis that has lost its memory
    assert shop.run("m").result == Raw(b"42")
    assert shop.found() == ["m"]


# Looking.


def test_a_listing_merges_both_and_shows_each_run_once(shop: Shop) -> None:
    expected = []
    for number in range(12):
        shop.clock.advance(0.001 if number % 3 == 0 else 0)  # several of one millisecond
        id = f"{number:02}"
        shop.put(id)
        if number % 2:
            shop.settle(shop.claim())
        expected.append(id)
    while shop.pair.inspector.counts().queues["default"].ready:
        shop.claim()
    for lost in ("01", "07"):
        shop.carrier.engine.results.forget([lost])
    seen: list[str] = []
    after = None
    while True:
        page = shop.pair.results.search(RunFilter(), Page(limit=5, after=after))
        seen += [run.id for run in page.runs]
        after = page.next
        if after is None:
            break
        shop.put(f"new {len(seen)}", created=shop.clock.now() + 50)
    assert len(seen) == 12
    assert sorted(seen) == expected
    assert [id[:2] for id in sorted(seen, reverse=True)] == seen


def test_a_forgotten_run_is_gone_from_both(shop: Shop) -> None:
    shop.done("m")
    shop.put("waiting")
    assert shop.pair.results.forget(["m", "waiting", "m", "nobody's"]) == 1
    assert (shop.carried("m"), shop.kept("m")) == (None, None)
    assert shop.run("waiting").state == State.PENDING


def test_a_pair_tells_the_weaknesses_of_both_and_can_do_what_both_can(shop: Shop) -> None:
    assert len(shop.pair.weaknesses()) == 2
    assert not shop.pair.capabilities.shared
    assert not shop.pair.capabilities.durable


def leave_a_record_without_acknowledgement(shop: Shop, delivery: Delivery, outcome: Outcome = DONE) -> None:
    """Die after the record and before the acknowledgement."""

    def cut() -> None:
        shop.carrier.cut_before = {"settle"}

    shop.keeper.meanwhile["record"] = cut
    with pytest.raises(EngineUnavailable):
        shop.settle(delivery, outcome)
    shop.carrier.cut_before = set()
