"""Studies."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings
from django.db import models


class Study(models.Model):
    class State(models.TextChoices):
        NEW = "new"
        PROCESSED = "processed"
        INTERRUPTED = "interrupted"

    title = models.CharField(max_length=200, unique=True)
    file = models.CharField(max_length=200)  # below STUDY_FILES
    state = models.CharField(max_length=20, choices=State.choices, default=State.NEW)
    results = models.JSONField(default=dict, blank=True)

    class Meta:
        verbose_name_plural = "studies"

    def __str__(self) -> str:
        return self.title

    @property
    def path(self) -> Path:
        return Path(settings.STUDY_FILES) / self.file
