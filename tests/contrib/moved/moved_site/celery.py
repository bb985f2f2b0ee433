"""The project's app."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "moved_site.settings")

app = Celery("moved_site")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
