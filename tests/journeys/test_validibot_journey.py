"""The guide of Validibot (001): eight clean-up jobs whose schedules are rows of Django's database."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
from datetime import datetime
from pathlib import Path

import pytest
import yaml
from journey import Journey
from place import Place, place_for
from playwright.sync_api import Page, expect

from servers import free_port

journey = Journey("validibot")
JOBS = (
    "purge_expired_submissions",
    "purge_expired_outputs",
    "process_purge_retries",
    "cleanup_stuck_runs",
    "cleanup_orphaned_containers",
    "cleanup_idempotency_keys",
    "cleanup_callback_receipts",
    "clear_sessions",
)
SUBMISSIONS = "Purge expired submissions"
SHOW = f"horarium -A config schedules show '{SUBMISSIONS}'"
HISTORY = f"horarium -A config schedules history '{SUBMISSIONS}' --json -n 200"
SENT = f"Scheduler: Sending due task {SUBMISSIONS}"
CHANGED = "DatabaseScheduler: Schedule changed"
PING = "horarium -A config inspect ping"
DOCTOR = "horarium -A config doctor"
MODELS = "from validibot.core.models import *\n"
BEAT_MODELS = "from horarium.contrib.django.beat.models import IntervalSchedule, CrontabSchedule, PeriodicTask\n"
THE_ROW = f"{BEAT_MODELS}row = PeriodicTask.objects.get(name='{SUBMISSIONS}')\n"
RETRIES_ARE_DUE = "PurgeRetry.objects.update(next_try_at='2020-01-01T00:00Z')\n"
TABLE = "django_celery_beat/periodictask/"
PASSWORD = "secret words"


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("world", ["alone", "servers"])
def test_the_guide_is_followed_from_its_first_line_to_its_last(world: str, tmp_path: Path) -> None:
    port = free_port()
    with place_for("validibot", tmp_path, world, DOCKER_HOST=f"tcp://127.0.0.1:{port}", DOCKER_TIMEOUT="90") as place:
        open_engine(place)
        journey.walk(place)
        close_engine(place)
        place.leave()


def open_engine(place: Place) -> None:
    """Start what the tasks ask; a removal takes so long that one may be met in the middle of it."""
    port = place.environment["DOCKER_HOST"].rpartition(":")[2]
    place.begin("engine", f"python -m outside.container_engine --port {port} --nth 0 --slow 0.3")
    place.shows("engine", "container engine at")


def close_engine(place: Place) -> None:
    place.stop(place.process("engine"))


def up(place: Place, service: str, name: str = "", more: str = "", **environment: str) -> None:
    """Start a service of the compose file, as `docker compose up` does; a second one has another name."""
    wanted = yaml.safe_load((place.home / "compose.yaml").read_text())["services"][service]
    assert wanted["restart"] == "unless-stopped"  # so whoever is killed in here is started again by us
    environment = {"APP_ROLE": wanted["environment"]["APP_ROLE"], **environment}
    words = [f"{key}={value}" for key, value in environment.items()] + wanted["command"]
    line = shlex.join(words).replace("0.0.0.0:8000", f"127.0.0.1:{place.environment.get('WEB_PORT', '0')}")
    place.begin(name or service, f"{line} {more}")


def kill(place: Place, name: str) -> None:
    """What a crash leaves behind: nothing of the process, nothing put in order."""
    os.killpg(place.process(name).pid, signal.SIGKILL)
    place.code_of(name)


def validated(place: Place, number: int, more: str = "") -> None:
    """Have so many submissions validated, and everything of them expired."""
    place.shell(
        MODELS + "import time\nfrom django.utils import timezone\n"
        "from validibot.core.tasks.validations import validate\n"
        f"ended = CallbackReceipt.objects.count() + {number}\n"
        f"for number in range({number}):\n    validate.delay(f'{{number}}.csv')\n"
        "while CallbackReceipt.objects.count() < ended:\n    time.sleep(0.05)\n"  # between two looks at a fact
        "for model in (Submission, Output, IdempotencyKey):\n    model.objects.update(expires_at=timezone.now())\n"
        + more
    )


@journey.step("The migration makes the tables and the eight schedules", where="001:36", rows=(85, 87, 93))
def the_migration_makes_the_schedules(place: Place) -> None:
    place.type("python manage.py migrate --verbosity 0")
    told = place.shell(
        f"{BEAT_MODELS}for row in PeriodicTask.objects.filter(enabled=True).values('name', 'task'): print(row['task'])"
    )
    assert sorted(told.split()) == sorted(f"validibot.{job}" for job in JOBS), told


@journey.step(
    "Site, worker and scheduler start, by the commands of the compose file",
    where="001:57",
    rows=(1, 3, 7, 10, 11, 21, 24, 56, 122, 124),
)
def the_services_start(place: Place) -> None:
    place.environment["WEB_PORT"] = str(free_port())
    for service in ("django", "celery_worker", "celery_beat"):
        up(place, service)
    for job in JOBS:
        place.shows("celery_worker", f". validibot.{job}")
    place.shows("celery_worker", "ready.")
    place.shows("celery_beat", "is starting")
    place.shows("celery_beat", "DatabaseScheduler: Schedule changed. 8 stored, 0 removed")
    place.shows("django", "Listening at: http://127.0.0.1:")
    place.type("horarium -A config schedules run 'Clear sessions'")
    place.shows("celery_worker", "Task validibot.clear_sessions[")
    place.shows("celery_worker", "clear_sessions: done (by celery_worker)")


@journey.step("The table's schedules: hourly, every few minutes, at night, on Sunday", where="001:40", rows=(79, 81))
def the_schedules_are_those_of_the_table(place: Place) -> None:
    listed = [line.split("\t") for line in place.type("horarium -A config schedules list").splitlines()]
    fires = {task.removeprefix("validibot."): when for _, task, when, *_ in listed}
    assert fires == {
        "purge_expired_submissions": "crontab 0 * * * *",
        "purge_expired_outputs": "crontab 0 * * * *",
        "process_purge_retries": "every 5 min",
        "cleanup_stuck_runs": "every 10 min",
        "cleanup_orphaned_containers": "every 10 min",
        "cleanup_idempotency_keys": "crontab 0 3 * * *",
        "cleanup_callback_receipts": "crontab 0 4 * * 0",
        "clear_sessions": "crontab 0 2 * * *",
    }
    place.type("horarium -A config schedules next 'Clean up callback receipts' -n 1", "Sun", "04:00:00 UTC")
    # From here on none of them may come between a step and what it looks at.
    seen = changes(place)
    place.shell(
        f"{BEAT_MODELS}from django.utils import timezone\n"
        "CrontabSchedule.objects.update(hour=str((timezone.now().hour + 12) % 24))\n"
        "IntervalSchedule.objects.update(every=600)\n"
        "IntervalSchedule.objects.create(every=1, period='seconds')\n"  # for the one that is edited later
        f"from django.contrib.auth.models import User\nUser.objects.create_superuser('ana', password={PASSWORD!r})"
    )
    place.shows("celery_beat", CHANGED, seen + 1)


def changes(place: Place) -> int:
    """How often the scheduler has said that the tables have changed."""
    return place.text_of("celery_beat").count(CHANGED)


@journey.step("The settings of the guide are in effect", where="001:85", rows=(29, 30, 34, 38, 39, 40))
def the_settings_are_in_effect(place: Place) -> None:
    address = place.environment.get("REDIS_URL", "sqlite:").partition(":")[0]
    place.type(
        "horarium -A config inspect conf",
        f'"store": "{address}:',
        '"result_backend": null',
        '"task_time_limit": 1800.0',
        '"task_soft_time_limit": 1500.0',
        '"task_track_started": true',
        '"beat_scheduler": "django_celery_beat.schedulers:DatabaseScheduler"',
    )
    told = " ".join(place.type("horarium -A config inspect stats").split())
    assert '"timeouts": [ 1500.0, 1800.0 ]' in told, told
    assert '"max-concurrency": 1' in told and '"prefetch_count": 1' in told, told
    place.type("horarium -A config call validibot.clear_sessions --serializer pickle", "json", code=None)


@journey.step(
    "In the admin a job gets another rhythm, and no restart", where="001:121", rows=(81, 95, 96, 97, 99, 102, 105)
)
def a_job_gets_another_rhythm(place: Place) -> None:
    page = admin(place, "django_celery_beat/")
    page.fill("#id_username", "ana")
    page.fill("#id_password", PASSWORD)
    page.click("input[type=submit]")
    for section in ("Periodic tasks", "Crontabs", "Intervals", "Solar events", "Clocked"):
        expect(page.locator("#content").get_by_role("link", name=section, exact=True)).to_be_visible()
    page.click("#content a:text-is('Periodic tasks')")
    page.click(f"#result_list a:has-text('{SUBMISSIONS}')")
    page.click(".field-crontab .select2-selection__clear")
    page.keyboard.press("Escape")
    page.click(".field-interval .select2-selection")
    page.click(".select2-results__option:has-text('every second')")
    page.click("input[name=_save]")
    expect(page.locator(".messagelist .success")).to_be_visible()
    place.shows("celery_beat", SENT, 2)


@journey.step("It is disabled by its tick, and enabled again", where="001:131", rows=(92, 100))
def it_is_disabled_and_enabled(place: Place) -> None:
    seen = changes(place)
    tick_enabled(place, False)
    place.shows("celery_beat", CHANGED, seen + 1)
    place.type(DOCTOR, f"schedule '{SUBMISSIONS}' is disabled")
    sent = place.text_of("celery_beat").count(SENT)
    tick_enabled(place, True)
    place.shows("celery_beat", SENT, sent + 1)


def tick_enabled(place: Place, is_enabled: bool) -> None:
    page = admin(place, TABLE)
    page.click(f"#result_list a:has-text('{SUBMISSIONS}')")
    page.set_checked("#id_enabled", is_enabled)
    page.click("input[name=_save]")
    expect(page.locator(".messagelist .success")).to_be_visible()


def admin(place: Place, path: str) -> Page:
    page = place.page
    page.goto(f"http://127.0.0.1:{place.environment['WEB_PORT']}/admin/{path}")
    return page


@journey.step("The list says when each ran last, and who is well", where="001:144", rows=(103,))
def the_list_says_when_each_ran_last(place: Place) -> None:
    page = admin(place, TABLE)
    line = page.locator("#result_list tbody tr", has_text=SUBMISSIONS)
    expect(line.locator(".field-last_run")).to_contain_text(re.compile(r"\d"))
    expect(line).to_contain_text("ok")


@journey.step("Health checks, what is running, what is taken", where="001:154", rows=(20, 106, 109, 110))
def health_is_checked(place: Place) -> None:
    place.type(PING, "worker@", "pong", "1 node online")
    place.type("horarium health worker")
    place.type("horarium -A config inspect active", "worker@")
    place.type("horarium -A config inspect reserved", "worker@")


@journey.step("The scheduler was down: what was missed is made up for", where="001:183", rows=(15, 84))
def what_was_missed_is_made_up_for(place: Place) -> None:
    seen = changes(place)
    told = place.shell(
        f"{THE_ROW}from horarium.contrib.django.models import ScheduleExtra\n"
        "extra, _ = ScheduleExtra.objects.get_or_create(pk=row.pk)\n"
        "extra.options = {'catchup': 'all'}\nextra.save()\n"
        "print(row.total_run_count >= 3, row.last_run_at is not None)"
    )
    assert told.split() == ["True", "True"], told
    place.shows("celery_beat", CHANGED, seen + 1)
    place.type(SHOW, "every 1 s", "catchup")
    place.shows("celery_beat", SENT, place.text_of("celery_beat").count(SENT) + 1)
    kill(place, "celery_beat")
    down = now()
    place.until(lambda: (now() - down).total_seconds() > 1.5)  # so that there is something to be made up for
    back = now()
    up(place, "celery_beat")
    place.shows("celery_beat", SENT, 3)  # what was missed comes first
    instants = fired(place)
    assert [each for each in instants if down < each < back], instants


def now() -> datetime:
    return datetime.now().astimezone()


def fired(place: Place) -> list[datetime]:
    """The instants that schedulers have fired, as they are in the history."""
    listed = json.loads(place.type(HISTORY).partition("\n")[0])
    return [datetime.fromisoformat(each["nominal"]) for each in listed if each["kind"] == "auto"]


def assert_no_instant_twice(place: Place) -> None:
    instants = fired(place)
    assert len(instants) >= 2
    assert len(instants) == len(set(instants)), sorted(instants)


@journey.step("A worker is killed in the middle of a purge: it runs again", where="001:185", rows=(15, 37, 44))
def a_worker_is_killed_in_the_middle(place: Place) -> None:
    # The engine stops to answer, so that it is still in the middle when it has been looked at, and is killed.
    validated(
        place,
        5,
        "from validibot.core.tasks.scheduled_tasks import purge_expired_outputs\n"
        "purge_expired_outputs.delay()\n"
        "while Output.objects.exclude(purged_at=None).count() < 2:\n    time.sleep(0.01)\n"
        f"import os, signal\nos.kill({place.process('engine').pid}, signal.SIGSTOP)",
    )
    place.type("horarium -A config runs list --state STARTED", "validibot.purge_expired_outputs")
    kill(place, "celery_worker")
    place.process("engine").send_signal(signal.SIGCONT)
    up(place, "celery_worker")  # restart: unless-stopped
    place.shows("celery_worker", "Task validibot.purge_expired_outputs[")
    place.shows("celery_worker", "purge_expired_outputs: found")
    removed = re.findall(r"removed volume (\S+)", place.text_of("engine"))
    assert len(removed) == len(set(removed)) == 5, place.text_of("engine")


@journey.step("Redis starts anew with all it had; nobody else has to", where="001:187", rows=(25, 26))
def redis_starts_anew(place: Place) -> None:
    if place.world != "servers":
        return  # a file does not start anew
    place.end("celery_worker")
    id = place.type("horarium -A config call validibot.clear_sessions").strip()
    place.redis.restart()
    place.type("horarium -A config queues list", "default")
    up(place, "celery_worker")
    place.shows("celery_worker", f"validibot.clear_sessions[{id}] succeeded")
    place.redis.restart()
    place.shows("celery_beat", SENT, place.text_of("celery_beat").count(SENT) + 1)
    id = place.type("horarium -A config call validibot.clear_sessions").strip()
    place.shows("celery_worker", f"validibot.clear_sessions[{id}] succeeded")


@journey.step("Two schedulers and three workers: nothing runs twice", where="001:199", rows=(14, 17, 18, 128))
def two_schedulers_and_three_workers(place: Place) -> None:
    up(place, "celery_beat", "beat2", "-n beat2@%h")
    place.shows("beat2", "beat: Starting...")
    for name in ("worker2", "worker3"):
        up(place, "celery_worker", name, f"-n {name}@%h")
        place.shows(name, "ready.")
    place.type_until(DOCTOR, "3 workers alive", "worker2@", "worker3@", "2 schedulers alive", "beat@", "beat2@")
    kill(place, "celery_beat")  # the other one goes on
    place.shows("beat2", SENT, place.text_of("beat2").count(SENT) + 2)
    place.type(f"horarium -A config schedules pause '{SUBMISSIONS}'")  # so that it leaves alone what is looked at now
    assert_no_instant_twice(place)
    place.end("worker2", "worker3")


@journey.step("Each job by its command, dry first", where="001:231", rows=(61, 131, 136))
def each_job_by_its_command(place: Place) -> None:
    removed = place.text_of("engine").count("removed volume")
    validated(
        place,
        5,
        "ValidationRun.objects.filter(pk=ValidationRun.objects.latest('pk').pk)"
        ".update(state='running', started_at='2020-01-01T00:00Z')\n"
        "CallbackReceipt.objects.filter(pk__lte=3).update(received_at='2020-01-01T00:00Z')",
    )
    place.type("python manage.py purge_expired_submissions --dry-run", "dry run, nothing changed: found 5, purged 0")
    place.type("python manage.py purge_expired_submissions --batch-size 2", "found 5, purged 5")
    place.type("python manage.py cleanup_stuck_runs", "found 1, failed 1")
    place.type("python manage.py cleanup_containers --dry-run", "found 10, removed 0")
    place.type("python manage.py cleanup_containers --all", "found 10, removed 10")
    place.type("python manage.py purge_expired_outputs", "found 5, purged 5, to_be_retried 0")
    assert place.text_of("engine").count("removed volume") == removed + 5
    place.type("python manage.py cleanup_idempotency_keys", "found 10, deleted 10")
    place.type("python manage.py cleanup_callback_receipts", "found 3, deleted 3")


@journey.step("The engine is away: a purge is noted, tried again, and fails aloud", where="001:239", rows=(63, 133))
def the_engine_is_away(place: Place) -> None:
    close_engine(place)
    told = place.shell(
        f"{MODELS}from django.core.management import call_command\n"
        "Output.objects.filter(pk__lte=2).update(purged_at=None)\n"
        "call_command('purge_expired_outputs')\n"
        f"{RETRIES_ARE_DUE}PurgeRetry.objects.update(attempts=2)"
    )
    assert "found 2, purged 0, to_be_retried 2" in told, told
    place.type("horarium -A config call validibot.process_purge_retries")
    place.shows("celery_worker", "Traceback")
    place.type("horarium -A config runs list 'state:failed error:StillThere'", "process_purge_retries")
    id = place.type("horarium -A config call validibot.cleanup_orphaned_containers").strip()
    place.shows("celery_worker", f"cleanup_orphaned_containers[{id}] retry: Retry in")
    open_engine(place)
    place.shows("celery_worker", f"cleanup_orphaned_containers[{id}] succeeded")
    place.shell(MODELS + RETRIES_ARE_DUE)
    place.type("python manage.py process_purge_retries", "found 2, purged 2")


@journey.step("A task is sent from the Django shell; its result is kept by nobody", where="001:243", rows=(30, 65, 69))
def a_task_is_sent_from_the_shell(place: Place) -> None:
    told = place.shell(
        "from validibot.core.tasks.scheduled_tasks import purge_expired_submissions\n"
        "sent = purge_expired_submissions.delay()\n"
        "print(sent.id)\n"
        "try:\n    sent.get(timeout=10)\nexcept Exception as error:\n    print(error)"
    )
    id = told.split()[0]
    assert "result_backend is None" in told, told
    place.shows("celery_worker", f"Task validibot.purge_expired_submissions[{id}] succeeded")


@journey.step("Tests call tasks as functions, and no broker is asked", where="001:250", rows=(46, 64, 137))
def tasks_are_called_as_functions(place: Place) -> None:
    place.type("python manage.py test --settings config.settings.test", "Ran 3 tests", "OK")


@journey.step("Tasks do not run: doctor says what is missing", where="001:262", rows=(109, 127, 130))
def doctor_says_what_is_missing(place: Place) -> None:
    place.end("celery_worker", "beat2")
    place.type(PING, "no live worker replied", code=69)
    place.type("horarium -A config call validibot.clear_sessions")
    place.type(DOCTOR, "no worker is alive; 1 message waiting", "no scheduler is alive", code=1)
    place.type("horarium -A config inspect reserved", "more in the queues, in nobody's hands")
    place.type(f"REDIS_URL=redis://127.0.0.1:1/0 {DOCTOR}", "redis://127.0.0.1:1/0", "refused", code=None)
    place.type(f"REDIS_URL=redis://127.0.0.1:1/0 {PING}", "redis://127.0.0.1:1/0", code=None)


@journey.step("Too slow: doctor says what waits, and how long", where="001:276", rows=(131,))
def doctor_says_what_waits(place: Place) -> None:
    place.process("engine").send_signal(signal.SIGSTOP)  # a slow operation: the one slot is taken
    up(place, "celery_worker", more="--beat")  # the scheduler is that of the settings
    place.shows("celery_worker", "ready.")
    place.shell(
        f"{MODELS}from datetime import timedelta\nfrom django.utils import timezone\n"
        "from validibot.core.tasks.scheduled_tasks import purge_expired_outputs\n"
        "Output.objects.update(purged_at=None)\n"
        "due = timezone.now() - timedelta(minutes=5)\n"
        "for _ in range(8):\n    purge_expired_outputs.apply_async(eta=due)"
    )
    place.shows("celery_worker", "Task validibot.purge_expired_outputs[")
    wanted = ("queue 'default' is behind: 7 messages ready, the oldest for 5 min; 1 of 1 slot busy", "-c 2")
    place.type_until(DOCTOR, *wanted)


@journey.step("Four at a time, by the environment", where="001:286", rows=(9, 22, 41, 131))
def four_at_a_time(place: Place) -> None:
    place.process("engine").send_signal(signal.SIGCONT)
    place.end("celery_worker")
    done = place.text_of("celery_worker").count("] succeeded")
    up(place, "celery_worker", more="--beat", CELERY_WORKER_CONCURRENCY="4")
    place.shows("celery_worker", "concurrency: 4")
    place.shows("celery_worker", "] succeeded", 9 - done)  # those eight, and what had waited for any worker at all
    place.type("horarium -A config inspect stats", '"max-concurrency": 4')
    place.type(f"horarium -A config schedules resume '{SUBMISSIONS}'")
    place.shows("celery_worker", SENT)
    place.type(DOCTOR, "1 worker alive", "1 scheduler alive", "8 schedules, none late")
