"""What tests of results share: the project's app with an archive, on a store of each test's own, and the other side."""

from __future__ import annotations

import os
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from site_project.celery import app as project

from horarium import Horarium
from horarium.testing import isolated

ROOT = Path(__file__).parents[3]
OTHER_SIDE = ROOT / ".venv-celery" / "bin" / "python"

OTHER_SETTINGS = """
import os
SECRET_KEY = "for tests only"
USE_TZ = True
INSTALLED_APPS = ["django_celery_results"]
if os.environ.get("OTHER_DATABASE", "").startswith("postgresql"):
    from urllib.parse import urlsplit
    address = urlsplit(os.environ["OTHER_DATABASE"])
    DATABASES = {"default": {"ENGINE": "django.db.backends.postgresql", "NAME": address.path.strip("/"),
        "USER": address.username, "HOST": address.hostname, "PORT": address.port}}
else:
    DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ["OTHER_DATABASE"]}}
CELERY_RESULT_BACKEND = "django-db"
CELERY_RESULT_EXTENDED = True
"""
OTHER_APP = """
import os
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "other_settings")
import django
django.setup()
from celery import Celery
from django.core.management import call_command
app = Celery("other")
app.config_from_object("django.conf:settings", namespace="CELERY")
"""


@contextmanager
def archived(name: str = "django-db", **settings: Any) -> Iterator[Horarium]:
    """Give the project's app with ``result_backend``, for the length of a ``with`` block."""
    chosen = {"result_backend": name, **settings}
    with isolated(project):
        for key, value in chosen.items():
            project.conf[key] = value
        try:
            yield project
        finally:
            for key in chosen:
                del project.conf[key]


def on_the_other_side(folder: Path, script: str, database: str) -> str:
    """Run a script with the real Celery and django-celery-results; return what it prints."""
    if not OTHER_SIDE.exists():
        tell = pytest.fail if os.environ.get("CI") else pytest.skip
        tell(f"there is no environment with Celery in {OTHER_SIDE}; `make test` makes it")
    (folder / "other_settings.py").write_text(OTHER_SETTINGS)
    (folder / "other.py").write_text(OTHER_APP)
    environ = {**os.environ, "OTHER_DATABASE": database, "PYTHONPATH": str(folder)}
    environ["DJANGO_SETTINGS_MODULE"] = "other_settings"
    done = subprocess.run(
        [str(OTHER_SIDE), "-c", f"from other import *\n{script}"],
        env=environ,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def schema(path: Path) -> list[tuple[str, str]]:
    """Return what SQLite says of the tables of results and their indexes."""
    with sqlite3.connect(path) as database:
        found = database.execute("SELECT name, sql FROM sqlite_master WHERE tbl_name LIKE 'django_celery_results%'")
        return sorted(found)
