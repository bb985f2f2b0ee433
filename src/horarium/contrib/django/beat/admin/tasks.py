"""The admin of periodic tasks: a list that says how each fares, and a form that says what it will do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.db import models, transaction
from django.http import HttpResponseNotAllowed, HttpResponseRedirect, JsonResponse
from django.urls import path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from msgspec import to_builtins

from horarium.contrib.django.beat.admin import options
from horarium.contrib.django.beat.admin.actions import TaskActions
from horarium.contrib.django.beat.admin.asking import NoAnswer, ask, the_app
from horarium.contrib.django.beat.admin.filters import ErrorFilter, OwnerFilter, TaskFilter
from horarium.contrib.django.beat.admin.form import PeriodicTaskForm
from horarium.contrib.django.beat.admin.judging import Unfit, timing_of
from horarium.contrib.django.beat.admin.panels import panels
from horarium.contrib.django.beat.admin.picker import known_tasks, unknown_task
from horarium.contrib.django.beat.admin.preview import Preview, failures, preview
from horarium.contrib.django.beat.admin.sparkline import sparkline
from horarium.contrib.django.beat.admin.standing import DRESS, Standing, Standings, standings
from horarium.contrib.django.beat.admin.warnings import warnings
from horarium.contrib.django.beat.admin.words import NOTHING, moment, when, zone_of_row
from horarium.contrib.django.beat.models import KINDS, PeriodicTask
from horarium.contrib.django.models import ScheduleExtra
from horarium.schedules.record import Schedule

if TYPE_CHECKING:
    from horarium.app.app import Horarium


class TaskList(ChangeList):
    """A page of the list: the store is asked once for all rows of it."""

    standings: Standings | None = None
    result_list: Any  # Django's, and untyped

    def get_results(self, request: Any) -> None:
        """Find the rows of the page, and how they stand."""
        super().get_results(request)
        # Their numbers first, their schedules then: in one query the database would join all rows before the page as
        # well, which takes the last page of 100,000 rows three times as long.
        ids = list(self.result_list.select_related(None).values_list("pk", flat=True))
        self.result_list = self.queryset.filter(pk__in=ids)  # in the same order
        rows = list(self.result_list)  # a queryset keeps what it has found: these are the objects that are shown
        self.standings = standings(the_app(), rows)
        for row in rows:
            row.standing, row.standing_now = self.standings.of[row.pk], self.standings.now


class PeriodicTaskAdmin(TaskActions):
    """Periodic tasks."""

    form = PeriodicTaskForm
    list_display = ("name_and_task", "enabled", "state_and_runs", "due", "next_run", "last_run", "owner")
    list_filter = ("enabled", "one_off", TaskFilter, OwnerFilter, ErrorFilter, "start_time", "last_run_at")
    list_per_page = 50
    list_max_show_all = 200
    show_full_result_count = False
    ordering = ("name",)
    search_fields = ("name", "task")
    autocomplete_fields = KINDS
    actions = (
        "run_tasks",
        "enable_tasks",
        "disable_tasks",
        "toggle_tasks",
        "pause_tasks",
        "resume_tasks",
    )
    readonly_fields = ("last_run_at", "total_run_count")
    formfield_overrides: ClassVar = {
        models.TextField: {"widget": admin.widgets.AdminTextareaWidget(attrs={"rows": 3})},
    }
    change_list_template = "horarium/beat/periodictask_list.html"
    change_form_template = "horarium/beat/periodictask_form.html"
    fieldsets = (
        (None, {"fields": ("name", "task", "enabled", "description")}),
        (gettext_lazy("Schedule"), {"fields": (*KINDS, "start_time", "one_off")}),
        (gettext_lazy("Arguments"), {"fields": ("args", "kwargs")}),
        (
            gettext_lazy("Execution Options"),
            {
                "fields": ("queue", "priority", "expires", "expire_seconds", "headers", "exchange", "routing_key"),
                "classes": ("collapse",),
            },
        ),
        (gettext_lazy("Catching up, overlap, clock changes"), {"fields": options.KEYS, "classes": ("collapse",)}),
        (gettext_lazy("So far"), {"fields": ("last_run_at", "total_run_count")}),
    )

    class Media:
        css: ClassVar = {"all": ("horarium/beat/admin.css",)}
        js = ("admin/js/jquery.init.js", "horarium/beat/preview.js")

    # The list.

    def get_queryset(self, request: Any) -> models.QuerySet:
        """Read each row with its schedule."""
        return super().get_queryset(request).select_related(*KINDS)

    def get_changelist(self, request: Any, **kwargs: Any) -> type[ChangeList]:
        """Return the class of pages of the list."""
        return TaskList

    def changelist_view(self, request: Any, extra_context: dict[str, Any] | None = None) -> Any:
        """Show a page of the list, with what keeps all of it from firing."""
        response = super().changelist_view(request, extra_context)
        page = getattr(response, "context_data", {}) or {}
        shown = getattr(page.get("cl"), "standings", None)
        if shown is not None:
            page["warnings"] = warnings(the_app(), shown)
        return response

    @admin.display(description=gettext_lazy("Name"), ordering="name")
    def name_and_task(self, task: PeriodicTask) -> Any:
        """What it is called, and what runs."""
        words = format_html_join(mark_safe(".<wbr>"), "{}", ((word,) for word in task.task.split(".")))
        return format_html('{}<br><span class="quiet hor-small">{}</span>', task.name, words)

    @admin.display(description=gettext_lazy("When"))
    def due(self, task: PeriodicTask) -> Any:
        """When it is due, in words and as it is written."""
        return when(task)

    @admin.display(description=gettext_lazy("State"))
    def state(self, task: PeriodicTask) -> Any:
        """How it stands, in a word; why, for who points at it."""
        found = _standing(task)
        if found is None:
            return NOTHING
        return format_html(
            '<span class="hor-state hor-{}" title="{}">{}</span>', DRESS[found.state], found.reason, found.state
        )

    @admin.display(description=gettext_lazy("State"))
    def state_and_runs(self, task: PeriodicTask) -> Any:
        """How it stands, above the picture of its last runs: side by side they take more room than a list has."""
        found = _standing(task)
        runs = self.recent_runs(task) if found is not None and found.runs else ""
        return format_html("{}{}", self.state(task), runs)

    @admin.display(description=gettext_lazy("Next run"))
    def next_run(self, task: PeriodicTask) -> Any:
        """When it runs next, in its zone."""
        found = _standing(task)
        return NOTHING if found is None else moment(found.next, zone_of_row(task, the_app()), task.standing_now)

    @admin.display(description=gettext_lazy("Last run"), ordering="last_run_at")
    def last_run(self, task: PeriodicTask) -> Any:
        """When it last ran, in its zone."""
        found = _standing(task)
        return NOTHING if found is None else moment(found.last, zone_of_row(task, the_app()), task.standing_now)

    @admin.display(description=gettext_lazy("Recent runs"))
    def recent_runs(self, task: PeriodicTask) -> Any:
        """How its last runs ended, as a picture."""
        found = _standing(task)
        return NOTHING if found is None or found.runs is None else sparkline(found.runs)

    @admin.display(description=gettext_lazy("Owner"))
    def owner(self, task: PeriodicTask) -> Any:
        """Who made the row."""
        found = _standing(task)
        if found is None:
            return NOTHING
        return format_html('<span class="hor-owner">{}</span>', _("settings") if found.origin else _("people"))

    # The form.

    def get_urls(self) -> list[Any]:
        """Add the preview of what is being written, and the button that runs a task."""
        name = f"{self.opts.app_label}_{self.opts.model_name}"
        wrap = self.admin_site.admin_view
        return [
            path("preview/", wrap(self.preview_view), name=f"{name}_preview"),
            path("<path:object_id>/run/", wrap(self.run_view), name=f"{name}_run"),
            *super().get_urls(),
        ]

    def get_object(self, request: Any, object_id: str, from_field: str | None = None) -> PeriodicTask | None:
        """Return a row; for who may only look at it, with its options, which are no columns of it."""
        task = super().get_object(request, object_id, from_field)
        if task is not None and not self.has_change_permission(request, task):
            kept = ScheduleExtra.objects.filter(pk=task.pk).first()
            for key in options.KEYS:
                setattr(task, key, kept.options.get(key) if kept is not None else None)
        return task

    def render_change_form(self, request: Any, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        """Show beside the fields what the row will do and has done."""
        task = kwargs.get("obj")
        form = context["adminform"].form
        app = the_app()
        shown = standings(app, [task] if task is not None and task.pk else [])
        if "task" in form.fields:
            form.fields["task"].widget.offered = sorted(known_tasks(app, shown.members))
        context.update(panels(app, task, shown, self.admin_site.name))
        context["may_run"] = task is not None and self.has_run_permission(request, task)
        context["may_save_and_run"] = self.has_run_permission(request)
        context["preview_url"] = self._address("preview")
        return super().render_change_form(request, context, *args, **kwargs)

    def save_related(self, request: Any, form: Any, formsets: Any, change: bool) -> None:
        """Save the options too, and warn of what is right and yet unlikely to be meant."""
        super().save_related(request, form, formsets, change)
        unknown = unknown_task(form.instance.task, known_tasks(the_app()))
        if unknown:
            self.message_user(request, unknown, messages.WARNING)
        schedule = getattr(form, "schedule", None)
        if schedule is not None and schedule.enabled and schedule.next_fire is None:
            self.message_user(request, _("It has no firings to come."), messages.WARNING)

    def response_add(self, request: Any, obj: PeriodicTask, post_url_continue: str | None = None) -> Any:
        """Go on, having run the new task if that was asked for."""
        if "_saverun" not in request.POST:
            return super().response_add(request, obj, post_url_continue)
        return self._run_saved(request, obj)

    def response_change(self, request: Any, obj: PeriodicTask) -> Any:
        """Go on, having run the task as it was saved if that was asked for."""
        if "_saverun" not in request.POST:
            return super().response_change(request, obj)
        return self._run_saved(request, obj)

    def run_view(self, request: Any, object_id: str) -> Any:
        """Run one task now, and go back to its page. Raises: PermissionDenied."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not (self.has_run_permission(request) and self.has_view_or_change_permission(request)):
            raise PermissionDenied
        found = self.get_queryset(request).filter(pk=_number(unquote(object_id)))  # a project may show each their own
        if not found.exists():
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        self.run_tasks(request, found)
        return HttpResponseRedirect(self._address("change", object_id))

    def preview_view(self, request: Any) -> JsonResponse:
        """Answer what the row of a form would do. Raises: PermissionDenied."""
        if not (self.has_add_permission(request) or self.has_view_or_change_permission(request)):
            raise PermissionDenied
        task = PeriodicTask(pk=_number(request.POST.get("_pk", "")))
        task._state.adding = task.pk is None  # its name is taken by itself
        form = PeriodicTaskForm(request.POST, instance=task)
        form.full_clean()
        found = self._foreseen(form)
        return JsonResponse(to_builtins(found))

    def _foreseen(self, form: PeriodicTaskForm) -> Preview:
        app = the_app()
        unknown = unknown_task(form.data.get("task", "").strip(), known_tasks(app))
        notes = (unknown,) if unknown else ()
        if not any(form.data.get(kind) for kind in KINDS):  # a form that is hardly begun is not wrong
            return Preview(notes=(_("Choose a schedule to see when it will run."), *notes))
        wrong = {field: errors for field, errors in form.errors.items() if field in _TIMING}
        if app is None or wrong:
            labels = form.fields
            lacking = () if app is not None else (_("This project has no Horarium app."),)
            return Preview(errors=(*failures(wrong, labels), *lacking), notes=notes)
        now = app.clock.now()
        try:
            stored = _stored(app, form.instance.pk)
            found = timing_of(app, form.instance, form.chosen_options(), now=now, stored=stored)
            return preview(found, now=now, notes=notes)
        except Unfit as error:
            return Preview(errors=(str(error),), notes=notes)

    def _run_saved(self, request: Any, task: PeriodicTask) -> HttpResponseRedirect:
        if not self.has_run_permission(request, task):
            raise PermissionDenied
        # After the commit: until then the store would be told of a row that may never be.
        transaction.on_commit(lambda: self.run_tasks(request, self.get_queryset(request).filter(pk=task.pk)))
        return HttpResponseRedirect(self._address("change", str(task.pk)))

    def _address(self, page: str, *arguments: str) -> str:
        name = f"{self.admin_site.name}:{self.opts.app_label}_{self.opts.model_name}_{page}"
        address: str = reverse(name, args=arguments)
        return address


# The fields that decide when a row is due; what is wrong with others does not keep anybody from seeing that.
_TIMING = frozenset({*KINDS, "start_time", "expires", "one_off", "__all__", *options.KEYS})


def _standing(task: PeriodicTask) -> Standing | None:
    """Return how a row of the list stands; None for one that was not found by it."""
    found: Standing | None = getattr(task, "standing", None)
    return found


def _stored(app: Horarium, pk: int | None) -> Schedule | None:
    """Return what the store has of a saved row; nothing if it does not answer, which the page says elsewhere."""
    name = PeriodicTask.objects.filter(pk=pk).values_list("name", flat=True).first() if pk is not None else None
    if name is None:
        return None
    try:
        return ask(app, lambda engine: engine.schedules.get([name])[0])
    except NoAnswer:
        return None


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) < 19 else None
