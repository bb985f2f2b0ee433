"""Celery's settings, in their lower-case spelling."""

import os

from celery.schedules import crontab

REDIS = os.environ.get("SAMPLE_REDIS", "redis://127.0.0.1:6379")

broker_url = f"{REDIS}/0"
result_backend = f"{REDIS}/1"
broker_connection_retry_on_startup = True
task_default_queue = "sample"
task_routes = {"sample.tasks.slow_*": {"queue": "slow"}}
task_track_started = True
task_serializer = "json"
accept_content = ["json"]
result_extended = True
result_expires = 3600
timezone = "Europe/Berlin"
enable_utc = True
worker_prefetch_multiplier = 1
worker_send_task_events = True
worker_hijack_root_logger = True
beat_max_loop_interval = 1
beat_schedule = {
    "tick": {"task": "sample.tasks.note", "schedule": 1.0, "args": ("from beat_schedule",)},
    "nightly": {
        "task": "sample.tasks.add",
        "schedule": crontab(hour=3, minute=0),
        "args": (1, 2),
        "options": {"queue": "slow", "expires": 600},
    },
}
