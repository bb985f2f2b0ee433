"""The periodic tasks. Each may run twice without harm, and may be stopped at any moment."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

import httpx
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.db.models import Count, F
from django.utils import timezone
from rest_framework_simplejwt.token_blacklist.models import OutstandingToken

from horarium import Task, shared_task
from ingestion.models import AdaptationEdge, Diff, ScreenWork, Work
from ingestion.patience import wait_after
from ingestion.storing import store
from ingestion.tmdb import Tmdb
from ingestion.wikidata import Wikidata

logger = logging.getLogger(__name__)

PAGE = 50  # adaptations asked for at once
KEPT = 8 * 24 * 3600  # seconds that a figure stays cached: a weekly task must not lose it before it runs again


@shared_task(bind=True, max_retries=3)
def run_daily_wikidata_ingestion(self: Task) -> dict[str, int]:
    """Fetch all adaptations and store them. A page that was stored stays, if a later one cannot be had."""
    before = _counts()
    try:
        with Wikidata(settings.WIKIDATA_SPARQL_URL, timeout=settings.OUTSIDE_TIMEOUT) as wikidata:
            pages = 0
            for page in wikidata.pages(PAGE):
                store(page)
                pages += 1
    except httpx.HTTPError as exc:
        logger.warning("Wikidata ingestion stopped: %r", exc)
        raise self.retry(exc=exc, countdown=wait_after(exc, default=settings.RETRY_AFTER)) from exc
    done = {"pages": pages} | {f"new_{name}": number - before[name] for name, number in _counts().items()}
    cache.set("last_wikidata_ingestion", done | _now(), KEPT)
    logger.info("Wikidata ingestion completed: %s", done)
    return done


@shared_task(bind=True, max_retries=3)
def refresh_tmdb_metadata(self: Task, limit: int = 100) -> dict[str, int]:
    """Look up the films and series that were not looked up for longest, ``limit`` at most.

    When the server is away or wants to be left alone, it goes on later with what is left of the limit.
    """
    wanted = ScreenWork.objects.filter(tmdb_id__isnull=False).order_by(F("refreshed").asc(nulls_first=True), "pk")
    done = {"refreshed": 0, "unknown": 0}
    try:
        with Tmdb(settings.TMDB_API_URL, settings.TMDB_API_TOKEN, timeout=settings.OUTSIDE_TIMEOUT) as tmdb:
            for screen_work in wanted[:limit]:
                done["refreshed" if _refresh(screen_work, tmdb) else "unknown"] += 1
    except httpx.HTTPError as exc:
        left = limit - sum(done.values())
        logger.warning("TMDb refresh stopped with %d left of its limit: %r", left, exc)
        wait = wait_after(exc, default=settings.RETRY_AFTER)
        raise self.retry(exc=exc, countdown=wait, kwargs={"limit": left}) from exc
    cache.set("last_tmdb_refresh", done | _now(), KEPT)
    logger.info("TMDb refresh completed: %s", done)
    return done


@shared_task
def update_site_statistics() -> dict[str, int]:
    """Count everything, and cache it for dashboards."""
    people = get_user_model().objects
    stats = {
        **{f"total_{name}": number for name, number in _counts().items()},
        "total_diffs": Diff.objects.count(),
        "total_users": people.count(),
        "active_users": people.filter(last_login__gte=timezone.now() - timedelta(days=30)).count(),
        **{f"kind_{kind}": 0 for kind in ScreenWork.Kind.values},
        **{f"kind_{kind}": number for kind, number in ScreenWork.objects.values_list("kind").annotate(Count("pk"))},
    }
    cache.set("site_statistics", stats | _now(), KEPT)
    logger.info("Site statistics updated: %s", stats)
    return stats


@shared_task
def cleanup_expired_sessions() -> dict[str, int]:
    """Delete the sessions that have expired."""
    deleted, _ = Session.objects.filter(expire_date__lt=timezone.now()).delete()
    logger.info("Cleaned up %d expired sessions", deleted)
    return {"deleted": deleted}


@shared_task
def cleanup_expired_jwt_tokens(days: int = 30) -> dict[str, int]:
    """Delete tokens that expired so many days ago. ``manage.py flushexpiredtokens`` deletes all that have expired."""
    old = OutstandingToken.objects.filter(expires_at__lt=timezone.now() - timedelta(days=days))
    _, deleted = old.delete()
    number = deleted.get(OutstandingToken._meta.label, 0)
    logger.info("Cleaned up %d expired tokens", number)
    return {"deleted": number}


@shared_task
def health_check() -> dict[str, Any]:
    """Say that a worker is there."""
    logger.info("Health check: a worker is responsive")
    return {"status": "healthy"} | _now()


def _refresh(screen_work: ScreenWork, tmdb: Tmdb) -> bool:
    """Look one up and note it. Whether it was known."""
    details = tmdb.details(screen_work.kind, screen_work.tmdb_id)
    if details is not None:
        screen_work.summary, screen_work.poster, screen_work.year = details
    screen_work.refreshed = timezone.now()
    screen_work.save(update_fields=["summary", "poster", "year", "refreshed"])
    return details is not None


def _counts() -> dict[str, int]:
    return {
        "works": Work.objects.count(),
        "screen_works": ScreenWork.objects.count(),
        "adaptations": AdaptationEdge.objects.count(),
    }


def _now() -> dict[str, str]:
    return {"at": timezone.now().isoformat(timespec="seconds")}
