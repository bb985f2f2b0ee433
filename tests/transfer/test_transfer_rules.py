"""Moving from one store to another: what moves, what stays, and that no death of the mover loses anything."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from crossing import Dead, Fate, Mortal, message, put, waiting
from msgspec import Raw
from msgspec.structs import replace

from horarium.clock import ManualClock
from horarium.engines.memory import MemoryEngine
from horarium.engines.protocol import Engine
from horarium.engines.records import MaintenancePolicy, Member, Page, Revoke
from horarium.errors import ImproperlyConfigured
from horarium.outcome import Settlement, Succeeded
from horarium.schedules.record import Schedule
from horarium.transfer.journey import Journey, Progress, Wanted
from horarium.transfer.messages import HOLD, NAME, Chosen, Mover
from horarium.transfer.schedules import BY, move_schedules

POLICY = MaintenancePolicy()


@dataclass
class Stores:
    clock: ManualClock
    source: MemoryEngine
    target: MemoryEngine

    def move(self, told: Callable[[Progress], None] = lambda progress: None, **wanted: Any) -> Progress:
        # What comes due soon is waited for, by the real clock: no test here has such.
        return Journey(self.source, self.target, Wanted(**wanted), self.clock, told=told).run()

    def owner(self, name: str = "worker-1", engine: Engine | None = None) -> str:
        engine = engine or self.source
        engine.queue.renew([Member(owner=name, kind="child", name="worker@vm")], now=engine.now(), lease=1e6)
        return name


@pytest.fixture
def stores() -> Stores:
    clock = ManualClock()
    return Stores(clock, MemoryEngine(clock), MemoryEngine(clock))


def test_what_is_due_and_what_is_due_later_moves_as_it_was(stores: Stores) -> None:
    later = stores.source.now() + 3_600_000
    ids = put(stores.source, range(500), queue="a", priority=7, headers={"trace": "x"})
    ids |= put(stores.source, range(500, 1000), queue="b", eta=later)
    before = waiting(stores.source)
    progress = stores.move()
    assert progress.messages == 1000 and progress.left is not None and progress.left.waiting == 0
    assert waiting(stores.target) == before and before.keys() == ids
    assert stores.source.results.read(sorted(ids)) == [None] * 1000


def test_what_is_in_hand_stays_and_ends_where_it_is(stores: Stores) -> None:
    put(stores.source, [1, 2])
    [delivery] = stores.source.queue.claim(["default"], stores.owner(), 1, now=stores.source.now())
    progress = stores.move()
    assert progress.left is not None and (progress.messages, progress.left.in_hand) == (1, 1)
    end = Settlement(id=delivery.message.id, owner="worker-1", fence=delivery.fence, outcome=Succeeded(result=None))
    assert stores.source.queue.settle([end], now=stores.source.now(), policy=POLICY) == ["recorded"]
    assert list(waiting(stores.target)) == ["m00002"]


def test_a_limit_tasks_and_queues_choose_and_a_queue_may_be_renamed(stores: Stores) -> None:
    put(stores.source, range(10), queue="a")
    put(stores.source, range(10, 20), queue="b")
    put(stores.source, range(20, 30), queue="a", task="shop.mail")
    chosen = Chosen(queues=("a",), tasks=("shop.charge",), renamed={"a": "c"})
    assert stores.move(chosen=chosen, limit=4).messages == 4
    assert stores.move(chosen=chosen).messages == 6
    assert {each.queue for each in waiting(stores.target).values()} == {"c"} and len(waiting(stores.source)) == 20


def test_nothing_is_charged_and_attempts_begin_anew(stores: Stores) -> None:
    put(stores.source, [1], retries=2)
    stores.move()
    [delivery] = stores.target.queue.claim(["default"], stores.owner(engine=stores.target), 9, now=stores.target.now())
    assert (delivery.attempt, delivery.crashes, delivery.message.retries) == (1, 0, 2)


def test_what_is_cancelled_in_the_source_while_it_moves_does_not_run_in_the_target(stores: Stores) -> None:
    put(stores.source, [1, 2])
    put_before = stores.target.queue.put

    def put_and_cancel(*args: Any, **options: Any) -> Any:
        stores.source.inspector.act(Revoke(ids=("m00001",)), now=stores.source.now())
        return put_before(*args, **options)

    stores.target.queue.put = put_and_cancel  # type: ignore[method-assign]
    stores.move()
    assert list(waiting(stores.target)) == ["m00002"]


def test_one_store_by_two_addresses_is_refused_and_keeps_everything(stores: Stores) -> None:
    ids = put(stores.source, range(3))
    with pytest.raises(ImproperlyConfigured, match="expected two stores"):
        Journey(stores.source, stores.source, Wanted(), stores.clock, told=lambda progress: None).run()
    assert waiting(stores.source).keys() == ids


@pytest.mark.parametrize("after", [False, True])
def test_killed_at_any_verb_and_run_again_nothing_is_lost_or_twice_there(after: bool) -> None:
    verbs = 0
    while True:
        clock = ManualClock()
        stores = Stores(clock, MemoryEngine(clock), MemoryEngine(clock))
        ids = put(stores.source, range(250)) | put(stores.source, range(250, 500), eta=stores.source.now() + 90_000_000)
        ids |= put(stores.source, range(500, 510), at_most_once=True)
        fate = Fate(verbs, after=after)
        source: Any = Mortal(stores.source, fate)
        target: Any = Mortal(stores.target, fate)
        try:
            Journey(source, target, Wanted(), clock, told=lambda progress: None).run()
        except Dead:
            pass
        else:
            assert verbs > 20  # it has outlived its fate: all verbs were tried
            return
        here, there = waiting(stores.source), waiting(stores.target)
        stranded = [r.member.owner for r in stores.source.inspector.workers(now=clock.now()) if r.alive]
        held = 510 - len(here.keys() | there.keys())
        assert held <= 200  # in the dead mover's hand, between claim and release
        # The test's own process lives on, so what free_stranded does for a dead one is done by hand.
        stores.source.inspector.leave(stranded, now=clock.now())
        assert waiting(stores.source).keys() | there.keys() == ids
        stores.move()
        assert waiting(stores.source) == {} and waiting(stores.target).keys() == ids
        verbs += 1


def test_what_a_killed_mover_of_this_host_held_is_freed_at_once(stores: Stores) -> None:
    import os
    import subprocess

    put(stores.source, [1])
    dead = subprocess.Popen(["true"])
    dead.wait(10)
    name = f"{NAME}@{os.uname().nodename}"
    member = Member(owner="migrate/0/x", kind="child", name=name, host=os.uname().nodename, pid=dead.pid)
    stores.source.queue.renew([member], now=stores.source.now(), lease=1e6)
    assert stores.source.queue.claim(["default"], "migrate/0/x", 1, now=stores.source.now())
    assert stores.move().messages == 1


def test_a_mover_that_stood_still_ends_nothing_that_may_have_been_started(stores: Stores) -> None:
    put(stores.source, [1])
    put_before = stores.target.queue.put

    def put_late(*args: Any, **options: Any) -> Any:
        answer = put_before(*args, **options)
        stores.clock.advance(HOLD)
        return answer

    stores.target.queue.put = put_late  # type: ignore[method-assign]
    mover = Mover(stores.source, stores.target, Chosen())
    assert mover.move_due() == 0
    assert list(waiting(stores.source)) == ["m00001"]


def schedule(engine: Engine, name: str, **fields: Any) -> Schedule:
    now = engine.now()
    chosen = {"spec": {"kind": "every", "seconds": 60}, "next_fire": now + 60_000, **fields}
    return Schedule(id=f"id-{name}", name=name, task="shop.charge", anchor=now, created=now, changed=now, **chosen)


def test_schedules_move_and_fire_in_one_store_only(stores: Stores) -> None:
    source, target = stores.source, stores.target
    [one, held] = source.schedules.save(
        [schedule(source, "one"), schedule(source, "held", paused_by="ada")], now=source.now()
    )
    assert stores.move(schedules=True).schedules == 2
    moved = target.schedules.get(["one", "held"])
    assert moved == [replace(one, version=1), replace(held, version=1)]
    assert source.schedules.due(source.now() + 10**9, 10) == []
    assert stores.move(schedules=True).schedules_known == 2  # again: nothing changes
    assert target.schedules.get(["one", "held"]) == moved


@pytest.mark.parametrize("after", [False, True])
def test_killed_while_schedules_move_none_is_active_twice_and_run_again_all_are(after: bool) -> None:
    for verbs in range(12):
        clock = ManualClock()
        source, target = MemoryEngine(clock), MemoryEngine(clock)
        source.schedules.save([schedule(source, f"s{n}") for n in range(3)], now=source.now())
        fate = Fate(verbs, after=after)
        mortal_source: Any = Mortal(source, fate)
        mortal_target: Any = Mortal(target, fate)
        try:
            for _ in move_schedules(mortal_source, mortal_target):
                pass
        except Dead:
            pass
        active = [each.name for each in _active(source) + _active(target)]
        assert len(active) == len(set(active))
        for _ in move_schedules(source, target):
            pass
        assert [each.name for each in _active(target)] == ["s0", "s1", "s2"] and _active(source) == []
        assert all(each.paused_by == BY for each in source.schedules.browse(Page()).schedules)


def test_kept_runs_are_copied_once_and_what_the_target_knows_stays(stores: Stores) -> None:
    for engine, result in ((stores.source, b"1"), (stores.target, b"2")):
        engine.queue.put([message(engine, 1), *([message(engine, 2)] if result == b"1" else [])], now=engine.now())
        for delivery in engine.queue.claim(["default"], stores.owner(engine=engine), 9, now=engine.now()):
            end = Settlement(
                id=delivery.message.id,
                owner="worker-1",
                fence=delivery.fence,
                outcome=Succeeded(result=Raw(result)),
            )
            engine.queue.settle([end], now=engine.now(), policy=POLICY)
    assert stores.move(results=True).results == 1
    assert stores.move(results=True).results == 0
    runs = stores.target.results.read(["m00001", "m00002"])
    assert [bytes(run.result) for run in runs if run is not None and run.result is not None] == [b"2", b"1"]


def _active(engine: Engine) -> list[Schedule]:
    return [each for each in engine.schedules.browse(Page()).schedules if each.is_active]
