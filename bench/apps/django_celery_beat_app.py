"""Celery's beat with django-celery-beat: entries in PostgreSQL, Redis carries. No worker takes anything away."""
# mypy: disable-error-code="import-not-found,import-untyped,untyped-decorator,misc"

from __future__ import annotations

import os
from importlib.metadata import version
from urllib.parse import urlsplit

import django
from celery import Celery
from django.conf import settings
from django.core.management import call_command

from bench.apps import plan as plans
from redis import Redis

BATCH = 1_000
BROKER = os.environ["BENCH_BROKER"]
_address = urlsplit(os.environ["BENCH_STORE"])

settings.configure(
    INSTALLED_APPS=["django_celery_beat"],
    USE_TZ=True,
    TIME_ZONE="UTC",
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "HOST": _address.hostname,
            "PORT": _address.port,
            "USER": _address.username,
            "NAME": _address.path.removeprefix("/"),
        }
    },
)
django.setup()

from django_celery_beat.models import IntervalSchedule, PeriodicTask, PeriodicTasks  # noqa: E402 - after its settings

app = Celery("bench", broker=BROKER)
_broker = Redis.from_url(BROKER)


@app.task(name="bench.noop")
def noop() -> None:
    return None


def plan(entries: int, due: int, instant: float) -> None:
    call_command("migrate", verbosity=0)
    daily, _ = IntervalSchedule.objects.get_or_create(every=1, period=IntervalSchedule.DAYS)
    PeriodicTask.objects.bulk_create(
        [
            PeriodicTask(name=name, task="bench.noop", interval=daily, last_run_at=when - plans.DAY)
            for name, when in plans.Plan(entries, due, instant).each()
        ],
        batch_size=BATCH,
    )
    PeriodicTasks.update_changed()


def enqueued() -> int:
    return int(_broker.llen("celery"))


def facts() -> dict[str, str]:
    return {
        "django-celery-beat": version("django-celery-beat"),
        "django": version("django"),
        "celery": version("celery"),
        "psycopg": version("psycopg"),
        "scheduler": "DatabaseScheduler",
    }
