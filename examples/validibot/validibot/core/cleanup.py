"""What the clean-up jobs do, as functions: tasks and management commands call the same ones.

Each looks for what is due now and does all of it, batch by batch, however long nobody has called it. What is done is
noted row by row, so a job that is cut off has lost nothing, and the next one goes on where it stopped. A dry run
counts and changes nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import datetime

from django.conf import settings
from django.db.models import Model, QuerySet
from django.utils import timezone

from validibot.core.engine import Container, Engine, EngineTrouble
from validibot.core.models import CallbackReceipt, IdempotencyKey, Output, PurgeRetry, Submission, ValidationRun

logger = logging.getLogger(__name__)

BATCH = 100
PATIENCE = 3  # attempts at a purge until somebody has to be told
LONGEST_PAUSE = 12  # times PURGE_RETRY_AFTER


class StillThere(Exception):
    """Volumes could not be removed, attempt after attempt; they will be tried on, but a person should look."""


def purge_submissions(*, dry_run: bool = False, batch_size: int = BATCH) -> dict[str, int]:
    """Empty the submissions that have expired."""
    now = timezone.now()
    expired = Submission.objects.filter(purged_at=None, expires_at__lte=now)
    if dry_run:
        return {"found": expired.count(), "purged": 0}
    # The condition once more in the update: of two at the same moment, one has each row.
    purged = sum(
        Submission.objects.filter(pk__in=keys, purged_at=None).update(content="", purged_at=now)
        for keys in _batches(expired, batch_size)
    )
    return {"found": purged, "purged": purged}


def purge_outputs(*, dry_run: bool = False, batch_size: int = BATCH) -> dict[str, int]:
    """Remove the volumes of outputs that have expired; what cannot be removed now is noted for a retry."""
    expired = Output.objects.filter(purged_at=None, retry=None, expires_at__lte=timezone.now())
    if dry_run:
        return {"found": expired.count(), "purged": 0, "to_be_retried": 0}
    purged = failed = 0
    with Engine.opened() as engine:
        for keys in _batches(expired, batch_size):
            for output in Output.objects.filter(pk__in=keys):
                try:
                    _purge(engine, output)
                    purged += 1
                except EngineTrouble as trouble:
                    _note(output, trouble)
                    failed += 1
    return {"found": purged + failed, "purged": purged, "to_be_retried": failed}


def retry_purges(*, dry_run: bool = False, batch_size: int = BATCH) -> dict[str, int]:
    """Try again what could not be purged and is due.

    Raises:
        StillThere: some have failed too often. The others have been tried, too.
    """
    due = PurgeRetry.objects.filter(next_try_at__lte=timezone.now())
    if dry_run:
        return {"found": due.count(), "purged": 0}
    purged, found, stubborn = 0, 0, []
    with Engine.opened() as engine:
        for keys in _batches(due, batch_size):
            for retry in PurgeRetry.objects.filter(pk__in=keys).select_related("output"):
                found += 1
                try:
                    _purge(engine, retry.output)
                    purged += 1
                except EngineTrouble as trouble:
                    if _note(retry.output, trouble) >= PATIENCE:
                        stubborn.append(f"{retry.output} ({trouble})")
    if stubborn:
        raise StillThere(f"{len(stubborn)} still there after {PATIENCE} attempts or more: {', '.join(stubborn[:5])}")
    return {"found": found, "purged": purged}


def fail_stuck_runs(*, dry_run: bool = False, batch_size: int = BATCH) -> dict[str, int]:
    """Mark the validations as failed that take longer than they may."""
    now = timezone.now()
    running = ValidationRun.objects.filter(state=ValidationRun.State.RUNNING)
    stuck = running.filter(started_at__lte=now - settings.RUNS_MAY_TAKE)
    if dry_run:
        return {"found": stuck.count(), "failed": 0}
    end = {"state": ValidationRun.State.FAILED, "ended_at": now, "error": "took too long"}
    failed = sum(running.filter(pk__in=keys).update(**end) for keys in _batches(stuck, batch_size))
    return {"found": failed, "failed": failed}


def remove_containers(*, all_of_ours: bool = False, dry_run: bool = False) -> dict[str, int]:
    """Remove the containers whose validation has ended or is unknown; or all that are ours.

    Raises:
        EngineTrouble: the engine failed. What was removed until then stays removed.
    """
    with Engine.opened() as engine:
        containers = engine.containers()
        chosen = containers if all_of_ours else _orphans(containers)
        removed = 0 if dry_run else sum(engine.remove_container(container.id) for container in chosen)
    return {"found": len(chosen), "removed": removed}


def delete_idempotency_keys(*, dry_run: bool = False, batch_size: int = BATCH) -> dict[str, int]:
    """Delete the keys that have expired."""
    return _delete(IdempotencyKey.objects.filter(expires_at__lte=timezone.now()), dry_run, batch_size)


def delete_callback_receipts(*, dry_run: bool = False, batch_size: int = BATCH) -> dict[str, int]:
    """Delete the receipts that are older than they are kept."""
    limit = timezone.now() - settings.RECEIPTS_KEPT
    return _delete(CallbackReceipt.objects.filter(received_at__lte=limit), dry_run, batch_size)


def _batches(due: QuerySet[Model], size: int) -> Iterator[list[int]]:
    """Yield the keys of what is due, so many at a time, in order; whoever takes them need not change the rows."""
    last = 0
    while keys := list(due.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:size]):
        yield keys
        last = keys[-1]


def _purge(engine: Engine, output: Output) -> None:
    # First the volume, then the note of it: cut off in between, the next one finds no volume and writes the note.
    if not engine.remove_volume(output.volume):
        logger.info("volume %s was gone already", output.volume)
    Output.objects.filter(pk=output.pk, purged_at=None).update(purged_at=timezone.now())
    PurgeRetry.objects.filter(output=output).delete()


def _note(output: Output, trouble: EngineTrouble) -> int:
    """Write down that it failed and when it is tried again; return how often it has failed."""
    retry = PurgeRetry.objects.filter(output=output).first() or PurgeRetry(output=output, attempts=0)
    retry.attempts += 1
    retry.error = str(trouble)[:200]
    retry.next_try_at = _later(retry.attempts)
    retry.save()
    return retry.attempts


def _later(attempts: int) -> datetime:
    return timezone.now() + settings.PURGE_RETRY_AFTER * min(2 ** (attempts - 1), LONGEST_PAUSE)


def _orphans(containers: list[Container]) -> list[Container]:
    wanted = [container.run for container in containers]
    running = ValidationRun.objects.filter(pk__in=wanted, state=ValidationRun.State.RUNNING)
    alive = set(running.values_list("pk", flat=True))
    return [container for container in containers if container.run not in alive]


def _delete(rows: QuerySet[Model], dry_run: bool, batch_size: int) -> dict[str, int]:
    if dry_run:
        return {"found": rows.count(), "deleted": 0}
    deleted = sum(rows.model.objects.filter(pk__in=keys).delete()[0] for keys in _batches(rows, batch_size))
    return {"found": deleted, "deleted": deleted}
