"""The Django app ``horarium.contrib.django.beat``, which has django-celery-beat's label, tables and migrations."""

from __future__ import annotations

from django.apps import AppConfig
from django.db.models.signals import post_migrate

from horarium.contrib.django.beat.rights import grant_can_be_given


class BeatConfig(AppConfig):
    """Named ``django_celery_beat`` in Django's registry, so that migrations, permissions and URLs stay as they are."""

    name = "horarium.contrib.django.beat"
    label = "django_celery_beat"
    verbose_name = "Periodic Tasks"
    default_auto_field = "django.db.models.AutoField"

    def ready(self) -> None:
        """Let the right to run tasks be there after each ``migrate``."""
        post_migrate.connect(grant_can_be_given, sender=self, dispatch_uid="horarium.run_periodictask")
