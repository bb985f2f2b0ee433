"""Schedulers of Django's tables as real processes; the tables are edited by programs that know nothing of Django."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from django.db.backends.signals import connection_created

from horarium import Horarium
from horarium.contrib.django.beat.models import IntervalSchedule, PeriodicTask
from horarium.contrib.django.beat.schedulers import DatabaseScheduler
from horarium.engines.records import Page, RunFilter
from horarium.event import Silent

pytestmark = pytest.mark.once
BEAT = ("beat", "--scheduler", "django_celery_beat.schedulers:DatabaseScheduler", "--loglevel=info")
COLUMNS = "task, args, kwargs, headers, enabled, one_off, description, total_run_count, date_changed, interval_id, name"


class Site:
    """The suite's project in a folder of its own, with a SQLite file for Django and one for Horarium."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = f"sqlite:///{folder / 'store.db'}"
        self._processes: list[subprocess.Popen[bytes]] = []
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("SITE_")},
            "SITE_FOLDER": str(folder),
            "SITE_STORE": self.store,
            "DJANGO_SETTINGS_MODULE": "site_project.settings",
            "PYTHONPATH": os.pathsep.join([str(folder), str(Path(__file__).parent), *sys.path]),
        }

    def migrate(self) -> None:
        command = [sys.executable, "-m", "django", "migrate", "--verbosity=0"]
        subprocess.run(command, env=self._environment, check=True, timeout=60)

    def start(self, *command: str, log: str, app: str = "site_project") -> subprocess.Popen[bytes]:
        with (self.folder / log).open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "horarium", "-A", app, *command],
                env=self._environment,
                stdout=output,
                stderr=output,
                cwd=self.folder,
            )
        self._processes.append(process)
        return process

    def log(self, name: str) -> str:
        return (self.folder / name).read_text()

    def sql(self, statement: str, *values: object) -> list[tuple[object, ...]]:
        with closing(sqlite3.connect(self.folder / "site.sqlite3", timeout=30)) as database, database:
            return database.execute(statement, values).fetchall()

    def add_rows(self, *names: str, every: int = 1) -> None:
        self.sql("INSERT INTO django_celery_beat_intervalschedule (every, period) VALUES (?, 'seconds')", every)
        for name in names:
            self.sql(
                f"INSERT INTO django_celery_beat_periodictask ({COLUMNS}) "
                "SELECT 'shop.tasks.add', '[1, 2]', '{}', '{}', 1, 0, '', 0, '2026-01-01', max(id), ? "
                "FROM django_celery_beat_intervalschedule",
                name,
            )

    def stop(self) -> None:
        for process in self._processes:
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.terminate()
        for process in self._processes:
            process.wait(20)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path)
    try:
        yield made
    finally:
        made.stop()


def until(is_so: Callable[[], object], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.02)  # between two looks at a fact


def test_beat_and_worker_wait_for_the_tables_and_go_on_rows_7_86_95_and_122(site: Site) -> None:
    """Rows 7, 86, 95, 122 and 123."""
    site.start(*BEAT, log="beat.log")
    site.start("worker", "-B", "--pool=solo", "--loglevel=info", log="worker.log")
    for log in ("beat.log", "worker.log"):
        until(lambda log=log: "run: python manage.py migrate django_celery_beat" in site.log(log))
    site.migrate()
    for log in ("beat.log", "worker.log"):
        until(lambda log=log: "beat: all is well again" in site.log(log))
        assert site.log(log).count("run: python manage.py migrate") == 1
    site.add_rows("every second")
    edited = time.monotonic()
    until(lambda: "DatabaseScheduler: Schedule changed." in site.log("beat.log") + site.log("worker.log"))
    assert time.monotonic() - edited < 2  # 1 s is what the bench measures; this machine may be busy
    until(lambda: "Scheduler: Sending due task every second" in site.log("beat.log") + site.log("worker.log"))
    until(lambda: "Task shop.tasks.add" in site.log("worker.log"))
    until(lambda: site.sql("SELECT total_run_count FROM django_celery_beat_periodictask")[0][0])
    assert "beat v" in site.log("beat.log")
    assert "is starting." in site.log("beat.log")
    assert "beat: Starting..." in site.log("beat.log")


PLAIN = """
from horarium import Celery
app = Celery("site_project")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.beat_scheduler = None
app.conf.beat_schedule = {"by settings": {"task": "shop.tasks.add", "schedule": 1, "args": (1, 2)}}
app.autodiscover_tasks()
"""


