"""What people do to periodic tasks: to each row on its own, with its outcome, and written down."""

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from admin_desk import LIST, act, desk_of, filled, told
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.utils import timezone

from horarium import Horarium
from horarium.app.current import chosen
from horarium.contrib.django.beat.models import IntervalSchedule, PeriodicTask
from horarium.contrib.django.models import ScheduleExtra
from horarium.engines.records import Page, RunFilter
from horarium.outcome import Run

pytestmark = pytest.mark.django_db


@pytest.fixture
def app() -> Iterator[Horarium]:
    with Horarium("site", broker="memory://", beat_scheduler="django", set_as_current=False) as app, chosen(app):
        app.autodiscover_tasks()
        yield app


@pytest.fixture
def desk(app: Horarium) -> Client:
    return desk_of("*")


def made(name: str, **columns: object) -> PeriodicTask:
    every, _ = IntervalSchedule.objects.get_or_create(every=1, period="hours")
    given = {"task": "shop.tasks.add", "args": "[1, 2]", "interval": every, **columns}
    return PeriodicTask.objects.create(name=name, **given)


def runs(app: Horarium, name: str) -> tuple[Run, ...]:
    return app.engine.results.search(RunFilter(schedule=name), Page()).runs


def logged(task: PeriodicTask) -> list[str]:
    return list(LogEntry.objects.filter(object_id=task.pk).order_by("pk").values_list("change_message", flat=True))


def test_run_now_sends_what_a_firing_would_send_row_101(app: Horarium, desk: Client) -> None:
    task = made("news", queue="low", priority=9, expire_seconds=60, headers='{"tenant": "acme"}')
    response = act(desk, "run_tasks", task)
    [run] = runs(app, "news")
    message = run.message
    assert (message.queue, message.headers["tenant"], message.headers["periodic_task_name"]) == ("low", "acme", "news")
    assert message.priority == 9 and message.expires is not None and message.expires - message.created <= 60_000
    assert message.cause is not None and (message.cause.kind, message.cause.by) == ("manual", "boss")
    assert logged(task) == [f"Run now, as {run.id}."]
    assert any(run.id in text and "news" in text for text in told(response))


def test_one_bad_row_stops_no_other_and_each_has_its_outcome(app: Horarium, desk: Client) -> None:
    good, wrong = made("good"), made("wrong", task="shop.tasks.nobody_knows")
    broken, late = made("broken", args="[1"), made("late")
    response = act(desk, "run_tasks", wrong, broken, good, late)
    assert len(runs(app, "good")) == len(runs(app, "late")) == 1 and not runs(app, "wrong")
    said = {text.split("”", 1)[0].strip("“"): text for text in told(response)}
    assert "expected the name of a registered task" in said["wrong"] and "expected args to be JSON" in said["broken"]
    assert logged(wrong)[0].startswith("Failed: ") and logged(good)[0].startswith("Run now")


def test_a_disabled_task_is_run_by_hand_and_stays_disabled(app: Horarium, desk: Client) -> None:
    task = made("news", enabled=False)
    act(desk, "run_tasks", task)
    assert len(runs(app, "news")) == 1
    assert not PeriodicTask.objects.get().enabled


def test_the_button_runs_a_task_and_returns_to_its_page_row_101(app: Horarium, desk: Client) -> None:
    task = made("news")
    assert "Run task now" in desk.get(f"{LIST}{task.pk}/change/").content.decode()
    assert desk.get(f"{LIST}{task.pk}/run/").status_code == 405
    response = desk.post(f"{LIST}{task.pk}/run/")
    assert response.status_code == 302 and response["Location"] == f"{LIST}{task.pk}/change/"
    assert len(runs(app, "news")) == 1
    assert desk.post(f"{LIST}999999/run/").status_code == 302
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = desk.cookies
    assert strict.post(f"{LIST}{task.pk}/run/").status_code == 403
    assert len(runs(app, "news")) == 1


