"""The Horarium app and its schedules. The file keeps the name it had under Celery; only its imports have changed."""

import os
from datetime import timedelta

from horarium import Horarium, crontab

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Horarium("config")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

app.conf.beat_schedule = {
    "daily-cloudcube-cleanup": {
        "task": "viral_clips.tasks.scheduled_cloudcube_cleanup",
        "schedule": crontab(hour=2, minute=0),  # Run daily at 2:00 AM UTC
        "kwargs": {"retention_days": 5},
    },
    "weekly-report": {
        "task": "viral_clips.tasks.send_weekly_report",
        "schedule": crontab(hour=9, minute=0, day_of_week=1),  # Monday 9 AM
    },
}

# The same work every few seconds, so that somebody who watches sees it happen (KOOLCLIPS_DEMO=1; `make run` sets it).
SECOND = 1 / 24 / 3600  # in days
DEMO = {
    "render-clip": {
        "task": "viral_clips.tasks.render_clip",
        "schedule": timedelta(seconds=2),
    },
    "cloudcube-cleanup": {
        "task": "viral_clips.tasks.scheduled_cloudcube_cleanup",
        "schedule": timedelta(seconds=5),
        "kwargs": {"retention_days": 8 * SECOND},
    },
    "report": {
        "task": "viral_clips.tasks.send_weekly_report",
        "schedule": timedelta(seconds=12),
    },
}
if os.environ.get("KOOLCLIPS_DEMO", "0") != "0":
    app.conf.beat_schedule = DEMO
