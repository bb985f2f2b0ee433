"""Leases: trusted from before the request, never longer; lost ones are not trusted at all."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import pytest

from horarium.clock import ManualClock, Seconds, StoreClock
from horarium.engines.memory import MemoryEngine
from horarium.engines.records import Member, Renewal
from horarium.errors import EngineUnavailable
from horarium.event import Event, Troubled
from horarium.worker.board import Board
from horarium.worker.options import WorkerOptions
from horarium.worker.orders import Go, OrderChannel
from horarium.worker.patience import Patience
from horarium.worker.renewal import Renewer
from horarium.worker.roster import Life, Roster


class Slow:
    """A queue whose answers take their time, or do not come."""

    def __init__(self, engine: MemoryEngine, clock: ManualClock) -> None:
        self._queue, self._clock = engine.queue, clock
        self.takes: Seconds = 0.0
        self.is_away = False

    def renew(self, members: list[Member], *, now: int, lease: Seconds) -> Renewal:
        if self.is_away:
            raise EngineUnavailable("expected the store to answer, it is away; wait")
        renewal = self._queue.renew(members, now=now, lease=lease)
        self._clock.advance(self.takes)
        return renewal


class Host:
    """A supervisor's renewer with one child, whose clock stands still."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.engine = MemoryEngine(self.clock)
        self.queue = Slow(self.engine, self.clock)
        self.engine.queue = self.queue  # type: ignore[assignment]
        self.board, self.roster = Board(1, 1), Roster()
        self.lost: list[str] = []
        self.events: list[Event] = []
        ours, theirs = OrderChannel.pair()
        self.child = OrderChannel.from_descriptor(theirs)
        self.life = Life(0, 1, "w/1", ours, 0.0)
        self.roster.admit(self.life)
        self.renewer = Renewer(
            self.engine,
            StoreClock(self.clock, self.engine.now()),
            self.board,
            self.roster,
            WorkerOptions(lease=10.0, concurrency=1),
            self,
            members=lambda lives: [Member(owner=life.owner, kind="child", name="w") for life in lives],
            patience=Patience(3.0, Random(1)),
            lost=self.lost.extend,
            terminate=lambda ids: None,
            failed=lambda error: None,
        )

    def close(self) -> None:
        self.life.orders.close()
        self.child.close()

    is_detailed = False

    def enter(self, process: str) -> None: ...

    def tell(self, event: Event) -> None:
        self.events.append(event)


@pytest.fixture
def host() -> Iterator[Host]:
    host = Host()
    yield host
    host.close()


def test_a_lease_is_trusted_from_before_the_request_and_not_from_its_answer(host: Host) -> None:
    host.queue.takes = 4.0
    host.renewer.renew()
    assert host.clock.monotonic() == 4.0
    assert host.board.lease(0) == 9.0  # lease 10, margin 1


def test_a_child_goes_only_when_it_is_registered(host: Host) -> None:
    host.queue.is_away = True
    assert host.renewer.renew() <= 3.0
    assert host.board.lease(0) == 0.0
    host.queue.is_away = False
    host.renewer.renew()
    assert host.child.read() == [Go()]


def test_a_store_that_is_away_extends_nothing_and_is_told_once(host: Host) -> None:
    host.renewer.renew()
    host.queue.is_away = True
    for _ in range(3):
        host.clock.advance(1.0)
        host.renewer.renew()
    assert host.board.lease(0) == 9.0
    assert len([event for event in host.events if isinstance(event, Troubled)]) == 1


def test_an_owner_that_was_given_up_is_reported_and_not_trusted(host: Host) -> None:
    host.renewer.renew()
    host.engine.inspector.leave(["w/1"], now=host.engine.now())
    host.clock.advance(3.0)
    host.renewer.renew()
    assert host.lost == ["w/1"]
    assert host.board.lease(0) == 9.0


def test_who_has_died_during_the_request_is_granted_nothing(host: Host) -> None:
    before = host.roster.lives()
    assert before == [host.life]
    host.renewer.renew()
    host.board.clear(0)
    host.roster.dismiss(host.life)
    host.roster.admit(Life(0, 2, "w/2", host.life.orders, 0.0))
    host.renewer._grant(before, Renewal(), until=99.0)
    assert host.board.lease(0) == 0.0
