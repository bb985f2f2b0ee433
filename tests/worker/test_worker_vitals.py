"""What a worker's pulse tells of its children, from the board alone."""

from __future__ import annotations

from pathlib import Path

from horarium.clock import ManualClock, StoreClock
from horarium.engines.memory import MemoryEngine
from horarium.event import Silent
from horarium.health import illness
from horarium.message import Delivery, Message
from horarium.pulse import Pulse, pulses
from horarium.worker.board import FOREVER, Board
from horarium.worker.options import WorkerOptions
from horarium.worker.vitals import Vitals


class Ward:
    """A board, and what its pulse tells."""

    def __init__(self, folder: Path, *, concurrency: int = 1) -> None:
        self.manual = ManualClock()
        self.engine = MemoryEngine(self.manual)
        self.clock = StoreClock(self.manual, self.engine.now())
        self.folder = str(folder)
        options = WorkerOptions(concurrency=concurrency, run_dir=self.folder)
        self.board = Board(options.processes, options.slots)
        self.vitals = Vitals(options, self.board, self.clock, Silent())

    def pulse(self, state: str = "running") -> Pulse:
        self.vitals.write(lambda: state, lambda: range(self.board.children))
        [pulse] = pulses(self.folder)
        return pulse

    def illness(self, state: str = "running") -> str | None:
        return illness(self.pulse(state), self.clock.monotonic(), 30.0)

    def look(self, child: int = 0) -> None:
        self.board.note_look(child, self.clock.now())


def test_a_child_that_looks_is_well_and_one_that_stops_looking_is_not(tmp_path: Path) -> None:
    ward = Ward(tmp_path, concurrency=2)
    ward.look(0)
    ward.look(1)
    assert ward.illness() is None
    ward.manual.advance(31)
    ward.look(1)
    assert ward.illness() == "has not looked for work: child-0 for 31 s (1 of 2)"


def test_a_child_that_is_busy_in_every_slot_need_not_look(tmp_path: Path) -> None:
    ward = Ward(tmp_path)
    ward.look()
    message = Message(id="m1", task="t", created=0)
    delivery = Delivery(message=message, owner="o", fence=1, attempt=1, claimed=0)
    row = ward.board.slot(0, 0)
    row.start(delivery, now=ward.clock.now(), since=ward.clock.monotonic(), deadline=FOREVER)
    ward.manual.advance(3600)
    assert ward.illness() is None
    row.finish()
    ward.manual.advance(31)
    assert ward.illness() is not None


def test_a_fresh_child_takes_over_the_last_look_and_one_that_dies_over_and_over_is_not_well(tmp_path: Path) -> None:
    """RC3: children that never come to look are seen, however alive their parent is."""
    ward = Ward(tmp_path)
    ward.look()
    assert ward.illness() is None
    ward.board.clear(0)
    ward.manual.advance(2)
    assert ward.illness() is None
    for _ in range(10):
        ward.board.clear(0)
        ward.manual.advance(5)
        ward.pulse()
    assert ward.illness() is not None


def test_a_worker_that_starts_is_not_well_yet_and_one_that_stops_still_is(tmp_path: Path) -> None:
    ward = Ward(tmp_path)
    assert ward.illness("starting") == "is starting"
    ward.manual.advance(100)
    assert ward.illness("stopping") is None
    ward.vitals.end()
    assert pulses(ward.folder) == []
