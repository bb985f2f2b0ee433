"""The guide of Adaptapedia (000): periodic tasks of a Django site, by its settings, its database and its admin."""

from __future__ import annotations

import json
import shutil
import signal
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from adaptapedia_writing import ALERTS, CLEAN_UP_TOKENS, NEW_ENTRY, NEW_TASK, OWN_COMMAND
from journey import Journey
from place import Place, place_for

from servers import free_port

journey = Journey("adaptapedia")
SETTINGS = "adaptapedia/settings/base.py"
TASKS = "ingestion/tasks.py"
DAILY = '"schedule": crontab(hour=2, minute=0),'
A = "horarium -A adaptapedia"
LIST = f"{A} schedules list"
SETUP = "python manage.py setup_periodic_tasks"
NEXT = f"{A} schedules next"
PASSWORD = "correct horse"
LOGIN = {"username": "ana", "password": PASSWORD}
PERIODIC = "/admin/django_celery_beat/periodictask/"
CHANGED = "DatabaseScheduler: Schedule changed"


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("world", ["alone", "servers"])
def test_the_guide_is_followed_from_its_first_line_to_its_last(world: str, tmp_path: Path) -> None:
    with place_for("adaptapedia", tmp_path, world, **surroundings()) as place:
        open_outside(place)
        journey.walk(place)
        place.leave()


def surroundings() -> dict[str, str]:
    """Return the environment of everything that is typed: free ports, and who may log in."""
    return {
        "WIKIDATA_SPARQL_URL": f"http://127.0.0.1:{free_port()}/sparql",
        "TMDB_API_URL": f"http://127.0.0.1:{free_port()}/3",
        "PAGER_URL": f"http://127.0.0.1:{free_port()}/",
        "WEB": f"http://127.0.0.1:{free_port()}",
    }


def open_outside(place: Place) -> None:
    """Start what the tasks ask; the film database has a mood at each 60th request: busy, broken, silent."""
    sparql, tmdb = (port_of(place.environment[name]) for name in ("WIKIDATA_SPARQL_URL", "TMDB_API_URL"))
    place.begin("outside", f"python -m outside --sparql-port {sparql} --tmdb-port {tmdb} --sparql-nth 0 --tmdb-nth 60")
    place.shows("outside", "films at")


def port_of(url: str) -> int:
    return int(httpx.URL(url).port or 80)


def up(place: Place, *services: str) -> None:
    """Start services as docker-compose.yml has them, on this machine."""
    listed = yaml.safe_load((place.home / "docker-compose.yml").read_text())["services"]
    store = place.redis.url if place.world == "servers" else f"sqlite:///{place.home.parent / 'run' / 'horarium.db'}"
    for service in services:
        command = listed[service]["command"].replace("redis://redis:6379/0", store)
        place.begin(service, command.replace("0.0.0.0:8000", place.environment["WEB"].removeprefix("http://")))


def call(place: Place, task: str, *says: str) -> str:
    return place.type(f"{A} call ingestion.tasks.{task} --wait --timeout 60", *says)


def page_of(place: Place) -> Any:
    return httpx.get(place.environment["WEB"], timeout=30).json()


@journey.step("Services are started before what they need is there", where="000:57", rows=(1, 2, 3, 7, 86, 134))
def services_are_started_first(place: Place) -> None:
    if place.world == "servers":
        place.redis.kill()
        up(place, "worker", "beat")
        place.shows("worker", "trying again")
        place.shows("beat", "trying again")
        place.redis.start()
        up(place, "backend")
    else:
        up(place, "backend", "worker", "beat")
    place.shows("beat", "python manage.py migrate django_celery_beat")
    place.shows("worker", "ready.")
    place.shows("backend", "Listening at")


@journey.step("Beat has no tables to read: doctor names the command", where="000:258", rows=(86, 127, 134))
def beat_has_no_tables(place: Place) -> None:
    wanted = ("cannot read where schedules are defined", "run: python manage.py migrate django_celery_beat")
    assert "problem" in place.type_until(f"{A} doctor", *wanted)


