"""The form of a periodic task: what can be no schedule is refused at the field that is wrong."""

from __future__ import annotations

from typing import Any

import msgspec
from django import forms
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from horarium.contrib.django.beat.admin import options
from horarium.contrib.django.beat.admin.asking import the_app
from horarium.contrib.django.beat.admin.judging import Unfit, judge
from horarium.contrib.django.beat.admin.picker import TaskInput
from horarium.contrib.django.beat.models import PeriodicTask
from horarium.contrib.django.models import ScheduleExtra
from horarium.schedules.record import Schedule


class PeriodicTaskForm(forms.ModelForm, options.OptionFields):
    """A periodic task with its options.

    ``schedule``, after the form was found valid: what a scheduler will make of it; None in a project without an app.
    """

    task = forms.CharField(
        max_length=200,
        label=_("Task"),
        widget=TaskInput,
        help_text=_('What runs, such as "shop.tasks.import_prices": one that is offered, or any other name.'),
    )

    class Meta:
        model = PeriodicTask
        exclude = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        instance = kwargs.get("instance")
        self.extra = _extra_of(instance)
        kept = {key: self.extra.options.get(key) for key in options.KEYS} if _is_readable(self.extra) else {}
        super().__init__(*args, **{**kwargs, "initial": {**kept, **(kwargs.get("initial") or {})}})
        self.schedule: Schedule | None = None

    def clean_args(self) -> str:
        """Raises: ValidationError unless it is a list."""
        return _json(self.cleaned_data["args"], list, _('a JSON list, such as ["prices", 5]')) or "[]"

    def clean_kwargs(self) -> str:
        """Raises: ValidationError unless it is an object."""
        return _json(self.cleaned_data["kwargs"], dict, _('a JSON object, such as {"source": "prices"}')) or "{}"

    def clean_headers(self) -> str:
        """Raises: ValidationError unless it is an object."""
        return _json(self.cleaned_data["headers"], dict, _('a JSON object, such as {"tenant": "acme"}')) or "{}"

    def clean(self) -> dict[str, Any]:
        """Refuse two ends at once."""
        cleaned: dict[str, Any] = super().clean()
        if cleaned.get("expires") and cleaned.get("expire_seconds") is not None:
            message = _("Give one of the two: a moment, or seconds after each due time.")
            self.add_error("expires", message)
            self.add_error("expire_seconds", message)
        return cleaned

    def chosen_options(self) -> dict[str, Any]:
        """Return the options as they are to be kept."""
        stored = self.extra.options if _is_readable(self.extra) else {}
        return options.chosen(self.cleaned_data, stored)

    def save(self, commit: bool = True) -> PeriodicTask:
        """Save the row, and its options in the same transaction."""
        if not commit:
            return super().save(commit=False)
        with transaction.atomic(using=self.instance._state.db):
            return super().save()

    def _post_clean(self) -> None:
        super()._post_clean()
        app = the_app()
        if self.errors or app is None:
            return
        try:
            self.schedule = judge(
                app, self.instance, self.chosen_options(), fields=tuple(self.fields), now=app.clock.now()
            )
        except Unfit as error:
            self.add_error(error.field, str(error))

    def _save_m2m(self) -> None:
        super()._save_m2m()
        chosen = self.chosen_options()
        if chosen == self.extra.options and not self.extra.error:
            return
        # What the scheduler said of the row before is not true of what was just found valid.
        ScheduleExtra.objects.update_or_create(
            periodic_task_id=self.instance.pk, defaults={"options": chosen, "error": ""}
        )


def _extra_of(task: PeriodicTask | None) -> ScheduleExtra:
    found = None if task is None or task.pk is None else ScheduleExtra.objects.filter(pk=task.pk).first()
    return found or ScheduleExtra()


def _is_readable(extra: ScheduleExtra) -> bool:
    return isinstance(extra.options, dict)  # raw SQL may have written anything


def _json(text: str, kind: type, wanted: Any) -> str:
    if not text.strip():
        return ""
    try:
        value = msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        raise forms.ValidationError(
            _("Write %(wanted)s; this is no JSON: %(error)s."), params={"wanted": wanted, "error": error}
        ) from error
    if not isinstance(value, kind):
        raise forms.ValidationError(
            _("Write %(wanted)s; this is %(got)s."), params={"wanted": wanted, "got": _NAMES[type(value)]}
        )
    return text


_NAMES = {
    dict: _("an object"),
    list: _("a list"),
    str: _("a text"),
    int: _("a number"),
    float: _("a number"),
    bool: _("true or false"),
    type(None): "null",
}
