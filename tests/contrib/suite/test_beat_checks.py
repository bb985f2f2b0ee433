"""What ``manage.py check`` says of schedules."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.core import checks
from site_project.celery import app

from horarium import Horarium
from horarium.app import current
from horarium.contrib.django import checks as project_checks
from horarium.contrib.django.beat.models import IntervalSchedule, PeriodicTask

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def its_app() -> Iterator[None]:
    with current.chosen(app):
        yield
    del app.conf.beat_schedule, app.conf.beat_scheduler  # what Django's settings say holds again


@pytest.fixture
def hourly() -> IntervalSchedule:
    return IntervalSchedule.objects.create(every=1, period="hours")


def said() -> dict[str, checks.CheckMessage]:
    messages = checks.run_checks(databases=["default"])
    return {message.id.rpartition(".")[2]: message for message in messages if message.id.startswith("horarium.beat")}


def test_nothing_is_said_of_a_project_that_is_in_order(hourly: IntervalSchedule) -> None:
    PeriodicTask.objects.create(name="a", task="shop.tasks.add", interval=hourly)
    assert said() == {}


def test_a_zone_that_there_is_not_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    # Not by override_settings: the app hears of that, and refuses the zone.
    monkeypatch.setattr(settings, "CELERY_TIMEZONE", "Mars/Base")
    assert "'Mars/Base'" in said()["W001"].msg


def test_settings_that_cannot_be_read_are_one_error_and_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    made = Horarium("slip", set_as_current=False)
    made.config_from_object({"CELERY_TIMEZONE": "Mars/Base"}, namespace="CELERY")
    monkeypatch.setattr(project_checks, "project_app", lambda: made)
    with current.chosen(made):
        assert said() == {}
        assert [each.id for each in checks.run_checks() if each.id.startswith("horarium.E0")] == ["horarium.E001"]


def test_an_entry_that_cannot_be_read_is_told_with_the_remedy() -> None:
    app.conf.beat_schedule = {"clean": {"task": "shop.tasks.add"}}
    message = said()["W002"]
    assert "clean" in message.msg and "add 'schedule'" in message.msg


def test_rows_that_the_scheduler_does_not_read_are_told_row_8(hourly: IntervalSchedule) -> None:
    app.conf.beat_scheduler = "celery.beat:PersistentScheduler"
    assert said() == {}
    row = PeriodicTask.objects.create(name="a", task="shop.tasks.add", interval=hourly)
    message = said()["W003"]
    assert message.msg.startswith("1 enabled periodic tasks") and "CELERY_BEAT_SCHEDULER" in message.hint
    row.enabled = False
    row.save()
    assert said() == {}


def test_rows_that_name_a_task_that_nobody_knows_are_told(hourly: IntervalSchedule) -> None:
    for number in range(7):
        PeriodicTask.objects.create(name=f"{number}", task=f"shop.tasks.old_{number}", interval=hourly)
    assert "shop.tasks.old_0, shop.tasks.old_1" in said()["W004"].msg
    assert "and 2 more" in said()["W004"].msg


def test_a_module_of_tasks_that_cannot_be_imported_hinders_nothing(
    hourly: IntervalSchedule, monkeypatch: pytest.MonkeyPatch
) -> None:
    PeriodicTask.objects.create(name="a", task="shop.tasks.add", interval=hourly)
    monkeypatch.setattr(app.conf, "include", ("shop.there_is_none",), raising=False)
    assert "shop.there_is_none" in said()["W005"].msg


def test_rows_are_not_read_by_a_check_without_a_database(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        checks.run_checks()
