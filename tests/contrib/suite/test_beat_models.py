"""The tables of schedules as models."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from horarium import schedules
from horarium.contrib.django.beat.models import (
    ClockedSchedule,
    CrontabSchedule,
    IntervalSchedule,
    PeriodicTask,
    SolarSchedule,
)


@pytest.mark.django_db
def test_a_periodic_task_is_made_as_the_guides_make_it_rows_90_91_and_93() -> None:
    schedule, _ = CrontabSchedule.objects.get_or_create(
        minute="0", hour="9", day_of_week="*", day_of_month="*", month_of_year="*"
    )
    PeriodicTask.objects.get_or_create(name="My Task", task="shop.tasks.add", crontab=schedule, enabled=True)
    assert list(PeriodicTask.objects.filter(enabled=True).values("name", "task")) == [
        {"name": "My Task", "task": "shop.tasks.add"}
    ]
    assert str(schedule.timezone) == "UTC"


def test_a_crontab_says_what_it_means_in_words() -> None:
    row = CrontabSchedule(minute="0", hour="7", day_of_week="mon-fri", timezone="Europe/Berlin")
    assert row.human_readable == "At 07:00, Monday through Friday Europe/Berlin"
    assert CrontabSchedule(minute="99").human_readable == "99 * * * * (m/h/dM/MY/d) UTC"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("model", "schedule", "row"),
    [
        (IntervalSchedule, schedules.every(90), {"every": 90, "period": "seconds"}),
        (IntervalSchedule, schedules.every(1.5), {"every": 1_500_000, "period": "microseconds"}),
        (CrontabSchedule, schedules.crontab(minute=[0, 30], hour={7}), {"minute": "0,30", "hour": "7"}),
        (SolarSchedule, schedules.solar("sunset", 52.5, 13.4), {"event": "sunset"}),
        (ClockedSchedule, schedules.clocked(0), {"clocked_time": datetime(1970, 1, 1, tzinfo=UTC)}),
    ],
)
def test_a_schedule_finds_its_row_or_gets_one(model: Any, schedule: Any, row: dict[str, Any]) -> None:
    made = model.from_schedule(schedule)
    assert made.pk is None and made.schedule == schedule
    assert {name: getattr(made, name) for name in row} == row
    made.save()
    assert model.from_schedule(schedule) == made
