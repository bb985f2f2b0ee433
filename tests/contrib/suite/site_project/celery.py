"""The project's app, written as the adopters' guides write it."""

import os

from horarium import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "site_project.settings")

app = Celery("site_project")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
