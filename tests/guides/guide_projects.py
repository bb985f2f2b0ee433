"""The code of the five guides, in their own words and `import celery` only; each is one project."""

from __future__ import annotations

ADAPTAPEDIA = {  # 000
    "adaptapedia/__init__.py": "from .celery import app as celery_app\n",
    "adaptapedia/celery.py": """
import os
from celery import Celery
from celery.schedules import crontab

app = Celery("adaptapedia", include=["ingestion.tasks"])
app.conf.broker_url = os.environ["REDIS_URL"]
app.conf.result_expires = 3600
app.conf.beat_schedule = {
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
    "ingestion/tasks.py": """
from celery import shared_task


@shared_task
def run_daily_wikidata_ingestion():
    return {"created": 3}


@shared_task
def refresh_tmdb_metadata():
    return {"refreshed": 100}


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
    "config/__init__.py": "from .celery import app as celery_app\n",
    "config/settings.py": """
import os
REDIS_URL = os.environ["REDIS_URL"]
TIME_ZONE = "UTC"

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
    "config/celery.py": """
from celery import Celery

app = Celery("config")
app.config_from_object("config.settings", namespace="CELERY")
app.autodiscover_tasks(["validibot"])
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
    "config/__init__.py": "from .celery import app as celery_app\n",
    "config/celery.py": """
import os
from celery import Celery

app = Celery("config", broker=os.environ["REDIS_URL"])
app.conf.task_routes = {
    'apps.studies.tasks.process_large_file': {'queue': 'heavy'},
    'apps.notifications.tasks.*': {'queue': 'notifications'},
}
app.autodiscover_tasks(["apps.appointments", "apps.notifications", "apps.studies"])
""",
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
