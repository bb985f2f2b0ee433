"""The guide of LabControl (004): reminders by mail, results in the database, three ways of making schedules."""

from __future__ import annotations

import json
import os
import re
import signal
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from journey import Journey
from place import WAIT_MS, Place, place_for
from playwright.sync_api import expect

from servers import free_port

journey = Journey("labcontrol")
PASSWORD = "correct horse"
REMIND = "apps.appointments.tasks.send_appointment_reminders"
MAIL = "apps.notifications.tasks.send_email_notification"
LARGE = "apps.studies.tasks.process_large_file"
BEAT = "horarium -A config beat --loglevel=info"
WORKER = "horarium -A config worker --loglevel=info"
A = "horarium -A config"
MIGRATE = "run: python manage.py migrate django_celery_beat"
PERIODIC = "from horarium.contrib.django.beat.models import *\n"
SECONDS = 2.5  # more than two seconds: a schedule of every second is due in any of these
CHANGED = "DatabaseScheduler: Schedule changed"
OFTEN = "Scheduler: Sending due task Often (apps.studies.tasks.process_study_results)"
NEW_TASK = '''from django.core.mail import send_mail

from horarium import shared_task


@shared_task
def my_background_task(user_id):
    """Description of what this task does."""
    return f"Completed for user {user_id}"
'''
TOLD_MORE = """DEBUG = True
CELERY_WORKER_LOGLEVEL = "DEBUG"
CELERY_ALERTS = {
    "channels": {
        "mail": {
            "type": "email",
            "to": ["ana@lab.example"],
            "from": DEFAULT_FROM_EMAIL,
            "host": EMAIL_HOST,
            "port": EMAIL_PORT,
        },
    },
    "rules": {"task_failed": {"names": ["apps.notifications.*"]}},
    "every": 0.5,
    "wait": 4,
}"""


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("world", ["alone", "servers"])
def test_the_guide_is_followed_from_its_first_line_to_its_last(world: str, tmp_path: Path) -> None:
    surroundings = {
        "EMAIL_PORT": str(free_port()),
        "WEB": f"127.0.0.1:{free_port()}",
        "FLOWER_PORT": str(free_port()),
        "EMAIL_TIMEOUT": "2",
        "RETRY_AFTER": "1",
        "DJANGO_SUPERUSER_PASSWORD": PASSWORD,
    }
    with place_for("labcontrol", tmp_path, world, **surroundings) as place:
        open_mail(place)
        journey.walk(place)
        assert place.stop(place.process("mail"), place.process("web"), by=signal.SIGINT) == [0, 0]
        place.leave()


def open_mail(place: Place, moods: str = "--nth 0") -> None:
    place.begin("mail", f"python -m outside.mail_server --port {place.environment['EMAIL_PORT']} {moods}")
    place.shows("mail", "mail server at")


def site(place: Place, path: str) -> str:
    return f"http://{place.environment['WEB']}{path}"


def answers(url: str) -> bool:
    try:
        return httpx.get(url).status_code == 200
    except httpx.ConnectError:
        return False


def book(place: Place, *names: str) -> list[str]:
    """Book for people on the site, from where they get a mail; return the runs that send it."""
    starts = (datetime.now(UTC) + timedelta(hours=3)).isoformat()
    answers = [httpx.post(site(place, "/appointments/"), data={"user": name, "starts": starts}) for name in names]
    return [answer.json()["run"] for answer in answers]


@journey.step("Beat starts before the tables are there, and says what to do", where="004:240", rows=(86,))
def beat_starts_before_the_tables_are_there(place: Place) -> None:
    place.begin("beat", BEAT)
    place.shows("beat", MIGRATE)
    place.type_until(f"{A} doctor", "problem  scheduler beat@", "cannot read where schedules are defined", MIGRATE)
    place.end("beat")


@journey.step("Migrations are run", where="004:56", rows=(85,))
def migrations_are_run(place: Place) -> None:
    place.type("python manage.py migrate", "Applying django_celery_beat.0019", "Applying django_celery_results.0014")
    place.type("python manage.py fill_laboratory", "4 people, 2 studies")


