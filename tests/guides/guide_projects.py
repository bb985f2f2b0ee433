"""The code of the five guides, in their own words and `import celery` only; each is one project."""

from __future__ import annotations

MANAGE = """
import os, sys

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "{settings}")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)
"""
DJANGO = """
import os
from pathlib import Path

SECRET_KEY = "for tests only"
USE_TZ = True
TIME_ZONE = "UTC"
ROOT_URLCONF = "{package}.urls"
DATABASES = {{"default": {{"ENGINE": "django.db.backends.sqlite3", "NAME": Path("db.sqlite3").absolute()}}}}
CACHES = {{"default": {{
    "BACKEND": "django.core.cache.backends.filebased.FileBasedCache", "LOCATION": os.path.abspath("cache")}}}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
TEMPLATES = [{{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True, "OPTIONS": {{
    "context_processors": ["django.template.context_processors.request",
                           "django.contrib.auth.context_processors.auth",
                           "django.contrib.messages.context_processors.messages"]}}}}]
MIDDLEWARE = ["django.contrib.sessions.middleware.SessionMiddleware",
              "django.contrib.auth.middleware.AuthenticationMiddleware",
              "django.contrib.messages.middleware.MessageMiddleware"]
INSTALLED_APPS = ["django.contrib.admin", "django.contrib.auth", "django.contrib.contenttypes",
                  "django.contrib.sessions", "django.contrib.messages", {apps}]
REDIS_URL = os.environ["REDIS_URL"]
"""
URLS = """
from django.contrib import admin
from django.urls import path

urlpatterns = [path("admin/", admin.site.urls)]
"""
CELERY = """
import os
from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "{settings}")

app = Celery("{package}")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
"""


def django(package: str, apps: str, settings: str) -> dict[str, str]:
    """Return the files of a Django project, with more settings."""
    whole = {"settings": f"{package}.settings", "package": package, "apps": apps}
    return {
        "manage.py": MANAGE.format(**whole),
        f"{package}/__init__.py": "from .celery import app as celery_app\n",
        f"{package}/celery.py": CELERY.format(**whole),
        f"{package}/settings.py": DJANGO.format(**whole) + settings,
        f"{package}/urls.py": URLS,
    }


ADAPTAPEDIA = {  # 000
    **django(
        "adaptapedia",
        "'django_celery_beat', 'ingestion'",
        """
from celery.schedules import crontab

CELERY_BROKER_URL = REDIS_URL
CELERY_RESULT_BACKEND = REDIS_URL
CELERY_RESULT_EXPIRES = 3600
CELERY_BEAT_SCHEDULE = {
    'daily-wikidata-ingestion': {
        'task': 'ingestion.tasks.run_daily_wikidata_ingestion',
        'schedule': crontab(hour=2, minute=0),
    },
    'my-scheduled-task': {
        'task': 'ingestion.tasks.my_new_task',
        'schedule': crontab(hour=6, minute=30),
    }
}
""",
    ),
    "ingestion/__init__.py": "",
    "ingestion/tasks.py": """
from celery import shared_task


@shared_task
def run_daily_wikidata_ingestion():
    return {"created": 3}


@shared_task
def refresh_tmdb_metadata():
    return {"refreshed": 100}


@shared_task
def update_site_statistics():
    from django.contrib.auth import get_user_model
    from django.core.cache import cache
    cache.set('site_statistics', {'users': get_user_model().objects.count()})


@shared_task
def health_check():
    return "healthy"


@shared_task
def my_new_task():
    pass


@shared_task(bind=True, max_retries=3)
def my_task(self):
    try:
        raise ConnectionError("no answer")
    except Exception as exc:
        raise self.retry(exc=exc, countdown=3600)
""",
}

