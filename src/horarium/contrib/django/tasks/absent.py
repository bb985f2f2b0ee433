"""What stands in the place of the backend on a Django that has no ``django.tasks``."""

from __future__ import annotations

from typing import Any

import django
from django.core.exceptions import ImproperlyConfigured


class HorariumBackend:
    """Refuses to be made. Raises: ImproperlyConfigured."""

    def __init__(self, alias: str, params: dict[str, Any]) -> None:
        raise ImproperlyConfigured(
            f"expected Django 6.0 or newer for the backend {alias!r} of TASKS, got Django {django.get_version()}; use "
            "@shared_task of horarium and task.delay(), which all Djangos have, or upgrade Django"
        )