@journey.step("Option A: the built-in command makes the default schedules", where="004:70", rows=(71, 75, 79, 88))
def the_built_in_command_makes_the_schedules(place: Place) -> None:
    place.type(
        "python manage.py setup_periodic_tasks",
        "Send Appointment Reminders: created",
        "Cleanup Old Notifications: created",
    )


@journey.step("All services are started, each by itself", where="004:115", rows=(1, 11, 122))
def all_services_are_started(place: Place) -> None:
    place.begin("celery_beat", BEAT)
    place.begin("celery_worker", WORKER)
    place.begin("web", f"python manage.py runserver --noreload {place.environment['WEB']}")
    place.begin("flower", "horarium -A config flower --address 127.0.0.1")
    place.shows("celery_worker", REMIND)
    place.shows("celery_worker", "ready.")
    place.shows("celery_beat", "beat v")
    place.shows("celery_beat", "is starting")
    place.shows("celery_beat", CHANGED)
    assert "ERROR" not in place.text_of("celery_beat")
    place.until(lambda: answers(site(place, "/appointments/")))
    place.shows("flower", "log in: ")


@journey.step("Option B: a schedule is added in the admin", where="004:79", rows=(96, 97, 98, 101, 105))
def a_schedule_is_added_in_the_admin(place: Place) -> None:
    place.type("python manage.py createsuperuser --noinput --username ana --email ana@lab.example")
    book(place, "ada", "grace")
    page = place.page
    page.goto(site(place, "/admin/"))
    page.fill("#id_username", "ana")
    page.fill("#id_password", PASSWORD)
    page.click("input[type=submit]")
    for kind in ("periodictask", "crontabschedule", "intervalschedule", "solarschedule", "clockedschedule"):
        page.wait_for_selector(f"#content a[href='/admin/django_celery_beat/{kind}/']")
    page.goto(site(place, "/admin/django_celery_beat/periodictask/add/"))
    page.fill("#id_name", "Send Daily Reminders")
    page.fill("#id_task", REMIND)
    page.click(".field-crontab .select2-selection")
    page.click(".select2-results__option:has-text('0 9 * * *')")
    expect(page.locator("#id_enabled")).to_be_checked(timeout=WAIT_MS)
    page.click("input[name=_continue]")
    page.get_by_role("button", name="Run task now").click()
    place.shows("mail", "250 mail to ada@people.example: Your appointment")
    place.shows("mail", "250 mail to grace@people.example: Your appointment")
    place.shows("celery_worker", "Sent 2 reminders")


@journey.step(
    "Option C: schedules of every kind are made by the ORM, and fire", where="004:95", rows=(81, 82, 90, 91, 93, 95)
)
def a_schedule_is_made_by_the_orm(place: Place) -> None:
    told = place.shell(
        PERIODIC + "from datetime import datetime, timedelta, timezone\n"
        "schedule, _ = CrontabSchedule.objects.get_or_create(\n"
        "    minute='0', hour='9', day_of_week='*', day_of_month='*', month_of_year='*',\n"
        ")\n"
        f"PeriodicTask.objects.get_or_create(name='My Task', task='{REMIND}', crontab=schedule, enabled=True)\n"
        "second, _ = IntervalSchedule.objects.get_or_create(every=1, period='seconds')\n"
        "PeriodicTask.objects.get_or_create(name='Often', task='apps.studies.tasks.process_study_results',\n"
        "                                   interval=second, args='[1]', enabled=True)\n"
        "dusk, _ = SolarSchedule.objects.get_or_create(event='sunset', latitude=52.5, longitude=13.4)\n"
        f"PeriodicTask.objects.get_or_create(name='At Dusk', task='{REMIND}', solar=dusk)\n"
        "moment = ClockedSchedule.objects.create(clocked_time=datetime.now(timezone.utc) + timedelta(seconds=3))\n"
        "PeriodicTask.objects.create(name='Once', task='apps.studies.tasks.process_study_results', clocked=moment,\n"
        "                            one_off=True, args='[2]')\n"
        "for row in PeriodicTask.objects.filter(enabled=True).values('name', 'task').order_by('name'):\n"
        "    print(row['name'], row['task'])"
    )
    assert f"My Task {REMIND}" in told, told
    assert len(told.splitlines()) == 7, told
    place.shows("celery_beat", OFTEN, 2)
    place.shows("celery_worker", "Processed 200 readings of study 1", 2)
    place.shows("celery_beat", "Sending due task Once (apps.studies.tasks.process_study_results)")
    place.shows("celery_worker", "Processed 60000 readings of study 2")
    listed = [line.split("\t") for line in place.type(f"{A} schedules list").splitlines() if "\t" in line]
    fires = {name: (spec, status) for name, _, spec, _, status, *_ in listed}
    assert fires["Send Appointment Reminders"] == fires["My Task"] == ("crontab 0 9 * * *", "active"), listed
    assert fires["Cleanup Old Notifications"] == ("crontab 0 2 * * 0", "active"), listed
    assert fires["Often"] == ("every 1 s", "active"), listed
    assert fires["At Dusk"][0].startswith("sunset"), listed
    assert fires["Once"][1] == "disabled", listed  # it has run at its moment, once


