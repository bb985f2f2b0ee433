"""What people submit, what becomes of it, and until when it is kept."""

from __future__ import annotations

from django.db import models


class Submission(models.Model):
    """What somebody wants validated. Its content goes when it expires; that there was one stays."""

    name = models.CharField(max_length=200)
    content = models.TextField(blank=True)
    expires_at = models.DateTimeField(db_index=True)
    purged_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.name


class ValidationRun(models.Model):
    """One validation, in a container of its own that has the run's number as a label."""

    class State(models.TextChoices):
        RUNNING = "running"
        SUCCEEDED = "succeeded"
        FAILED = "failed"

    submission = models.ForeignKey(Submission, models.CASCADE, related_name="runs")
    state = models.CharField(max_length=10, choices=State, default=State.RUNNING, db_index=True)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    error = models.CharField(max_length=200, blank=True)

    def __str__(self) -> str:
        return f"validation {self.pk} of {self.submission}"


class Output(models.Model):
    """What a validation wrote: a volume of the container engine, which goes when the output expires."""

    run = models.ForeignKey(ValidationRun, models.CASCADE, related_name="outputs")
    volume = models.CharField(max_length=100, unique=True)
    expires_at = models.DateTimeField(db_index=True)
    purged_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.volume


class PurgeRetry(models.Model):
    """An output whose volume could not be removed: why, and when it is tried again."""

    output = models.OneToOneField(Output, models.CASCADE, related_name="retry")
    attempts = models.PositiveIntegerField(default=1)
    next_try_at = models.DateTimeField(db_index=True)
    error = models.CharField(max_length=200)

    class Meta:
        verbose_name_plural = "purge retries"

    def __str__(self) -> str:
        return f"{self.output}, after {self.attempts} attempts"


class IdempotencyKey(models.Model):
    """A request that was answered; the same key means the same request until it expires."""

    key = models.CharField(max_length=100, unique=True)
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.key


class CallbackReceipt(models.Model):
    """A callback that has come in, so that it counts once."""

    callback_id = models.CharField(max_length=100, unique=True)
    received_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.callback_id
