"""The guide of KoolClips (002): one object store to be cleaned daily, on one dyno or many."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path

import httpx
import pytest
from journey import Journey
from place import Place, place_for

from servers import free_port

journey = Journey("koolclips")
CLEANUP = "viral_clips.tasks.scheduled_cloudcube_cleanup"
REPORT = "viral_clips.tasks.send_weekly_report"
APP = "config/celery.py"
DAILY = "crontab(hour=2, minute=0),  # Run daily at 2:00 AM UTC"
RETENTION = '"kwargs": {"retention_days": %d},'
WEEKLY = """    "weekly-report": {
        "task": "viral_clips.tasks.send_weekly_report",
        "schedule": crontab(hour=9, minute=0, day_of_week=1),  # Monday 9 AM
    },
"""
A = "horarium -A config"
SYNC = f"{A} schedules sync"
HISTORY = f"{A} schedules history daily-cloudcube-cleanup -n 500 --json"
SENT = "Scheduler: Sending due task daily-cloudcube-cleanup"
SECONDS = 2.5  # more than two seconds: a schedule of every second is due in any of these


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("world", ["alone", "servers"])
def test_the_guide_is_followed_from_its_first_line_to_its_last(world: str, tmp_path: Path) -> None:
    surroundings = {
        "CLOUDCUBE_URL": f"http://127.0.0.1:{free_port()}",
        "CLOUDCUBE_TIMEOUT": "1",
        "RETRY_AFTER": "2",
        "GUNICORN_CMD_ARGS": f"--bind=127.0.0.1:{free_port()}",
    }
    with place_for("koolclips", tmp_path, world, **surroundings) as place:
        place.edit(APP, WEEKLY, "")  # the guide adds it later
        open_cube(place)
        journey.walk(place)
        place.stop(place.process("cube"))
        place.leave()


def open_cube(place: Place, *options: str) -> None:
    port = place.environment["CLOUDCUBE_URL"].rpartition(":")[2]
    place.begin("cube", " ".join(["python -m outside.cube_server --nth 0 --port", port, *options]))
    place.shows("cube", "object store at")


def lines_of(place: Place, procfile: str) -> dict[str, str]:
    """Return the commands of a Procfile by their names."""
    lines = (place.home / procfile).read_text().splitlines()
    return {name: command for name, _, command in (line.partition(": ") for line in lines)}


@journey.step("The Procfile's three processes start", where="002:46", rows=(1, 3, 6, 11, 12, 21))
def the_procfiles_processes_start(place: Place) -> None:
    for name, command in lines_of(place, "Procfile").items():
        place.begin(name, command)
    place.shows("worker", CLEANUP)
    place.shows("worker", "ready.")
    place.shows("beat", "beat: Starting...")
    place.shows("beat", "beat: 1 schedules of the code stored")
    place.shows("web", f"Listening at: http://{web(place)}")


def web(place: Place) -> str:
    return place.environment["GUNICORN_CMD_ARGS"].partition("=")[2]


@journey.step("The hour, the rhythm and the retention are changed in code", where="002:107", rows=(43, 72, 73, 75, 83))
def hour_rhythm_and_retention_are_changed(place: Place) -> None:
    was = DAILY
    for new, stored in (
        ("crontab(hour=3, minute=30),", '"minute":"30","hour":"3"'),
        ("crontab(hour='*/12', minute=0),", '"minute":"0","hour":"*/12"'),
        ("crontab(hour=2, minute=0, day_of_week=0),", '"minute":"0","hour":"2","day_of_week":"0"'),
    ):
        place.edit(APP, was, new)
        place.type(SYNC, f'-> {{"kind":"crontab",{stored}')  # instead of starting beat anew
        was = new
    place.type(f"{A} schedules next daily-cloudcube-cleanup -n 1", "Sun", "02:00:00")
    place.edit(APP, was, DAILY)
    place.edit(APP, RETENTION % 5, RETENTION % 7)
    place.end("beat")
    place.begin("beat", lines_of(place, "Procfile")["beat"])  # or that, as the guide has it
    place.shows("beat", "beat: 1 schedules of the code stored")
    place.type(f"{A} schedules run daily-cloudcube-cleanup")
    place.shows("worker", "Starting scheduled Cloudcube cleanup (retention: 7 days)")
    place.edit(APP, RETENTION % 7, RETENTION % 5)


@journey.step("A second entry is added: the report on Monday at nine", where="002:132", rows=(75, 78))
def a_second_entry_is_added(place: Place) -> None:
    ends = f"        {RETENTION % 5}\n    }},\n"
    place.edit(APP, ends, ends + WEEKLY)
    place.type(SYNC, "+ weekly-report", '{"retention_days":7} -> {"retention_days":5}')
    place.type(f"{A} schedules next weekly-report -n 1", "Mon", "09:00:00")


@journey.step(
    "A task is triggered by hand in the Django shell, and by the site", where="002:169", rows=(50, 65, 69, 124)
)
def a_task_is_triggered_by_hand(place: Place) -> None:
    answer = httpx.post(f"http://{web(place)}/")
    assert answer.status_code == 202, answer.text
    place.shows("worker", f"Task viral_clips.tasks.render_clip[{answer.json()['run']}] succeeded")
    told = place.shell(
        "from viral_clips.tasks import scheduled_cloudcube_cleanup\n"
        "result = scheduled_cloudcube_cleanup.delay(retention_days=5)\n"
        "print(result.get(timeout=30))"
    )
    assert "'retained': 1" in told, told
    place.shows("worker", f"Task {CLEANUP}[")
    place.shows("worker", "Starting scheduled Cloudcube cleanup (retention: 5 days)")
    place.shows("worker", "Scheduled cleanup completed: Deleted 0 files (0.0 MB), retained 1 recent clips")


@journey.step("The schedule is tried without waiting for the night", where="002:175", rows=(74, 102, 123))
def the_schedule_is_tried_without_waiting(place: Place) -> None:
    place.type(f"{A} schedules run daily-cloudcube-cleanup")  # nothing has to be reverted
    place.shows("worker", "Scheduled cleanup completed", 3)
    place.edit(APP, DAILY, "crontab(minute='*'),  # Run every minute")
    place.type(SYNC, '"minute":"*","hour":"*"')
    place.edit(APP, "crontab(minute='*'),  # Run every minute", "1.0,")  # a minute is long to wait for
    place.type(SYNC, '"milliseconds":1000')
    place.shows("beat", SENT)
    place.shows("worker", "Scheduled cleanup completed", 4)


@journey.step("The schedule is paused for maintenance, and resumed", where="002:175", rows=(127,))
def the_schedule_is_paused(place: Place) -> None:
    place.type(f"{A} schedules pause daily-cloudcube-cleanup --note 'the store moves'")
    paused = "schedule 'daily-cloudcube-cleanup' is paused by"
    place.type(f"{A} doctor", paused, "the store moves", f"-> {A} schedules resume daily-cloudcube-cleanup")
    sent = place.text_of("beat").count(SENT)
    end = time.monotonic() + SECONDS
    place.until(lambda: time.monotonic() > end)
    assert place.text_of("beat").count(SENT) == sent
    place.type(f"{A} schedules resume daily-cloudcube-cleanup")
    place.shows("beat", SENT, sent + 1)
    place.edit(APP, "1.0,", DAILY)
    place.type(SYNC, '"milliseconds":1000} -> {"kind":"crontab"')


@journey.step("Beat does not run, or no worker: doctor says which is missing", where="002:206", rows=(127, 134))
def doctor_says_which_process_is_missing(place: Place) -> None:
    lines = lines_of(place, "Procfile")
    place.type(f"{A} doctor", "1 worker alive", "1 scheduler alive", "2 schedules, none late")
    place.end("beat", "worker")
    place.type(
        f"{A} doctor",
        "problem  no worker is alive",
        f"-> {A} worker",
        "problem  2 schedules stored, but no scheduler is alive",
        f"-> {A} beat",
        code=1,
    )
    for name in ("beat", "worker"):
        place.begin(name, lines[name])
    place.shows("worker", "ready.")
    place.shows("beat", "beat: Starting...")


@journey.step("Redis is away: doctor says so, and nobody has to be restarted", where="002:214", rows=(21, 127))
def redis_is_away(place: Place) -> None:
    if place.world == "alone":
        line = f"REDIS_URL=redis://127.0.0.1:1/0 {A} doctor"
        place.type(line, "problem  the store cannot be used", "redis://127.0.0.1:1/0", "Connection refused", code=1)
        return
    place.redis.kill()
    place.type(f"{A} doctor", "problem  the store cannot be used", place.redis.url, "Connection refused", code=1)
    place.redis.start()
    place.type(f"{A} call {REPORT} --wait", "1 clips")


@journey.step("Two beats do not fire twice; three workers share the work", where="002:216", rows=(13, 14, 17, 128))
def two_beats_do_not_fire_twice(place: Place) -> None:
    lines = lines_of(place, "Procfile")
    place.edit(APP, DAILY, "1.0,")
    place.begin("beat2", f"{lines['beat']} -n beat2@%h")
    for name in ("worker2", "worker3"):
        place.begin(name, f"{lines['worker']} -c 1 -n {name}@%h")
    for name in ("worker2", "worker3"):
        place.shows(name, "ready.")
    place.shows("beat", SENT)
    place.shows("beat2", "beat: Starting...")
    place.type(f"{A} doctor", "3 workers alive", "worker2@", "worker3@", "2 schedulers alive", "beat2@")
    place.end("beat")
    place.shows("beat2", SENT, place.text_of("beat2").count(SENT) + 2)  # it goes on where the first has stopped
    place.end("beat2", "worker2", "worker3")  # nothing is fired until a dyno has a scheduler again


@journey.step("A new retention is tried dry first", where="002:277", rows=(136,))
def a_new_retention_is_tried_dry(place: Place) -> None:
    call = f"{A} call {CLEANUP} --wait --kwargs="
    place.type(call + """'{"retention_days": 0, "dry_run": true}'""", '"deleted":0', '"found":1')
    place.shows("worker", "Would delete 1 files")
    place.type(call + """'{"retention_days": 0}'""", '"deleted":1')


@journey.step(
    "The object store is away, busy and silent: the cleanup is tried again until it is done",
    where="002:228",
    rows=(63, 133),
)
def the_object_store_is_away(place: Place) -> None:
    place.stop(place.process("cube"))
    id = place.type(f"{A} call {REPORT}").strip()
    place.shows("worker", f"Task {REPORT}[{id}] raised")
    place.shows("worker", "Traceback")
    place.type(f"{A} doctor {id}", "problem  it failed", "EndpointConnectionError", f"-> {A} runs retry {id}", code=1)
    id = place.type(f"{A} call {CLEANUP}").strip()
    place.shows("worker", f"Task {CLEANUP}[{id}] retry: Retry in 2")
    open_cube(place, "--first 429,silence,200,403")
    place.shows("worker", f"Task {CLEANUP}[{id}] succeeded")
    tried = place.text_of("worker").partition(f"[{id}] retry: ")[2]
    told = [tried.find(words) for words in ("EndpointConnectionError", "SlowDown", "ReadTimeoutError")]
    assert -1 < told[0] < told[1] < told[2], tried


@journey.step("Wrong credentials are found out", where="002:233", rows=(127, 133))
def wrong_credentials_are_found_out(place: Place) -> None:
    id = place.type(f"{A} call {REPORT}").strip()  # to which the store answers with 403
    place.shows("worker", f"Task {REPORT}[{id}] raised")
    place.type(f"{A} doctor {id}", "problem  it failed", "ClientError", "InvalidAccessKeyId", code=1)


@journey.step("The dyno is cycled: an empty disk, the same schedule", where="002:197", rows=(15, 16))
def the_dyno_is_cycled(place: Place) -> None:
    place.end("worker", "web")
    if place.world == "servers":  # alone, the store is on that disk
        shutil.rmtree(place.home.parent / "run")
    assert len(firings(place)) >= 3
    place.begin("worker", lines_of(place, "Procfile.combined")["worker"])
    place.shows("worker", "ready.")


@journey.step("Worker and beat in one dyno, and several of these", where="002:257", rows=(9, 13))
def worker_and_beat_share_a_dyno(place: Place) -> None:
    place.begin("dyno2", f"{lines_of(place, 'Procfile.combined')['worker']} -n dyno2@%h")
    place.shows("dyno2", "ready.")
    place.shows("worker", SENT)
    place.end("worker")  # "worker restarts will interrupt scheduled tasks": no, the other one goes on
    place.shows("dyno2", SENT, place.text_of("dyno2").count(SENT) + 2)
    instants = firings(place)
    assert len(instants) == len(set(instants)), instants


def firings(place: Place) -> list[str]:
    """Return the instants at which the cleanup was fired by a scheduler."""
    listed = place.type(HISTORY)
    return [firing["nominal"] for firing in json.loads(listed.partition("\n")[0]) if firing["kind"] == "auto"]
