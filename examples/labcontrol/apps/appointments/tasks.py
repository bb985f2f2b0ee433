"""Reminders by mail, a day ahead."""

from __future__ import annotations

import logging
from datetime import timedelta
from smtplib import SMTPRecipientsRefused
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.mail import send_mail
from django.db.models import Count
from django.utils import timezone

from apps.appointments.models import Appointment
from apps.notifications.mail import is_refused_for_good
from apps.notifications.models import Notification
from horarium import shared_task

logger = logging.getLogger(__name__)


@shared_task(bind=True, max_retries=5)
def send_appointment_reminders(self: Any) -> str:
    """Send reminders for appointments in the next 24 hours.

    Each is noted as it is sent, so that a retry, or a second run, goes on where this one has stopped: nobody is
    reminded twice, unless a process dies between a mail and its note. A mailbox that is gone holds up nobody else,
    and is not tried again.
    """
    sent = 0
    for appointment in Appointment.objects.to_remind_of().select_related("user"):
        try:
            remind(appointment)
        except SMTPRecipientsRefused as error:
            if not is_refused_for_good(error):
                raise self.retry(exc=error, countdown=settings.RETRY_AFTER) from error
            Appointment.objects.filter(pk=appointment.pk).update(is_unreachable=True)
            logger.error("No reminder for appointment %d: %s", appointment.pk, error)
        except OSError as error:  # smtplib's errors are, too
            logger.warning("Sent %d reminders, then the mail server refused: %s", sent, error)
            raise self.retry(exc=error, countdown=settings.RETRY_AFTER) from error
        else:
            sent += 1
    logger.info("Sent %d reminders", sent)
    return f"Sent {sent} reminders"


def remind(appointment: Appointment) -> None:
    send_mail(
        "Your appointment",
        f"We expect you in {appointment.room} at {appointment.starts:%H:%M} UTC on {appointment.starts:%d %B}.",
        None,
        [appointment.user.email],
    )
    Appointment.objects.filter(pk=appointment.pk).update(reminded=timezone.now())


@shared_task
def book_walk_in(hours: float = 12) -> str:
    """Book for whoever has the fewest appointments, so many hours ahead. They have read by now what they were told."""
    user = User.objects.filter(is_active=True).annotate(booked=Count("appointments")).order_by("booked", "pk").first()
    if user is None:
        return "nobody is there"
    Appointment.objects.create(user=user, starts=timezone.now() + timedelta(hours=hours))
    Notification.objects.filter(user=user, read=False).update(read=True)
    return f"booked for {user}"
