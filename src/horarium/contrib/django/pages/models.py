"""What stands in Django's registry for runs, queues and workers, so that they have permissions, a place in the admin's
index, and lines in its log. There are no tables: what is shown is read from the store (runs.py, queues.py, workers.py).
"""

from __future__ import annotations

from typing import Any

from django.db import models


class Nowhere(models.Manager):
    """Finds nothing and asks no database: ``dumpdata`` and the like go through all models."""

    def get_queryset(self) -> Any:  # a QuerySet; Django is untyped here
        return super().get_queryset().none()


class Run(models.Model):
    """A run, by its id."""

    id = models.CharField(max_length=255, primary_key=True)
    objects = Nowhere()

    class Meta:
        app_label = "horarium"
        managed = False
        base_manager_name = "objects"
        default_permissions = ("view",)
        permissions = (("retry_run", "Can run a run again"), ("revoke_run", "Can cancel a run"))

    def __str__(self) -> str:
        return str(self.id)


class Queue(models.Model):
    """A queue, by its name."""

    name = models.CharField(max_length=255, primary_key=True)
    objects = Nowhere()

    class Meta:
        app_label = "horarium"
        managed = False
        base_manager_name = "objects"
        default_permissions = ("view",)
        permissions = (("pause_queue", "Can pause and resume a queue"), ("purge_queue", "Can purge a queue"))

    def __str__(self) -> str:
        return str(self.name)


class Worker(models.Model):
    """A worker or scheduler, by the owner that it is in the store."""

    owner = models.CharField(max_length=255, primary_key=True)
    objects = Nowhere()

    class Meta:
        app_label = "horarium"
        managed = False
        base_manager_name = "objects"
        default_permissions = ("view",)
        permissions = (("control_worker", "Can stop a worker"),)

    def __str__(self) -> str:
        return str(self.owner)
