"""The clean-up jobs as their users have them: its own tests, what each job does, and the whole of it.

In processes of their own: another project's settings are of no use to the tests after it.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from watching import missing, watch

VALIDIBOT = Path(__file__).parents[2] / "examples" / "validibot"
PATIENCE = 120  # seconds
PREPARE = """
import json
from datetime import timedelta
import django
django.setup()
from django.core.management import call_command
from django.utils import timezone
from outside.container_engine import Engine, serving
from validibot.core import cleanup
from validibot.core.engine import EngineTrouble
from validibot.core.models import *
call_command("migrate", verbosity=0)
now = timezone.now()
past, future = now - timedelta(hours=1), now + timedelta(hours=1)

def output(volume, expires=past, state="succeeded", started=past):
    submission = Submission.objects.create(name=volume, content="a,b", expires_at=expires)
    run = ValidationRun.objects.create(submission=submission, state=state, started_at=started)
    return Output.objects.create(run=run, volume=volume, expires_at=expires)
"""


@pytest.fixture
def surroundings(tmp_path: Path) -> dict[str, str]:
    paths = os.pathsep.join(filter(None, [str(VALIDIBOT), os.environ.get("PYTHONPATH")]))
    kept = {name: value for name, value in os.environ.items() if name not in ("REDIS_URL", "DATABASE_URL")}
    settings = {"VALIDIBOT_RUN": str(tmp_path), "DJANGO_SETTINGS_MODULE": "config.settings.test"}
    return {**kept, **settings, "PYTHONPATH": paths, "VALIDIBOT_DEMO": "0"}


def python(surroundings: dict[str, str], *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=VALIDIBOT,
        env=surroundings,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def shown(surroundings: dict[str, str], code: str) -> Any:
    """Run code in the project with an empty database; return what it has put into ``shown``."""
    told = python(surroundings, "-c", f"{PREPARE}\nshown = {{}}\n{code}\nprint(json.dumps(shown))")
    return json.loads(told.splitlines()[-1])


def test_its_own_tests_pass(surroundings: dict[str, str]) -> None:
    assert "Ran 3 tests" in python(surroundings, "manage.py", "test")
    python(surroundings, "manage.py", "makemigrations", "--check", "--dry-run")


def test_a_purge_that_fails_is_noted_tried_again_later_each_time_and_in_the_end_told_aloud(
    surroundings: dict[str, str],
) -> None:
    told = shown(
        surroundings,
        """
from django.conf import settings
engine = Engine(nth=3)  # the first volume is in use for four removals, every third removal fails
with serving(engine) as settings.DOCKER_HOST:
    from validibot.core.engine import Engine as Client
    for number, volume in enumerate(("first", "second", "kept")):
        made = output(volume, future if volume == "kept" else past)
        with Client.opened() as client:
            client.start(made.run_id, volume)
    shown["dry"] = cleanup.purge_outputs(dry_run=True)
    shown["purged"] = cleanup.purge_outputs(batch_size=1)
    shown["early"] = cleanup.retry_purges()
    waits = []
    shown["errors"] = []
    while PurgeRetry.objects.exists():
        waits.append(round((PurgeRetry.objects.get().next_try_at - timezone.now()) / timedelta(minutes=1)))
        PurgeRetry.objects.update(next_try_at=past)
        try:
            shown["in the end"] = cleanup.retry_purges()
        except cleanup.StillThere as error:
            shown["errors"].append(str(error)[:42])
    shown["waits"] = waits
    shown["left"] = [each.volume for each in Output.objects.filter(purged_at=None)], engine.counts()[1]
""",
    )
    assert told["dry"] == {"found": 2, "purged": 0, "to_be_retried": 0}
    assert told["purged"] == {"found": 2, "purged": 1, "to_be_retried": 1}
    assert told["early"] == {"found": 0, "purged": 0}
    assert told["waits"] == [5, 10, 20, 40, 60, 60]
    assert told["errors"] == ["1 still there after 3 attempts or more: fi"] * 4
    assert told["in the end"] == {"found": 1, "purged": 1}
    assert told["left"] == [["kept"], 1]


def test_containers_are_removed_when_their_validation_has_ended_or_is_unknown(surroundings: dict[str, str]) -> None:
    told = shown(
        surroundings,
        """