def test_without_the_option_only_the_settings_count_and_back_row_8(site: Site) -> None:
    """Row 8."""
    (site.folder / "plain.py").write_text(PLAIN)
    site.migrate()
    site.add_rows("by table")
    beat = site.start(*BEAT, log="tables.log")
    until(lambda: "Sending due task by table" in site.log("tables.log"))
    beat.terminate()
    beat.wait(20)
    plain = site.start("beat", "--loglevel=info", app="plain", log="plain.log")
    until(lambda: "Sending due task by settings" in site.log("plain.log"))
    assert "by table" not in site.log("plain.log").replace("'by table' is no longer in the code: removed", "")
    plain.terminate()
    plain.wait(20)
    site.start(*BEAT, log="again.log")
    until(lambda: "Sending due task by table" in site.log("again.log"))
    until(lambda: ", 1 removed" in site.log("again.log"))


def test_three_schedulers_fire_each_row_once_while_one_is_killed_one_frozen_and_rows_change_row_17(site: Site) -> None:
    """Row 17."""
    site.migrate()
    names = [f"row {number}" for number in range(8)]
    site.add_rows(*names)
    site.sql(
        "INSERT INTO horarium_schedule_extra (periodic_task_id, options, origin, settings_digest, error) "
        "SELECT id, '{\"catchup\": \"all\"}', '', '', '' FROM django_celery_beat_periodictask"
    )
    beats = [site.start(*BEAT, log=f"beat{number}.log") for number in range(3)]
    for number in range(3):
        until(lambda number=number: "Starting" in site.log(f"beat{number}.log"))
    until(lambda: site.sql("SELECT min(total_run_count) FROM django_celery_beat_periodictask")[0][0])
    end = time.monotonic() + 5
    for turn in range(1_000):
        if time.monotonic() > end:
            break
        name = names[4 + turn % 4]  # the first four are left in peace
        site.sql(
            "UPDATE django_celery_beat_periodictask SET args = ?, priority = ? WHERE name = ?", f"[{turn}, 2]", 3, name
        )
        if turn == 10:
            beats[0].kill()
        if turn == 20:
            beats[1].send_signal(signal.SIGSTOP)
        if turn == 40:
            beats[1].send_signal(signal.SIGCONT)
        time.sleep(0.02)  # the rhythm of edits; nothing is waited for
    site.stop()
    firings = list(_firings(site.store))
    assert not [firing for firing, count in Counter(firings).items() if count > 1]
    for name in names:
        instants = sorted(instant for schedule, instant in firings if schedule == name)
        assert len(instants) >= 4
        if name in names[:4]:
            assert {after - before for before, after in pairwise(instants)} == {1000}
    stored = dict(site.sql("SELECT name, total_run_count FROM django_celery_beat_periodictask"))
    assert stored == {name: sum(schedule == name for schedule, _ in firings) for name in names}


def _firings(store: str) -> Iterator[tuple[str, int]]:
    with Horarium("look", broker=store, set_as_current=False) as app:
        page = Page(limit=500)
        while True:
            found = app.engine.inspector.find(RunFilter(), page)
            for each in found.held:
                yield each.message.schedule or "", each.message.nominal or 0
            if found.next is None:
                return
            page = Page(limit=500, after=found.next)


@pytest.mark.django_db(transaction=True)
def test_the_thread_of_a_source_lets_go_of_its_connections(shop_app: Horarium) -> None:
    """An end leaves no thread and no connection, however often it begins."""
    source = DatabaseScheduler.source(shop_app)
    row = PeriodicTask(name="add", task="shop.tasks.add", args="[1, 2]")
    row.interval = IntervalSchedule.objects.create(every=1, period="days")
    row.save()
    opened: list[Any] = []
    connection_created.connect(note := lambda connection, **_: opened.append(connection))
    for _ in range(3):
        until(
            lambda: (
                source.follow(shop_app.engine, now=0, observer=Silent()) or shop_app.engine.schedules.get(["add"])[0]
            )
        )
        source.close()
        assert "horarium-tables" not in {thread.name for thread in threading.enumerate()}
    assert len(opened) == 3
    # A database in memory is kept open by Django, or it would be lost.
    assert all(each.connection is None or each.vendor == "sqlite" for each in opened)
    connection_created.disconnect(note)
