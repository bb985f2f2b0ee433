"""Queries of periodic tasks."""

from __future__ import annotations

from typing import Self

from django.db import models


class PeriodicTaskQuerySet(models.QuerySet):
    """Periodic tasks; ``PeriodicTask.objects`` is a manager of it."""

    def enabled(self) -> Self:
        """Return those that are enabled, with their schedules."""
        return self.filter(enabled=True).select_related("interval", "crontab", "solar", "clocked")
