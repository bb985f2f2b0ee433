"""Tables of Horarium's own in a Django database: what it knows of a periodic task besides, and which rows have changed.

They point to rows by number, without foreign keys: nothing here may hinder what is done to the tables of
``horarium.contrib.django.beat`` by other programs, raw SQL, or django-celery-beat itself.
"""

from __future__ import annotations

from django.db import models

from horarium.contrib.django.pages.models import Queue, Run, Worker

__all__ = ["Change", "Queue", "Run", "ScheduleExtra", "Worker"]


class ScheduleExtra(models.Model):
    """What a PeriodicTask has no column for. A task without a row here has the defaults."""

    ORIGINS = (("", "people"), ("settings", "the project's settings"))

    periodic_task_id = models.BigIntegerField(primary_key=True)
    options = models.JSONField(default=dict, blank=True)  # keys of a schedule's entry: catchup, overlap, dst_gap ...
    origin = models.CharField(max_length=20, default="", blank=True, choices=ORIGINS)  # who made it, and may remove it
    settings_digest = models.CharField(max_length=64, default="", blank=True)  # of the entry that made it, as it was
    error = models.TextField(default="", blank=True)  # why the scheduler cannot read the row

    class Meta:
        app_label = "horarium"
        db_table = "horarium_schedule_extra"
        verbose_name = "schedule option"

    def __str__(self) -> str:
        return f"options of periodic task {self.periodic_task_id}"


class Change(models.Model):
    """A row that was changed, in whatever way, since a scheduler last looked: written by triggers of the database.

    A periodic task that is renamed, or deleted, has one with each name that it had: that much is to be removed.
    """

    kind = models.CharField(max_length=16)  # task; interval, crontab, solar, clocked; all: everything may have changed
    row_id = models.BigIntegerField()
    name = models.CharField(max_length=200, default="")  # that a periodic task had before, else empty
    number = models.BigIntegerField(default=1)  # of changes: whoever has dealt with so many deletes the row, if no more

    class Meta:
        app_label = "horarium"
        db_table = "horarium_change"
        constraints = (models.UniqueConstraint(fields=("kind", "row_id", "name"), name="horarium_change_row"),)

    def __str__(self) -> str:
        return f"{self.kind} {self.row_id}"


class OutboxMessage(models.Model):
    """A message that was sent in a transaction and is not in the store yet. See horarium.contrib.django.outbox."""

    id = models.CharField(max_length=200, primary_key=True)  # of the run
    created = models.BigIntegerField(db_index=True)  # milliseconds since the epoch
    message = models.TextField()

    class Meta:
        app_label = "horarium"
        db_table = "horarium_outbox"
        verbose_name = "message in the outbox"
        verbose_name_plural = "messages in the outbox"

    def __str__(self) -> str:
        return f"message {self.id}"
