"""The tasks: clips are rendered, old ones are thrown away, and once a week somebody wants to know."""

from __future__ import annotations

import logging
import os
import uuid
from datetime import timedelta

from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings
from django.utils import timezone

from horarium import shared_task
from viral_clips.cube import Cube

logger = logging.getLogger(__name__)

AT_ONCE = 1000  # objects that S3 deletes in one request
MEGABYTE = 1_000_000


@shared_task(
    autoretry_for=(ClientError, BotoCoreError),  # a refusal, or no answer
    max_retries=5,
    retry_backoff=settings.RETRY_AFTER,
    retry_jitter=False,  # it is one run a night: there are no others to keep out of the way of
    time_limit=1800,
)
def scheduled_cloudcube_cleanup(retention_days: float = 5, dry_run: bool = False) -> dict[str, int]:
    """Delete the clips that are older than the retention.

    Doing it twice is as good as once: what is gone stays gone. A dry run says what would be deleted and leaves it.
    """
    logger.info("Starting scheduled Cloudcube cleanup (retention: %g days)", retention_days)
    cube = Cube.opened()
    limit = timezone.now() - timedelta(days=retention_days)
    clips = list(cube.clips())
    old = [clip for clip in clips if clip.made < limit]
    if not dry_run:
        for first in range(0, len(old), AT_ONCE):
            cube.delete([clip.key for clip in old[first : first + AT_ONCE]])
    size = sum(clip.size for clip in old)
    logger.info(
        "Scheduled cleanup completed: %s %d files (%.1f MB), retained %d recent clips",
        "Would delete" if dry_run else "Deleted",
        len(old),
        size / MEGABYTE,
        len(clips) - len(old),
    )
    return {"deleted": 0 if dry_run else len(old), "found": len(old), "bytes": size, "retained": len(clips) - len(old)}


@shared_task
def send_weekly_report() -> str:
    """Say how much there is. It fails where the store does: nobody tries it again before next week."""
    clips = list(Cube.opened().clips())
    return f"{len(clips)} clips, {sum(clip.size for clip in clips) / MEGABYTE:.1f} MB"


@shared_task(autoretry_for=(ClientError, BotoCoreError), max_retries=5, retry_backoff=settings.RETRY_AFTER)
def render_clip(name: str | None = None) -> str:
    """Render a clip and keep it; return its name."""
    name = name or f"{uuid.uuid4().hex[:12]}.mp4"
    Cube.opened().put(name, os.urandom(200_000))
    return name
