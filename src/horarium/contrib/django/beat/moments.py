"""Moments as the project's tables hold them: the words that programs take from ``django_celery_beat.utils``."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib import import_module

from django.conf import settings
from django.utils import timezone

from horarium.scheduler.source import DJANGO, path_of

NEVER_CHECK_TIMEOUT = 100_000_000  # seconds: what a schedule's is_due said that never comes due again

is_aware = timezone.is_aware
now_localtime = timezone.template_localtime


def make_aware(value: datetime) -> datetime:
    """Return a moment in the project's zone. A naive one is UTC where USE_TZ is on, else in that zone already."""
    zone = timezone.get_default_timezone()
    if not settings.USE_TZ:
        return timezone.make_aware(value, zone) if timezone.is_naive(value) else value
    aware = timezone.make_aware(value, UTC) if timezone.is_naive(value) else value
    return timezone.localtime(aware, zone)


def now() -> datetime:
    """Return the present moment in Django's current zone; a naive one where USE_TZ is off."""
    moment = timezone.now()
    return timezone.localtime(moment) if settings.USE_TZ else moment


def aware_now() -> datetime:
    """Return the present moment with a zone, also where USE_TZ is off: then in the project's."""
    moment = timezone.now()
    return moment if settings.USE_TZ else timezone.make_aware(moment, timezone.get_default_timezone())


def is_database_scheduler(scheduler: str | None) -> bool:
    """Whether a value of the setting ``beat_scheduler`` names Django's tables, or a class made from theirs.

    Raises: ImportError, AttributeError for a path that leads nowhere.
    """
    path = path_of(scheduler)
    if path is None or path == DJANGO:
        return path is not None
    module, _, name = path.partition(":")
    home, _, base = DJANGO.partition(":")
    found = getattr(import_module(module), name)
    return isinstance(found, type) and issubclass(found, getattr(import_module(home), base))
