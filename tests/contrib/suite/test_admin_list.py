"""The list of periodic tasks says how each fares, in few questions."""

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from admin_desk import LIST, desk_of
from admin_scene import make_scene
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from horarium import Horarium
from horarium.app.current import chosen
from horarium.contrib.django.beat.admin.filters import LOOKED_AT
from horarium.contrib.django.beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask

pytestmark = pytest.mark.django_db


@pytest.fixture
def app() -> Iterator[Horarium]:
    with Horarium("site", broker="memory://", beat_scheduler="django", set_as_current=False) as app, chosen(app):
        app.autodiscover_tasks()
        yield app


def states(page: str) -> dict[str, str]:
    """Return the state of each row by its name."""
    row = re.compile(r'field-name_and_task"><a [^>]*>([^<]+)<br>.*?<span class="hor-state [^>]*>([^<]+)<', re.DOTALL)
    return dict(row.findall(page))


def test_each_row_says_how_it_fares_row_103(app: Horarium) -> None:
    make_scene(app)
    page = desk_of("*").get(LIST).content.decode()
    assert states(page) == {
        "charge cards": "failing",
        "close the month": "paused",
        "launch mail": "waiting",
        "mail the customers": "in error",
        "new idea": "not seen yet",
        "nightly import": "ok",
        "old newsletter": "disabled",
        "purge carts": "running",
        "sunrise photo": "ok",
        "sync stock": "late",
        "weekly report": "ok",
    }
    assert "last 20 runs: 19 succeeded, 1 failed; the newest: succeeded" in page
    assert "paused by ana until" in page and "audit of the books" in page
    assert "No scheduler is alive" not in page and "CELERY_BEAT_SCHEDULER" not in page


def test_times_are_in_the_zone_of_the_row_and_in_utc_for_who_points_at_them(app: Horarium) -> None:
    rows = make_scene(app)
    page = desk_of("*").get(f"{LIST}?q=weekly").content.decode()
    stored = app.schedules.get("weekly report")
    assert rows["weekly report"].crontab is not None
    [there] = app.schedules.next("weekly report", 1)
    assert f"Mon {there.day}" in page and ("09:00 EST" in page or "09:00 EDT" in page)
    assert stored.next_fire is not None and f"{there.astimezone(timezone.get_fixed_timezone(0)):%Y-%m-%d %H}" in page


def test_a_list_of_a_hundred_rows_takes_as_many_queries_as_one_of_ten(app: Horarium) -> None:
    desk = desk_of("*")
    counted = []
    for number in (10, 90):
        every = IntervalSchedule.objects.create(every=number, period="hours")
        PeriodicTask.objects.bulk_create(
            PeriodicTask(name=f"{number}-{each}", task="shop.tasks.add", interval=every) for each in range(number)
        )
        with CaptureQueriesContext(connection) as queries:
            assert desk.get(LIST).status_code == 200
        counted.append(len(queries))
    assert counted[0] == counted[1] <= 7


def test_filters_offer_tasks_without_reading_the_table_and_accept_any(app: Horarium) -> None:
    every = IntervalSchedule.objects.create(every=1, period="hours")
    for name in ("a", "b"):
        PeriodicTask.objects.create(name=name, task=f"shop.tasks.{name}", interval=every)
    desk = desk_of("*")
    with CaptureQueriesContext(connection) as queries:
        assert set(states(desk.get(f"{LIST}?task=shop.tasks.b").content.decode())) == {"b"}
    assert not [each["sql"] for each in queries if "DISTINCT" in each["sql"]]
    start = 'SELECT "django_celery_beat_periodictask"."task"'
    assert [f"LIMIT {LOOKED_AT}" in each["sql"] for each in queries if each["sql"].startswith(start)] == [True]
    for query in ("enabled__exact=1", "one_off__exact=0", "owner=settings", "owner=people", "error=yes", "error=no"):
        assert desk.get(f"{LIST}?{query}").status_code == 200
    assert states(desk.get(f"{LIST}?q=tasks.a").content.decode()) == {"a": "not seen yet"}


def test_a_list_without_scheduler_says_so_and_so_does_one_whose_setting_reads_other_tables(app: Horarium) -> None:
    desk = desk_of("*")
    assert "No scheduler is alive" in desk.get(LIST).content.decode()
    of_code = "celery.beat:PersistentScheduler"
    with Horarium("other", broker="memory://", beat_scheduler=of_code, set_as_current=False) as other, chosen(other):
        assert "CELERY_BEAT_SCHEDULER" in desk.get(LIST).content.decode()


@pytest.mark.once
def test_pages_load_while_the_store_is_away_and_say_so() -> None:
    every = IntervalSchedule.objects.create(every=1, period="hours")
    task = PeriodicTask.objects.create(name="a", task="shop.tasks.add", interval=every, last_run_at=timezone.now())
    desk = desk_of("*")
    with (
        Horarium("away", broker="postgresql://127.0.0.1:9/none", beat_scheduler="django", set_as_current=False) as app,
        chosen(app),
    ):
        begun = app.clock.monotonic()
        page = desk.get(LIST).content.decode()
        first = app.clock.monotonic() - begun
        form = desk.get(f"{LIST}{task.pk}/change/").content.decode()
        second = app.clock.monotonic() - begun - first
    assert states(page) == {"a": "unknown"}
    assert "does not answer" in page and "does not answer" in form and "Every hour" in form
    assert first < 7 and second < 2  # the patience of one question at the most, and then none is asked


def test_a_row_that_raw_sql_made_unreadable_shows_its_error_and_hides_no_other(app: Horarium) -> None:
    daily = CrontabSchedule.objects.create(minute="0", hour="4")
    huge = IntervalSchedule.objects.create(every=1, period="days")
    PeriodicTask.objects.create(name="good", task="shop.tasks.add", interval=huge)
    bad = PeriodicTask.objects.create(name="bad", task="shop.tasks.add", crontab=daily, start_time=timezone.now())
    with connection.cursor() as cursor:
        cursor.execute("UPDATE django_celery_beat_crontabschedule SET timezone = 'Mars/Base', minute = 'x'")
        cursor.execute("UPDATE django_celery_beat_intervalschedule SET every = 2000000000")
    desk = desk_of("*")
    assert set(states(desk.get(LIST).content.decode())) == {"good", "bad"}
    for page in (f"{LIST}{bad.pk}/change/", f"/admin/django_celery_beat/crontabschedule/{daily.pk}/change/"):
        response = desk.get(page)
        assert response.status_code == 200 and "errornote" in response.content.decode()
    assert desk.get("/admin/django_celery_beat/crontabschedule/").status_code == 200


def test_a_schedule_of_somebody_else_with_the_name_of_a_row_is_shown_as_such(app: Horarium) -> None:
    every = IntervalSchedule.objects.create(every=1, period="hours")
    PeriodicTask.objects.create(name="news", task="shop.tasks.add", interval=every)
    app.schedules.create("news", "shop.tasks.add", timedelta(hours=1), args=(1, 2))
    assert states(desk_of("*").get(LIST).content.decode()) == {"news": "overruled"}
