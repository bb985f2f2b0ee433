"""The work that leaves something to be cleaned up: one validation."""

from __future__ import annotations

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from horarium import Task, shared_task
from validibot.core.engine import Engine, EngineTrouble
from validibot.core.models import CallbackReceipt, IdempotencyKey, Output, Submission, ValidationRun


@shared_task(name="validibot.validate", bind=True, autoretry_for=(EngineTrouble,), max_retries=3, retry_backoff=1)
def validate(self: Task, name: str = "table.csv", hangs: bool = False) -> int:
    """Take a submission in and have it validated in a container; return the number of the run.

    One that hangs never says that it has ended. The container is left behind, as containers are. Doing it again for
    the same run of the task starts nothing anew.
    """
    volume = f"output-{self.request.id}"
    run = _taken_in(name, volume)
    with Engine.opened() as engine:
        engine.start(run.pk, volume)
    if not hangs:
        _ended(run)
    return int(run.pk)


@transaction.atomic
def _taken_in(name: str, volume: str) -> ValidationRun:
    known = Output.objects.filter(volume=volume).select_related("run").first()
    if known is not None:
        return known.run
    now = timezone.now()
    submission = Submission.objects.create(name=name, content="a,b\n1,2\n", expires_at=now + settings.SUBMISSIONS_KEPT)
    run = ValidationRun.objects.create(submission=submission, started_at=now)
    Output.objects.create(run=run, volume=volume, expires_at=now + settings.OUTPUTS_KEPT)
    IdempotencyKey.objects.create(key=f"submit-{run.pk}", expires_at=now + settings.KEYS_KEPT)
    return run


@transaction.atomic
def _ended(run: ValidationRun) -> None:
    now = timezone.now()
    done = {"state": ValidationRun.State.SUCCEEDED, "ended_at": now}
    ValidationRun.objects.filter(pk=run.pk, state=ValidationRun.State.RUNNING).update(**done)
    CallbackReceipt.objects.get_or_create(callback_id=f"ended-{run.pk}", defaults={"received_at": now})