@journey.step("A new task is added to the project: workers need to know it", where="004:150", rows=(11, 50, 57, 127))
def a_new_task_is_added(place: Place) -> None:
    place.write("apps/myapp/tasks.py", NEW_TASK)
    place.edit("config/settings/base.py", '    "apps.studies",\n', '    "apps.studies",\n    "apps.myapp",\n')
    id = place.type(f"{A} call apps.myapp.tasks.my_background_task --args '[123]'").strip()
    place.type(f"{A} doctor {id}", "the app does, the live workers do not", f"-> {A} worker   (restart them", code=1)


@journey.step("A task is called in every way", where="004:168", rows=(50, 58, 59, 64, 65, 66, 67, 68, 69))
def a_task_is_called_in_every_way(place: Place) -> None:
    told = place.shell(
        "from datetime import datetime, timedelta\n"
        "from apps.appointments.tasks import send_appointment_reminders\n"
        "from apps.notifications.models import Notification\n"
        "from apps.notifications.tasks import cleanup_old_notifications, send_bulk_notification\n"
        "from apps.notifications.tasks import send_email_notification\n"
        "from django.contrib.auth.models import User\n"
        "from django.utils import timezone\n"
        "print('direct:', send_appointment_reminders())\n"
        "result = send_appointment_reminders.delay()\n"
        "value = result.get(timeout=60)\n"
        "print('delayed:', result.id, result.ready(), result.result)\n"
        "users = [User.objects.get(username=name).pk for name in ('ada', 'lise')]\n"
        "print(send_bulk_notification.delay(users, 'Closed', 'On Friday.', type='warning').get(timeout=60))\n"
        "soon = send_email_notification.apply_async(args=[users[0], 'In a second', 'As said.'], countdown=1)\n"
        "print(soon.get(timeout=60))\n"
        "eta = datetime.utcnow() + timedelta(seconds=1)\n"
        "timed = send_email_notification.apply_async(args=[users[1], 'At its time', 'As said.'], eta=eta)\n"
        "print(timed.get(timeout=60))\n"
        "Notification.objects.update(read=True)\n"
        "Notification.objects.filter(user=users[0]).update(created=timezone.now() - timedelta(days=91))\n"
        "print(cleanup_old_notifications.delay().get(timeout=60), Notification.objects.get().user)\n"
        "later = send_email_notification.apply_async(args=[users[0], 'Late', ''], eta=eta + timedelta(hours=1))\n"
        "print('later:', later.id, later.state)"
    )
    assert "direct: Sent 0 reminders" in told, told
    assert re.search(r"delayed: \S+ True Sent 0 reminders", told), told
    assert "Deleted 1 notifications lise\n" in told, told
    assert "Sent to 2 users\nSent to ada@people.example\nSent to lise@people.example" in told, told
    for who, subject in (("ada", "Closed"), ("lise", "Closed"), ("ada", "In a second"), ("lise", "At its time")):
        place.shows("mail", f"250 mail to {who}@people.example: {subject}")
    later = re.findall(r"later: (\S+) PENDING", told)[0]
    why = place.type(f"horarium -A config doctor {later}", "it waits for its eta")
    assert re.search(r"in (59|60) min", why), why


