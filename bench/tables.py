"""Django's tables as the source of schedules, at size: ``.venv/bin/python -m bench.tables --database sqlite:///...``.

A scheduler is started beside a database that holds so many periodic tasks, and an empty store. *stored*: from its
command until the store has a schedule of each row. *edits*: from the commit of an edit that makes a row due at once to
its message; *edits while storing*: the same during the first round. *shared*: one crontab that all rows use is edited;
until the last of their schedules says so. *resident*: of the scheduler's process, at its end.

Seconds and MiB, as a line of JSON. The tables of the database are emptied: give it one of its own. Needs Django in the
environment (requirements/runner.txt).
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.processes import Running, rss_mib

EDITS, EARLY_EDITS = 20, 5
BATCH = 2_000
PATIENCE = 900.0
LOOK = 0.02


def main() -> None:
    """Measure one database with so many rows, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", required=True, help="sqlite:////path or postgresql://user@host:port/name")
    parser.add_argument("--store", help="the store's address; a SQLite file beside, unless given")
    parser.add_argument("--rows", type=int, default=100_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        environment = {"BENCH_DATABASE": options.database, "BENCH_STORE": options.store or f"sqlite:///{folder}/store"}
        os.environ.update(environment)
        from bench.apps.horarium_tables import app  # reads the environment

        tables = Tables(app)
        tables.fill(options.rows)
        command = [sys.executable, "-m", "horarium", "-A", "bench.apps.horarium_tables", "beat"]
        began = time.monotonic()
        with Running(command, environment, Path(folder) / "beat.log") as beat:
            early = [tables.edit(f"early {number}") for number in range(EARLY_EDITS)] if options.rows > BATCH else []
            stored = tables.await_stored(beat) - began
            edits = [tables.edit(f"late {number}") for number in range(EDITS)]
            shared = tables.edit_shared(beat)
            resident = rss_mib(beat.tree())
            beat.check()
    print(
        json.dumps(
            {"rows": options.rows, "database": options.database.partition(":")[0]}
            | _rounded(
                {
                    "stored": stored,
                    "edits, median": statistics.median(edits),
                    "edits, worst": max(edits),
                    "edits while storing, worst": max(early, default=0.0),
                    "shared": shared,
                    "resident": resident,
                }
            )
        )
    )


class Tables:
    """Rows that a scheduler follows, and a look into its store."""

    def __init__(self, app: Any) -> None:  # Any: an app whose module needs the environment
        from django.core.management import call_command

        from horarium.contrib.django.beat import models

        call_command("migrate", verbosity=0)
        self._app, self._models = app, models

    def fill(self, rows: int) -> None:
        """Empty the tables, and make so many tasks of one crontab."""
        models = self._models
        for model in (models.PeriodicTask, models.CrontabSchedule, models.ClockedSchedule):
            model.objects.all()._raw_delete("default")  # not one by one, each with its signals
        self._crontab = models.CrontabSchedule.objects.create(minute="0", hour="4")
        tasks = (models.PeriodicTask(name=f"t{n:06}", task="bench.noop", crontab=self._crontab) for n in range(rows))
        models.PeriodicTask.objects.bulk_create(tasks, batch_size=BATCH)
        self._last = f"t{rows - 1:06}"

    def edit(self, name: str) -> float:
        """Make a row that is due now; return the seconds until its message is sent."""
        clocked = self._models.ClockedSchedule.objects.create(clocked_time=datetime.now(UTC))
        task = self._models.PeriodicTask(name=name, task="bench.noop", clocked=clocked, one_off=True)
        began = time.monotonic()
        task.save()
        return self._await(lambda: self._fired(name)) - began

    def edit_shared(self, beat: Running) -> float:
        """Edit the crontab of all rows; return the seconds until the last of them has it in the store."""
        self._crontab.minute = "30"
        began = time.monotonic()
        self._crontab.save()
        return self._await(lambda: self._stored(self._last, minute="30"), beat) - began

    def await_stored(self, beat: Running) -> float:
        """Return when all that was noted of the rows is in the store, and the first round through them is over."""
        from horarium.contrib.django.models import Change

        return self._await(lambda: not Change.objects.exists(), beat)

    def _fired(self, name: str) -> bool:
        [found] = self._app.engine.schedules.get([name])
        return found is not None and found.total_runs > 0

    def _stored(self, name: str, *, minute: str) -> bool:
        [found] = self._app.engine.schedules.get([name])
        return found is not None and found.spec["minute"] == minute

    def _await(self, is_so: Callable[[], bool], beat: Running | None = None) -> float:
        deadline = time.monotonic() + PATIENCE
        while not is_so():
            if beat is not None:
                beat.check()
            if time.monotonic() > deadline:
                raise RuntimeError(f"expected it within {PATIENCE:g} s; look at the scheduler's log")
            time.sleep(LOOK)
        return time.monotonic()


def _rounded(figures: dict[str, float]) -> dict[str, float]:
    return {name: round(value, 2) for name, value in figures.items()}


if __name__ == "__main__":
    main()
