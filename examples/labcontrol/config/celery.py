"""The Horarium app. The file keeps the name it had under Celery; only its import has changed."""

import os

from horarium import Horarium

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.dev")

app = Horarium("config")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

app.conf.task_routes = {
    "apps.studies.tasks.process_large_file": {"queue": "heavy"},
    "apps.notifications.tasks.*": {"queue": "notifications"},
}
# A worker that is told no queues reads these and the default one; without this line it would read the default one only,
# and what is routed elsewhere would wait for a worker with -Q.
app.conf.task_queues = ["heavy", "notifications"]
