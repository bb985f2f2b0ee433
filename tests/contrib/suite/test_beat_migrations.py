"""The migrations end where the models are, on each Django."""

from __future__ import annotations

import pytest
from django.core.management import call_command


@pytest.mark.django_db
def test_the_migrations_end_where_the_models_are() -> None:
    call_command("makemigrations", "django_celery_beat", check=True, dry_run=True, verbosity=0)
