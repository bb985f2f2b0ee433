"""Appointments."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db import models
from django.utils import timezone

AHEAD = timedelta(hours=24)


class AppointmentSet(models.QuerySet):
    def to_remind_of(self) -> AppointmentSet:
        """Those within the next 24 hours of which nobody has been reminded, the next ones first."""
        now = timezone.now()
        coming = self.filter(starts__gt=now, starts__lte=now + AHEAD)
        return coming.filter(reminded=None, is_unreachable=False).order_by("starts", "pk")


class Appointment(models.Model):
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="appointments")
    starts = models.DateTimeField(db_index=True)
    room = models.CharField(max_length=50, default="Reception")
    reminded = models.DateTimeField(null=True, blank=True, editable=False)
    is_unreachable = models.BooleanField(default=False, editable=False)  # the mailbox is gone

    objects = AppointmentSet.as_manager()

    def __str__(self) -> str:
        return f"{self.user} in {self.room} at {self.starts:%Y-%m-%d %H:%M} UTC"
