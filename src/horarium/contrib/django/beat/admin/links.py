"""Where a run is shown: on Horarium's own page of it, else as a row of django-celery-results, else nowhere."""

from __future__ import annotations

from collections.abc import Sequence

from django.apps import apps
from django.contrib.admin.utils import quote
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString


def run_link(id: str, text: str = "") -> SafeString | str:
    """Return a link to a run, or its id if nothing shows runs."""
    address = run_address(id)
    return format_html('<a href="{}">{}</a>', address, text or id) if address else text or id


def run_address(id: str) -> str | None:
    """Return the address of Horarium's page of a run, None if the project has no such pages."""
    try:
        address: str = reverse("admin:horarium_run_change", args=[quote(id)])
    except NoReverseMatch:
        return None
    return address


def run_addresses(ids: Sequence[str]) -> dict[str, str]:
    """Return the address of each run that is shown somewhere; at most one query."""
    own = {id: address for id in ids if (address := run_address(id)) is not None}
    if own or not any(config.label == "django_celery_results" for config in apps.get_app_configs()):
        return own
    results = apps.get_model("django_celery_results", "TaskResult")
    rows = results.objects.filter(task_id__in=list(ids)).values_list("task_id", "pk")
    try:
        return {id: reverse("admin:django_celery_results_taskresult_change", args=[pk]) for id, pk in rows}
    except NoReverseMatch:
        return {}
