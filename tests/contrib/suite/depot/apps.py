"""Named by its path in INSTALLED_APPS, as many projects do."""

import os

from django.apps import AppConfig
from django.core import checks


class DepotConfig(AppConfig):
    name = "depot"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        if os.environ.get("SITE_BROKEN"):
            checks.register(lambda **_: [checks.Error("the depot is on fire", id="depot.E001")])
