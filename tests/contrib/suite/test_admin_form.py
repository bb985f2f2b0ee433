"""The form of a periodic task: errors at the field, a preview by the scheduler's own rules, nothing loaded in bulk."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from admin_desk import LIST, desk_of, errors_of, filled, told
from admin_scene import make_scene
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from horarium import Horarium
from horarium.app.current import chosen
from horarium.contrib.django.beat.admin import PeriodicTaskForm
from horarium.contrib.django.beat.bringing import bring
from horarium.contrib.django.beat.models import ClockedSchedule, CrontabSchedule, IntervalSchedule, PeriodicTask
from horarium.contrib.django.columns import zoned
from horarium.contrib.django.models import ScheduleExtra

pytestmark = pytest.mark.django_db
PREVIEW = f"{LIST}preview/"


@pytest.fixture
def app() -> Iterator[Horarium]:
    with (
        Horarium(
            "site", broker="memory://", beat_scheduler="django", timezone="Europe/Berlin", set_as_current=False
        ) as app,
        chosen(app),
    ):
        app.autodiscover_tasks()
        yield app


@pytest.fixture
def hourly(app: Horarium) -> IntervalSchedule:
    return IntervalSchedule.objects.create(every=1, period="hours")


@pytest.fixture
def desk(app: Horarium) -> Client:
    return desk_of("*")


def moment(field: str, day: str) -> dict[str, str]:
    return {f"{field}_0": day, f"{field}_1": "00:00"}


def test_a_task_is_added_row_98(desk: Client, hourly: IntervalSchedule) -> None:
    response = desk.post(f"{LIST}add/", filled(interval=hourly.pk, kwargs='{"one": 1}', overlap="skip", grace="60"))
    assert response.status_code == 302
    task = PeriodicTask.objects.get()
    assert (task.name, task.task, task.kwargs, task.interval) == ("news", "shop.tasks.add", '{"one": 1}', hourly)
    assert ScheduleExtra.objects.get(pk=task.pk).options == {"overlap": "skip", "grace": 60.0}


def test_a_schedule_is_switched_to_another_kind_and_back_rows_99_and_102(
    desk: Client, hourly: IntervalSchedule
) -> None:
    minutely = CrontabSchedule.objects.create()
    task = PeriodicTask.objects.create(name="news", task="shop.tasks.add", interval=hourly)
    for chosen_kind, fields in (("crontab", {"crontab": minutely.pk}), ("interval", {"interval": hourly.pk})):
        assert desk.post(f"{LIST}{task.pk}/change/", filled(**fields)).status_code == 302
        task.refresh_from_db()
        assert getattr(task, chosen_kind) is not None and task.scheduler == getattr(task, chosen_kind)


def test_a_task_is_disabled_by_unticking_it_and_enabled_again_row_100(desk: Client, hourly: IntervalSchedule) -> None:
    task = PeriodicTask.objects.create(name="news", task="shop.tasks.add", interval=hourly)
    for fields, is_enabled in (({"enabled": ""}, False), ({"enabled": "on"}, True)):
        sent = filled(interval=hourly.pk, **fields)
        assert desk.post(f"{LIST}{task.pk}/change/", {k: v for k, v in sent.items() if v}).status_code == 302
        task.refresh_from_db()
        assert task.enabled is is_enabled


@pytest.mark.parametrize(
    ("fields", "at"),
    [
        ({"args": '{"one": 1}'}, "args"),
        ({"args": "[1"}, "args"),
        ({"kwargs": "[1]"}, "kwargs"),
        ({"headers": "3"}, "headers"),
        ({**moment("expires", "2030-01-01"), "expire_seconds": "5"}, "expires"),
        ({"jitter": "-1"}, "jitter"),
        ({"jitter": "60", "expire_seconds": "5"}, "expire_seconds"),
        ({"max_active": "3"}, "overlap"),
        ({"catchup": "sometimes"}, "catchup"),
        ({"catchup_spacing": "5", "overlap": "skip"}, "catchup_spacing"),
        ({"catchup_limit": "5000"}, "catchup_limit"),
        ({"priority": "300"}, "priority"),
        ({"task": ""}, "task"),
        ({**moment("start_time", "2030-01-01"), **moment("expires", "2029-01-01")}, "expires"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(
    desk: Client, hourly: IntervalSchedule, fields: dict[str, str], at: str
) -> None:
    response = desk.post(f"{LIST}add/", filled(interval=hourly.pk, **fields))
    assert response.status_code == 200
    assert at in errors_of(response) and not PeriodicTask.objects.exists()


def test_two_schedules_none_and_a_clock_without_one_off_are_refused(desk: Client, hourly: IntervalSchedule) -> None:
    minutely = CrontabSchedule.objects.create()
    clock = ClockedSchedule.objects.create(clocked_time=timezone.now() + timedelta(days=1))
    two = errors_of(desk.post(f"{LIST}add/", filled(interval=hourly.pk, crontab=minutely.pk)))
    assert set(two) == {"interval", "crontab"}
    assert set(errors_of(desk.post(f"{LIST}add/", filled()))) == {"__all__"}
    assert set(errors_of(desk.post(f"{LIST}add/", filled(clocked=clock.pk)))) == {"one_off"}
    assert desk.post(f"{LIST}add/", filled(clocked=clock.pk, one_off="on")).status_code == 302


def test_a_crontab_that_never_comes_is_refused_at_the_crontab(desk: Client) -> None:
    rows = CrontabSchedule.objects.bulk_create([CrontabSchedule(day_of_month="31", month_of_year="2")])
    assert set(errors_of(desk.post(f"{LIST}add/", filled(crontab=rows[0].pk)))) == {"crontab"}


def test_an_unknown_task_is_saved_with_a_warning_that_names_the_nearest(desk: Client, hourly: IntervalSchedule) -> None:
    response = desk.post(f"{LIST}add/", filled(task="shop.tasks.ad", interval=hourly.pk))
    assert response.status_code == 302
    assert any("Did you mean shop.tasks.add?" in text for text in told(response))


def test_the_form_offers_known_tasks_and_shows_options_error_and_runs(app: Horarium, desk: Client) -> None:
    rows = make_scene(app)
    page = desk.get(f"{LIST}{rows['nightly import'].pk}/change/").content.decode()
    assert '<option value="shop.tasks.add">' in page and '<option value="shop.tasks.import_prices">' in page
    assert re.search(r'name="grace" value="600.0"', page) and '<option value="skip" selected>' in page
    assert page.count("hor-bad") == 1 and "GatewayError: the gateway refused order 1010" in page
    broken = desk.get(f"{LIST}{rows['mail the customers'].pk}/change/").content.decode()
    assert 'errornote">No scheduler can use this row. Expected args to be JSON' in broken


def test_saving_keeps_options_that_the_form_does_not_know(desk: Client, hourly: IntervalSchedule) -> None:
    task = PeriodicTask.objects.create(name="news", task="shop.tasks.add", interval=hourly)
    kept = {"relative": True, "jitter": 5.0}
    ScheduleExtra.objects.create(pk=task.pk, options=kept, error="as it was", origin="settings")
    desk.post(f"{LIST}{task.pk}/change/", filled(interval=hourly.pk, jitter=""))
    extra = ScheduleExtra.objects.get(pk=task.pk)
    assert (extra.options, extra.error, extra.origin) == ({"relative": True}, "", "settings")


def test_an_edit_form_loads_no_table_and_takes_few_queries(desk: Client, hourly: IntervalSchedule) -> None:
    CrontabSchedule.objects.bulk_create([CrontabSchedule(minute=str(n % 60), hour=str(n % 24)) for n in range(500)])
    start = timezone.now()
    ClockedSchedule.objects.bulk_create([ClockedSchedule(clocked_time=start + timedelta(hours=n)) for n in range(500)])
    task = PeriodicTask.objects.create(name="news", task="shop.tasks.add", interval=hourly)
    with CaptureQueriesContext(connection) as queries:
        page = desk.get(f"{LIST}{task.pk}/change/").content.decode()
    assert len(page) < 80_000 and len(queries) <= 10
    tables = [each["sql"] for each in queries if "clockedschedule" in each["sql"] or "crontabschedule" in each["sql"]]
    assert all("WHERE" in sql for sql in tables)


def test_a_search_for_a_schedule_counts_no_further_than_it_shows(desk: Client) -> None:
    start = timezone.now()
    ClockedSchedule.objects.bulk_create([ClockedSchedule(clocked_time=start + timedelta(hours=n)) for n in range(50)])
    asked = {"app_label": "django_celery_beat", "model_name": "periodictask", "field_name": "clocked", "term": ""}
    with CaptureQueriesContext(connection) as queries:
        answer = desk.get("/admin/autocomplete/", asked).json()
    assert len(answer["results"]) == 20 and answer["pagination"]["more"]
    assert not [each["sql"] for each in queries if "COUNT(" in each["sql"]]
    CrontabSchedule.objects.create(minute="7", hour="3")
    found = desk.get("/admin/autocomplete/", {**asked, "field_name": "crontab", "term": "7 3"}).json()
    assert [each["text"] for each in found["results"]] == ["7 3 * * * (m/h/dM/MY/d) UTC"]


def test_the_preview_says_what_the_scheduler_will_do_with_clock_changes(desk: Client) -> None:
    nightly = CrontabSchedule.objects.create(minute="30", hour="2", timezone="Europe/Berlin")
    found = desk.post(PREVIEW, filled(crontab=nightly.pk, name="", task="shop.tasks.ad")).json()
    assert (found["text"], found["zone"], len(found["runs"])) == ("At 02:30", "Europe/Berlin", 5)
    assert "02:30 CE" in found["runs"][0]["local"] and found["runs"][0]["utc"].endswith("UTC")
    marks = [each["remark"] for each in found["runs"] + found["changes"] if each["remark"]]
    assert any("does not exist on this day" in mark for mark in marks)
    assert any("repeated hour" in mark for mark in marks)
    assert "Did you mean shop.tasks.add?" in found["notes"][0]
    skipping = desk.post(PREVIEW, filled(crontab=nightly.pk, dst_gap="skip")).json()
    assert not any("does not exist" in each["remark"] for each in skipping["runs"] + skipping["changes"])


def test_the_preview_of_a_row_in_the_making_says_what_is_wrong(desk: Client, hourly: IntervalSchedule) -> None:
    found = desk.post(PREVIEW, filled(interval=hourly.pk, jitter="x")).json()
    assert found["errors"] == ["Jitter: Enter a number."] and not found["runs"]
    nothing = desk.post(PREVIEW, filled()).json()
    assert nothing["notes"] == ["Choose a schedule to see when it will run."] and not nothing["errors"]
    task = PeriodicTask.objects.create(name="news", task="shop.tasks.add", interval=hourly)
    assert desk.post(PREVIEW, filled(_pk=task.pk)).json() == nothing
    in_berlin = desk.post(PREVIEW, filled(interval=hourly.pk)).json()
    assert in_berlin["zone"] == "Europe/Berlin"


def test_the_preview_of_a_saved_row_goes_on_from_where_the_store_is(
    app: Horarium, desk: Client, hourly: IntervalSchedule
) -> None:
    ran = timezone.now() - timedelta(minutes=20)
    task = PeriodicTask.objects.create(name="news", task="shop.tasks.add", interval=hourly, last_run_at=ran)
    assert bring(app, [task]) == {task.pk: ""}
    shown = desk.get(f"{LIST}{task.pk}/change/").context["preview"].runs[0]
    sent = desk.post(PREVIEW, filled(_pk=task.pk, interval=hourly.pk, args="[")).json()["runs"][0]
    due = ran + timedelta(hours=1)
    assert shown.utc == sent["utc"] == f"{due:%Y-%m-%d %H:%M:%S} UTC"
    daily = IntervalSchedule.objects.create(every=1, period="days")
    moved = desk.post(PREVIEW, filled(_pk=task.pk, interval=daily.pk)).json()["runs"][0]
    assert moved["utc"] == f"{ran + timedelta(days=1):%Y-%m-%d %H:%M:%S} UTC"


@pytest.mark.once
@pytest.mark.parametrize("hostile", ["*/1," * 5000, "0-99999999", "9" * 100_000, "L" * 200, "1-59/0", "*-*", "\x00"])
def test_hostile_crontabs_cost_nothing(app: Horarium, desk: Client, hostile: str) -> None:
    address = "/admin/django_celery_beat/crontabschedule/preview/"
    begun = app.clock.monotonic()
    found = desk.post(address, {"minute": hostile, "hour": hostile, "timezone": "UTC"}).json()
    assert found["errors"] and not found["runs"]
    assert app.clock.monotonic() - begun < 1.0


@pytest.mark.once
@pytest.mark.parametrize("event", ["sunrise", "dawn_astronomical"])
def test_a_sun_that_does_not_rise_costs_little(app: Horarium, desk: Client, event: str) -> None:
    address = "/admin/django_celery_beat/solarschedule/preview/"
    begun = app.clock.monotonic()
    found = desk.post(address, {"event": event, "latitude": "89.9", "longitude": "0"}).json()
    assert found["runs"] or found["errors"]
    assert app.clock.monotonic() - begun < 3.0


def test_schedules_are_previewed_before_they_are_saved(desk: Client) -> None:
    address = "/admin/django_celery_beat/crontabschedule/preview/"
    row = {"minute": "0", "hour": "9", "day_of_month": "*", "month_of_year": "*", "day_of_week": "1"}
    found = desk.post(address, {**row, "timezone": "America/New_York"}).json()
    assert found["text"] == "At 09:00, only on Monday" and "Mon" in found["runs"][0]["local"]
    once = "/admin/django_celery_beat/clockedschedule/preview/"
    passed = desk.post(once, {"clocked_time_0": "2020-01-01", "clocked_time_1": "00:00"}).json()
    assert len(passed["runs"]) <= 1 and not CrontabSchedule.objects.exists()


def test_the_form_saves_its_options_outside_of_the_admin_too(app: Horarium, hourly: IntervalSchedule) -> None:
    form = PeriodicTaskForm(filled(interval=hourly.pk, pause_after="3"))
    assert form.is_valid(), form.errors
    assert form.schedule is not None and form.schedule.pause_after == 3
    assert ScheduleExtra.objects.get(pk=form.save().pk).options == {"pause_after": 3}


def test_pages_have_no_inline_script_or_style(app: Horarium, desk: Client) -> None:
    rows = make_scene(app)
    crontab = rows["nightly import"].crontab
    assert crontab is not None
    for page in (
        LIST,
        f"{LIST}add/",
        f"{LIST}{rows['nightly import'].pk}/change/",
        f"/admin/django_celery_beat/crontabschedule/{crontab.pk}/change/",
        f"/admin/django_celery_beat/crontabschedule/{crontab.pk}/delete/",
    ):
        text = desk.get(page).content.decode()
        assert not re.search(r"<script(?![^>]*\bsrc=)(?![^>]*json)|\sstyle=|\son\w+=\"|<style", text), page


def test_naive_moments_of_a_project_without_use_tz_are_read(hourly: IntervalSchedule) -> None:
    assert timezone.is_aware(zoned(datetime(2030, 1, 1)))
