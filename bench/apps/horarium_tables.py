"""A Django project of one file whose periodic tasks a scheduler follows. The environment names database and store."""

from __future__ import annotations

import os
from urllib.parse import urlsplit

import django
from django.conf import settings

from horarium import Horarium

_address = urlsplit(os.environ["BENCH_DATABASE"])
_sqlite = {"ENGINE": "django.db.backends.sqlite3", "NAME": _address.path, "OPTIONS": {"timeout": 30}}
_postgresql = {
    "ENGINE": "django.db.backends.postgresql",
    "HOST": _address.hostname,
    "PORT": _address.port or "",
    "USER": _address.username,
    "NAME": _address.path.removeprefix("/"),
}
settings.configure(
    INSTALLED_APPS=["horarium.contrib.django", "horarium.contrib.django.beat"],
    USE_TZ=True,
    TIME_ZONE="UTC",
    DATABASES={"default": _sqlite if _address.scheme == "sqlite" else _postgresql},
)
django.setup()

app = Horarium("bench", broker=os.environ["BENCH_STORE"], beat_scheduler="django")


@app.task(name="bench.noop")
def noop() -> None:
    return None
