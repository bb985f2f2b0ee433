"""PeriodicTasks notes what is done to rows by way of their models, as programs that read it expect."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.core import serializers

from horarium.contrib.django.beat.models import (
    ClockedSchedule,
    CrontabSchedule,
    IntervalSchedule,
    PeriodicTask,
    PeriodicTasks,
    SolarSchedule,
)

pytestmark = pytest.mark.django_db
PAST = datetime(2000, 1, 1, tzinfo=UTC)
SCHEDULES: dict[str, Callable[[], Any]] = {
    "interval": lambda: IntervalSchedule(every=1, period="days"),
    "crontab": lambda: CrontabSchedule(minute="0"),
    "solar": lambda: SolarSchedule(event="sunset", latitude=Decimal(1), longitude=Decimal(2)),
    "clocked": lambda: ClockedSchedule(clocked_time=PAST),
}


def notes_a_change(do: Callable[[], object]) -> bool:
    """Do something; return whether it was noted."""
    PeriodicTasks.objects.update_or_create(ident=1, defaults={"last_update": PAST})
    do()
    changed = PeriodicTasks.last_change()
    assert changed is not None
    return changed > PAST


@pytest.mark.parametrize("kind", SCHEDULES)
def test_a_schedule_that_is_saved_or_deleted_is_noted(kind: str) -> None:
    row = SCHEDULES[kind]()
    assert notes_a_change(row.save)
    assert notes_a_change(row.save)
    assert notes_a_change(row.delete)


def test_a_periodic_task_that_is_saved_or_deleted_in_any_way_is_noted() -> None:
    every = IntervalSchedule.objects.create(every=1, period="days")
    row = PeriodicTask(name="a", task="t", interval=every)
    assert notes_a_change(row.save)
    text = serializers.serialize("json", [row])
    assert notes_a_change(row.delete)
    [loaded] = serializers.deserialize("json", text)
    assert notes_a_change(loaded.save)
    assert notes_a_change(PeriodicTask.objects.all().delete)
    PeriodicTask.objects.create(name="b", task="t", interval=every)
    assert notes_a_change(every.delete)
    assert not PeriodicTask.objects.exists()


def test_a_row_may_say_that_it_has_not_changed() -> None:
    row = PeriodicTask(name="a", task="t", interval=IntervalSchedule.objects.create(every=1, period="days"))
    row.no_changes = True  # type: ignore[misc]  # as their schedulers set it
    assert not notes_a_change(row.save)
    assert not notes_a_change(lambda: PeriodicTasks.changed(row))


def test_programs_may_note_a_change_themselves() -> None:
    row = PeriodicTask(name="a", task="t")
    assert notes_a_change(lambda: PeriodicTasks.changed(row))
    assert notes_a_change(PeriodicTasks.update_changed)
    PeriodicTasks.objects.all().delete()
    assert PeriodicTasks.last_change() is None
