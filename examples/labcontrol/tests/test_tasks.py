"""What the tasks do: called as the functions that they are, or sent, which under these settings runs them at once."""

from __future__ import annotations

from datetime import timedelta
from smtplib import SMTPDataError
from unittest.mock import patch

from apps.appointments.models import Appointment
from apps.appointments.tasks import send_appointment_reminders
from apps.notifications.models import Notification
from apps.notifications.tasks import cleanup_old_notifications, send_bulk_notification, send_email_notification
from apps.studies.models import Study
from apps.studies.tasks import process_study_results
from django.contrib.auth.models import User
from django.core import mail
from django.test import TestCase
from django.utils import timezone

from horarium.errors import EncodingError


class TestCeleryTasks(TestCase):
    def setUp(self) -> None:
        self.ada = User.objects.create(username="ada", email="ada@people.example")
        self.grace = User.objects.create(username="grace", email="grace@people.example")

    def test_send_reminders(self) -> None:
        # Task runs synchronously in tests (see config/settings/test.py)
        for hours in (1, 23, 25, -1):
            Appointment.objects.create(user=self.ada, starts=timezone.now() + timedelta(hours=hours))
        result = send_appointment_reminders()
        assert "Sent 2" in result
        assert len(mail.outbox) == 2
        assert send_appointment_reminders() == "Sent 0 reminders"  # nobody is reminded twice

    def test_what_a_mail_server_puts_off_is_tried_again(self) -> None:
        later = SMTPDataError(451, b"4.3.0 Try again later")
        with patch("apps.notifications.tasks.send_mail", side_effect=[later, later, 1]) as sending:
            result = send_email_notification.delay(self.ada.pk, "Hello", "It is time.")
        assert result.get() == "Sent to ada@people.example"
        assert sending.call_count == 3

    def test_only_what_is_old_and_read_is_cleaned_up(self) -> None:
        for age, read in ((91, True), (91, False), (89, True)):
            made = Notification.objects.create(user=self.ada, title=f"{age}", message="", read=read)
            Notification.objects.filter(pk=made.pk).update(created=timezone.now() - timedelta(days=age))
        assert cleanup_old_notifications.delay().get() == "Deleted 1 notifications"
        assert Notification.objects.count() == 2

    def test_each_user_is_told_once(self) -> None:
        users = [self.ada.pk, self.grace.pk, self.grace.pk]
        with self.captureOnCommitCallbacks(execute=True):
            said = send_bulk_notification.delay(users, "Closed", "On Friday.", "warning").get()
        assert said == "Sent to 2 users"
        assert sorted(each.to for each in mail.outbox) == [["ada@people.example"], ["grace@people.example"]]

    def test_an_id_is_passed_and_not_the_study(self) -> None:
        study = Study.objects.create(title="Melting points", file="melting.csv")
        with self.assertRaisesRegex(EncodingError, "study_id"):
            process_study_results.delay(study)