@journey.step("The tables are made, and beat goes on by itself", where="000:65", rows=(11, 85, 86, 122))
def the_tables_are_made(place: Place) -> None:
    place.type("python manage.py migrate django_celery_beat", "Applying django_celery_beat.0001_initial... OK")
    place.shows("beat", CHANGED)
    place.shows("beat", "beat v")
    place.shows("beat", "is starting")
    place.type("python manage.py migrate -v 0")
    for task in ("run_daily_wikidata_ingestion", "cleanup_expired_jwt_tokens", "health_check"):
        place.shows("worker", f"ingestion.tasks.{task}")


@journey.step("The schedule of the settings is in the tables", where="000:73", rows=(42, 71, 75, 79, 88))
def the_settings_are_in_the_tables(place: Place) -> None:
    place.type(SETUP + " -v 2", "daily-wikidata-ingestion: unchanged", "6 unchanged")  # beat has been quicker
    told = place.type(LIST, "weekly-jwt-token-cleanup", "\tactive\t")
    expected = ("0 1 * * *", "0 2 * * *", "0 3 * * 0", "0 4 * * *", "0 5 * * 1", "0 * * * *")
    assert [cron for cron in expected if f"crontab {cron}\t" not in told] == [], told


@journey.step("Tasks are run by hand in the Django shell", where="000:100", rows=(50, 61, 64, 65, 68, 69, 124, 125))
def tasks_are_run_in_the_shell(place: Place) -> None:
    told = place.shell(
        "from django.contrib.auth.models import User\n"
        f"ana = User.objects.create_superuser('ana', password={PASSWORD!r})\n"
        "from ingestion.tasks import refresh_tmdb_metadata, run_daily_wikidata_ingestion\n"
        "print(run_daily_wikidata_ingestion())\n"
        "async_result = refresh_tmdb_metadata.delay()\n"
        "print(async_result.get(), async_result.ready(), async_result.id)\n"
        "from ingestion.models import ScreenWork\n"
        "print(ScreenWork.objects.filter(refreshed__isnull=False).count(), 'looked up')\n"
        f"{CLEAN_UP_TOKENS}"
    )
    assert "'pages': 3, 'new_works': 80, 'new_screen_works': 120, 'new_adaptations': 120" in told, told
    assert "'refreshed': 41" in told and " True " in told, told  # after 59 the server wanted a second's rest
    assert "100 looked up" in told, told  # of 120: a run's limit holds for its retries, too
    assert told.endswith("{'deleted': 1} 1\n2\n"), told  # by the task those of long ago, by the command all expired
    place.shows("worker", "Task ingestion.tasks.refresh_tmdb_metadata[")
    place.shows("worker", "TMDb refresh stopped with 41 left of its limit")
    place.shows("worker", "retry: Retry in ")


@journey.step("A task is run from the admin", where="000:115", rows=(62, 96, 97, 101, 103, 105))
def a_task_is_run_from_the_admin(place: Place) -> None:
    page = place.page
    page.goto(f"{place.environment['WEB']}/admin/")
    page.fill("#id_username", "ana")
    page.fill("#id_password", PASSWORD)
    page.click("input[type=submit]")
    for kind in ("periodictask", "crontabschedule", "intervalschedule", "solarschedule", "clockedschedule"):
        page.wait_for_selector(f"#content a[href='/admin/django_celery_beat/{kind}/']")
    open_task(place, "daily-statistics-update")
    page.get_by_role("button", name="Run task now").click()
    page.locator(".messagelist a").last.click()
    place.until(lambda: "succeeded" in again(place))
    page.goto(place.environment["WEB"] + PERIODIC)
    row = page.locator("#result_list tbody tr", has_text="daily-statistics-update")
    assert row.locator(".field-enabled img[alt=True]").count() == 1
    assert "ago" in row.locator(".field-last_run").inner_text(), row.inner_text()
    cached = page_of(place)  # what the worker has cached, told by the web process
    assert cached["site_statistics"]["total_adaptations"] == 120, cached
    assert cached["last_wikidata_ingestion"]["pages"] == 3 and cached["last_tmdb_refresh"]["refreshed"] == 41, cached


def again(place: Place) -> str:
    """Load the browser's page anew; return what it says."""
    place.page.reload()
    return str(place.page.inner_text("#content"))


def open_task(place: Place, name: str) -> None:
    """Open the admin's page of a periodic task by its link in the list."""
    place.page.goto(place.environment["WEB"] + PERIODIC)
    place.page.get_by_role("link", name=name).first.click()
    place.page.wait_for_selector("#id_name")


