"""The tables of schedules as models."""

import pytest

from horarium.contrib.django.beat.models import CrontabSchedule, PeriodicTask


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
