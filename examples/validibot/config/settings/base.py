"""Settings of the project. All that depends on the machine comes from the environment."""

import os
from datetime import timedelta
from pathlib import Path

import dj_database_url

BASE_DIR = Path(__file__).resolve().parents[2]
RUN = Path(os.environ.get("VALIDIBOT_RUN", BASE_DIR / "run"))
RUN.mkdir(parents=True, exist_ok=True)

SECRET_KEY = os.environ.get("SECRET_KEY", "for this example only")
ALLOWED_HOSTS = ["localhost", "127.0.0.1"]
USE_TZ = True
TIME_ZONE = "UTC"
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
STATIC_URL = "static/"
WHITENOISE_USE_FINDERS = True  # no collectstatic
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "horarium.contrib.django",
    "horarium.contrib.django.beat",
    "validibot.core",
]
MIDDLEWARE = [
    "whitenoise.middleware.WhiteNoiseMiddleware",
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
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):  # several processes write to it: each waits for its turn
    DATABASES["default"]["OPTIONS"] = {"timeout": 20, "transaction_mode": "IMMEDIATE"}

# The container engine that validations run in, and how long it may take to answer.
DOCKER_HOST = os.environ.get("DOCKER_HOST", "tcp://127.0.0.1:2375")
DOCKER_TIMEOUT = int(os.environ.get("DOCKER_TIMEOUT", "10"))  # seconds

# What this process is for; each service of the compose file says it. It is the project's own.
APP_ROLE = os.environ.get("APP_ROLE", "web")

# How long things are kept. A demonstration cannot wait for weeks.
DEMO = os.environ.get("VALIDIBOT_DEMO", "0") != "0"
SUBMISSIONS_KEPT = timedelta(seconds=4) if DEMO else timedelta(days=30)
OUTPUTS_KEPT = timedelta(seconds=6) if DEMO else timedelta(days=7)
KEYS_KEPT = timedelta(seconds=8) if DEMO else timedelta(days=1)
RECEIPTS_KEPT = timedelta(seconds=8) if DEMO else timedelta(days=30)
RUNS_MAY_TAKE = timedelta(seconds=5) if DEMO else timedelta(minutes=30)
PURGE_RETRY_AFTER = timedelta(seconds=1) if DEMO else timedelta(minutes=5)
if DEMO:
    DOCKER_TIMEOUT = 1

# On one machine a file is enough; with Redis, any number of machines.
REDIS_URL = os.environ.get("REDIS_URL")
CELERY_BROKER_URL = REDIS_URL or f"sqlite:///{RUN / 'horarium.db'}"
CELERY_RESULT_BACKEND = None  # Fire-and-forget; state in Django models
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TIMEZONE = TIME_ZONE

CELERY_TASK_TRACK_STARTED = True
CELERY_TASK_TIME_LIMIT = 30 * 60  # 30 minutes
CELERY_TASK_SOFT_TIME_LIMIT = 25 * 60  # 25 minutes

CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_CONCURRENCY = int(os.environ.get("CELERY_WORKER_CONCURRENCY", "1"))

CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
