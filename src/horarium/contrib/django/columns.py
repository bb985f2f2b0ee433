"""Moments as the columns of a project's tables hold them: with USE_TZ=False naive, in Django's current zone."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.utils import timezone

from horarium.clock import Instant, to_datetime, to_instant


def column_value(instant: Instant) -> datetime:
    """Return an instant as a column holds it."""
    moment = to_datetime(instant)
    return moment if settings.USE_TZ else timezone.make_naive(moment)


def zoned(moment: datetime) -> datetime:
    """Return a column's moment with its zone."""
    return moment if timezone.is_aware(moment) else timezone.make_aware(moment)


def instant_of(moment: datetime) -> Instant:
    """Return the instant that a column's moment means."""
    return to_instant(zoned(moment))
