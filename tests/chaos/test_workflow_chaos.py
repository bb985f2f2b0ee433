"""Workflows under faults: replies that are swallowed, callers that die, workers that come back to a lost lease. Each
message of a canvas is made once, each body is given every value once, and nobody waits for ever."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from random import Random
from typing import Any

import pytest
from faults import Died, FaultyEngine, Odds, die, refuse

from horarium import Horarium, chain, chord, group
from horarium.app.current import chosen
from horarium.app.perform import perform
from horarium.app.signature import Signature
from horarium.clock import ManualClock
from horarium.engines.protocol import Engine
from horarium.engines.records import MaintenancePolicy, Member, Page, RunFilter
from horarium.errors import EngineUnavailable, OwnerLost
from horarium.message import Delivery
from horarium.outcome import Run, Settlement

LEASE = 10.0
POLICY = MaintenancePolicy(crash_limit=1000, crash_delays=(0.0,), keep=1e6)
MOST_TURNS = 5_000
SHARE = 0.15  # of all calls meet a fault
SEEDS = range(12)


class Playhouse:
    """An app on a faulty engine, with workers that die and come back."""

    def __init__(self, real: Engine, seed: int) -> None:
        self.clock = ManualClock(real.now())
        self.real = real
        self.odds = Odds(Random(seed), SHARE, [refuse, refuse, refuse, die])
        self.chance = Random(seed + 1)
        self.engine: Any = FaultyEngine(real, self.odds, self.clock)
        self.app = Horarium("play", engine=self.engine, clock=self.clock, set_as_current=False)
        self.app.finalize()
        self._generation = 0

    def work_off(self) -> None:
        """Let workers work until nothing is left, whatever happens to them."""
        for _ in range(MOST_TURNS):
            self._generation += 1
            with suppress(Died, EngineUnavailable, OwnerLost):  # the next one comes; a lapsed lease gives back the rest
                self._work(f"worker/{self._generation}")
            self.clock.advance(2 * LEASE)
            while self.real.queue.maintain(now=self.clock.now(), policy=POLICY).more:
                pass
            if not self.real.inspector.find(RunFilter(), Page(limit=1)).held:
                return
        raise AssertionError(f"still there: {self.real.inspector.find(RunFilter(), Page(limit=20)).held}")

    def again(self, call: Callable[[], Any]) -> Any:
        """Make the same call until it is answered, as the seam's law allows, and now and then once more."""
        while True:
            try:
                answer = call()
                if self.chance.random() < 0.2:
                    call()
                return answer
            except EngineUnavailable:
                continue

    def runs(self) -> list[Run]:
        found, page = [], Page(limit=500)
        while True:
            answer = self.real.results.search(RunFilter(), page)
            found += answer.runs
            if answer.next is None:
                return found
            page = Page(limit=500, after=answer.next)

    def _work(self, owner: str) -> None:
        member = Member(owner=owner, kind="child", name="w", queues=("default",), tasks=tuple(self.app.tasks))
        self.again(lambda: self.engine.queue.renew([member], now=self.clock.now(), lease=LEASE))
        while True:
            claimed = self.engine.queue.claim(["default"], owner, 3, now=self.clock.now())
            if not claimed:
                return
            settlements = [self._perform(delivery) for delivery in claimed]
            if self.chance.random() < 0.1:
                self.clock.advance(2 * LEASE)  # it was frozen: its lease has lapsed, and it settles all the same
                self.real.queue.maintain(now=self.clock.now(), policy=POLICY)
            self.again(lambda s=settlements: self.engine.queue.settle(s, now=self.clock.now(), policy=POLICY))

    def _perform(self, delivery: Delivery) -> Settlement:
        task = self.app.tasks[delivery.message.task]
        done = perform(task, delivery, clock=self.clock, worker="w", report=lambda report: None)
        return Settlement(
            id=delivery.message.id,
            owner=delivery.owner,
            fence=delivery.fence,
            outcome=done.settles,
            started=done.started,
            ended=done.ended,
            follow_ups=done.follow_ups,
            joins=done.joins,
            value=done.value,
            widens=done.widens,
        )


