"""The project itself, on the Django and on the database that this run is for."""

import os
import subprocess
import sys

import django
import pytest
from django.core.management import call_command
from django.db import connection
from shop.models import Order


def test_the_run_has_the_django_that_it_is_for() -> None:
    assert django.get_version().startswith(os.environ.get("SITE_DJANGO", ""))


def test_djangos_own_checks_find_nothing_to_say() -> None:
    call_command("check", fail_level="WARNING")


@pytest.mark.django_db
@pytest.mark.on_postgresql
def test_no_migration_is_missing() -> None:
    call_command("makemigrations", "--check", "--dry-run")


@pytest.mark.django_db
@pytest.mark.on_postgresql
def test_the_project_is_on_the_database_that_the_run_is_for() -> None:
    is_postgresql = os.environ.get("SITE_DATABASE", "").startswith("postgresql")
    assert connection.vendor == ("postgresql" if is_postgresql else "sqlite")
    Order.objects.create(text="tea")
    assert Order.objects.get().text == "tea"


ALONE = """
import sys
from django.conf import settings
settings.configure(INSTALLED_APPS=[sys.argv[1]], DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3"}})
import django
django.setup()
from django.apps import apps
from django.core.management import get_commands
assert apps.get_app_config("horarium").name == "horarium.contrib.django"
assert "horarium" in get_commands()
"""


@pytest.mark.parametrize("listed", ["beat", "results"])
def test_an_app_that_is_listed_alone_brings_ours_along(listed: str) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    environment["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    command = [sys.executable, "-c", ALONE, f"horarium.contrib.django.{listed}"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
