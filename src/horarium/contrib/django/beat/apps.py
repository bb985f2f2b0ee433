"""The Django app ``horarium.contrib.django.beat``, which has django-celery-beat's label, tables and migrations."""

from __future__ import annotations

from django.apps import AppConfig

from horarium.contrib.django.along import with_horarium


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
