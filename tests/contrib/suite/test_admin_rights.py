"""Who may do what: by Django's permissions, and a right of its own to run tasks."""

from collections.abc import Iterator

import pytest
from admin_desk import LIST, act, desk_of, filled
from admin_scene import make_scene
from django.contrib.auth.models import Permission, User
from django.core.management import call_command
from django.test import Client

from horarium import Horarium
from horarium.app.current import chosen
from horarium.contrib.django.beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask
from horarium.contrib.django.beat.rights import RUN
from horarium.engines.records import Page, RunFilter

pytestmark = pytest.mark.django_db
CRONTABS = "/admin/django_celery_beat/crontabschedule/"


@pytest.fixture
def app() -> Iterator[Horarium]:
    with Horarium("site", broker="memory://", beat_scheduler="django", set_as_current=False) as app, chosen(app):
        app.autodiscover_tasks()
        yield app


@pytest.fixture
def task(app: Horarium) -> PeriodicTask:
    every = IntervalSchedule.objects.create(every=1, period="hours")
    return PeriodicTask.objects.create(name="news", task="shop.tasks.add", args="[1, 2]", interval=every)


def offered(desk: Client) -> set[str]:
    """Return the actions that the list offers."""
    form = desk.get(LIST).context["action_form"]
    return set() if form is None else {value for value, _ in form.fields["action"].choices if value}


def has_run(app: Horarium) -> bool:
    return bool(app.engine.results.search(RunFilter(schedule="news"), Page()).runs)


def test_the_right_to_run_is_there_once_after_every_migrate() -> None:
    call_command("migrate", verbosity=0)
    [right] = Permission.objects.filter(codename=RUN)
    assert (right.content_type.app_label, right.content_type.model) == ("django_celery_beat", "periodictask")


def test_who_may_only_look_sees_everything_and_can_do_nothing_row_104(app: Horarium, task: PeriodicTask) -> None:
    rows = make_scene(app)
    desk = desk_of("view_periodictask")
    assert offered(desk) == set()
    page = desk.get(f"{LIST}{rows['nightly import'].pk}/change/").content.decode()
    assert "Next runs" in page and "GatewayError" in page and "600.0" in page and "skip" in page
    assert "Run task now" not in page and "Pause…" not in page and 'name="_save"' not in page
    for action in ("run_tasks", "enable_tasks", "disable_tasks", "toggle_tasks", "pause_tasks", "resume_tasks"):
        act(desk, action, task, apply="yes")
    assert desk.post(f"{LIST}{task.pk}/run/").status_code == 403
    assert desk.post(f"{LIST}{task.pk}/change/", filled(enabled="")).status_code == 403
    assert desk.post(f"{LIST}preview/", filled(interval=task.interval_id)).status_code == 200
    task.refresh_from_db()
    assert task.enabled and not has_run(app) and app.engine.schedules.get(["news"]) == [None]


def test_who_may_change_may_not_run(app: Horarium, task: PeriodicTask) -> None:
    desk = desk_of("view_periodictask", "change_periodictask")
    assert offered(desk) == {"enable_tasks", "disable_tasks", "toggle_tasks", "pause_tasks", "resume_tasks"}
    page = desk.get(f"{LIST}{task.pk}/change/").content.decode()
    assert "Run task now" not in page and "Save and run now" not in page and "Pause…" in page
    act(desk, "run_tasks", task)
    assert desk.post(f"{LIST}{task.pk}/run/").status_code == 403
    sent = filled(interval=task.interval_id, description="changed", _saverun="1")
    assert desk.post(f"{LIST}{task.pk}/change/", sent).status_code == 403
    task.refresh_from_db()
    assert not has_run(app) and task.description == ""  # refused as a whole: it was asked to save and run


def test_who_may_run_may_not_change(app: Horarium, task: PeriodicTask) -> None:
    desk = desk_of("view_periodictask", RUN)
    assert offered(desk) == {"run_tasks"}
    assert desk.post(f"{LIST}{task.pk}/run/").status_code == 302
    assert has_run(app)
    act(desk, "disable_tasks", task)
    assert PeriodicTask.objects.get().enabled


def test_who_has_no_right_or_is_nobody_sees_nothing(task: PeriodicTask) -> None:
    nobody, stranger = Client(), desk_of()
    for page in (LIST, f"{LIST}{task.pk}/change/", f"{LIST}preview/", CRONTABS, f"{CRONTABS}preview/"):
        assert nobody.post(page).status_code == 302 and nobody.get(page).status_code == 302
        assert stranger.get(page).status_code == 403, page
    assert stranger.post(f"{LIST}preview/", filled()).status_code == 403


def test_a_superuser_logs_in_as_ever_row_105(app: Horarium) -> None:
    User.objects.create_superuser("admin", "admin@example.org", "secret words")
    desk = Client()
    response = desk.post("/admin/login/", {"username": "admin", "password": "secret words", "next": "/admin/"})
    assert response.status_code == 302 and response["Location"] == "/admin/"
    page = desk.get("/admin/").content.decode()
    for section in ("periodictask", "crontabschedule", "intervalschedule", "solarschedule", "clockedschedule"):
        assert f"/admin/django_celery_beat/{section}/" in page


def test_addresses_and_sections_are_those_of_the_guides_rows_96_and_97(app: Horarium) -> None:
    desk = desk_of("*")
    assert desk.get("/admin/django_celery_beat/").status_code == 200
    for section in ("periodictask", "crontabschedule", "intervalschedule", "solarschedule", "clockedschedule"):
        assert desk.get(f"/admin/django_celery_beat/{section}/").status_code == 200
        assert desk.get(f"/admin/django_celery_beat/{section}/add/").status_code == 200


def test_deleting_a_schedule_needs_the_right_to_delete_its_tasks(task: PeriodicTask) -> None:
    minutely = CrontabSchedule.objects.create()
    PeriodicTask.objects.create(name="other", task="shop.tasks.add", crontab=minutely)
    desk = desk_of("view_crontabschedule", "delete_crontabschedule", "view_periodictask")
    page = desk.get(f"{CRONTABS}{minutely.pk}/delete/").content.decode()
    assert "doesn&#x27;t have permission" in page or "doesn't have permission" in page
    assert desk.post(f"{CRONTABS}{minutely.pk}/delete/", {"post": "yes"}).status_code == 403
    assert desk.post(f"{CRONTABS}{minutely.pk}/delete/", {"_disable": "1"}).status_code == 403
    assert PeriodicTask.objects.filter(enabled=True).count() == 2