@journey.step("Workers are asked by the command line", where="000:133", rows=(20, 70, 106, 107, 111))
def workers_are_asked(place: Place) -> None:
    place.type(f"{A} inspect scheduled", "schedules list")  # who looks for the schedule here is told where it is
    place.process("outside").send_signal(signal.SIGSTOP)  # it is silent: the task waits for it
    id = place.type(f"{A} call ingestion.tasks.run_daily_wikidata_ingestion").strip()
    place.shows("worker", f"Task ingestion.tasks.run_daily_wikidata_ingestion[{id}]")
    place.type_until(f"{A} inspect active", "ingestion.tasks.run_daily_wikidata_ingestion", id)
    place.process("outside").send_signal(signal.SIGCONT)
    place.shows("worker", f"Task ingestion.tasks.run_daily_wikidata_ingestion[{id}] succeeded")
    place.type(f"{A} result {id}", "pages")


@journey.step("Results go after an hour; figures stay cached", where="000:158", rows=(31, 36, 62))
def figures_stay_cached(place: Place) -> None:
    told = place.shell(
        "from django.conf import settings\n"
        "from django.core.cache import cache\n"
        "from adaptapedia import celery_app\n"
        "print(celery_app.conf.result_expires, settings.TIME_ZONE)\n"
        "print(cache.get('site_statistics'), cache.get('last_wikidata_ingestion'), cache.get('last_tmdb_refresh'))"
    )
    assert told.startswith("3600.0 UTC\n"), told
    assert "'total_users': 1" in told and "'pages': 3" in told and "'refreshed': 41" in told, told


@journey.step("Flower's command, without an app", where="000:184", rows=(113, 115, 118))
def flowers_command(place: Place) -> None:
    port = free_port()
    place.environment |= {"FLOWER_PORT": str(port), "FLOWER_ADDRESS": "127.0.0.1", "FLOWER_BASIC_AUTH": "ana:secret"}
    up(place, "flower")
    place.shows("flower", "dashboard: ")
    with flower(place) as client:
        assert httpx.get(client.base_url.join("/api/tasks")).status_code == 401  # nobody comes in unasked
        tasks = client.get("/api/tasks").json().values()
        assert {"ingestion.tasks.update_site_statistics"} <= {
            task["name"] for task in tasks if task["state"] == "SUCCESS"
        }
        assert any(name.startswith("worker@") for name in client.get("/api/workers").json())
        assert "flower_events_total" in client.get("/metrics").text


def flower(place: Place) -> httpx.Client:
    """Return what asks Flower as somebody who may."""
    return httpx.Client(
        base_url=f"http://127.0.0.1:{place.environment['FLOWER_PORT']}", auth=("ana", "secret"), timeout=30
    )


@journey.step("An hour's wait for a retry outlives the worker", where="000:235", rows=(15, 52, 107))
def a_retry_outlives_the_worker(place: Place) -> None:
    id = place.type(f"{A} call ingestion.tasks.refresh_tmdb_metadata").strip()
    place.shows("worker", f"Task ingestion.tasks.refresh_tmdb_metadata[{id}] retry: Retry in ")
    place.end("worker")
    up(place, "worker")
    place.shows("worker", "ready.")
    place.type(f"{A} inspect scheduled", id)
    place.type(f"{A} doctor {id}", "it failed (httpx.", "is tried again in")
    place.end("outside")
    told = place.shell(
        "from ingestion.tasks import run_daily_wikidata_ingestion\n"
        "result = run_daily_wikidata_ingestion.apply()\n"
        "print(result.state, type(result.result).__name__)"
    )
    assert "FAILURE ConnectError" in told, told  # three retries, then what was wrong in the first place


@journey.step("All that goes wrong is a line with ERROR", where="000:253", rows=(63, 125))
def errors_are_found(place: Place) -> None:
    fail(place)
    place.shows("worker", "Traceback")
    (line,) = (line for line in place.text_of("worker").splitlines() if "ERROR" in line)  # grep ERROR
    assert "Task ingestion.tasks.refresh_tmdb_metadata[" in line and "TypeError" in line, line


def fail(place: Place) -> None:
    place.type(f"""{A} call ingestion.tasks.refresh_tmdb_metadata --kwargs='{{"limit": "all"}}'""")


