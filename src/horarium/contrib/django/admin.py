"""The pages of runs, queues and workers, for Django's autodiscovery of admins."""

from __future__ import annotations

from horarium.contrib.django.pages.queues import QueueAdmin
from horarium.contrib.django.pages.runs import RunAdmin
from horarium.contrib.django.pages.workers import WorkerAdmin

__all__ = ["QueueAdmin", "RunAdmin", "WorkerAdmin"]
