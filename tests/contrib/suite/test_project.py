"""The project itself, on the Django and on the database that this run is for."""

import os

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
