"""Admin pages of results: lists to look things up in, and each row as people read it."""

from __future__ import annotations

import json
from typing import Any, ClassVar
from urllib.parse import quote

from django.apps import apps
from django.conf import settings
from django.contrib import admin
from django.db.models import QuerySet
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy as _

from horarium.contrib.django.results import forms
from horarium.contrib.django.results.browsing import BoundedList, filter_by
from horarium.contrib.django.results.models import GroupResult, TaskResult

PRE = '<pre class="hor-text">{}</pre>'
LONG = ("task_args", "task_kwargs", "result", "traceback", "meta")  # columns that a list does not read
MOST_SHOWN = 100_000  # characters
CHILDREN_SHOWN = 100


def _may_edit() -> bool:
    return bool(getattr(settings, "DJANGO_CELERY_RESULTS", {}).get("ALLOW_EDITS", False))


@admin.register(TaskResult)
class TaskResultAdmin(BoundedList):
    """Runs; read-only, unless ``DJANGO_CELERY_RESULTS = {"ALLOW_EDITS": True}``."""

    list_display = ("task_id", "periodic_task", "task_name", "date_done", "status", "worker")
    list_filter = (
        filter_by("status", _("state")),
        "date_done",
        filter_by("periodic_task_name", _("periodic task")),
        filter_by("task_name", _("task")),
        filter_by("worker", _("worker")),
    )
    search_fields = ("task_id", "task_name", "periodic_task_name", "task_args", "task_kwargs")
    id_field = "task_id"
    texts = ("task_name", "periodic_task_name", "task_args", "task_kwargs")
    readonly_fields = (
        "periodic_task",
        "arguments",
        "named_arguments",
        "shown_result",
        "shown_traceback",
        "children",
        "date_created",
        "date_started",
        "date_done",
        "result",
        "meta",
    )

    class Media:
        css: ClassVar = {"all": ("horarium/results/admin.css",)}

    def get_queryset(self, request: Any) -> QuerySet:
        rows = super().get_queryset(request)
        match = request.resolver_match
        is_list = match is not None and str(match.url_name).endswith("_changelist")
        return rows.defer(*LONG) if is_list else rows

    def get_fieldsets(self, request: Any, obj: Any = None) -> Any:
        if _may_edit():
            first = ("task_id", "task_name", "periodic_task_name", "status", "worker")
            texts: tuple[str, ...] = ("content_type", "content_encoding", "task_args", "task_kwargs", "traceback")
        else:
            first = ("task_id", "task_name", "periodic_task", "status", "worker")
            texts = ("content_type", "content_encoding", "result", "meta")
        return (
            (None, {"fields": first}),
            (_("Times"), {"fields": ("date_created", "date_started", "date_done")}),
            (_("Arguments"), {"fields": ("arguments", "named_arguments")}),
            (_("Result"), {"fields": ("shown_result", "shown_traceback", "children")}),
            (_("As it is stored"), {"fields": texts, "classes": ("collapse",)}),
        )

    def has_change_permission(self, request: Any, obj: Any = None) -> bool:
        return _may_edit() and super().has_change_permission(request, obj)

    def has_view_permission(self, request: Any, obj: Any = None) -> bool:
        return super().has_view_permission(request, obj) or super().has_change_permission(request, obj)

    @admin.display(description=_("Periodic Task Name"), ordering="periodic_task_name")
    def periodic_task(self, row: TaskResult) -> Any:
        name = row.periodic_task_name
        if not name or not apps.is_installed("horarium.contrib.django.beat"):
            return name or "-"
        try:
            pages = reverse("admin:django_celery_beat_periodictask_changelist", current_app=self.admin_site.name)
        except NoReverseMatch:
            return name
        return format_html('<a href="{}?q={}">{}</a>', pages, quote(name), name)

    @admin.display(description=_("Positional Arguments"))
    def arguments(self, row: TaskResult) -> Any:
        return _unwrapped(row.task_args)

    @admin.display(description=_("Named Arguments"))
    def named_arguments(self, row: TaskResult) -> Any:
        return _unwrapped(row.task_kwargs)

    @admin.display(description=_("Result"))
    def shown_result(self, row: TaskResult) -> Any:
        value = forms.read(row.result)
        if isinstance(value, dict) and "exc_type" in value and row.status in forms.RAISED:
            args = value.get("exc_message")
            text = ", ".join(map(repr, args if isinstance(args, list) else [args]))
            return _pre(f"{value['exc_type']}({text})")
        return _pre(json.dumps(value, indent=2, ensure_ascii=False) if value is not None else row.result or "-")

    @admin.display(description=_("Traceback"))
    def shown_traceback(self, row: TaskResult) -> Any:
        return _pre(row.traceback) if row.traceback else "-"

    @admin.display(description=_("Has sent"))
    def children(self, row: TaskResult) -> Any:
        meta = forms.read(row.meta)
        told = meta.get("children") if isinstance(meta, dict) else None
        ids = [id for each in told or () if (id := _id_of(each)) is not None][:CHILDREN_SHOWN]
        keys = dict(TaskResult.objects.filter(task_id__in=ids).values_list("task_id", "pk"))
        page = f"{self.admin_site.name}:django_celery_results_taskresult_change"
        links = ((reverse(page, args=[keys[id]]), id) for id in ids if id in keys)
        shown = format_html_join("", '<div><a href="{}">{}</a></div>', links)
        others = format_html_join("", "<div>{}</div>", ((id,) for id in ids if id not in keys))
        return shown + others or "-"


@admin.register(GroupResult)
class GroupResultAdmin(BoundedList):
    """Saved groups; read-only, as runs are."""

    list_display = ("group_id", "date_done")
    list_filter = ("date_done",)
    search_fields = ("group_id",)
    id_field = "group_id"
    readonly_fields = ("date_created", "date_done", "result")

    def has_change_permission(self, request: Any, obj: Any = None) -> bool:
        return _may_edit() and super().has_change_permission(request, obj)

    def has_view_permission(self, request: Any, obj: Any = None) -> bool:
        return super().has_view_permission(request, obj) or super().has_change_permission(request, obj)


def _pre(text: str) -> Any:
    return format_html(PRE, text if len(text) <= MOST_SHOWN else text[:MOST_SHOWN] + " ...")


def _unwrapped(text: str | None) -> Any:
    """Return arguments as Python shows them; they are a JSON text, or whatever a program has written."""
    value = forms.read(text)
    return _pre(value if isinstance(value, str) else text or "-")


def _id_of(child: Any) -> str | None:
    """Return the id of a result that is written as a tuple: ((id, parent), members)."""
    try:
        id = child[0][0]
    except (TypeError, LookupError):
        return None
    return id if isinstance(id, str) else None
