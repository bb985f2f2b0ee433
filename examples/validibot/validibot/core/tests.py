"""Tests of the clean-up jobs as the guide has them: ``python manage.py test --settings config.settings.test``."""

from __future__ import annotations

from datetime import timedelta

from django.test import TestCase
from django.utils import timezone

from validibot.core.models import IdempotencyKey, Submission
from validibot.core.tasks.scheduled_tasks import cleanup_idempotency_keys, purge_expired_submissions


class CleaningUp(TestCase):
    def setUp(self) -> None:
        for name, days in (("old.csv", -1), ("new.csv", 1)):
            expires = timezone.now() + timedelta(days=days)
            Submission.objects.create(name=name, content="a,b", expires_at=expires)
            IdempotencyKey.objects.create(key=name, expires_at=expires)

    def test_a_call_runs_the_job_there_and_then(self) -> None:
        result = purge_expired_submissions()
        assert result["status"] == "completed"
        assert result["purged"] == 1
        assert Submission.objects.get(name="old.csv").content == ""
        assert Submission.objects.get(name="new.csv").content == "a,b"

    def test_what_is_sent_runs_too_and_no_broker_is_asked(self) -> None:
        assert cleanup_idempotency_keys.delay().successful()
        assert [key.key for key in IdempotencyKey.objects.all()] == ["new.csv"]

    def test_twice_is_as_good_as_once(self) -> None:
        assert [purge_expired_submissions()["purged"] for _ in range(2)] == [1, 0]
