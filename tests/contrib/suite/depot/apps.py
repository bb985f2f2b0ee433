"""Named by its path in INSTALLED_APPS, as many projects do."""

from django.apps import AppConfig


class DepotConfig(AppConfig):
    name = "depot"
    default_auto_field = "django.db.models.BigAutoField"
