"""How many ended runs a worker lets stay."""

from __future__ import annotations

from random import Random

import msgspec

from horarium.clock import ManualClock
from horarium.engines.memory import MemoryEngine
from horarium.message import Message
from horarium.outcome import Run, State
from horarium.worker.room import LONGEST_REST, LOOK_EVERY, REST, Room, fits

NOW = 1_767_225_600_000 - 86_400_000


def run(number: int, size: int = 100) -> Run:
    message = Message(id=f"r{number}", task="t", created=NOW - 1000 * number, headers={"x": "y" * size})
    return Run(message=message, state=State.SUCCESS, changed=NOW)


def room(engine: MemoryEngine, clock: ManualClock, runs: int | None, size: int | None) -> Room:
    return Room(engine, clock, Random(7), runs=runs, size=size)


def test_it_is_looked_at_once_in_a_while_and_only_where_there_is_a_bound() -> None:
    clock = ManualClock()
    engine = MemoryEngine(clock=clock)
    assert room(engine, clock, None, None).most() is None
    bounded = room(engine, clock, 7, None)
    assert [bounded.most(), bounded.most()] == [7, None]
    clock.advance(1.2 * LOOK_EVERY)
    assert bounded.most() == 7


def test_of_all_workers_one_looks_in_each_interval() -> None:
    clock = ManualClock()
    engine = MemoryEngine(clock=clock)
    rooms = [Room(engine, clock, Random(seed), runs=7, size=None) for seed in range(5)]
    looked = 0
    for _ in range(100):
        looked += sum(room.most() is not None for room in rooms)
        clock.advance(6.0)
    assert 8 <= looked <= 14  # in ten minutes


def test_where_counting_takes_long_all_workers_leave_more_time_behind_it() -> None:
    clock = ManualClock()
    engine = MemoryEngine(clock=clock)
    slow, other = (Room(engine, clock, Random(seed), runs=7, size=None) for seed in range(2))
    assert slow.most() == 7
    slow.rest(2.0)
    clock.advance(0.7 * 2.0 * REST)
    assert (slow.most(), other.most()) == (None, None)
    clock.advance(0.6 * 2.0 * REST)
    assert slow.most() == 7
    slow.rest(1000.0)
    clock.advance(1.2 * LONGEST_REST)
    assert 7 in (slow.most(), other.most())


def test_bytes_are_told_by_a_sample_of_runs_of_all_ages() -> None:
    clock = ManualClock()
    engine = MemoryEngine(clock=clock)
    assert room(engine, clock, None, 1).most() is None  # nothing to tell it by, and nothing to remove
    clock.advance(LOOK_EVERY)
    # The newest fifty are small, the others are not: the newest alone would let many more stay than fit.
    runs = [run(number, 100 if number < 50 else 2000) for number in range(500)]
    engine.results.record(runs, keep=3600.0, now=clock.now())
    average = sum(len(msgspec.json.encode(each)) for each in runs) / len(runs)
    most = room(engine, clock, None, 400_000).most()
    assert most is not None and 0.6 < most / (400_000 / average) < 1.7
    clock.advance(LOOK_EVERY)
    assert room(engine, clock, 3, 400_000).most() == 3


def test_no_runs_tell_nothing_and_equal_ones_all() -> None:
    assert fits(1000, []) is None
    size = len(msgspec.json.encode(run(1)))
    assert fits(10 * size, [run(1)] * 5) == 10


def test_one_run_stays_where_not_even_one_fits() -> None:
    clock = ManualClock()
    engine = MemoryEngine(clock=clock)
    engine.results.record([run(number, 2000) for number in range(5)], keep=3600.0, now=clock.now())
    assert room(engine, clock, None, 1000).most() == 1
