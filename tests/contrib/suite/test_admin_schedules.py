"""The admin of the rows that say when: in words, who uses them, and what goes with them."""

from collections.abc import Iterator

import pytest
from admin_desk import desk_of, errors_of
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from horarium import Horarium
from horarium.app.current import chosen
from horarium.contrib.django.beat.models import CrontabSchedule, PeriodicTask, SolarSchedule

pytestmark = pytest.mark.django_db
CRONTABS = "/admin/django_celery_beat/crontabschedule/"


@pytest.fixture
def desk() -> Iterator[Client]:
    with Horarium("site", broker="memory://", beat_scheduler="django", set_as_current=False) as app, chosen(app):
        app.autodiscover_tasks()
        yield desk_of("*")


@pytest.fixture
def used(desk: Client) -> CrontabSchedule:
    row = CrontabSchedule.objects.create(minute="30", hour="2", timezone="Europe/Berlin")
    PeriodicTask.objects.bulk_create(
        PeriodicTask(name=f"task {number:04}", task="shop.tasks.add", crontab=row) for number in range(300)
    )
    return row


def test_crontabs_are_told_in_words_with_their_next_runs(desk: Client, used: CrontabSchedule) -> None:
    assert "At 02:30" in desk.get(CRONTABS).content.decode()
    page = desk.get(f"{CRONTABS}{used.pk}/change/").content.decode()
    assert "At 02:30" in page and "02:30 CE" in page


def test_the_users_of_a_schedule_are_named_a_few_of_many(desk: Client, used: CrontabSchedule) -> None:
    with CaptureQueriesContext(connection) as queries:
        page = desk.get(f"{CRONTABS}{used.pk}/change/").content.decode()
    assert page.count("shop.tasks.add") == 20 and "All 300 of them" in page and len(queries) <= 7
    assert f"?crontab__id__exact={used.pk}" in page
    shown = desk.get(f"/admin/django_celery_beat/periodictask/?crontab__id__exact={used.pk}")
    assert "300 periodic tasks" in shown.content.decode()
    alone = SolarSchedule.objects.create(event="sunset", latitude=1, longitude=2)
    page = desk.get(f"/admin/django_celery_beat/solarschedule/{alone.pk}/change/").content.decode()
    assert "No periodic task." in page


def test_deleting_a_schedule_names_what_goes_with_it_and_offers_to_disable(desk: Client, used: CrontabSchedule) -> None:
    page = desk.get(f"{CRONTABS}{used.pk}/delete/").content.decode()
    assert "300 periodic tasks use this schedule and would be deleted with it" in page
    assert "and 280 more" in page and "Disable these tasks, delete nothing" in page
    assert desk.post(f"{CRONTABS}{used.pk}/delete/", {"_disable": "1"}).status_code == 302
    assert PeriodicTask.objects.filter(enabled=False).count() == 300
    assert LogEntry.objects.filter(change_message__startswith="Disabled, instead").count() == 300
    assert desk.post(f"{CRONTABS}{used.pk}/delete/", {"post": "yes"}).status_code == 302
    assert not PeriodicTask.objects.exists() and not CrontabSchedule.objects.exists()


def test_deleting_several_schedules_names_their_tasks_too(desk: Client, used: CrontabSchedule) -> None:
    chosen_rows = {"action": "delete_selected", "_selected_action": [used.pk], "index": 0}
    page = desk.post(CRONTABS, chosen_rows).content.decode()
    assert "task 0000" in page and "and 280 more" in page and "Periodic tasks: 300" in page
    assert desk.post(CRONTABS, {**chosen_rows, "post": "yes"}).status_code == 302
    assert not CrontabSchedule.objects.exists()


def test_an_invalid_crontab_is_refused_at_its_field(desk: Client) -> None:
    sent = {"minute": "61", "hour": "*", "day_of_month": "*", "month_of_year": "*", "day_of_week": "*"}
    response = desk.post(f"{CRONTABS}add/", {**sent, "timezone": "Mars/Base"})
    assert set(response.context["adminform"].form.errors) == {"minute", "timezone"}


@pytest.mark.parametrize(
    ("model", "sent", "field", "said"),
    [
        ("crontab", {"day_of_month": "31", "month_of_year": "2"}, "day_of_month", "which it never has"),
        ("crontab", {"minute": "61"}, "minute", "Expected minute to be * or 0-59"),
        ("interval", {"every": "1", "period": "microseconds"}, "every", "give at least 0.001 s"),
    ],
)
def test_what_no_task_could_use_is_refused_at_its_field(
    desk: Client, model: str, sent: dict[str, str], field: str, said: str
) -> None:
    base = {
        "minute": "0",
        "hour": "6",
        "day_of_month": "*",
        "month_of_year": "*",
        "day_of_week": "*",
        "timezone": "UTC",
    }
    response = desk.post(f"/admin/django_celery_beat/{model}schedule/add/", {**base, **sent})
    errors = errors_of(response)
    assert list(errors) == [field] and said in errors[field][0] and "the guide" not in errors[field][0]