def tasks_of(app: Horarium) -> Any:
    @app.task(name="echo")
    def echo(value: Any) -> Any:
        return value

    @app.task(name="total")
    def total(values: list[int]) -> int:
        return sum(values)

    @app.task(name="link")
    def link(*given: Any) -> None: ...

    @app.task(name="errback")
    def errback(failed: str) -> None: ...

    @app.task(name="fail")
    def fail(*given: Any) -> None:
        raise ValueError("no")

    @app.task(name="swap", bind=True)
    def swap(self: Any, given: Any) -> Any:
        raise self.replace(Signature.from_dict(given, app=app))

    @app.task(name="adds", bind=True)
    def adds(self: Any, n: int) -> int:
        self.add_to_chord(echo.s(n * 100))
        return n

    return app.tasks


@pytest.mark.parametrize("seed", SEEDS)
def test_a_workflow_that_is_struck_comes_to_the_same(make_engine: Callable[[], Engine], seed: int) -> None:
    house = Playhouse(make_engine(), seed)
    tasks = tasks_of(house.app)
    echo, total, link = tasks["echo"], tasks["total"], tasks["link"]
    with chosen(house.app):
        inner = chord([echo.s(n) for n in (1, 2, 3)], total.s())
        work = chain(
            group(echo.s(1).set(link=link.s()), inner, tasks["swap"].s(group(echo.s(5), echo.s(6)) | total.s())),
            total.s().set(link=link.s()),
            group(echo.s(), echo.s()),
            total.s(),
        )
        work.link(link.s())
        frozen = work.freeze()
        house.again(lambda: struck(work.apply_async))
        house.work_off()
    [end] = house.real.results.read([frozen.id])
    assert end is not None
    assert (end.state, bytes(end.result or b"")) == ("SUCCESS", b"36")
    created = Counter(run.message.task for run in house.runs())
    assert created == {"echo": 8, "total": 4, "link": 3}
    assert house.odds.hits.total() > 0, "not exercised"


@pytest.mark.parametrize("seed", SEEDS)
def test_a_body_is_given_each_value_once_also_those_that_are_added(
    make_engine: Callable[[], Engine], seed: int
) -> None:
    house = Playhouse(make_engine(), seed)
    tasks = tasks_of(house.app)
    with chosen(house.app):
        work = chord([tasks["adds"].s(n) for n in range(1, 9)], tasks["echo"].s())
        frozen = work.freeze()
        house.again(lambda: struck(work.apply_async))
        house.work_off()
    value = house.app.AsyncResult(frozen.id)
    house.engine.plan = _Fair()
    assert value.get(timeout=0)[:8] == list(range(1, 9))
    assert sorted(value.get(timeout=0)[8:]) == [n * 100 for n in range(1, 9)]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_failure_that_is_struck_calls_each_errback_once_and_ends_all(
    make_engine: Callable[[], Engine], seed: int
) -> None:
    house = Playhouse(make_engine(), seed)
    tasks = tasks_of(house.app)
    with chosen(house.app):
        header = [tasks["echo"].s(1), tasks["fail"].s().on_error(tasks["errback"].s()), tasks["fail"].s()]
        work = chord(header, tasks["total"].s().on_error(tasks["errback"].s())) | tasks["echo"].s() | tasks["echo"].s()
        work.freeze()
        house.again(lambda: struck(work.apply_async))
        house.work_off()
    created = Counter(run.message.task for run in house.runs())
    assert created["errback"] == 2
    assert {run.state for run in house.runs() if run.message.task == "total"} == {"FAILURE"}


def struck(send: Callable[[], Any]) -> Any:
    """Send, and send again where the sender died: the ids are fixed, so it is one workflow."""
    while True:
        try:
            return send()
        except Died:
            continue


class _Fair:
    def strike(self, verb: str, call: Callable[[], Any]) -> Any:
        return call()
