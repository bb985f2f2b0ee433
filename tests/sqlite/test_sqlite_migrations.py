"""A store that an earlier version has written is brought up to date when it is opened, and its work goes on."""

from __future__ import annotations

from pathlib import Path

import apsw
import msgspec
import pytest

from horarium.clock import Instant
from horarium.engines.records import MaintenancePolicy, Member
from horarium.engines.sqlite import SqliteEngine, migrate
from horarium.message import Message
from horarium.outcome import Failed, Settlement, Succeeded, told
from horarium.schedules.record import Fate, Firing, Schedule

DUE: Instant = 1_700_000_060_000
NOW: Instant = DUE - 60_000


@pytest.fixture
def first_version(path: Path) -> None:
    """A store of version 1 with a schedule that has fired, and the run of that."""
    connection = apsw.Connection(str(path))
    connection.execute(migrate.MIGRATIONS[1].read_text(encoding="utf-8"))
    connection.pragma("user_version", 1)
    connection.pragma("application_id", migrate.APPLICATION_ID)
    schedule = {
        "id": "S",
        "name": "s",
        "task": "t",
        "spec": {"type": "every", "seconds": 60},
        "anchor": NOW,
        "created": NOW,
        "changed": NOW,
        "version": 1,
        "next_fire": NOW,
    }
    connection.execute(
        "INSERT INTO schedules VALUES ('s', 'S', 'person', 1, 1, ?, ?, 1, 3, ?)",
        (DUE, NOW, msgspec.json.encode(schedule)),
    )
    connection.execute("INSERT INTO firings VALUES (?, 'S', 'auto')", (NOW,))
    message = {"id": "m", "task": "t", "created": NOW, "schedule": "s", "nominal": NOW}
    connection.execute(
        "INSERT INTO runs (seq, id, phase, state, queue, task, rank, due, turn, once, schedule, changed, message)"
        " VALUES (?, 'm', 0, 'PENDING', 'default', 't', 0, ?, 1, 0, 's', ?, ?)",
        (NOW << 20, NOW, NOW, msgspec.json.encode(message)),
    )
    connection.close()


def firing(schedule: Schedule, **fields: object) -> Firing:
    message = Message(id=f"m{schedule.next_fire}", task="t", created=NOW, schedule="s", nominal=schedule.next_fire)
    base = Firing(schedule="s", version=1, expected=schedule.next_fire, messages=(message,), next_fire=DUE + 60_000)
    return msgspec.structs.replace(base, **fields)


def test_a_schedule_of_the_first_version_is_read_as_it_was(first_version: None, engine: SqliteEngine) -> None:
    (schedule,) = engine.schedules.due(DUE, 10)
    assert engine.schedules.get(["s"]) == [schedule]
    assert (schedule.next_fire, schedule.last_fire, schedule.total_runs, schedule.missed) == (DUE, NOW, 1, 3)
    assert (schedule.skipped, schedule.held, schedule.failures) == (0, False, 0)
    assert (schedule.succeeded, schedule.ended) == (None, None)
    with engine._store.read() as db:
        assert db.pragma("user_version") == migrate.LATEST


@pytest.mark.parametrize("succeeds", [True, False])
def test_a_run_of_the_first_version_is_in_the_way_and_ends_the_hold(
    first_version: None, engine: SqliteEngine, succeeds: bool
) -> None:
    (schedule,) = engine.schedules.due(DUE, 10)
    assert engine.schedules.fire([firing(schedule, overlap="queue_one")], now=DUE) == [Fate.HELD]
    engine.queue.renew([Member(owner="a", kind="child", name="a")], now=DUE, lease=30.0)
    (delivery,) = engine.queue.claim(["default"], "a", 9, now=DUE)
    outcome = Succeeded(result=None) if succeeds else Failed(error=told("HorariumError", "no"))
    settlement = Settlement(id="m", owner="a", fence=delivery.fence, outcome=outcome)
    engine.queue.settle([settlement], now=DUE, policy=MaintenancePolicy())
    (after,) = engine.schedules.due(DUE, 10)
    assert (after.succeeded, after.failures, after.ended) == ((NOW, 0, DUE) if succeeds else (None, 1, DUE))
    assert engine.schedules.fire([firing(after, overlap="queue_one")], now=DUE) == [Fate.SENT]
