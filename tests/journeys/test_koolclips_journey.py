"""The guide of KoolClips (002): one object store to be cleaned daily, on one dyno or many."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from journey import Journey
from place import Place, place_for

from servers import free_port

journey = Journey("koolclips")
CLEANUP = "viral_clips.tasks.scheduled_cloudcube_cleanup"
APP = "config/celery.py"
DAILY = "crontab(hour=2, minute=0),  # Run daily at 2:00 AM UTC"
COMBINED = "horarium -A config worker --beat --loglevel=info"
NEXT = "horarium -A config schedules next daily-cloudcube-cleanup -n 2"
SHOW = "horarium -A config schedules show daily-cloudcube-cleanup"
BEAT = "horarium -A config beat --loglevel=info"
WORKER = "horarium -A config worker --loglevel=info"


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("world", ["alone", "servers"])
def test_the_guide_is_followed_from_its_first_line_to_its_last(world: str, tmp_path: Path) -> None:
    port = free_port()
    with place_for("koolclips", tmp_path, world, CLOUDCUBE_URL=f"http://127.0.0.1:{port}") as place:
        open_cube(place)
        journey.walk(place)
        place.stop(place.process("cube"))
        place.leave()


def open_cube(place: Place) -> None:
    port = place.environment["CLOUDCUBE_URL"].rpartition(":")[2]
    place.begin("cube", f"python -m outside.cube_server --port {port} --nth 0")
    place.shows("cube", "object store at")


@journey.step("The Procfile's three processes start", where="002:46", rows=(1, 3, 6, 11, 12, 21))
def the_procfiles_processes_start(place: Place) -> None:
    web = free_port()
    place.environment["GUNICORN_CMD_ARGS"] = f"--bind=127.0.0.1:{web}"
    for line in (place.home / "Procfile").read_text().splitlines():
        name, _, command = line.partition(": ")
        place.begin(name, command)
    place.shows("worker", CLEANUP)
    place.shows("worker", "ready.")
    place.shows("beat", "beat: Starting...")
    place.shows("web", f"Listening at: http://127.0.0.1:{web}")


@journey.step("A task is triggered by hand in the Django shell", where="002:169", rows=(50, 65, 69, 124))
def a_task_is_triggered_by_hand(place: Place) -> None:
    place.shell("from viral_clips.tasks import render_clip\nprint(render_clip.delay('a.mp4').get(30))")
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
    place.type("horarium -A config schedules run daily-cloudcube-cleanup")  # nothing has to be reverted
    place.shows("worker", "Scheduled cleanup completed", 2)
    change(place, DAILY, "1.0,")  # the guide says every minute
    place.shows("beat", "Scheduler: Sending due task daily-cloudcube-cleanup")
    place.shows("worker", "Scheduled cleanup completed", 3)
    change(place, "1.0,", "crontab(minute='*'),")
    place.type_until(SHOW, "* * * * *")
    change(place, "crontab(minute='*'),", DAILY)
    place.type_until(NEXT, "02:00")


def change(place: Place, old: str, new: str) -> None:
    """Change the schedule in the code, and start beat anew, as the guide says."""
    place.edit(APP, old, new)
    place.end("beat")
    place.begin("beat", BEAT)


@journey.step("The hour, the rhythm and the retention are changed in code", where="002:107", rows=(43, 72, 73, 75, 83))
def hour_rhythm_and_retention_are_changed(place: Place) -> None:
    for new, seen in (
        ("crontab(hour=3, minute=30),", "03:30"),
        ("crontab(hour='*/12', minute=0),", "12:00"),
        ("crontab(hour=2, minute=0, day_of_week=0),", "Sun"),
    ):
        place.edit(APP, DAILY, new)
        place.type("horarium -A config schedules sync")  # instead of starting beat anew
        place.type(NEXT, seen)
        place.edit(APP, new, DAILY)
    change(place, '"kwargs": {"retention_days": 5},', '"kwargs": {"retention_days": 7},')
    place.type_until(SHOW, "7")
    place.type("horarium -A config schedules run daily-cloudcube-cleanup")
    place.shows("worker", "(retention: 7 days)")


@journey.step("A second entry: the report on Monday at nine", where="002:137", rows=(75, 78))
def a_second_entry_is_listed(place: Place) -> None:
    place.type("horarium -A config schedules list", "daily-cloudcube-cleanup", "weekly-report", "0 9 * * 1")
    place.type("horarium -A config schedules next weekly-report -n 1", "Mon", "09:00")


@journey.step("A new retention is tried dry first", where="002:277", rows=(136,))
def a_new_retention_is_tried_dry(place: Place) -> None:
    call = f"horarium -A config call {CLEANUP} --wait --kwargs="
    place.type(call + """'{"retention_days": 0, "dry_run": true}'""", '"deleted":0', '"found":1')
    place.shows("worker", "Would delete 1 files")
    place.type(call + """'{"retention_days": 0}'""", '"deleted":1')


@journey.step("The object store is away: the cleanup is tried again, and found out", where="002:228", rows=(63, 133))
def the_object_store_is_away(place: Place) -> None:
    place.stop(place.process("cube"))
    place.type("horarium -A config call viral_clips.tasks.send_weekly_report --wait", "EndpointConnectionError", code=1)
    place.shows("worker", "Traceback")
    place.type("horarium -A config runs list 'state:failed error:EndpointConnectionError'", "send_weekly_report")
    id = place.type(f"horarium -A config call {CLEANUP}").strip()
    place.shows("worker", f"Task {CLEANUP}[{id}] retry: Retry in")
    open_cube(place)
    place.type(f"horarium -A config control revoke {id}")
    place.type("horarium -A config call viral_clips.tasks.send_weekly_report --wait", "0 clips")


@journey.step("Nothing runs: doctor says which process is missing", where="002:206", rows=(127, 134))
def doctor_says_which_process_is_missing(place: Place) -> None:
    place.type_until("horarium -A config doctor", "1 worker alive", "1 scheduler alive", "schedules, none late")
    place.end("beat")
    place.type_until("horarium -A config doctor", "problem", "horarium -A config beat")
    place.begin("beat", BEAT)
    place.end("worker")
    place.type_until("horarium -A config doctor", "problem", "horarium -A config worker")
    place.begin("worker", WORKER)
    place.type_until("horarium -A config doctor", "1 worker alive", "1 scheduler alive", "schedules, none late")


@journey.step("Two beats do not fire twice; three workers share the work", where="002:216", rows=(13, 14, 17, 128))
def two_beats_do_not_fire_twice(place: Place) -> None:
    change(place, DAILY, "1.0,")
    place.begin("beat2", f"{BEAT} -n beat2@%h")
    for name in ("worker2", "worker3"):
        place.begin(name, f"{WORKER} -n {name}@%h")
        place.shows(name, "ready.")
    place.shows("beat", "Sending due task daily-cloudcube-cleanup", 3)
    place.end("beat")
    place.shows("beat2", "Sending due task daily-cloudcube-cleanup", 2)  # it goes on where the first has stopped
    place.type("horarium -A config status", "worker2@", "worker3@", "beat2@")
    place.edit(APP, "1.0,", DAILY)
    place.end("beat2", "worker2", "worker3")
    listed = place.type("horarium -A config schedules history daily-cloudcube-cleanup -n 100 --json")
    assert_no_instant_twice(listed)


@journey.step("The dyno is cycled: an empty disk, the same schedule", where="002:197", rows=(15, 16))
def the_dyno_is_cycled(place: Place) -> None:
    place.end("worker")
    place.end("web")
    if place.world == "servers":  # alone, the store is on that disk
        shutil.rmtree(place.home.parent / "run")
    place.begin("worker", COMBINED)
    place.shows("worker", "ready.")
    place.type_until("horarium -A config schedules history daily-cloudcube-cleanup", "auto", "SUCCESS")


@journey.step("Worker and beat in one dyno, and several of these", where="002:260", rows=(9, 13))
def worker_and_beat_share_a_dyno(place: Place) -> None:
    change_together(place, DAILY, "1.0,")
    place.begin("dyno2", f"{COMBINED} -n dyno2@%h")
    place.shows("dyno2", "ready.")
    place.shows("worker", "Sending due task daily-cloudcube-cleanup", 2)
    place.end("worker")  # "worker restarts will interrupt scheduled tasks": no, the other one goes on
    place.shows("dyno2", "Sending due task daily-cloudcube-cleanup", 2)
    assert_no_instant_twice(place.type("horarium -A config schedules history daily-cloudcube-cleanup -n 200 --json"))


def change_together(place: Place, old: str, new: str) -> None:
    place.end("worker")
    place.edit(APP, old, new)
    place.begin("worker", COMBINED)
    place.shows("worker", "ready.")


def assert_no_instant_twice(listed: str) -> None:
    instants = [firing["nominal"] for firing in json.loads(listed.partition("\n")[0]) if firing["kind"] == "auto"]
    assert len(instants) >= 3, listed
    assert len(instants) == len(set(instants)), listed
