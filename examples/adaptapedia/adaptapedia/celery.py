"""The Horarium app. The file keeps the name it had under Celery; only its import has changed."""

import os

from horarium import Horarium

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "adaptapedia.settings.base")

app = Horarium("adaptapedia")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