@journey.step("What runs is seen, and what runs too long is stopped", where="004:195", rows=(55, 106))
def what_runs_is_seen(place: Place) -> None:
    share = place.home.parent / "run" / "studies" / "spectra.csv"  # now on a share that does not answer
    readings = share.read_text()
    share.unlink()
    os.mkfifo(share)
    id = place.type(f"horarium -A config call {LARGE} --args '[2]'").strip()
    place.shows("celery_worker", f"Task {LARGE}[{id}] received")
    place.type_until(f"{A} inspect active", LARGE, id)
    share.write_text(readings)  # it answers
    place.shows("celery_worker", f"Task {LARGE}[{id}] succeeded")
    told = place.shell(
        "from apps.studies.models import Study\nfrom apps.studies.tasks import process_large_file as large\n"
        "print(large.time_limit, large.soft_time_limit)\n"
        "result = large.apply_async(args=[2], soft_time_limit=1)\n"
        "print(type(result.get(timeout=60, propagate=False)).__name__, Study.objects.get(pk=2).state)"
    )
    assert told == "300 270\nSoftTimeLimitExceeded interrupted\n"
    share.unlink()
    share.write_text(readings)


@journey.step(
    "Results are rows of the database; a model's instance is refused at the call, an id is taken",
    where="004:227, 004:299",
    rows=(32, 60, 94, 136),
)
def results_are_rows(place: Place) -> None:
    told = place.shell(
        "from horarium.contrib.django.results.models import TaskResult\n"
        "from horarium.errors import EncodingError\n"
        "from apps.appointments.tasks import send_appointment_reminders\n"
        "from apps.studies.models import Study\n"
        "from apps.studies.tasks import process_study_results\n"
        "study = Study.objects.get(pk=1)\n"
        "task_id = process_study_results.delay(study.pk).id\n"
        "process_study_results.AsyncResult(task_id).get(timeout=60)\n"
        "result = TaskResult.objects.get(task_id=task_id)\n"
        "print(result.status, result.result, result.task_name)\n"
        "recent = TaskResult.objects.order_by('-date_created')[:10]\n"
        "print(len(recent), all(row.task_name for row in recent))\n"
        "try:\n    process_study_results.delay(study)\nexcept EncodingError as error:\n    print(error)\n"
        "send_appointment_reminders.apply_async(queue='archive')"  # that nobody reads
    )
    assert re.match(r'SUCCESS \{"readings": ?200.*\} apps.studies.tasks.process_study_results\n10 True\n', told), told
    assert "args[0] (study_id)" in told, told
    assert "pass its pk, 1" in told, told


@journey.step("The dashboard shows workers, tasks and queues", where="004:214", rows=(114, 116, 119, 120))
def the_dashboard_shows_it(place: Place) -> None:
    page = place.page
    main = page.locator("main")
    page.goto(re.findall(r"log in: (\S+)", place.text_of("flower"))[0])
    page.get_by_role("button", name="Log in", exact=True).first.click()
    home = f"http://127.0.0.1:{place.environment['FLOWER_PORT']}"
    page.wait_for_url(f"{home}/")
    page.goto(f"{home}/workers")
    expect(main).to_contain_text("worker@", timeout=WAIT_MS)
    page.goto(f"{home}/runs?q=state:succeeded")
    expect(main).to_contain_text("process_study_results", timeout=WAIT_MS)
    page.goto(f"{home}/runs?q=state:failed")
    page.locator("main a[href*='/runs/']", has_text="process_large_file").first.click()
    expect(main).to_contain_text("Traceback", timeout=WAIT_MS)
    expect(main).to_contain_text("SoftTimeLimitExceeded", timeout=WAIT_MS)
    page.goto(f"{home}/queues")
    expect(page.locator("main tr", has_text="archive")).to_contain_text("1", timeout=WAIT_MS)
    page.goto(f"{home}/monitor")
    page.get_by_role("button", name="Let workers tell").click()
    expect(main).to_contain_text("process_study_results", timeout=WAIT_MS)  # it goes on every second
    page.goto("about:blank")


