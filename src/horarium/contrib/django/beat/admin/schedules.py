"""The admin of intervals, crontabs, solar events and clocked moments: what says when, for any number of tasks."""

from __future__ import annotations

from collections.abc import Collection
from copy import copy
from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpResponseRedirect, JsonResponse
from django.urls import path, reverse
from django.utils.functional import cached_property
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from msgspec import to_builtins

from horarium.clock import Instant
from horarium.contrib.django.beat.admin.asking import the_app
from horarium.contrib.django.beat.admin.deleting import disable_instead, named_users, users_of
from horarium.contrib.django.beat.admin.judging import Unfit, timing_of
from horarium.contrib.django.beat.admin.preview import Preview, failures, preview
from horarium.contrib.django.beat.admin.words import NOTHING, explained
from horarium.contrib.django.beat.models import (
    KINDS,
    ClockedSchedule,
    CrontabSchedule,
    IntervalSchedule,
    PeriodicTask,
    SolarSchedule,
)
from horarium.schedules.record import Schedule

if TYPE_CHECKING:
    from horarium.app.app import Horarium

MOST_COUNTED = 1000  # rows that a search for a row to choose counts: it shows twenty


class BoundedPaginator(Paginator):
    """Counts only so far: for who looks at the first pages of a million."""

    @cached_property
    def count(self) -> int:
        """How many there are, MOST_COUNTED at the most."""
        return len(self.object_list.order_by().values_list("pk")[:MOST_COUNTED])


class ScheduleForm(forms.ModelForm):
    """A row of one kind. What no task could use is refused here, before one of many that share it stops."""

    def _post_clean(self) -> None:
        super()._post_clean()
        app = the_app()
        if self.errors or app is None or isinstance(self.instance, SolarSchedule):  # its library may be elsewhere
            return
        try:
            _timing(app, _kind_of(self.instance), self.instance, now=app.clock.now(), fields=tuple(self.fields))
        except Unfit as error:
            self.add_error(error.field or next(iter(self.fields)), str(error))


