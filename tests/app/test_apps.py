"""Any number of apps in a process, shared tasks, and schedules from code."""

from __future__ import annotations

from pathlib import Path

import apsw
import pytest

from horarium.app import shared
from horarium.app.app import Horarium, current_app, shared_task
from horarium.app.shared import SharedTask
from horarium.app.task import Task
from horarium.clock import ManualClock
from horarium.engines.memory import MemoryEngine
from horarium.errors import EngineUnavailable, ImproperlyConfigured, InvalidSchedule
from horarium.schedules import crontab, every
from horarium.testing import drain, isolated


@pytest.fixture(autouse=True)
def declarations(monkeypatch: pytest.MonkeyPatch) -> tuple[SharedTask, SharedTask]:
    """Two shared tasks that no app of another test takes over."""
    monkeypatch.setattr(shared, "shared_tasks", [])

    def greet(name: str = "you") -> str:
        return f"hello {name}"

    def retries(self: Task) -> int | None:
        return self.max_retries

    return shared_task(greet), shared_task(bind=True, name="shared.retries", max_retries=7)(retries)


def make(name: str) -> Horarium:
    clock = ManualClock()
    return Horarium(name, engine=MemoryEngine(clock=clock), clock=clock)


def test_every_app_has_the_shared_tasks(declarations: tuple[SharedTask, SharedTask]) -> None:
    one, two = make("one"), make("two")
    for app in (one, two):
        assert {f"{__name__}.greet", "shared.retries"} <= set(app.tasks)
    assert one.tasks["shared.retries"] is not two.tasks["shared.retries"]


def test_a_shared_task_is_sent_to_the_newest_app_or_the_chosen_one(
    declarations: tuple[SharedTask, SharedTask],
) -> None:
    greet, retries = declarations
    one, two = make("one"), make("two")
    assert current_app() is two
    greet.delay("two")
    one.set_current()
    try:
        greet.delay("one")
        assert retries.delay().app is one
    finally:
        two.set_current()
    assert [p.text for p in drain(one)] == ['"hello one"', "7"]
    assert [p.text for p in drain(two)] == ['"hello two"']


def test_a_shared_task_is_called_like_a_function(declarations: tuple[SharedTask, SharedTask]) -> None:
    greet, _ = declarations
    assert greet("ana") == "hello ana"


def test_apps_share_no_settings() -> None:
    one, two = make("one"), make("two")
    one.conf.task_default_queue = "mine"
    assert two.conf.task_default_queue == "default"


def test_schedules_come_from_settings_tasks_and_calls(app: Horarium) -> None:
    @app.task(schedule=every(60), name="tick")
    def tick() -> None: ...

    @app.on_after_configure.connect
    def setup(sender: Horarium, **_: object) -> None:
        sender.add_periodic_task(30.0, tick.s(), name="faster")

    app.conf.beat_schedule = {"daily": {"task": "tick", "schedule": crontab(minute=0, hour=6), "kwargs": {}}}
    entries = {entry.name: entry for entry in app.schedule_entries()}
    assert set(entries) == {"tick", "faster", "daily"}
    assert all(entry.owner == "code" and entry.task == "tick" for entry in entries.values())


def test_two_periodic_tasks_cannot_have_one_name(app: Horarium) -> None:
    task = app.task(name="tick")(lambda: None)
    app.add_periodic_task(10, task.s(), name="a")
    with pytest.raises(ImproperlyConfigured, match="'a'"):
        app.add_periodic_task(20, task.s(), name="a")


def test_an_entry_that_is_wrong_is_named(app: Horarium) -> None:
    app.conf.beat_schedule = {"nightly": {"task": "x", "schedule": crontab(hour=6), "quueue": "y"}}
    with pytest.raises((InvalidSchedule, ImproperlyConfigured), match="nightly"):
        app.schedule_entries()


def test_an_app_can_be_tested_away_from_its_store(tmp_path: Path) -> None:
    app = Horarium("shop", store=f"sqlite:///{tmp_path}/shop.db", set_as_current=False)
    task = app.task(name="later")(lambda: "done")
    with isolated(app) as clock:
        result = task.apply_async(countdown=3600)
        assert drain(app) == []
        clock.advance(3600)
        drain(app)
        assert result.get() == "done"
    assert not (tmp_path / "shop.db").exists()
    assert app.engine.inspector.counts().states == {}
    app.close()


def test_a_publish_gives_up_at_its_deadline(tmp_path: Path) -> None:
    app = Horarium("shop", store=f"sqlite:///{tmp_path}/shop.db", task_publish_timeout=0.3, set_as_current=False)
    task = app.task(name="quick")(lambda: None)
    task.delay()
    other = apsw.Connection(str(tmp_path / "shop.db"))
    other.execute("BEGIN IMMEDIATE")
    try:
        with pytest.raises(EngineUnavailable):
            task.delay()
    finally:
        other.execute("ROLLBACK")
        other.close()
    task.delay()
    assert app.engine.inspector.counts().states == {"PENDING": 2}
    app.close()
