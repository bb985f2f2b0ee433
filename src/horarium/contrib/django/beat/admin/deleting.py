"""What goes with a row of schedules that is deleted: the tasks that use it. The page that asks says so, and offers
to disable them instead."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.contrib.admin.utils import quote
from django.db import models
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from horarium.contrib.django.beat.models import PeriodicTask, PeriodicTasks
from horarium.contrib.django.trail import note

NAMED = 20  # tasks that a page names; a row may be that of 100,000


def users_of(kind: str, rows: Sequence[models.Model]) -> models.QuerySet:
    """Return the periodic tasks that use rows of a kind, by name."""
    return PeriodicTask.objects.filter(**{f"{kind}__in": [row.pk for row in rows]}).order_by("name")


def named_users(users: models.QuerySet, site: str) -> tuple[list[Any], int]:
    """Return links to the first tasks of a queryset, and how many there are in all."""
    named = [
        format_html(
            '<a href="{}">{}</a> <span class="quiet">{}</span>',
            reverse(f"{site}:django_celery_beat_periodictask_change", args=[quote(pk)]),
            name,
            task if enabled else _("%(task)s, disabled") % {"task": task},
        )
        for pk, name, task, enabled in users.values_list("pk", "name", "task", "enabled")[: NAMED + 1]
    ]
    if len(named) <= NAMED:
        return named, len(named)
    return named[:NAMED], users.count()


def disable_instead(admin: Any, request: Any, users: models.QuerySet) -> None:
    """Disable the tasks of a queryset and keep them, and say so. The caller has seen to the right to do it."""
    rows = list(users.filter(enabled=True).values_list("pk", "name"))
    users.order_by().filter(enabled=True).update(enabled=False, date_changed=timezone.now())
    PeriodicTasks.update_changed()
    note(request, PeriodicTask, ((pk, name, "Disabled, instead of deleting its schedule.") for pk, name in rows))
    text = ngettext(
        "Nothing was deleted; %d task was disabled.", "Nothing was deleted; %d tasks were disabled.", len(rows)
    )
    admin.message_user(request, text % len(rows), messages.SUCCESS)
