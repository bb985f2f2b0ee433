"""What tells people something, and forgets what they have read. All of it runs on the queue ``notifications``."""

from __future__ import annotations

import logging
from datetime import timedelta
from smtplib import SMTPRecipientsRefused
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.mail import send_mail
from django.db import transaction
from django.utils import timezone

from apps.notifications.mail import is_refused_for_good
from apps.notifications.models import Notification
from horarium import shared_task

logger = logging.getLogger(__name__)


@shared_task(bind=True, max_retries=3)
def send_email_notification(self: Any, user_id: int, subject: str, message: str) -> str:
    """Send an e-mail to a user. "Later" from the mail server is obeyed; a mailbox that is gone fails at once."""
    user = User.objects.get(pk=user_id)
    logger.debug("Sending %r to user %d", subject, user_id)
    try:
        send_mail(subject, message, None, [user.email])
    except SMTPRecipientsRefused as error:
        if is_refused_for_good(error):
            raise
        raise self.retry(exc=error, countdown=settings.RETRY_AFTER) from error
    except OSError as error:  # smtplib's errors are, too
        raise self.retry(exc=error, countdown=settings.RETRY_AFTER) from error
    return f"Sent to {user.email}"


@shared_task
def cleanup_old_notifications(days: float = 90) -> str:
    """Delete read notifications older than 90 days. Doing it twice is as good as once."""
    limit = timezone.now() - timedelta(days=days)
    deleted, _ = Notification.objects.filter(read=True, created__lt=limit).delete()
    logger.info("Deleted %d old notifications", deleted)
    return f"Deleted {deleted} notifications"


@shared_task(bind=True)
def send_bulk_notification(self: Any, user_ids: list[int], title: str, message: str, type: str = "info") -> str:
    """Tell several users, each by a notification and a mail of their own.

    A run that is done again, after its worker has died for instance, tells only those that it has not told yet.
    """
    batch = self.request.id or ""
    with transaction.atomic():
        told = set(Notification.objects.filter(batch=batch).values_list("user_id", flat=True)) if batch else set()
        users = list(User.objects.filter(pk__in=user_ids).exclude(pk__in=told))
        Notification.objects.bulk_create(
            Notification(user=user, title=title, message=message, type=type, batch=batch) for user in users
        )
        for user in users:
            send_email_notification.delay_on_commit(user.pk, title, message)
    return f"Sent to {len(users)} users"


@shared_task
def tell_everybody(title: str = "We are open", message: str = "The laboratory is open today.") -> str:
    """Tell everybody who is active."""
    users = list(User.objects.filter(is_active=True).values_list("pk", flat=True))
    send_bulk_notification.delay(users, title, message)
    return f"told {len(users)} users"
