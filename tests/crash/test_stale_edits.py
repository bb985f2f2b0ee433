"""An edit that was read before a firing and is saved after it: found by four schedulers and a person at random, here
step by step."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from horarium import Horarium, every
from horarium.clock import ManualClock
from horarium.engines.memory import MemoryEngine
from horarium.engines.protocol import Engine
from horarium.engines.records import Page, RunFilter
from horarium.engines.sqlite import SqliteEngine
from horarium.scheduler.beat import Scheduler
from horarium.schedules import policy
from horarium.schedules.record import Schedule


class Scene:
    """An app with a schedule of every second, on a clock that is moved by hand."""

    def __init__(self, path: Path | None, **changes: object) -> None:
        self.clock = ManualClock()
        self.engine: Engine = SqliteEngine(path, clock=self.clock) if path else MemoryEngine(clock=self.clock)
        self.app = Horarium("scene", engine=self.engine, clock=self.clock, set_as_current=False)
        self.app.add_task(lambda: None, {"name": "tick"})
        self.scheduler = Scheduler(self.app)
        entry = self.app.schedule_entry("often", {"task": "tick", "schedule": every(1)})
        now = self.clock.now()
        self.engine.schedules.save([policy.create(replace(entry, owner="person", **changes), now=now)], now=now)

    @property
    def schedule(self) -> Schedule:
        (schedule,) = self.engine.schedules.get(["often"])
        assert schedule is not None
        return schedule

    def turn(self, seconds: float) -> None:
        self.scheduler.tick(self.clock.advance(seconds))

    def save(self, read: Schedule) -> None:
        self.engine.schedules.save([replace(read, pause_note="edited")], now=self.clock.now())

    def fired(self) -> int:
        return len(self.engine.results.search(RunFilter(), Page(limit=100)).runs)


@pytest.fixture(params=["memory", "sqlite"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path | None:
    return None if request.param == "memory" else tmp_path / "store.db"


def test_an_edit_read_before_firings_and_saved_after_them_makes_no_miss_of_them(path: Path | None) -> None:
    scene = Scene(path)
    read = scene.schedule
    scene.turn(1.0)
    scene.turn(1.0)
    scene.save(read)
    scene.turn(1.0)
    assert scene.fired() == scene.schedule.total_runs == 3
    assert scene.schedule.missed == 0
    scene.engine.close()


def test_an_edit_read_before_the_last_run_that_is_allowed_does_not_allow_another(path: Path | None) -> None:
    scene = Scene(path, max_runs=2)
    scene.turn(1.0)
    read = scene.schedule
    scene.turn(1.0)
    scene.save(read)
    scene.turn(1.0)
    scene.turn(1.0)
    assert scene.fired() == scene.schedule.total_runs == 2
    scene.engine.close()