class ScheduleAdmin(admin.ModelAdmin):
    """What the four kinds share. ``kind``: the column of a periodic task that points to it."""

    kind: ClassVar[str]
    notes: ClassVar[tuple[Any, ...]] = ()  # of its preview
    form = ScheduleForm
    ordering = ("-pk",)  # by an index, whatever their number: the model's order is by none
    list_per_page = 50
    show_full_result_count = False
    readonly_fields = ("used_by",)
    change_form_template = "horarium/beat/schedule_form.html"
    delete_confirmation_template = "horarium/beat/delete_schedule.html"
    delete_selected_confirmation_template = "horarium/beat/delete_schedules.html"

    class Media:
        css: ClassVar = {"all": ("horarium/beat/admin.css",)}
        js = ("admin/js/jquery.init.js", "horarium/beat/preview.js")

    @admin.display(description=gettext_lazy("In words"))
    def in_words(self, row: Any) -> str:
        """When it is due, as a sentence."""
        return explained(row) or NOTHING

    @admin.display(description=gettext_lazy("Used by"))
    def used_by(self, row: Any) -> Any:
        """The tasks that use it; the first ones of many."""
        if row is None or row.pk is None:
            return NOTHING
        named, count = named_users(users_of(self.kind, [row]), self.admin_site.name)
        if not named:
            return _("No periodic task.")
        listed = format_html_join("", "<li>{}</li>", ((each,) for each in named))
        rest = format_html('<p><a href="{}">{}</a></p>', self._list_of_users(row), _("All %d of them") % count)
        return format_html('<ul class="hor-used">{}</ul>{}', listed, rest if count > len(named) else "")

    def get_paginator(self, request: Any, *args: Any, **kwargs: Any) -> Paginator:
        """Count no million of rows for a search that shows twenty."""
        is_search = request.resolver_match is not None and request.resolver_match.url_name == "autocomplete"
        return (BoundedPaginator if is_search else self.paginator)(*args, **kwargs)

    def get_urls(self) -> list[Any]:
        """Add the preview of what is being written."""
        name = f"{self.opts.app_label}_{self.opts.model_name}_preview"
        return [path("preview/", self.admin_site.admin_view(self.preview_view), name=name), *super().get_urls()]

    def preview_view(self, request: Any) -> JsonResponse:
        """Answer when the row of a form would be due. Raises: PermissionDenied."""
        if not (self.has_add_permission(request) or self.has_view_or_change_permission(request)):
            raise PermissionDenied
        form = self.get_form(request)(request.POST)
        row = form.save(commit=False) if form.is_valid() else None
        found = Preview(errors=tuple(failures(form.errors, form.fields))) if row is None else self.foreseen(row)
        return JsonResponse(to_builtins(found))

    def foreseen(self, row: Any) -> Preview:
        """Return when a task that uses a row, saved or not, would be due."""
        app = the_app()
        if app is None:
            return Preview(errors=(_("This project has no Horarium app."),))
        now = app.clock.now()
        try:
            return preview(_timing(app, self.kind, row, now=now), now=now, notes=tuple(map(str, self.notes)))
        except Unfit as error:
            return Preview(errors=(str(error),))

    def render_change_form(self, request: Any, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        """Show when the row is due beside its fields."""
        row = kwargs.get("obj")
        context["preview"] = self.foreseen(row) if row is not None else None
        context["preview_url"] = reverse(f"{self.admin_site.name}:{self.opts.app_label}_{self.opts.model_name}_preview")
        return super().render_change_form(request, context, *args, **kwargs)

    def delete_view(self, request: Any, object_id: str, extra_context: dict[str, Any] | None = None) -> Any:
        """Delete a row, or disable its tasks instead if that is what was chosen. Raises: PermissionDenied."""
        row = self.get_object(request, object_id)
        if row is None:
            return super().delete_view(request, object_id, extra_context)
        users = users_of(self.kind, [row])
        may_disable = self._may_change_tasks(request)
        if request.method == "POST" and "_disable" in request.POST:
            if not may_disable:
                raise PermissionDenied
            disable_instead(self, request, users)
            return HttpResponseRedirect(reverse(f"{self.admin_site.name}:django_celery_beat_periodictask_changelist"))
        context = {"users": users.count(), "may_disable": may_disable, **(extra_context or {})}
        return super().delete_view(request, object_id, context)

    def get_deleted_objects(self, objs: Any, request: Any) -> tuple[list[Any], dict[Any, int], set[Any], list[Any]]:
        """Return what goes when rows are deleted: they, and the tasks that use them, of which the first are named."""
        rows = list(objs)
        users = users_of(self.kind, rows)
        named, count = named_users(users, self.admin_site.name)
        if count > len(named):
            named.append(_("and %d more") % (count - len(named)))
        tasks = self.admin_site._registry.get(PeriodicTask)
        is_forbidden = count and tasks is not None and not tasks.has_delete_permission(request)
        counts = {self.opts.verbose_name_plural: len(rows)}
        if count:
            counts[PeriodicTask._meta.verbose_name_plural] = count
        return [*map(str, rows), *([named] if named else [])], counts, _lacking(is_forbidden), []

    def _may_change_tasks(self, request: Any) -> bool:
        tasks = self.admin_site._registry.get(PeriodicTask)
        return tasks is not None and bool(tasks.has_change_permission(request))

    def _list_of_users(self, row: Any) -> str:
        address = reverse(f"{self.admin_site.name}:django_celery_beat_periodictask_changelist")
        return f"{address}?{self.kind}__id__exact={row.pk}"


class IntervalScheduleAdmin(ScheduleAdmin):
    """Intervals."""

    kind = "interval"
    notes = (gettext_lazy("Counted from now. A task that uses it counts from when the task was made."),)
    list_display = ("__str__", "every", "period")
    list_filter = ("period",)
    search_fields = ("every", "period")
    fields = ("every", "period", "used_by")


class CrontabScheduleAdmin(ScheduleAdmin):
    """Crontabs."""

    kind = "crontab"
    list_display = ("__str__", "in_words", "timezone")
    search_fields = ("minute", "hour", "day_of_month", "month_of_year", "day_of_week")
    fields = ("minute", "hour", "day_of_month", "month_of_year", "day_of_week", "timezone", "used_by")


class SolarScheduleAdmin(ScheduleAdmin):
    """Solar events."""

    kind = "solar"
    list_display = ("__str__", "event", "latitude", "longitude")
    list_filter = ("event",)
    search_fields = ("event", "latitude", "longitude")
    fields = ("event", "latitude", "longitude", "used_by")


class ClockedScheduleAdmin(ScheduleAdmin):
    """Clocked moments."""

    kind = "clocked"
    list_display = ("clocked_time",)
    search_fields = ("clocked_time",)
    fields = ("clocked_time", "used_by")


def _timing(app: Horarium, kind: str, row: Any, *, now: Instant, fields: Collection[str] = ()) -> Schedule:
    """Return the schedule of a task that would use a row, saved or not. Raises: Unfit."""
    row = copy(row)
    row.pk = row.pk or 0  # a task points to nothing else than numbers
    task = PeriodicTask(one_off=kind == "clocked")
    setattr(task, kind, row)
    return timing_of(app, task, {}, now=now, fields=fields)


def _kind_of(row: Any) -> str:
    return next(kind for kind in KINDS if isinstance(row, PeriodicTask._meta.get_field(kind).related_model))


def _lacking(is_forbidden: object) -> set[Any]:
    return {PeriodicTask._meta.verbose_name} if is_forbidden else set()


ADMINS = {
    IntervalSchedule: IntervalScheduleAdmin,
    CrontabSchedule: CrontabScheduleAdmin,
    SolarSchedule: SolarScheduleAdmin,
    ClockedSchedule: ClockedScheduleAdmin,
}