@journey.step("Tasks do not run: the doctor names the cause", where="000:267", rows=(127, 134))
def tasks_do_not_run(place: Place) -> None:
    open_outside(place)
    place.type(f"{A} doctor", "1 worker alive", "1 scheduler alive", "6 schedules, none late")
    place.end("worker", "beat")
    told = ("no worker is alive", f"{A} worker", "no scheduler is alive", f"{A} beat")
    place.type(f"{A} doctor", *told, code=1)
    if place.world == "servers":
        place.redis.kill()
        place.type(f"{A} doctor", "problem", f"127.0.0.1:{place.redis.port}", code=1)
        place.redis.start()
    up(place, "worker", "beat")
    place.shows("worker", "ready.")
    place.shows("beat", "beat: Starting...")


@journey.step("Three workers, two beats and the web share a database", where="000:278", rows=(13, 14, 17, 27, 128))
def three_workers_and_two_beats(place: Place) -> None:
    place.begin("beat2", f"{A} beat --loglevel=info -n beat2@%h -S django_celery_beat.schedulers:DatabaseScheduler")
    for name in ("worker2", "worker3"):
        place.begin(name, f"{A} worker --loglevel=info -n {name}@%h -c 2")
        place.shows(name, "ready.")
    place.shell(
        "from horarium.contrib.django.beat.models import IntervalSchedule, PeriodicTask\n"
        "second, _ = IntervalSchedule.objects.get_or_create(every=1, period='seconds')\n"
        "PeriodicTask.objects.create(name='often', task='ingestion.tasks.cleanup_expired_sessions', interval=second)\n"
        "from ingestion.tasks import run_daily_wikidata_ingestion, update_site_statistics\n"
        "both = (run_daily_wikidata_ingestion, update_site_statistics)\n"
        "results = [task.delay() for _ in range(6) for task in both]\n"
        "print([result.get(60) for result in results][-1])"
    )
    with httpx.Client(base_url=place.environment["WEB"], timeout=60) as web:
        for _ in range(2):
            tokens = web.post("/api/token/", data=LOGIN).json()
        for _ in range(20):  # each writes a row
            assert web.post("/api/token/refresh/", data={"refresh": tokens["refresh"]}).status_code == 200
    place.until(lambda: sum(place.text_of(beat).count("Sending due task often") for beat in ("beat", "beat2")) >= 3)
    place.type(f"{A} status", "worker2@", "worker3@", "beat2@")
    place.end("beat")
    sent = place.text_of("beat2").count("Sending due task often")
    place.shows("beat2", "Sending due task often", sent + 2)  # it goes on alone
    assert_no_instant_twice(place.type(f"{A} schedules history often -n 500 --json"))
    seen = changes(place, "beat2")
    place.shell(
        "from horarium.contrib.django.beat.models import PeriodicTask\nPeriodicTask.objects.get(name='often').delete()"
    )
    place.shows("beat2", CHANGED, seen + 1)
    place.end("beat2", "worker2", "worker3")
    up(place, "beat")
    told = "".join(place.log(number).read_text() for number in range(len(place.started)))
    assert "locked" not in told


def assert_no_instant_twice(listed: str) -> None:
    instants = [firing["nominal"] for firing in json.loads(listed.partition("\n")[0]) if firing["kind"] == "auto"]
    assert len(instants) >= 3 and len(instants) == len(set(instants)), listed


@journey.step("All times are UTC", where="000:285", rows=(36, 129))
def all_times_are_utc(place: Place) -> None:
    place.type(f"{NEXT} weekly-tmdb-refresh -n 5", "Sun", "03:00:00 UTC", "T03:00:00.000Z")
    place.type(f"{A} doctor ingestion.tasks.refresh_tmdb_metadata", "'weekly-tmdb-refresh' next fires at", ":00:00 UTC")


@journey.step("The settings' schedule is changed and synced", where="000:301", rows=(49, 72, 83, 88, 102))
def the_settings_are_changed(place: Place) -> None:
    place.edit(SETTINGS, DAILY, '"schedule": crontab(hour=6, minute=30),')
    seen = changes(place)
    place.type(SETUP, "daily-wikidata-ingestion: updated", "1 updated")
    place.shows("beat", CHANGED, seen + 1)
    place.type(f"{NEXT} daily-wikidata-ingestion -n 1", "06:30:00 UTC")  # before beat is restarted
    place.end("beat")
    up(place, "beat")
    place.shows("beat", "beat: Starting...")
    place.edit(SETTINGS, '"schedule": crontab(hour=6, minute=30),', DAILY)


