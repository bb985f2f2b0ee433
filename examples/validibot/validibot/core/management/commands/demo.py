"""manage.py demo: what `make run` calls before it begins."""

from __future__ import annotations

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import transaction

from horarium.contrib.django.beat.models import IntervalSchedule, PeriodicTask
from validibot.core.schedules import create_schedules, schedules_of

RHYTHM = {  # seconds
    "validibot.purge_expired_submissions": 5,
    "validibot.purge_expired_outputs": 4,
    "validibot.process_purge_retries": 3,
    "validibot.cleanup_stuck_runs": 6,
    "validibot.cleanup_orphaned_containers": 5,
    "validibot.cleanup_idempotency_keys": 9,
    "validibot.cleanup_callback_receipts": 10,
    "validibot.clear_sessions": 11,
}
ARRIVALS = {"Somebody submits": (1, '{"name": "table.csv"}'), "Somebody submits what hangs": (7, '{"hangs": true}')}


class Command(BaseCommand):
    help = "With VALIDIBOT_DEMO=1, have everything done every few seconds, and submissions coming in; else as it was."

    @transaction.atomic
    def handle(self, **_: object) -> None:
        if not settings.DEMO:
            PeriodicTask.objects.filter(name__in=ARRIVALS).delete()
            create_schedules(*schedules_of(None))
            return
        for task, seconds in RHYTHM.items():
            PeriodicTask.objects.filter(task=task).update(interval=_every(seconds), crontab=None)
        for name, (seconds, kwargs) in ARRIVALS.items():
            given = {"task": "validibot.validate", "interval": _every(seconds), "kwargs": kwargs}
            PeriodicTask.objects.update_or_create(name=name, defaults=given)


def _every(seconds: int) -> IntervalSchedule:
    return IntervalSchedule.objects.get_or_create(every=seconds, period=IntervalSchedule.SECONDS)[0]
