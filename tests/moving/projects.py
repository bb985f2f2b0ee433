"""Small projects for Celery, each in the manner of one of the five guides (/work/shared/seeds), as files by path."""

from __future__ import annotations

from pathlib import Path

ACCESS = {  # Django, schedules in settings and in the database, results in Redis
    "backend/site/__init__.py": 'from .celery import app as celery_app\n\n__all__ = ("celery_app",)\n',
    "backend/site/celery.py": """\
import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "site.settings")
app = Celery("site")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
""",
    "backend/site/settings.py": """\
from celery.schedules import crontab

INSTALLED_APPS = ["django.contrib.admin", "django_celery_beat", "places"]
TIME_ZONE = "UTC"
CELERY_BROKER_URL = "redis://redis:6379/0"
CELERY_RESULT_BACKEND = "redis://redis:6379/0"
CELERY_RESULT_EXPIRES = 60 * 60
CELERY_BEAT_SCHEDULE = {
    "refresh-places": {"task": "places.tasks.refresh", "schedule": crontab(hour=2, minute=0)},
    "health": {"task": "places.tasks.health_check", "schedule": crontab(minute="*/5"), "kwargs": {"deep": False}},
}
""",
    "backend/places/tasks.py": """\
import logging

from celery import shared_task

logger = logging.getLogger(__name__)


@shared_task(bind=True, max_retries=3)
def refresh(self):
    try:
        return {"status": "done"}
    except OSError as error:
        raise self.retry(exc=error, countdown=3600)


@shared_task(max_retries=3)
def health_check(deep=True):
    return {"status": "healthy"}
""",
    "docker-compose.yml": """\
services:
  worker:
    command: celery -A site worker --loglevel=info
  beat:
    # celery -A site beat
    command: celery -A site beat -l info --scheduler django_celery_beat.schedulers:DatabaseScheduler
  flower:
    image: mher/flower
    command: celery --broker=redis://redis:6379/0 flower
    environment:
      - CELERY_BROKER_URL=redis://redis:6379/0
""",
    "requirements.txt": "Django>=4.2\ncelery[redis]==5.3.6\ndjango-celery-beat==2.5.0\nredis==5.0.1\n",
}

CHECKER = {  # commands as JSON lists, settings in a package, no results
    "config/celery_app.py": """\
import os

from celery import Celery
from celery.signals import setup_logging

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.base")
app = Celery("checker")


@setup_logging.connect
def configure(*args, **kwargs):
    pass
""",
    "config/settings/base.py": """\
REDIS_URL = "redis://localhost:6379/0"
CELERY_BROKER_URL = REDIS_URL
CELERY_RESULT_BACKEND = None
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_TRACK_STARTED = True
CELERY_TASK_TIME_LIMIT = 30 * 60
CELERY_TASK_SOFT_TIME_LIMIT = 25 * 60
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_CONCURRENCY = 1
""",
    "docker-compose.production.yml": """\
services:
  celery_worker:
    command: ["celery", "-A", "config", "worker", "--loglevel=info"]
    environment:
      - APP_ROLE=celery_worker
  celery_beat:
    command:
      - celery
      - -A
      - config
      - beat
      - --loglevel=info
""",
}

CLEANER = {  # Heroku: a Procfile, the schedule in the app's module
    "Procfile": """\
web: gunicorn config.wsgi
worker: celery -A config worker --loglevel=info
beat: celery -A config beat --loglevel=info
both: celery -A config worker --beat --loglevel=info
""",
    "config/celery.py": """\
from celery import Celery
from celery.schedules import crontab

app = Celery("cleaner")

app.conf.beat_schedule = {
    "clean-storage-daily": {
        "task": "media.tasks.clean_storage",
        "schedule": crontab(hour=2, minute=0),
        "kwargs": {"dry_run": False},
    },
    "clean-weekly": {"task": "media.tasks.clean_all", "schedule": crontab(hour="*/12", minute=0, day_of_week=0)},
}
""",
}

SCRAPER = {  # FastAPI: app.conf.update, options of tasks, calls from a shell script
    "apps/api/app/celery_app.py": """\
from celery import Celery
from celery.schedules import crontab

from app.settings import settings

app = Celery("scraper", broker=settings.redis_url, backend=settings.redis_url, include=["app.tasks"])
app.conf.update(
    task_serializer="json",
    timezone="America/New_York",
    enable_utc=True,
    result_expires=3600,
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    worker_concurrency=2,
)
app.conf.beat_schedule = {
    "scrape-vanwezel": {
        "task": "app.tasks.scrape_vanwezel",
        "schedule": crontab(hour=6, minute=0),
        "kwargs": {"source_id": 1},
    },
}
""",
    "apps/api/app/tasks.py": """\
from app.celery_app import app


@app.task(name="app.tasks.scrape", bind=True, max_retries=3, default_retry_delay=60, autoretry_for=(OSError,))
def scrape(self, source_id: int) -> dict:
    return {"source": source_id}
""",
    "compose.dev.yml": "services:\n  w:\n    command: celery -A app.celery_app worker --loglevel=INFO -c 1\n",
    "scripts/scrape.sh": """\
#!/bin/sh
set -e
docker compose exec celery-worker \\
  celery -A app.celery_app call app.tasks.scrape --kwargs='{"source_id": 1}'
celery -A app.celery_app inspect active && /opt/venv/bin/celery -A app.celery_app purge -f
python -m celery -A app.celery_app result "$1"
""",
    "apps/api/pyproject.toml": '[project]\nname = "api"\ndependencies = [\n "celery[redis]>=5.3,<6",\n "fastapi",\n]\n',
}

LAB = {  # Django: routes, limits, naive times, results in the database
    "lab/settings.py": """\
CELERY_RESULT_BACKEND = "django-db"
CELERY_WORKER_LOGLEVEL = "DEBUG"
CELERY_TASK_ALWAYS_EAGER = True
CELERY_TASK_ROUTES = {"lab.tasks.heavy": {"queue": "heavy"}, "mail.tasks.*": {"queue": "notifications"}}
""",
    "lab/views.py": """\
from datetime import datetime, timedelta

from lab.tasks import measure


def later(request):
    measure.apply_async(args=[1], eta=datetime.now() + timedelta(hours=1))
    measure.apply_async(args=[1], countdown=60, serializer="pickle")
""",
    "lab/tasks.py": """\
from celery import shared_task
from celery.utils.log import get_task_logger
from django_celery_results.models import TaskResult

logger = get_task_logger(__name__)


@shared_task(rate_limit="10/m", time_limit=300, soft_time_limit=270)
def measure(sample_id):
    return TaskResult.objects.count()
""",
}

PROJECTS = {"access": ACCESS, "checker": CHECKER, "cleaner": CLEANER, "scraper": SCRAPER, "lab": LAB}


def write(files: dict[str, str], folder: Path) -> Path:
    """Write a project; return its folder."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(text.encode())
    return folder


def everything(folder: Path) -> dict[str, bytes]:
    """Return the content of every file by its path."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
