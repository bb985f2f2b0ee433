"""Where the admin shows the periodic task of a schedule, in a project that keeps its schedules in Django's tables."""

from __future__ import annotations

from collections.abc import Collection

from django.apps import apps
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

LABEL = "django_celery_beat"


def addresses_of(request: HttpRequest, names: Collection[str]) -> dict[str, str]:
    """Return the addresses of periodic tasks by name: of those that there are, and that this person may see."""
    if not names or not apps.is_installed("horarium.contrib.django.beat"):
        return {}
    if not any(request.user.has_perm(f"{LABEL}.{right}_periodictask") for right in ("view", "change")):
        return {}
    model = apps.get_model(LABEL, "PeriodicTask")
    try:
        return {
            name: reverse(f"admin:{LABEL}_periodictask_change", args=[pk])
            for name, pk in model.objects.filter(name__in=names).values_list("name", "pk")
        }
    except NoReverseMatch:  # the project has taken it out of its admin
        return {}
