"""Children that look well and claim nothing although work is due."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest
from yard import Yard

from horarium.clock import ManualClock
from horarium.engines.memory import MemoryEngine
from horarium.engines.records import Revoke
from horarium.message import Delivery, Message
from horarium.worker.board import FOREVER, Board
from horarium.worker.options import WorkerOptions
from horarium.worker.orders import OrderChannel, close_descriptor
from horarium.worker.roster import Life, Roster
from horarium.worker.watchdog import ASK_EVERY_SWEEPS, LOOKS, Watchdog
from horarium.worker.wish import Wish


def test_a_deaf_child_is_found_out_and_a_fresh_one_does_its_work(
    yard: Yard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "vacant-1").touch()
    monkeypatch.setenv("ERRANDS_DEAF", str(tmp_path))
    worker = yard.start(program="run_deaf_worker.py", concurrency=1, sweep=0.7)
    ids = [yard.send("add", number, 1) for number in range(3)]
    runs = yard.ends(*ids, timeout=40)
    assert [len(run.attempts) for run in runs] == [1, 1, 1]
    worker.says("claims nothing although 3 messages could be")
    worker.signal(signal.SIGTERM)
    assert worker.ends() == 0


class Kennel:
    """A watchdog over one child, whose board, store and time the test moves."""

    def __init__(self, slots: int = 1) -> None:
        self.clock = ManualClock()
        self.engine = MemoryEngine(self.clock)
        pool: Any = "process" if slots == 1 else "thread"
        self.options = WorkerOptions(pool=pool, concurrency=slots, sweep=5.0)
        self.board = Board(1, slots)
        self.stalled: list[tuple[str, int]] = []
        roster = Roster()
        ours, theirs = OrderChannel.pair()
        ours.close()
        close_descriptor(theirs)
        self.life = Life(0, 1, "owner", ours, 0.0)
        self.life.is_ready = True
        roster.admit(self.life)
        self.watchdog = Watchdog(
            self.engine,
            self.clock,
            self.options,
            self.board,
            roster,
            wish=lambda: Wish(queues=self.options.queues, tasks=frozenset(["known"])),
            stalled=lambda life, due: self.stalled.append((life.owner, due)),
        )

    def send(self, task: str = "known", **fields: Any) -> Message:
        now = self.clock.now()
        message = Message(**{"id": f"m{now}", "task": task, "created": now} | fields)
        self.engine.queue.put([message], now=now)
        return message

    def sweep(self, times: int = 1, *, looks: bool = True) -> None:
        for _ in range(times):
            self.clock.advance(5.0)
            if looks:
                self.board.note_look(0, self.clock.now())
            self.watchdog.look()


def test_three_looks_in_a_row_are_enough_and_fewer_are_not() -> None:
    kennel = Kennel()
    kennel.send()
    kennel.sweep(ASK_EVERY_SWEEPS + LOOKS - 2)
    assert kennel.stalled == []
    kennel.sweep()
    assert kennel.stalled == [("owner", 1)]


@pytest.mark.parametrize(
    "fields",
    [
        {"task": "unknown"},
        {"queue": "of others"},
        {"eta": 10**14},
    ],
)
def test_what_the_child_could_not_claim_raises_no_suspicion(fields: dict[str, Any]) -> None:
    kennel = Kennel()
    kennel.send(**fields)
    kennel.sweep(30)
    assert kennel.stalled == []


def test_a_child_that_works_does_not_look_or_has_no_room_is_left_alone() -> None:
    works, blind, full, idle = Kennel(), Kennel(), Kennel(), Kennel()
    for kennel in (works, blind, full):
        kennel.send()
    row = works.board.slot(0, 0)
    now = works.clock.now()
    delivery = Delivery(message=works.send(), owner="owner", fence=1, attempt=1, claimed=now)
    for _ in range(30):
        row.start(delivery, now=now, since=0.0, deadline=FOREVER)
        row.finish()
        works.sweep()
    blind.sweep(30, looks=False)
    full.board.slot(0, 0).start(delivery, now=now, since=0.0, deadline=FOREVER)
    full.sweep(30)
    idle.sweep(30)
    assert works.stalled == blind.stalled == full.stalled == idle.stalled == []


def test_a_child_with_room_beside_a_long_task_is_watched_too() -> None:
    kennel = Kennel(slots=2)
    message = kennel.send()
    delivery = Delivery(message=message, owner="owner", fence=1, attempt=1, claimed=kennel.clock.now())
    kennel.board.slot(0, 0).start(delivery, now=kennel.clock.now(), since=0.0, deadline=FOREVER)
    kennel.sweep(ASK_EVERY_SWEEPS + LOOKS)
    assert kennel.stalled == [("owner", 1)]


def test_a_suspicion_ends_when_the_work_is_gone() -> None:
    kennel = Kennel()
    message = kennel.send()
    kennel.sweep(ASK_EVERY_SWEEPS + 1)
    kennel.engine.inspector.act(Revoke(ids=(message.id,)), now=kennel.clock.now())
    kennel.sweep()
    kennel.send()
    kennel.sweep(LOOKS - 1)
    assert kennel.stalled == []
