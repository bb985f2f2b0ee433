"""How long Django's admin takes for its pages of schedules, at size: ``.venv/bin/python -m bench.django_admin``.

The project is that of tests/contrib/suite, asked by Django's test client as a superuser; its store is a SQLite file
with 100,000 schedules of as many rows. Each page is asked for 40 times: the median and the 95th percentile, with the
tables on SQLite and on PostgreSQL (a server of its own, tests/servers.py).
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
ROWS, TIMES, BATCH = 100_000, 40, 2_000
LIST = "/admin/django_celery_beat/periodictask/"
PAGES = {
    "list": LIST,
    "last page": f"{LIST}?p={ROWS // 100 - 1}",
    "search": f"{LIST}?q=t04711",
    "enabled only": f"{LIST}?enabled__exact=1",
    "by last run": f"{LIST}?o=-6",
    "form": f"{LIST}5000/change/",
}


def main() -> None:
    """Measure both databases, each in a process of its own, and print a line for each page."""
    if "SITE_FOLDER" in os.environ:
        _measure()
        return
    sys.path[:0] = [str(ROOT / "tests")]
    from servers import PostgresServer

    with PostgresServer() as server:
        for database in ("", server.url):
            with tempfile.TemporaryDirectory() as folder:
                places = {
                    "SITE_FOLDER": folder,
                    "SITE_STORE": f"sqlite:///{folder}/store.db",
                    "SITE_DATABASE": database,
                    "DJANGO_SETTINGS_MODULE": "site_project.settings",
                    "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}:{ROOT / 'tests' / 'contrib' / 'suite'}",
                }
                subprocess.run([sys.executable, "-m", "bench.django_admin"], env={**os.environ, **places}, check=True)


def _measure() -> None:
    import django

    django.setup()
    from django.contrib.auth import get_user_model
    from django.core.management import call_command
    from django.test import Client

    call_command("migrate", verbosity=0)
    user = get_user_model().objects.create_superuser("ana", "ana@example.org", "secret")
    _fill()
    client = Client()
    client.force_login(user)
    where = "PostgreSQL" if os.environ["SITE_DATABASE"] else "SQLite"
    for name, path in PAGES.items():
        took = []
        for _ in range(TIMES):
            began = time.perf_counter()
            response = client.get(path)
            took.append((time.perf_counter() - began) * 1000)
            if response.status_code != 200:
                raise RuntimeError(f"expected {path} to be shown, got {response.status_code}")
        p95 = statistics.quantiles(took, n=20)[-1]
        print(f"{where:10} {name:14} median {statistics.median(took):6.0f} ms, p95 {p95:6.0f} ms", flush=True)


def _fill() -> None:
    """Make the rows, and the schedules of all of them in the store."""
    from site_project.celery import app

    from horarium.contrib.django.beat.bringing import bring
    from horarium.contrib.django.beat.models import CrontabSchedule, PeriodicTask

    crontab = CrontabSchedule.objects.create(minute="0", hour="4")
    rows = (PeriodicTask(name=f"t{n:06}", task=f"shop.tasks.t{n % 50}", crontab=crontab) for n in range(ROWS))
    PeriodicTask.objects.bulk_create(rows, batch_size=BATCH)
    kinds = ("interval", "crontab", "solar", "clocked")
    for after in range(0, ROWS, BATCH):
        bring(app, list(PeriodicTask.objects.select_related(*kinds).order_by("pk")[after : after + BATCH]))


if __name__ == "__main__":
    main()
