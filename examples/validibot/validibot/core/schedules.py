"""When the jobs run, unless somebody decides otherwise in the admin."""

from __future__ import annotations

from typing import Any

HOURLY = {"minute": "0"}
SCHEDULES: dict[str, tuple[str, dict[str, str] | int]] = {
    # name in the admin: task, fields of a crontab or every so many minutes
    "Purge expired submissions": ("purge_expired_submissions", HOURLY),
    "Purge expired outputs": ("purge_expired_outputs", HOURLY),
    "Process purge retries": ("process_purge_retries", 5),
    "Clean up stuck runs": ("cleanup_stuck_runs", 10),
    "Clean up orphaned containers": ("cleanup_orphaned_containers", 10),
    "Clean up idempotency keys": ("cleanup_idempotency_keys", {"minute": "0", "hour": "3"}),
    "Clean up callback receipts": ("cleanup_callback_receipts", {"minute": "0", "hour": "4", "day_of_week": "0"}),
    "Clear sessions": ("clear_sessions", {"minute": "0", "hour": "2"}),
}


def schedules_of(apps: Any | None) -> tuple[Any, Any, Any]:
    """Return the three models: a migration's, of its own time, or those of now."""
    if apps is None:
        from django.apps import apps
    return tuple(
        apps.get_model("django_celery_beat", name) for name in ("PeriodicTask", "CrontabSchedule", "IntervalSchedule")
    )


def create_schedules(tasks: Any, crontabs: Any, intervals: Any) -> None:
    """Have the rows as they are here, whatever they were."""
    for name, (task, when) in SCHEDULES.items():
        crontab = interval = None
        if isinstance(when, int):
            interval, _ = intervals.objects.get_or_create(every=when, period="minutes")
        else:
            fields = {"hour": "*", "day_of_week": "*", "day_of_month": "*", "month_of_year": "*", **when}
            crontab, _ = crontabs.objects.get_or_create(**fields)
        given = {"task": f"validibot.{task}", "crontab": crontab, "interval": interval}
        tasks.objects.update_or_create(name=name, defaults=given)