@journey.step("A schedule is edited in the admin", where="000:306", rows=(95, 99, 100, 102, 135))
def a_schedule_is_edited_in_the_admin(place: Place) -> None:
    page = place.page
    open_task(place, "daily-session-cleanup")
    page.click(".field-crontab .select2-selection")
    page.click(".select2-results__option:has-text('0 5 * * 1')")
    save(place)
    page.uncheck("#id_enabled")
    save(place)
    place.type(f"{A} doctor ingestion.tasks.cleanup_expired_sessions", "'daily-session-cleanup' is disabled")
    page.check("#id_enabled")
    save(place)
    place.type(f"{NEXT} daily-session-cleanup -n 1", "Mon", "05:00:00 UTC")
    # What people have edited is theirs; what the settings say of others counts.
    place.type(SETUP, "daily-session-cleanup: kept", "daily-wikidata-ingestion: updated", "1 updated")
    place.type(f"{SETUP} --overwrite", "1 updated")


def save(place: Place) -> None:
    """Save what the admin's page shows, go on with it, and wait until beat has seen it."""
    seen = changes(place)
    with place.page.expect_navigation():
        place.page.click("input[name=_continue]")
    place.page.wait_for_selector(".messagelist .success")
    place.shows("beat", CHANGED, seen + 1)


def changes(place: Place, beat: str = "beat") -> int:
    """How often beat has said that the tables have changed."""
    return place.text_of(beat).count(CHANGED)


@journey.step("A task is added", where="000:311", rows=(50, 72, 88, 127))
def a_task_is_added(place: Place) -> None:
    place.edit(TASKS, "@shared_task\ndef health_check", f"{NEW_TASK}@shared_task\ndef health_check")
    place.edit(SETTINGS, "CELERY_BEAT_SCHEDULE = {", f"CELERY_BEAT_SCHEDULE = {{{NEW_ENTRY}")
    seen = changes(place)
    place.type(SETUP, "my-scheduled-task: created", "1 created")
    place.shows("beat", CHANGED, seen + 1)
    place.type(f"{A} doctor ingestion.tasks.my_new_task", "no live worker", "06:30:00 UTC", code=1)
    place.end("worker")
    up(place, "worker")
    place.shows("worker", "ready.")
    call(place, "my_new_task", "done")


@journey.step("A task is disabled in the shell, and by the settings alone is not", where="000:333", rows=(8, 92))
def a_task_is_disabled_in_the_shell(place: Place) -> None:
    seen = changes(place)
    place.shell(
        "from horarium.contrib.django.beat.models import PeriodicTask\n"
        "task = PeriodicTask.objects.get(name='daily-wikidata-ingestion')\n"
        "task.enabled = False\n"
        "task.save()"
    )
    place.shows("beat", CHANGED, seen + 1)
    place.end("beat")
    place.begin("beat", f"{A} beat --loglevel=info")  # without --scheduler: the settings count, and no table is read
    place.shows("beat", "beat: Starting...")
    place.until(lambda: "\tdisabled\t" not in place.type(LIST, "daily-wikidata-ingestion"))
    place.end("beat")
    up(place, "beat")
    place.shows("beat", "beat: Starting...")
    place.type_until(LIST, "\tdisabled\t")
    seen = changes(place)
    place.shell(
        "from horarium.contrib.django.beat.models import PeriodicTask\n"
        "PeriodicTask.objects.filter(enabled=False).update(enabled=True)"
    )
    place.shows("beat", CHANGED, seen + 1)


@journey.step("An entry is removed for good", where="000:346", rows=(89,))
def an_entry_is_removed(place: Place) -> None:
    place.edit(SETTINGS, NEW_ENTRY, "")
    seen = changes(place)
    place.type(SETUP, "my-scheduled-task: removed", "1 removed")
    place.shows("beat", CHANGED, seen + 1)
    told = place.type(LIST, "daily-wikidata-ingestion")
    assert "my-scheduled-task" not in told and "\tdisabled\t" not in told, told


