"""The Django app ``horarium.contrib.django``: checks, commands, and pages of runs, queues and workers."""

from __future__ import annotations

from django.apps import AppConfig


class HorariumConfig(AppConfig):
    """Named ``horarium`` in Django's registry."""

    name = "horarium.contrib.django"
    label = "horarium"
    verbose_name = "Horarium"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the checks, and the hint for developers."""
        from django.conf import settings

        from horarium.contrib.django import checks, hint

        checks.register()
        if settings.DEBUG:
            hint.connect()
