"""The clean-up jobs as tasks. Their schedules are rows of the database, made by a migration.

All are idempotent, and acknowledged when they are done: one whose worker is killed runs again.
"""

from __future__ import annotations

import logging

from django.conf import settings
from django.core.management import call_command

from horarium import Task, shared_task
from validibot.core import cleanup
from validibot.core.engine import EngineTrouble

logger = logging.getLogger(__name__)

Told = dict[str, str | int]


@shared_task(name="validibot.purge_expired_submissions", acks_late=True)
def purge_expired_submissions(batch_size: int = cleanup.BATCH) -> Told:
    """Remove expired user submission content."""
    return _completed("purge_expired_submissions", cleanup.purge_submissions(batch_size=batch_size))


@shared_task(name="validibot.purge_expired_outputs", acks_late=True)
def purge_expired_outputs(batch_size: int = cleanup.BATCH) -> Told:
    """Remove expired validation outputs."""
    return _completed("purge_expired_outputs", cleanup.purge_outputs(batch_size=batch_size))


@shared_task(name="validibot.process_purge_retries", acks_late=True)
def process_purge_retries() -> Told:
    """Retry failed purge operations. It fails where one has failed too often, so that somebody looks."""
    return _completed("process_purge_retries", cleanup.retry_purges())


@shared_task(name="validibot.cleanup_stuck_runs", acks_late=True)
def cleanup_stuck_runs() -> Told:
    """Mark hung runs as failed."""
    return _completed("cleanup_stuck_runs", cleanup.fail_stuck_runs())


@shared_task(name="validibot.cleanup_orphaned_containers", acks_late=True, bind=True, max_retries=5)
def cleanup_orphaned_containers(self: Task) -> Told:
    """Remove orphaned containers; ask again when the engine says so."""
    try:
        return _completed("cleanup_orphaned_containers", cleanup.remove_containers())
    except EngineTrouble as trouble:
        raise self.retry(exc=trouble, countdown=trouble.retry_after) from trouble


@shared_task(name="validibot.cleanup_idempotency_keys", acks_late=True)
def cleanup_idempotency_keys() -> Told:
    """Remove expired idempotency keys."""
    return _completed("cleanup_idempotency_keys", cleanup.delete_idempotency_keys())


@shared_task(name="validibot.cleanup_callback_receipts", acks_late=True)
def cleanup_callback_receipts() -> Told:
    """Clean old callback receipts."""
    return _completed("cleanup_callback_receipts", cleanup.delete_callback_receipts())


@shared_task(name="validibot.clear_sessions", acks_late=True)
def clear_sessions() -> Told:
    """Remove expired Django sessions."""
    call_command("clearsessions")
    return _completed("clear_sessions", {})


def _completed(job: str, counts: dict[str, int]) -> Told:
    told = ", ".join(f"{what} {count}" for what, count in counts.items()) or "done"
    logger.info("%s: %s (by %s)", job, told, settings.APP_ROLE)
    return {"status": "completed", **counts}