VALIDIBOT = {  # 001
    **django(
        "config",
        "'django_celery_beat', 'validibot'",
        """
CELERY_BROKER_URL = REDIS_URL
CELERY_RESULT_BACKEND = None  # Fire-and-forget; state in Django models
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TIMEZONE = TIME_ZONE

CELERY_TASK_TRACK_STARTED = True
CELERY_TASK_TIME_LIMIT = 30 * 60  # 30 minutes
CELERY_TASK_SOFT_TIME_LIMIT = 25 * 60  # 25 minutes

CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_CONCURRENCY = 1  # Configurable via env var

CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
""",
    ),
    "validibot/__init__.py": "",
    "validibot/migrations/__init__.py": "",
    # What the guide leaves to a data migration: schedules made with the models of that moment.
    "validibot/migrations/0001_schedules.py": """
from django.db import migrations


def create(apps, schema_editor):
    interval, _ = apps.get_model("django_celery_beat", "IntervalSchedule").objects.get_or_create(
        every=1, period="seconds")
    apps.get_model("django_celery_beat", "PeriodicTask").objects.get_or_create(
        name="Purge expired submissions", task="validibot.purge_expired_submissions", interval=interval)


class Migration(migrations.Migration):
    dependencies = [("django_celery_beat", "0018_improve_crontab_helptext")]
    operations = [migrations.RunPython(create, migrations.RunPython.noop)]
""",
    "validibot/tasks.py": """
import logging, os
from celery import shared_task

logger = logging.getLogger(__name__)


@shared_task(name="validibot.purge_expired_submissions", acks_late=True)
def purge_expired_submissions():
    logger.info("Purging as %s", os.environ.get("APP_ROLE"))
    return {"status": "completed"}


@shared_task(name="validibot.hang")
def hang():
    import time
    while not os.path.exists("enough"):
        time.sleep(0.05)  # between two looks: it hangs until the test lets it go
""",
}

KOOLCLIPS = {  # 002
    "config/__init__.py": "from .celery import app as celery_app\n",
    "config/celery.py": """
import os
from celery import Celery
from celery.schedules import crontab

app = Celery("config", broker=os.environ["REDIS_URL"], include=["viral_clips.tasks"])
app.conf.beat_schedule = {
    'daily-cloudcube-cleanup': {
        'task': 'viral_clips.tasks.scheduled_cloudcube_cleanup',
        'schedule': crontab(hour=2, minute=0),  # Run daily at 2:00 AM UTC
        'kwargs': {'retention_days': 5},
    },
    'weekly-report': {
        'task': 'viral_clips.tasks.send_weekly_report',
        'schedule': crontab(hour=9, minute=0, day_of_week=1),  # Monday 9 AM
    },
    'every-second': {
        'task': 'viral_clips.tasks.scheduled_cloudcube_cleanup',
        'schedule': 1.0,
        'kwargs': {'retention_days': 7},
    },
}
""",
    "viral_clips/tasks.py": """
from celery import shared_task
from celery.utils.log import get_task_logger

logger = get_task_logger(__name__)


@shared_task
def scheduled_cloudcube_cleanup(retention_days=5):
    logger.info("Starting scheduled Cloudcube cleanup (retention: %s days)", retention_days)


@shared_task
def send_weekly_report():
    raise RuntimeError("S3 is away")
""",
}