@journey.step("A process is missing, or nobody reads a queue: doctor says so", where="004:253", rows=(48, 108, 127))
def doctor_says_what_is_missing(place: Place) -> None:
    place.end("celery_worker", "celery_beat")
    place.type(
        f"{A} doctor",
        "problem  no worker is alive",
        f"-> {A} worker",
        "but no scheduler is alive to fire what is due",
        f"-> {A} beat",
        code=1,
    )
    place.begin("celery_beat", BEAT)
    place.begin("celery_worker", f"{WORKER} -Q default,notifications")  # as the guide's, it does not read `heavy`
    place.shows("celery_worker", "Completed for user 123")  # it knows the new task
    id = place.type(f"{A} call {LARGE} --args '[2]'").strip()
    place.type(f"{A} doctor", "problem  queue 'heavy' holds 1 message", f"-> {A} worker -Q heavy", code=1)
    place.begin("heavy", f"{WORKER} -Q heavy -c 1 -n heavy@%h")
    place.shows("heavy", f"Task {LARGE}[{id}] succeeded")
    place.type(f"{A} inspect registered", LARGE, MAIL, REMIND, "apps.myapp.tasks.my_background_task")


@journey.step("A row is disabled: that counts without a restart", where="004:269", rows=(92, 95, 100, 135))
def a_row_is_disabled(place: Place) -> None:
    place.shows("celery_beat", OFTEN)
    changed = place.text_of("celery_beat").count(CHANGED)
    switched_off = "row = PeriodicTask.objects.get(name='Often')\nrow.enabled = False\nrow.save()\nprint(row.pk)"
    key = place.shell(PERIODIC + switched_off).strip()
    place.shows("celery_beat", CHANGED, changed + 1)
    sent = place.text_of("celery_beat").count(OFTEN)
    task = "apps.studies.tasks.process_study_results"
    place.type(f"{A} doctor {task}", "note     schedule 'Often' is disabled", f"-> {A} schedules resume Often")
    end = time.monotonic() + SECONDS
    place.until(lambda: time.monotonic() > end)
    assert place.text_of("celery_beat").count(OFTEN) == sent
    page = place.page
    page.goto(site(place, f"/admin/django_celery_beat/periodictask/{key}/change/"))
    page.check("#id_enabled")
    page.click("input[name=_save]")
    page.wait_for_selector(".messagelist .success")
    page.goto("about:blank")
    place.shows("celery_beat", OFTEN, sent + 1)
    place.type_until(f"{A} doctor {task}", f"OK       task '{task}' is known by", "schedule 'Often' next fires at")


@journey.step("Tasks do not fail silently, and say more when asked to", where="004:278", rows=(47, 49, 63, 133))
def tasks_do_not_fail_silently(place: Place) -> None:
    place.edit("config/settings/dev.py", "DEBUG = True", TOLD_MORE)
    place.end("celery_worker")
    place.begin("celery_worker", f"{A} worker -Q default,notifications")
    place.shows("celery_worker", "ready.")
    *_, id = book(place, "ada", "grace", "lise", "gone")
    place.shows("celery_worker", f"Task {MAIL}[{id}] raised unexpected: ")
    place.shows("celery_worker", "Traceback")
    place.shows("celery_worker", "Sending 'Booked' to user 4")  # a line of the level DEBUG
    place.type(
        f"{A} doctor {id}",
        "problem  it failed",
        "SMTPRecipientsRefused",
        "No such mailbox",
        f"-> {A} runs retry",
        code=1,
    )


