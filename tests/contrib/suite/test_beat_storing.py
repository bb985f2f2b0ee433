"""Rows become schedules of the store, each judged on its own."""

from collections.abc import Iterator

import pytest
from django.db import connection

from horarium import Horarium
from horarium.contrib.django.beat.bringing import bring
from horarium.contrib.django.beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask

pytestmark = pytest.mark.django_db


@pytest.fixture
def app() -> Iterator[Horarium]:
    with Horarium("site", broker="memory://", set_as_current=False) as app:
        yield app


def test_rows_are_stored_at_once_and_say_what_is_wrong(app: Horarium) -> None:
    hourly, _ = IntervalSchedule.objects.get_or_create(every=1, period="hours")
    good = PeriodicTask.objects.create(name="good", task="shop.tasks.add", interval=hourly)
    bad = PeriodicTask.objects.create(name="bad", task="shop.tasks.add", interval=hourly, args="[1")
    errors = bring(app, [good, bad])
    assert errors[good.pk] == ""
    assert "expected args to be JSON" in errors[bad.pk]
    [stored, missing] = app.engine.schedules.get(["good", "bad"])
    assert stored is not None and stored.owner == "table" and stored.next_fire is not None
    assert missing is None


def test_a_zone_that_raw_sql_wrote_wrong_hinders_no_other_row(app: Horarium) -> None:
    daily = CrontabSchedule.objects.create(minute="0", hour="4")
    lost = CrontabSchedule.objects.create(minute="0", hour="5")
    good = PeriodicTask.objects.create(name="good", task="shop.tasks.add", crontab=daily)
    bad = PeriodicTask.objects.create(name="bad", task="shop.tasks.add", crontab=lost)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE django_celery_beat_crontabschedule SET timezone = 'Mars/Base' WHERE id = %s", [lost.pk])
    errors = bring(app, [good, bad])
    assert errors[good.pk] == ""
    assert "Mars/Base" in errors[bad.pk]
