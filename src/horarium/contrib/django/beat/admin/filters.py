"""Filters of the list of periodic tasks. None looks at a whole table to offer its choices."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from horarium.contrib.django.beat.models import PeriodicTask
from horarium.contrib.django.models import ScheduleExtra

# The newest rows, whose tasks are offered; of 100,000 rows the distinct tasks take a second, and are too many to read.
LOOKED_AT = 2000
OFFERED = 100


class TaskFilter(admin.SimpleListFilter):
    """By task, as ``?task=``; it offers those of the newest rows, and the one that is chosen."""

    title = _("task name")
    parameter_name = "task"

    def lookups(self, request: Any, model_admin: Any) -> list[tuple[str, str]]:
        newest = PeriodicTask.objects.order_by("-pk").values_list("task", flat=True)[:LOOKED_AT]
        offered = sorted(set(newest))[:OFFERED]
        chosen = self.value()
        if chosen and chosen not in offered:
            offered.insert(0, chosen)
        return [(task, task) for task in offered]

    def queryset(self, request: Any, queryset: QuerySet) -> QuerySet:
        return queryset.filter(task=self.value()) if self.value() else queryset


class OwnerFilter(admin.SimpleListFilter):
    """By who made a row."""

    title = _("owner")
    parameter_name = "owner"

    def lookups(self, request: Any, model_admin: Any) -> list[tuple[str, Any]]:
        return [("people", _("People")), ("settings", _("Settings"))]

    def queryset(self, request: Any, queryset: QuerySet) -> QuerySet:
        owned = ScheduleExtra.objects.filter(origin="settings").values("pk")
        match self.value():
            case "settings":
                return queryset.filter(pk__in=owned)
            case "people":
                return queryset.exclude(pk__in=owned)
        return queryset


class ErrorFilter(admin.SimpleListFilter):
    """By whether a scheduler could read a row."""

    title = _("error")
    parameter_name = "error"

    def lookups(self, request: Any, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("In error")), ("no", _("Without"))]

    def queryset(self, request: Any, queryset: QuerySet) -> QuerySet:
        wrong = ScheduleExtra.objects.exclude(error="").values("pk")
        match self.value():
            case "yes":
                return queryset.filter(pk__in=wrong)
            case "no":
                return queryset.exclude(pk__in=wrong)
        return queryset
