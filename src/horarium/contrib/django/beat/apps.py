"""The Django app ``horarium.contrib.django.beat``, which has django-celery-beat's label, tables and migrations."""

from __future__ import annotations

import logging

from django.apps import AppConfig
from django.db import Error as DatabaseError
from django.db.models.signals import post_migrate

from horarium.contrib.django.along import with_horarium
from horarium.contrib.django.beat.rights import grant_can_be_given

logger = logging.getLogger("horarium.beat")


class BeatConfig(AppConfig):
    """Named ``django_celery_beat`` in Django's registry, so that migrations, permissions and URLs stay as they are."""

    name = "horarium.contrib.django.beat"
    label = "django_celery_beat"
    verbose_name = "Periodic Tasks"
    default_auto_field = "django.db.models.AutoField"

    def __init__(self, app_name: str, app_module: object) -> None:
        super().__init__(app_name, app_module)
        with_horarium()

    def ready(self) -> None:
        """Note what is done to rows by way of their models, and look at them in system checks."""
        from horarium.contrib.django.beat import checks
        from horarium.contrib.django.beat.signals import signals_connect

        signals_connect()
        checks.register()
        post_migrate.connect(_ensure_tables, sender=self, dispatch_uid="horarium")
        post_migrate.connect(grant_can_be_given, sender=self, dispatch_uid="horarium.run_periodictask")


def _ensure_tables(using: str, **_: object) -> None:
    """Make what a scheduler needs besides. Where the right to do so is missing, schedulers say so and do without."""
    from horarium.contrib.django.beat import tables

    try:
        tables.ensure(using)
    except DatabaseError as error:
        logger.warning("beat: database %r: expected to make triggers that note edits, got: %s", using, error)