@journey.step(
    "After its last retry somebody is told by mail, and when it is well again", where="004:319", rows=(52, 121)
)
def somebody_is_told_after_the_last_retry(place: Place) -> None:
    place.stop(place.process("mail"))
    call = f"{A} call {MAIL} --kwargs="
    id = place.type(call + """'{"user_id": 1, "subject": "Hello", "message": ""}'""").strip()
    place.shows("celery_worker", f"Task {MAIL}[{id}] retry: Retry in 1", 3)
    place.shows("celery_worker", f"Task {MAIL}[{id}] raised unexpected: ")
    open_mail(place)
    told = json.loads(place.type(f"{A} runs show {id} --json"))
    assert len(told["attempts"]) == 4, told
    assert "ConnectionRefusedError" in told["error"]["class_path"], told
    assert told["queue"] == "notifications", told
    about = f"Task failed: {MAIL} \N{MIDDLE DOT} builtins.ConnectionRefusedError"
    place.shows("mail", f"250 mail to ana@lab.example: [config] FIRING: {about}")
    place.type(call + """'{"user_id": 2, "subject": "Hello", "message": ""}'""")
    place.shows("mail", "250 mail to grace@people.example: Hello")
    place.shows("mail", f"250 mail to ana@lab.example: [config] RECOVERED: {about}")


@journey.step("The mail server does not answer, then puts off every second mail", where="004:295", rows=(55, 136))
def the_mail_server_is_moody(place: Place) -> None:
    place.stop(place.process("mail"))
    open_mail(place, "--first silence --nth 2")
    place.type(f"{A} schedules run 'Send Appointment Reminders'")
    place.shows("mail", "silence mail to ada@people.example")
    place.shows("celery_worker", "then the mail server refused: Connection unexpectedly closed: timed out")
    place.shows("mail", "451 mail to grace@people.example")
    place.shows("mail", "250 mail to grace@people.example: Your appointment")
    place.shows("mail", "250 mail to lise@people.example: Your appointment")
    place.shows("celery_worker", "No reminder for appointment")
    for name in ("ada", "grace", "lise"):
        assert place.text_of("mail").count(f"250 mail to {name}@people.example: Your appointment") == 1


@journey.step("Three workers, and beat beside a worker with one of its own", where="004:346", rows=(9, 14, 17, 128))
def three_workers_and_two_schedulers(place: Place) -> None:
    place.begin("worker2", f"{WORKER} --beat -c 1 -n worker2@%h")
    place.begin("worker3", f"{WORKER} -c 1 -n worker3@%h")
    place.shows("worker2", "ready.")
    place.shows("worker3", "ready.")
    place.type_until(f"{A} doctor", "4 workers alive: heavy@", "worker2@", "worker3@", "worker@", "2 schedulers alive")
    place.end("celery_beat")  # the other one goes on
    place.shows("worker2", OFTEN, place.text_of("worker2").count(OFTEN) + 2)
    listed = place.type(f"{A} schedules history Often -n 1000 --json")
    firings = json.loads(listed.partition("\n")[0])
    instants = [firing["nominal"] for firing in firings if firing["kind"] == "auto"]
    assert len(instants) >= 10, instants
    assert len(instants) == len(set(instants)), instants


@journey.step("A task is limited to ten starts a minute, of all workers together", where="004:362", rows=(54,))
def a_task_is_limited(place: Place) -> None:
    told = place.shell(
        "from apps.studies.tasks import announce_study\n"
        "print(announce_study.delay(1).get(timeout=60), [announce_study.delay(1).id for _ in range(20)][-1])"
    )
    assert told.startswith("announced Melting points"), told
    place.type(f"horarium -A config doctor {told.split()[-1]}", "10/m")


@journey.step("The tests need no broker", where="004:376", rows=(46, 137))
def the_tests_need_no_broker(place: Place) -> None:
    nowhere = "REDIS_URL=redis://127.0.0.1:1/0 DATABASE_URL=postgresql://127.0.0.1:1/none EMAIL_PORT=1"
    place.type(f"{nowhere} python manage.py test --settings config.settings.test", "Ran 8 tests", "OK")


@journey.step("What waits is purged, from where there is no terminal", where="004:429", rows=(20, 112))
def what_waits_is_purged(place: Place) -> None:
    place.end("celery_worker", "heavy", "worker2", "worker3")
    place.type("horarium -A config purge", "there is no terminal to ask on", "add -f", code=4)
    place.type("horarium -A config purge -f", "messages cancelled")
    place.type("horarium -A config purge", "there is nothing to cancel")
