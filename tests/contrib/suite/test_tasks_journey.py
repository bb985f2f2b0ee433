"""A site on Django 6.0 in real processes: a web server that enqueues, and ``horarium worker``."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import ExitStack
from pathlib import Path

import pytest

from servers import RedisServer, free_port

pytest.importorskip("django.tasks")

HERE = Path(__file__).parent
WITHIN = 40.0  # seconds; a bound for a machine that is busy, never a wait


class Site:
    """The web server and the worker of one store, in a folder of their own."""

    def __init__(self, folder, store):
        self.folder = folder
        self.port = free_port()
        self.environment = {
            **{name: value for name, value in os.environ.items() if name in ("PATH", "LANG", "HOME", "PYTHONPATH")},
            "DJANGO_SETTINGS_MODULE": "shop.task_settings",
            "PYTHONUNBUFFERED": "1",
            "SITE_FOLDER": str(folder),
            "SITE_STORE": store,
        }
        self.started = []

    def start(self, name, *command):
        with (self.folder / f"{name}.log").open("wb") as log:
            command = ["setpriv", "--pdeathsig", "KILL", sys.executable, *command]
            self.started.append(
                subprocess.Popen(command, cwd=HERE, env=self.environment, stdout=log, stderr=subprocess.STDOUT)
            )

    def stop(self):
        for process in self.started:
            process.send_signal(signal.SIGTERM)
        for process in self.started:
            process.wait(WITHIN)

    def get(self, path):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/{path}", timeout=WITHIN) as answer:
            return json.load(answer)

    def answers(self):
        try:
            self.get("result/unknown")
        except urllib.error.HTTPError:
            return True  # as it should: there is no such result
        except OSError:
            return False

    def until(self, fact):
        """Wait for a fact, and return it."""
        deadline = time.monotonic() + WITHIN
        while not (found := fact()):
            assert time.monotonic() < deadline, self.said()
            time.sleep(0.02)  # between two looks at a fact
        return found

    def end_of(self, id, *, way="result"):
        def end():
            told = self.get(f"{way}/{id}")
            return told if told["status"] in ("SUCCESSFUL", "FAILED") else None

        return self.until(end)

    def ends(self):
        """Return what task_finished has told, in all processes."""
        journal = self.folder / "ends"
        return journal.read_text().splitlines() if journal.exists() else []

    def said(self):
        return "\n".join(f"--- {log.name}\n{log.read_text()[-3000:]}" for log in self.folder.glob("*.log"))


@pytest.fixture(params=["sqlite", "redis"])
def site(request, tmp_path):
    with ExitStack() as stack:
        store = f"sqlite:///{tmp_path}/store.db"
        if request.param == "redis":
            store = stack.enter_context(RedisServer()).url
        site = Site(tmp_path, store)
        stack.callback(site.stop)
        site.start("worker", "-m", "horarium", "-A", "site_project", "worker", "-c", "1")
        site.start("web", "manage.py", "runserver", "--noreload", f"127.0.0.1:{site.port}")
        site.until(site.answers)
        yield site


def test_views_enqueue_and_a_worker_runs_fails_and_dies(site, tmp_path):
    sync, coroutine = site.get("add/1/2")["id"], site.get("async/add/3/4")["id"]
    assert (site.end_of(sync)["value"], site.end_of(coroutine, way="async/result")["value"]) == (3, 7)

    failed = site.end_of(site.get("enqueue/fail?reason=no-tea")["id"])
    assert (failed["status"], failed["attempts"], failed["times"]) == ("FAILED", 1, [True, True, True])
    assert failed["errors"][0][0] == "builtins.ValueError"
    assert "no-tea" in failed["errors"][0][1]

    marker = tmp_path / "pid"
    killed = site.get(f"enqueue/die_at_the_first?marker={marker}")["id"]
    pid = int(site.until(lambda: marker.exists() and marker.read_text()))
    running = site.until(lambda: (told := site.get(f"result/{killed}"))["status"] == "RUNNING" and told)
    assert (running["attempts"], running["times"]) == (1, [True, True, False])
    os.kill(pid, signal.SIGKILL)
    ended = site.end_of(killed)
    assert (ended["status"], ended["value"], ended["attempts"], len(ended["workers"])) == ("SUCCESSFUL", 2, 2, 2)
    assert ended["errors"][0][0] == "horarium.errors.WorkerLostError"

    limited = site.end_of(site.get("enqueue/outlive_the_limit")["id"])
    assert [error[0] for error in limited["errors"]] == ["horarium.errors.TimeLimitExceeded"]
    dead = site.end_of(site.get("enqueue/kill_yourself")["id"])
    assert (dead["status"], dead["attempts"], len(dead["errors"])) == ("FAILED", 2, 2)
    site.until(lambda: len(site.ends()) >= 6)
    assert [end.split()[1:] for end in site.ends()] == [
        ["SUCCESSFUL", "0"],
        ["SUCCESSFUL", "0"],
        ["FAILED", "1"],
        ["SUCCESSFUL", "1"],
        ["FAILED", "1"],
        ["FAILED", "2"],
    ]
