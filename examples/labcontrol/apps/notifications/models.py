"""Notifications."""

from django.conf import settings
from django.db import models


class Notification(models.Model):
    class Type(models.TextChoices):
        INFO = "info"
        WARNING = "warning"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="notifications")
    title = models.CharField(max_length=200)
    message = models.TextField()
    type = models.CharField(max_length=20, choices=Type.choices, default=Type.INFO)
    created = models.DateTimeField(auto_now_add=True, db_index=True)
    read = models.BooleanField(default=False)
    batch = models.CharField(max_length=64, blank=True, editable=False)  # the run that made it

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["user", "batch"], condition=~models.Q(batch=""), name="once_for_each_user_of_a_batch"
            ),
        )

    def __str__(self) -> str:
        return f"{self.title} to {self.user}"