from django.conf import settings
engine = Engine()
with serving(engine) as settings.DOCKER_HOST:
    from validibot.core.engine import Engine as Client
    runs = [output("running", state="running").run_id, output("ended").run_id, 4711]
    with Client.opened() as client:
        for number in runs:
            client.start(number, f"v{number}")
            client.start(number, f"v{number}")  # twice is as good as once
    shown["made"] = engine.counts()
    shown["dry"] = cleanup.remove_containers(dry_run=True)
    shown["orphans"] = cleanup.remove_containers()
    shown["stuck"] = cleanup.fail_stuck_runs(dry_run=True), cleanup.fail_stuck_runs(), cleanup.fail_stuck_runs()
    shown["then"] = cleanup.remove_containers()
""",
    )
    assert told["made"] == [3, 3]
    assert told["dry"] == {"found": 2, "removed": 0}
    assert told["orphans"] == {"found": 2, "removed": 2}
    assert [each["found"] for each in told["stuck"]] == [1, 1, 0]
    assert told["then"] == {"found": 1, "removed": 1}


def test_what_is_old_is_deleted_in_batches_and_the_rest_is_kept(surroundings: dict[str, str]) -> None:
    told = shown(
        surroundings,
        """
for number in range(7):
    when = past if number < 5 else future
    IdempotencyKey.objects.create(key=str(number), expires_at=when)
    CallbackReceipt.objects.create(callback_id=str(number), received_at=when - timedelta(days=30))
    output(str(number), when)
for job in (cleanup.delete_idempotency_keys, cleanup.delete_callback_receipts, cleanup.purge_submissions):
    shown[job.__name__] = [list(job(dry_run=dry, batch_size=2).values()) for dry in (True, False, False)]
shown["kept"] = IdempotencyKey.objects.count(), CallbackReceipt.objects.count(), Submission.objects.count()
shown["contents"] = sorted(Submission.objects.values_list("content", flat=True))
""",
    )
    for job in ("delete_idempotency_keys", "delete_callback_receipts", "purge_submissions"):
        assert told[job] == [[5, 0], [5, 5], [0, 0]], job
    assert told["kept"] == [2, 2, 7]
    assert told["contents"] == [""] * 5 + ["a,b"] * 2


def test_an_engine_that_is_away_or_refuses_says_when_to_ask_again(surroundings: dict[str, str]) -> None:
    told = shown(
        surroundings,
        """
from django.conf import settings
settings.DOCKER_TIMEOUT = 1
settings.DOCKER_HOST = "tcp://127.0.0.1:1"
shown["waits"] = []
def ask():
    try:
        cleanup.remove_containers()
    except EngineTrouble as trouble:
        shown["waits"].append(trouble.retry_after)
ask()
with serving(Engine(nth=2)) as settings.DOCKER_HOST:
    ask()
    ask()
""",
    )
    assert told["waits"] == [10.0, 1.0, 10.0]


def test_the_demonstration_leaves_the_schedules_as_it_found_them(surroundings: dict[str, str]) -> None:
    told = shown(
        surroundings,
        """
from django.conf import settings
from horarium.contrib.django.beat.models import PeriodicTask
def rows():
    return [[row.name, str(row.interval or row.crontab)] for row in PeriodicTask.objects.order_by("name")]
before = rows()
settings.DEMO = True
call_command("demo")
shown["demo"] = len(rows())
settings.DEMO = False
call_command("demo")
shown["same"] = rows() == before
""",
    )
    assert told == {"demo": 10, "same": True}


@pytest.mark.timeout(PATIENCE)
def test_the_whole_fires_fails_retries_and_succeeds(tmp_path: Path) -> None:
    output = watch("validibot", tmp_path)
    assert missing(output) == [], output
    for seen in (
        r"\[Purge expired submissions\]",
        r"cleanup_orphaned_containers RETRY .*429",
        r"process_purge_retries +FAILURE .*still there",
        r"purge_expired_outputs +SUCCESS",
        r"clear_sessions +SUCCESS",
    ):
        assert re.search(seen, output), f"{seen} in\n{output}"