@pytest.mark.django_db(transaction=True)
def test_an_edit_is_saved_and_run_as_edited(app: Horarium, desk: Client) -> None:
    task = made("news")
    sent = filled(interval=task.interval_id, args="[3, 4]", queue="low", _saverun="1")
    response = desk.post(f"{LIST}{task.pk}/change/", sent)
    assert response.status_code == 302
    [run] = runs(app, "news")
    assert (bytes(run.message.args), run.message.queue) == (b"[3,4]", "low")
    desk.post(f"{LIST}add/", filled(name="new", args="[5, 6]", interval=task.interval_id, _saverun="1"))
    assert len(runs(app, "new")) == 1
    assert desk.post(f"{LIST}{task.pk}/change/", filled(args="[", _saverun="1")).status_code == 200
    assert len(runs(app, "news")) == 1


def test_disabling_keeps_what_has_happened_and_is_written_down(desk: Client) -> None:
    last = timezone.now()
    on, off = made("on"), made("off", enabled=False)
    PeriodicTask.objects.update(last_run_at=last, total_run_count=3)
    assert any("1 task was disabled" in text for text in told(act(desk, "disable_tasks", on, off)))
    on.refresh_from_db()
    assert (on.enabled, on.last_run_at, on.total_run_count) == (False, last, 3)
    assert (logged(on), logged(off)) == (["Disabled."], [])
    assert any("as you want" in text for text in told(act(desk, "disable_tasks", on)))
    act(desk, "enable_tasks", on)
    assert PeriodicTask.objects.get(pk=on.pk).enabled and logged(on) == ["Disabled.", "Enabled."]
    act(desk, "toggle_tasks", on, off)
    assert not PeriodicTask.objects.get(pk=on.pk).enabled and PeriodicTask.objects.get(pk=off.pk).enabled
    assert logged(off) == ["Enabled."]


def test_pause_asks_until_when_and_why_and_resume_ends_it(app: Horarium, desk: Client) -> None:
    task = made("news")
    asked = act(desk, "pause_tasks", task)
    assert asked.status_code == 200 and 'name="until_0"' in asked.content.decode()
    tomorrow = timezone.now() + timedelta(days=1)
    until = {"until_0": f"{tomorrow:%Y-%m-%d}", "until_1": "12:00"}
    passed = act(desk, "pause_tasks", task, apply="yes", until_0="2020-01-01", until_1="12:00")
    assert passed.status_code == 200 and "This moment has passed" in passed.content.decode()
    assert act(desk, "pause_tasks", task, apply="yes", note="audit", **until).status_code == 302
    paused = app.schedules.get("news")
    assert (paused.paused_by, paused.pause_note) == ("boss", "audit") and paused.paused_until is not None
    page = desk.get(LIST).content.decode()
    assert "paused by boss until" in page and "(audit)" in page
    assert "Resume" in desk.get(f"{LIST}{task.pk}/change/").content.decode()
    act(desk, "resume_tasks", task)
    assert app.schedules.get("news").paused_by is None
    assert [text.split(".")[0].split(" until")[0] for text in logged(task)] == ["Paused", "Resumed"]
    assert "Paused until" in desk.get(f"{LIST}{task.pk}/history/").content.decode()


def test_a_store_that_is_away_is_asked_once_and_said_of_each_row() -> None:
    tasks = [made(f"t{number}") for number in range(5)]
    desk = desk_of("*")
    with (
        Horarium("away", broker="postgresql://127.0.0.1:9/none", beat_scheduler="django", set_as_current=False) as app,
        chosen(app),
    ):
        begun = app.clock.monotonic()
        response = act(desk, "run_tasks", *tasks)
        assert app.clock.monotonic() - begun < 7
    assert len([text for text in told(response) if text.startswith("“t")]) == 5


def test_the_error_of_a_row_that_was_run_in_vain_stays_with_it(app: Horarium, desk: Client) -> None:
    task = made("news", kwargs="[1]")
    act(desk, "run_tasks", task)
    assert "expected kwargs" in ScheduleExtra.objects.get(pk=task.pk).error
    assert "in error" in desk.get(LIST).content.decode()


@pytest.mark.parametrize("address", ["/admin/horarium/run/", LIST])
def test_the_way_back_is_dressed_as_the_admins_own_pages_are(app: Horarium, desk: Client, address: str) -> None:
    """The style sheets of a Django know one of the two elements only."""
    task = made("news")
    crumbs = re.compile(r"<(\w+) class=\"breadcrumbs\"")
    own = crumbs.findall(desk.get("/admin/auth/user/").content.decode())
    ours = desk.get(address) if address != LIST else act(desk, "pause_tasks", task)
    assert own and crumbs.findall(ours.content.decode()) == own