@journey.step(
    "A Redis that is restarted has kept what waits; one process is worker and beat",
    where="000:355",
    rows=(9, 15, 25, 83),
)
def a_restart_keeps_what_waits(place: Place) -> None:
    place.end("worker", "beat")
    id = place.type(f"{A} call ingestion.tasks.health_check --force").strip()
    if place.world == "servers":
        place.redis.restart()
    place.edit(SETTINGS, '"schedule": crontab(minute=0),', '"schedule": 1,')
    place.edit(SETTINGS, "LOGGING = {", ALERTS + "LOGGING = {")
    place.begin("pager", f"python -m outside.pager --port {port_of(place.environment['PAGER_URL'])}")
    place.begin("worker", f"{A} worker --beat --loglevel=info --concurrency=2")
    place.shows("worker", f"Task ingestion.tasks.health_check[{id}] succeeded")
    place.shows("worker", "Sending due task hourly-health-check", 2)
    place.edit(SETTINGS, '"schedule": 1,', '"schedule": crontab(minute=0),')


@journey.step("Somebody is told of failures; run times and failure rates are seen", where="000:359", rows=(113, 121))
def somebody_is_told(place: Place) -> None:
    fail(place)
    place.shows("pager", "[adaptapedia] FIRING: Task failed: ingestion.tasks.refresh_tmdb_metadata")
    with flower(place) as client:
        place.until(lambda: figures(client)["counts"].get("failed") == 2, lambda: str(figures(client)))
        told = figures(client)
    assert told["counts"]["succeeded"] == 1 and told["counts"]["retried"] >= 2, told
    assert told["ran"]["count"] >= 3 and told["ran"]["p95"] > 0, told
    place.end("flower", "pager")


def figures(client: httpx.Client) -> Any:
    """What has become of a task within the last hour: how often it succeeded and failed, and how long it ran."""
    return client.get("/api/v1/tasks/ingestion.tasks.refresh_tmdb_metadata/stats").json()


@journey.step("Schedules are in the application's database, results need no backup", where="000:363", rows=(28,))
def schedules_are_in_the_database(place: Place) -> None:
    place.type("python manage.py dumpdata django_celery_beat.periodictask", "daily-wikidata-ingestion")


@journey.step("Who may do what in the admin", where="000:371", rows=(104,))
def who_may_do_what(place: Place) -> None:
    told = place.shell(
        "from django.contrib.auth.models import Permission, User\n"
        "from django.test import Client\n"
        "from horarium.contrib.django.beat.models import PeriodicTask\n"
        "vic = User.objects.create_user('vic', is_staff=True)\n"
        "client = Client(SERVER_NAME='localhost')\n"
        "client.force_login(vic)\n"
        "page = f'{PERIODIC}{PeriodicTask.objects.first().pk}/'\n"
        "print(client.get(page + 'change/').status_code, client.post(page + 'run/').status_code)\n"
        "vic.user_permissions.add(Permission.objects.get(codename='view_periodictask'))\n"
        "print(client.get(page + 'change/').status_code, client.post(page + 'run/').status_code)\n"
        "vic.user_permissions.add(Permission.objects.get(codename='run_periodictask'))\n"
        "print(client.get(page + 'change/').status_code, client.post(page + 'run/').status_code)".replace(
            "{PERIODIC}", PERIODIC
        )
    )
    assert told == "403 403\n200 403\n200 302\n", told


@journey.step("Redis has a password", where="000:372", rows=(138,))
def redis_has_a_password(place: Place) -> None:
    if place.world == "servers":
        place.redis.ask("CONFIG", "SET", "requirepass", "a-strong-one")
        place.end("worker", "backend")
        refused = place.type(f"{A} status", code=None)
        assert "a-strong-one" not in refused, refused
        place.environment["REDIS_URL"] = place.redis.url.replace("redis://", "redis://:a-strong-one@")
        up(place, "worker", "backend")
    call(place, "health_check", "healthy")
    assert "a-strong-one" not in place.told()


@journey.step("The project's own setup_periodic_tasks wins", where="000:379", rows=(88,))
def the_projects_own_command_wins(place: Place) -> None:
    place.write("ingestion/management/commands/setup_periodic_tasks.py", OWN_COMMAND)
    assert place.type(SETUP) == "Successfully synced 6 periodic tasks\n"
    shutil.rmtree(place.home / "ingestion" / "management")
