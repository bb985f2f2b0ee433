"""A store as it is after a busy day: for measuring what pages take of it.

A million ended runs (kept_runs.py), schedules with 20 runs each, the counted series of a day, and members that stay
alive as long as the measurement lasts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

from msgspec import Raw

from bench.kept_runs import BATCH, DAY, QUEUES, RESULT, TASKS, fill
from horarium.engines.protocol import Engine
from horarium.engines.records import Member
from horarium.message import Message, new_id
from horarium.outcome import Attempt, Run, State
from horarium.schedules.interval import every
from horarium.schedules.policy import create
from horarium.schedules.record import Schedule
from horarium.schedules.specs import to_record
from horarium.tally import BOUNDS, WIDTH_MS, Reading, Tally

SCHEDULES, RUNS_OF_EACH = 1_000, 20
MEMBERS = 20  # ten workers with a child each
T = TypeVar("T")
LEASE = 12 * 3600.0  # nobody renews it
RARE, RARE_RUNS = "shop.rare", 30


def fill_up(engine: Engine, runs: int) -> None:
    """Make a store full, unless it is so already; members are made to live again in any case."""
    if engine.inspector.counts(most=1).schedules < SCHEDULES:
        if sum(engine.inspector.counts().states.values()) < runs:
            fill(engine, runs)
        _record_others(engine)
        _count(engine)
        now = engine.now()
        for some in _batches((_schedule(engine, number) for number in range(SCHEDULES)), 500):
            engine.schedules.save([create(each, now=now) for each in some], now=now)
    engine.queue.renew(list(_members(engine)), now=engine.now(), lease=LEASE)


def _record_others(engine: Engine) -> None:
    """Record the runs of schedules, and those of a task that runs hardly ever."""
    now = engine.now()
    runs = [
        _run(now - DAY + DAY * turn // RUNS_OF_EACH, TASKS[number % len(TASKS)], _name(number))
        for turn in range(RUNS_OF_EACH)
        for number in range(SCHEDULES)
    ]
    runs += [_run(now - DAY + DAY * number // RARE_RUNS, RARE) for number in range(RARE_RUNS)]
    for some in _batches(runs, BATCH):
        engine.results.record(some, keep=7 * 86_400.0, now=now)


def _run(created: int, task: str, schedule: str | None = None) -> Run:
    attempt = Attempt(number=1, worker="worker@bench", outcome="succeeded", started=created + 40, ended=created + 90)
    return Run(
        message=Message(id=new_id(created), task=task, created=created, args=Raw(b"[1]"), schedule=schedule),
        state=State.SUCCESS,
        changed=created + 90,
        result=RESULT,
        attempts=(attempt,),
        worker="worker@bench",
        started=created + 40,
        ended=created + 90,
    )


def _count(engine: Engine) -> None:
    """Add what a day of this would have counted: each minute, and each ten seconds of the last two hours."""
    now = engine.now()
    for step, back in ((WIDTH_MS["1m"], DAY), (WIDTH_MS["10s"], 2 * 3_600_000)):
        instants = range(now - back - (now - back) % step, now, step)
        for some in _batches(instants, 60):
            tallies = [_tally(at, place) for at in some for place in range(len(TASKS))]
            readings = [Reading(at=at, queue=queue, ready=at % 7, oldest=0.1) for at in some for queue in QUEUES]
            engine.series.add(tallies, readings, now=now)


def _tally(at: int, place: int) -> Tally:
    histogram = tuple(3 if 5 < number < 12 else 0 for number in range(len(BOUNDS) + 1))
    return Tally(
        at=at,
        task=TASKS[place],
        queue=QUEUES[place % len(QUEUES)],
        counts={"succeeded": 10 + at // 1000 * (place + 7) % 41, "failed": at // 10_000 % 3},
        ran=histogram,
        ran_sum=20.0,
        waited=histogram,
        waited_sum=9.0,
    )


def _schedule(engine: Engine, number: int) -> Schedule:
    now = engine.now()
    return Schedule(
        id=new_id(now),
        name=_name(number),
        task=TASKS[number % len(TASKS)],
        spec=to_record(every(minutes=30 + number % 900)),
        anchor=now,
        created=now,
        changed=now,
    )


def _name(number: int) -> str:
    return f"schedule-{number:04}"


def _members(engine: Engine) -> Iterator[Member]:
    now = engine.now()
    for number in range(MEMBERS // 2):
        name = f"worker{number}@bench"
        for kind in ("worker", "child"):
            yield Member(
                owner=f"{name}-{kind}",
                kind=kind,  # type: ignore[arg-type]
                name=name,
                host="bench",
                pid=1000 + number,
                pool="processes",
                slots=4 if kind == "child" else 0,
                queues=tuple(QUEUES),
                tasks=(*TASKS, RARE, "shop.quick"),
                looked=now,
                started=now,
                app="shop",
            )


def _batches(values: Iterable[T], size: int) -> Iterator[list[T]]:
    rest = iter(values)
    while some := list(islice(rest, size)):
        yield some
