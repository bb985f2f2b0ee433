"""Moments as Django's pages show them: in the zone of whoever looks, the current one of Django."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone

from horarium.clock import Instant, abbreviation, to_datetime


def local(instant: Instant) -> datetime:
    """Return an instant in the zone of whoever looks."""
    return timezone.localtime(to_datetime(instant))


def moment(instant: Instant) -> str:
    """Return an instant in the viewer's zone; times never stand without the zone's name."""
    here = local(instant)
    return f"{here:%Y-%m-%d %H:%M:%S} {abbreviation(here)}"
