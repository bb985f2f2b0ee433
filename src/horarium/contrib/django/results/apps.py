"""The Django app ``horarium.contrib.django.results``, which has django-celery-results' label, tables and migrations."""

from __future__ import annotations

from django.apps import AppConfig

from horarium.contrib.django.along import with_horarium


class ResultsConfig(AppConfig):
    """Named ``django_celery_results`` in Django's registry: migrations, permissions and URLs stay as they are."""

    name = "horarium.contrib.django.results"
    label = "django_celery_results"
    verbose_name = "Task Results"
    default_auto_field = "django.db.models.AutoField"

    def __init__(self, app_name: str, app_module: object) -> None:
        super().__init__(app_name, app_module)
        with_horarium()
