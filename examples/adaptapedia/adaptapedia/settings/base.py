"""All settings. What depends on the machine comes from the environment."""

import os
from datetime import timedelta
from pathlib import Path

import dj_database_url

from horarium import crontab

BASE_DIR = Path(__file__).resolve().parents[2]
RUN = Path(os.environ.get("ADAPTAPEDIA_RUN", BASE_DIR / "run"))
RUN.mkdir(parents=True, exist_ok=True)
DEMO = os.environ.get("ADAPTAPEDIA_DEMO", "0") != "0"
REDIS_URL = os.environ.get("REDIS_URL")

SECRET_KEY = os.environ.get("SECRET_KEY", "for this example only, and long enough for its tokens")
ALLOWED_HOSTS = ["localhost", "127.0.0.1"]
USE_TZ = True
TIME_ZONE = "UTC"
ROOT_URLCONF = "adaptapedia.urls"
WSGI_APPLICATION = "adaptapedia.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "rest_framework_simplejwt.token_blacklist",
    "horarium.contrib.django",
    "horarium.contrib.django.beat",  # django_celery_beat, in drop-in mode
    "ingestion",
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
STATIC_URL = "static/"
WHITENOISE_USE_FINDERS = True  # the admin's files, without collecting them first

DATABASES = {"default": dj_database_url.config(default=f"sqlite:///{RUN / 'db.sqlite3'}")}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # Readers and a writer at once, and a transaction that will write waits for its turn before it reads.
    DATABASES["default"]["OPTIONS"] = {
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
        "transaction_mode": "IMMEDIATE",
        "timeout": 30,
    }

# What a task has cached is read by the web process, so both must see it.
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}
    if REDIS_URL
    else {"BACKEND": "django.core.cache.backends.filebased.FileBasedCache", "LOCATION": RUN / "cache"}
}

SIMPLE_JWT = {"REFRESH_TOKEN_LIFETIME": timedelta(days=7), "ROTATE_REFRESH_TOKENS": True}

# What the tasks speak to. `python -m outside` serves both here; the real ones understand the same.
WIKIDATA_SPARQL_URL = os.environ.get("WIKIDATA_SPARQL_URL", "http://127.0.0.1:9200/sparql")
TMDB_API_URL = os.environ.get("TMDB_API_URL", "http://127.0.0.1:9201/3")
TMDB_API_TOKEN = os.environ.get("TMDB_API_TOKEN", "a-token")
OUTSIDE_TIMEOUT = 1.0 if DEMO else 30.0  # seconds until a silent server counts as away
RETRY_AFTER = 2 if DEMO else 3600  # seconds

# On one machine a file is enough; with Redis, any number of machines.
CELERY_BROKER_URL = REDIS_URL or f"sqlite:///{RUN / 'horarium.db'}"
CELERY_TIMEZONE = TIME_ZONE
CELERY_RESULT_EXPIRES = 3600
CELERY_BEAT_SCHEDULE = {
    "daily-wikidata-ingestion": {
        "task": "ingestion.tasks.run_daily_wikidata_ingestion",
        "schedule": crontab(hour=2, minute=0),
    },
    "weekly-tmdb-refresh": {
        "task": "ingestion.tasks.refresh_tmdb_metadata",
        "schedule": crontab(hour=3, minute=0, day_of_week=0),
    },
    "daily-statistics-update": {
        "task": "ingestion.tasks.update_site_statistics",
        "schedule": crontab(hour=1, minute=0),
    },
    "daily-session-cleanup": {
        "task": "ingestion.tasks.cleanup_expired_sessions",
        "schedule": crontab(hour=4, minute=0),
    },
    "weekly-jwt-token-cleanup": {
        "task": "ingestion.tasks.cleanup_expired_jwt_tokens",
        "schedule": crontab(hour=5, minute=0, day_of_week=1),
    },
    "hourly-health-check": {
        "task": "ingestion.tasks.health_check",
        "schedule": crontab(minute=0),
    },
}
if DEMO:  # the same tasks every few seconds, so that somebody who watches sees them run; `make run` sets it
    RHYTHM = (5, 4, 3, 11, 13, 7)  # seconds
    for entry, seconds in zip(CELERY_BEAT_SCHEDULE.values(), RHYTHM, strict=True):
        entry["schedule"] = timedelta(seconds=seconds)

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "loggers": {"httpx": {"level": "WARNING"}},  # it tells of each request
}
