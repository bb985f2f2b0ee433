"""The settings of the project. Its database and its store are those that the environment names."""

import os
from pathlib import Path

HERE = Path(os.environ.get("SITE_FOLDER", "/tmp"))  # files of one run, made by whoever runs it

SECRET_KEY = "for tests only"
DEBUG = False
ALLOWED_HOSTS = ["*"]
USE_TZ = True
TIME_ZONE = "UTC"
ROOT_URLCONF = "site_project.urls"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
STATIC_URL = "static/"
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
    "shop",
    "depot.apps.DepotConfig",
]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # quick
MIDDLEWARE = [
    "site_project.policy.strict_policy",
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
if os.environ.get("SITE_DATABASE", "").startswith("postgresql"):
    from urllib.parse import urlsplit

    address = urlsplit(os.environ["SITE_DATABASE"])
    DATABASES = {
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": address.path.strip("/"),
            "USER": address.username or "",
            "HOST": address.hostname or "",
            "PORT": address.port or "",
            "CONN_MAX_AGE": int(os.environ.get("SITE_CONN_MAX_AGE", "0")),
        }
    }
else:
    DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": HERE / "site.sqlite3"}}

TASKS = {
    "default": {
        "BACKEND": "horarium.contrib.django.tasks.HorariumBackend",
        "OPTIONS": {"tasks": {"shop.background.succeed_at_the_third": {"autoretry_for": (ValueError,)}}},
    }
}

CELERY_BROKER_URL = os.environ.get("SITE_STORE", "memory://")
CELERY_TIMEZONE = TIME_ZONE
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
if os.environ.get("SITE_DB_REUSE_MAX"):
    CELERY_DB_REUSE_MAX = int(os.environ["SITE_DB_REUSE_MAX"])
HORARIUM_OUTBOX = bool(os.environ.get("SITE_OUTBOX"))