SCRAPERS = {  # 003
    "app/celery_app.py": """
import os
from celery import Celery
from celery.schedules import crontab

REDIS_URL = os.getenv("REDIS_URL", "redis://localhost:6379/0")
app = Celery("scrapers", broker=REDIS_URL, backend=REDIS_URL, include=["app.tasks"])
app.conf.update(
    task_serializer="json",      # Tasks are serialized as JSON
    result_serializer="json",    # Results stored as JSON
    accept_content=["json"],     # Only accept JSON (security)
    timezone="America/New_York", # Schedule times in Eastern
    enable_utc=True,             # Store internally as UTC
    result_expires=3600,         # Delete results after 1 hour
    task_acks_late=True,         # Ack after completion (not receipt)
    task_reject_on_worker_lost=True,  # Requeue if worker dies
    worker_prefetch_multiplier=1,     # Fetch 1 task at a time
    worker_concurrency=2,             # 2 concurrent worker processes
)
app.conf.beat_schedule = {
    "scrape-vanwezel-daily": {
        "task": "app.tasks.scrape_vanwezel",
        "schedule": crontab(minute=0, hour=6),  # 6:00 AM daily
        "kwargs": {"source_id": 1},
    },
    "my-new-scraper-daily": {
        "task": "app.tasks.my_new_scraper",
        "schedule": crontab(minute=0, hour=7),  # 7:00 AM daily
        "kwargs": {"source_id": 5},
    },
}
""",
    "app/tasks.py": """
from app.celery_app import app


class RequestException(Exception):
    pass


@app.task
def scrape_vanwezel(source_id: int, delay: float = 0.5) -> dict:
    return {"source": source_id}


@app.task
def scrape_mote(source_id: int, months_ahead: int = 2) -> dict:
    return {"source": source_id, "months": months_ahead}


@app.task
def ingest_all_sources(limit_per_source: int = 100) -> dict:
    return {"limit": limit_per_source}


@app.task
def health_check():
    return {"status": "healthy"}


@app.task(
    bind=True,                    # Access to self for retries
    max_retries=3,                # Retry up to 3 times
    default_retry_delay=60,       # Wait 60s between retries
    autoretry_for=(RequestException,),  # Auto-retry on these errors
)
def my_new_scraper(self, source_id: int) -> dict:
    return {"status": "success", "items_scraped": 42}
""",
}

LABCONTROL = {  # 004
    **django(
        "config",
        "'django_celery_beat', 'django_celery_results', 'apps.appointments', 'apps.notifications', 'apps.studies'",
        """
from celery.schedules import crontab

CELERY_BROKER_URL = REDIS_URL
CELERY_RESULT_BACKEND = "django-db"
CELERY_WORKER_LOGLEVEL = 'DEBUG'
CELERY_TASK_ROUTES = {
    'apps.studies.tasks.process_large_file': {'queue': 'heavy'},
    'apps.notifications.tasks.*': {'queue': 'notifications'},
}
CELERY_BEAT_SCHEDULE = {
    'send-appointment-reminders': {
        'task': 'apps.appointments.tasks.send_appointment_reminders', 'schedule': crontab(hour=9, minute=0)},
    'cleanup-old-notifications': {
        'task': 'apps.notifications.tasks.cleanup_old_notifications',
        'schedule': crontab(hour=2, minute=0, day_of_week=0)},
}
""",
    ),
    "apps/__init__.py": "",
    "apps/appointments/__init__.py": "",
    "apps/notifications/__init__.py": "",
    "apps/studies/__init__.py": "",
    "apps/appointments/tasks.py": """
from celery import shared_task


@shared_task
def send_appointment_reminders():
    return "Sent 3 reminders"


@shared_task
def my_background_task(user_id):
    \"\"\"Description of what this task does.\"\"\"
    return f"Completed for user {user_id}"


@shared_task(bind=True, max_retries=3)
def my_task(self, user_id):
    try:
        pass
    except Exception as exc:
        # Retry after 60 seconds
        raise self.retry(exc=exc, countdown=60)


@shared_task(time_limit=300, soft_time_limit=270)  # 5 min hard, 4.5 min soft
def long_running_task():
    pass


@shared_task(rate_limit='10/m')  # 10 times per minute
def rate_limited_task():
    pass
""",
    "apps/notifications/tasks.py": """
from celery import shared_task


@shared_task
def cleanup_old_notifications():
    return "Deleted 0"


@shared_task
def send_bulk_notification(user_ids, title, message, type):
    return len(user_ids)
""",
    "apps/studies/tasks.py": """
from celery import shared_task


@shared_task
def process_large_file(study_id):
    pass
""",
}
