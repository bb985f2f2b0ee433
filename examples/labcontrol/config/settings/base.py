"""What all settings have in common. All that depends on the machine comes from the environment."""

import os
from datetime import timedelta
from pathlib import Path

import dj_database_url

from horarium import crontab

BASE_DIR = Path(__file__).resolve().parents[2]
RUN = Path(os.environ.get("LABCONTROL_RUN", BASE_DIR / "run"))
RUN.mkdir(parents=True, exist_ok=True)

SECRET_KEY = os.environ.get("SECRET_KEY", "for this example only")
ALLOWED_HOSTS = ["localhost", "127.0.0.1"]
USE_TZ = True
TIME_ZONE = "UTC"
ROOT_URLCONF = "config.urls"
STATIC_URL = "static/"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "horarium.contrib.django",
    "horarium.contrib.django.beat",
    "horarium.contrib.django.results",
    "apps.appointments",
    "apps.notifications",
    "apps.studies",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
DATABASES = {"default": dj_database_url.config(default=f"sqlite:///{RUN / 'db.sqlite3'}")}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # Readers and a writer at once, and a transaction that will write waits for its turn before it reads.
    DATABASES["default"]["OPTIONS"] = {
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
        "transaction_mode": "IMMEDIATE",
        "timeout": 30,
    }

# Files of studies, as their instruments deliver them.
STUDY_FILES = RUN / "studies"

EMAIL_HOST = os.environ.get("EMAIL_HOST", "127.0.0.1")
EMAIL_PORT = int(os.environ.get("EMAIL_PORT", "8025"))
EMAIL_TIMEOUT = float(
    os.environ.get("EMAIL_TIMEOUT", "10")
)  # seconds; without it a mail server that hangs would hold a worker's slot
DEFAULT_FROM_EMAIL = "lab@lab.example"
REGISTRY_EMAIL = "registry@registry.example"

# On one machine a file is enough; with Redis, any number of machines.
CELERY_BROKER_URL = os.environ.get("REDIS_URL", f"sqlite:///{RUN / 'horarium.db'}")
CELERY_RESULT_BACKEND = "django-db"
CELERY_TIMEZONE = TIME_ZONE
CELERY_BEAT_SCHEDULER = "django"  # or django_celery_beat.schedulers:DatabaseScheduler, which means the same
HORARIUM_OUTBOX = True  # what is sent on commit is sent even if the process dies right after it

# `manage.py setup_periodic_tasks` makes rows of these; so does each scheduler as it starts.
CELERY_BEAT_SCHEDULE = {
    "Send Appointment Reminders": {
        "task": "apps.appointments.tasks.send_appointment_reminders",
        "schedule": crontab(hour=9, minute=0),
    },
    "Cleanup Old Notifications": {
        "task": "apps.notifications.tasks.cleanup_old_notifications",
        "schedule": crontab(hour=2, minute=0, day_of_week=0),  # Sunday
    },
}

# The same work every few seconds, so that somebody who watches sees it happen (LABCONTROL_DEMO=1; `make run` sets it).
DEMO = {
    "book-walk-in": {
        "task": "apps.appointments.tasks.book_walk_in",
        "schedule": timedelta(seconds=2),
    },
    "send-appointment-reminders": {
        "task": "apps.appointments.tasks.send_appointment_reminders",
        "schedule": timedelta(seconds=5),
    },
    "tell-everybody": {
        "task": "apps.notifications.tasks.tell_everybody",
        "schedule": timedelta(seconds=9),
    },
    "cleanup-old-notifications": {
        "task": "apps.notifications.tasks.cleanup_old_notifications",
        "schedule": timedelta(seconds=7),
        "kwargs": {"days": 10 / 24 / 3600},
    },
    "process-large-file": {
        "task": "apps.studies.tasks.process_large_file",
        "schedule": timedelta(seconds=6),
        "args": [1],
    },
    "announce-study": {
        "task": "apps.studies.tasks.announce_study",
        "schedule": timedelta(seconds=8),
        "args": [1],
    },
}
IS_DEMO = os.environ.get("LABCONTROL_DEMO", "0") != "0"
if IS_DEMO:
    CELERY_BEAT_SCHEDULE = DEMO
RETRY_AFTER = int(os.environ.get("RETRY_AFTER", "1" if IS_DEMO else "60"))  # seconds, when the mail server says "later"
