"""What people do to periodic tasks by the list: run now, enable, disable, toggle, pause, resume.

Each row has an outcome of its own; what goes wrong with one stops none of the others. What was done is in Django's log.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import django
from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.widgets import AdminSplitDateTime
from django.db.models import Case, QuerySet, Value, When
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from horarium.contrib.django.beat.admin.asking import forget_silence, the_app
from horarium.contrib.django.beat.admin.links import run_link
from horarium.contrib.django.beat.admin.words import plain
from horarium.contrib.django.beat.bringing import bring
from horarium.contrib.django.beat.models import PeriodicTask, PeriodicTasks
from horarium.contrib.django.beat.rights import RUN
from horarium.contrib.django.columns import zoned
from horarium.contrib.django.trail import note
from horarium.errors import EngineUnavailable, HorariumError

if TYPE_CHECKING:
    from horarium.app.app import Horarium

MOST = 1000  # rows that one action touches in the store: each takes some round trips
TOLD = 10  # rows of which it is told one by one what became of them

Deed = Callable[["Horarium", PeriodicTask], str]  # does it to one row, and returns what was done


class PauseForm(forms.Form):
    """Until when, and why."""

    until = forms.SplitDateTimeField(
        required=False,
        widget=AdminSplitDateTime,
        label=gettext_lazy("Until"),
        help_text=gettext_lazy("It goes on by itself then. Empty: until somebody resumes it."),
    )
    note = forms.CharField(
        required=False,
        max_length=500,
        widget=forms.TextInput({"class": "vTextField"}),
        label=gettext_lazy("Why"),
        help_text=gettext_lazy("Shown in the list, for whoever wonders."),
    )

    def clean_until(self) -> datetime | None:
        """Raises: ValidationError for a moment that has passed."""
        until: datetime | None = self.cleaned_data["until"]
        if until is not None and until <= timezone.now():
            raise forms.ValidationError(_("This moment has passed; choose a later one."))
        return until


class TaskActions(admin.ModelAdmin):
    """The actions of the list, each with the right that it needs."""

    pause_template = "horarium/beat/pause.html"

    def has_run_permission(self, request: Any, obj: PeriodicTask | None = None) -> bool:
        """Whether somebody may run tasks now: a right of its own."""
        return bool(request.user.has_perm(f"{self.opts.app_label}.{RUN}"))

    @admin.action(description=gettext_lazy("Run selected tasks now"), permissions=["run"])
    def run_tasks(self, request: Any, queryset: QuerySet) -> None:
        """Send each of them now, with all options of a firing."""
        who = request.user.get_username()

        ids: dict[int, str] = {}

        def run(app: Horarium, task: PeriodicTask) -> str:
            [sent] = app.schedules.run_now(task.name, by=who)
            ids[task.pk] = sent.id
            return f"Run now, as {sent.id}."

        self._do(request, queryset, run, told=lambda task, _what: format_html("sent, as {}", run_link(ids[task.pk])))

    @admin.action(description=gettext_lazy("Enable selected tasks"), permissions=["change"])
    def enable_tasks(self, request: Any, queryset: QuerySet) -> None:
        """Let them fire, from now on."""
        self._switch(request, queryset, lambda enabled: True)

    @admin.action(description=gettext_lazy("Disable selected tasks"), permissions=["change"])
    def disable_tasks(self, request: Any, queryset: QuerySet) -> None:
        """Let them not fire any more. What they have done stays known."""
        self._switch(request, queryset, lambda enabled: False)

    @admin.action(description=gettext_lazy("Toggle activity of selected tasks"), permissions=["change"])
    def toggle_tasks(self, request: Any, queryset: QuerySet) -> None:
        """Enable the disabled ones and disable the others."""
        self._switch(request, queryset, lambda enabled: not enabled)

    @admin.action(description=gettext_lazy("Pause selected tasks…"), permissions=["change"])
    def pause_tasks(self, request: Any, queryset: QuerySet) -> TemplateResponse | None:
        """Ask until when and why, then pause them."""
        form = PauseForm(request.POST if "apply" in request.POST else None)
        if not form.is_bound or not form.is_valid():
            return self._ask_pause(request, queryset, form)
        who, why = request.user.get_username(), form.cleaned_data["note"]
        until = zoned(form.cleaned_data["until"]) if form.cleaned_data["until"] else None

        def pause(app: Horarium, task: PeriodicTask) -> str:
            app.schedules.pause(task.name, until=until, note=why, by=who)
            end = f" until {timezone.localtime(until):%Y-%m-%d %H:%M %Z}" if until else ""
            return f"Paused{end}." + (f" {why}" if why else "")

        self._do(request, queryset, pause)
        return None

    @admin.action(description=gettext_lazy("Resume selected tasks"), permissions=["change"])
    def resume_tasks(self, request: Any, queryset: QuerySet) -> None:
        """Let what is paused fire again, from now on."""
        who = request.user.get_username()

        def resume(app: Horarium, task: PeriodicTask) -> str:
            app.schedules.resume(task.name, by=who)
            return "Resumed."

        self._do(request, queryset, resume)

    def _switch(self, request: Any, queryset: QuerySet, wanted: Callable[[bool], bool]) -> None:
        """Set ``enabled`` of rows in one statement: with 100,000 of them too."""
        turning = [before for before in (True, False) if wanted(before) != before]
        changing = queryset.order_by().filter(enabled__in=turning)
        rows = list(changing.values_list("pk", "name", "enabled"))
        turned = Case(When(enabled=True, then=Value(False)), default=Value(True))
        changing.update(enabled=turned, date_changed=timezone.now())
        PeriodicTasks.update_changed()
        note(request, PeriodicTask, ((pk, name, "Disabled." if enabled else "Enabled.") for pk, name, enabled in rows))
        for did, number in (("disabled", sum(row[2] for row in rows)), ("enabled", sum(not row[2] for row in rows))):
            if number:
                text = ngettext("%(number)d task was %(did)s.", "%(number)d tasks were %(did)s.", number)
                self.message_user(request, text % {"number": number, "did": did}, messages.SUCCESS)
        if not rows:
            self.message_user(request, _("They are as you want them already."), messages.INFO)

    def _do(
        self,
        request: Any,
        queryset: QuerySet,
        deed: Deed,
        *,
        told: Callable[[PeriodicTask, str], Any] | None = None,
    ) -> None:
        """Do something to rows by the store, one by one, and tell what became of each."""
        app = the_app()
        tasks = list(queryset.select_related("interval", "crontab", "solar", "clocked")[: MOST + 1])
        if app is None or len(tasks) > MOST:
            text = _("This project has no Horarium app.") if app is None else _("Choose at most %d at a time.") % MOST
            self.message_user(request, text, messages.ERROR)
            return
        done, failed = done_and_failed(app, tasks, deed)
        note(request, PeriodicTask, ((task.pk, task.name, what) for task, what in done))
        note(request, PeriodicTask, ((task.pk, task.name, f"Failed: {why}") for task, why in failed))
        self._tell(request, [_named(task, told(task, what) if told else what) for task, what in done], messages.SUCCESS)
        self._tell(request, [_named(task, why) for task, why in failed], messages.ERROR)

    def _tell(self, request: Any, lines: Sequence[Any], level: int) -> None:
        for line in lines[:TOLD]:
            self.message_user(request, line, level)
        if len(lines) > TOLD:
            more = len(lines) - TOLD
            self.message_user(request, ngettext("and %d more.", "and %d more.", more) % more, level)

    def _ask_pause(self, request: Any, queryset: QuerySet, form: PauseForm) -> TemplateResponse:
        chosen = list(queryset.values_list("pk", "name")[: MOST + 1])
        context = {
            **self.admin_site.each_context(request),
            "title": _("Pause periodic tasks"),
            "opts": self.opts,
            "crumbs_are_listed": django.VERSION >= (6, 1),  # 6.0 has a div, and no style for a list
            "form": form,
            "media": self.media + form.media,
            "chosen": chosen[:MOST],
            "named": [name for _pk, name in chosen[: 2 * TOLD]],
            "unnamed": max(len(chosen) - 2 * TOLD, 0),
            "checkbox": ACTION_CHECKBOX_NAME,
            "across": request.POST.get("select_across", "0") if len(chosen) > MOST else "0",
        }
        return TemplateResponse(request, self.pause_template, context)


def done_and_failed(
    app: Horarium, tasks: Sequence[PeriodicTask], deed: Deed
) -> tuple[list[tuple[PeriodicTask, str]], list[tuple[PeriodicTask, str]]]:
    """Do something to rows one by one; return those it was done to with what was done, and the others with why not.

    Rows that no scheduler has seen yet are brought into the store first, so that all act by what is written now.
    """
    done: list[tuple[PeriodicTask, str]] = []
    failed: list[tuple[PeriodicTask, str]] = []
    forget_silence(app)
    try:
        wrong = bring(app, tasks)
    except HorariumError as error:
        return done, [(task, str(error)) for task in tasks]
    away = ""
    for task in tasks:
        unfit = away or wrong.get(task.pk, _("It was deleted meanwhile."))
        if unfit:
            failed.append((task, unfit))
            continue
        try:
            done.append((task, deed(app, task)))
        except EngineUnavailable as error:  # asking for each of the others would take its patience each time
            away = str(error)
            failed.append((task, away))
        except HorariumError as error:
            failed.append((task, plain(error)))
        except Exception as error:  # noqa: BLE001  # routers and receivers of signals are the project's: next row
            failed.append((task, f"{type(error).__name__}: {error}"))
    return done, failed


def _named(task: PeriodicTask, what: Any) -> Any:
    return format_html("“{}”: {}", task.name, what)  # quoted: the page makes the first letter a capital
