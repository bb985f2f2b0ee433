"""What is done with the files of studies, and with what is in them."""

from __future__ import annotations

import logging

from django.conf import settings
from django.core.mail import send_mail

from apps.studies.models import Study
from apps.studies.readings import Summary, summarise
from horarium import shared_task
from horarium.errors import SoftTimeLimitExceeded

logger = logging.getLogger(__name__)


@shared_task
def process_study_results(study_id: int) -> dict[str, float]:
    """Summarise a study's file and keep the results with the study. Doing it twice is as good as once."""
    return _processed(Study.objects.get(pk=study_id))


@shared_task(time_limit=300, soft_time_limit=270)  # 5 min hard, 4.5 min soft
def process_large_file(study_id: int) -> dict[str, float]:
    """Do the same with a file that takes minutes, on the queue ``heavy``, where it holds up nothing else."""
    study = Study.objects.get(pk=study_id)
    try:
        return _processed(study)
    except SoftTimeLimitExceeded:
        Study.objects.filter(pk=study_id).update(state=Study.State.INTERRUPTED)
        logger.error("The file of study %d took too long", study_id)
        raise


@shared_task(rate_limit="10/m", autoretry_for=(OSError,), max_retries=3, default_retry_delay=settings.RETRY_AFTER)
def announce_study(study_id: int) -> str:
    """Tell the registry of a study, by mail. It takes ten mails a minute."""
    study = Study.objects.get(pk=study_id)
    send_mail(f"Study: {study.title}", f"State: {study.state}", None, [settings.REGISTRY_EMAIL])
    return f"announced {study.title}"


def _processed(study: Study) -> dict[str, float]:
    summary: Summary = summarise(study.path)
    results = summary._asdict()
    Study.objects.filter(pk=study.pk).update(state=Study.State.PROCESSED, results=results)
    logger.info("Processed %d readings of study %d", summary.readings, study.pk)
    return results
