"""The options of a schedule that a PeriodicTask has no columns for, as fields of a form.

Empty means the default, which the field shows. What is chosen is kept by the keys of an entry in ScheduleExtra.options;
keys that the form does not know stay as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

import msgspec
from django import forms
from django.utils.translation import gettext_lazy as _

from horarium.clock import FOREVER
from horarium.schedules.entries import MOST_CAUGHT_UP
from horarium.schedules.record import MOST, Align, Catchup, DstFold, DstGap, Overlap, Schedule

_USUAL = {field.name: field.default for field in msgspec.structs.fields(Schedule)}


def _choice(key: str, kind: Any, help_text: Any) -> forms.ChoiceField:
    usual = _USUAL[key]
    names = [(each, each.replace("_", " ")) for each in get_args(kind)]
    choices = [("", f"{usual.replace('_', ' ')} (default)"), *names]
    return forms.ChoiceField(required=False, choices=choices, help_text=help_text, label=_LABELS[key])


def _seconds(key: str, help_text: Any) -> forms.FloatField:
    usual = _USUAL[key]
    field = forms.FloatField(
        required=False, min_value=0, max_value=FOREVER, help_text=help_text, label=_LABELS[key], localize=False
    )
    field.widget.attrs.update({"placeholder": "" if usual is None else f"{usual:g}", "class": "vIntegerField"})
    return field


def _count(key: str, help_text: Any, most: int = MOST) -> forms.IntegerField:
    usual = _USUAL[key]
    field = forms.IntegerField(required=False, min_value=1, max_value=most, help_text=help_text, label=_LABELS[key])
    field.widget.attrs.update({"placeholder": "" if usual is None else str(usual), "class": "vIntegerField"})
    return field


_LABELS = {
    "catchup": _("If missed"),
    "catchup_window": _("Missed for at most"),
    "catchup_limit": _("Catch up at most"),
    "catchup_spacing": _("Catch up so far apart"),
    "overlap": _("If still running"),
    "max_active": _("Runs at a time"),
    "max_runs": _("Runs in all"),
    "align": _("Intervals count from"),
    "dst_gap": _("When the clocks go forward"),
    "dst_fold": _("When the clocks go back"),
    "jitter": _("Jitter"),
    "spread": _("Spread"),
    "grace": _("Grace"),
    "pause_after": _("Pause after failures"),
}


class OptionFields(forms.Form):
    """The fields, by the keys that they set."""

    overlap = _choice("overlap", Overlap, _("What becomes of a firing while earlier runs are active."))
    max_active = _count("max_active", _("Runs that may be active before that is asked."))
    catchup = _choice("catchup", Catchup, _("What is fired of instants that passed while no scheduler was alive."))
    catchup_window = _seconds("catchup_window", _("Seconds; what was missed before that is only counted."))
    catchup_limit = _count("catchup_limit", _("Instants, if all are fired."), MOST_CAUGHT_UP)
    catchup_spacing = _seconds("catchup_spacing", _("Seconds, if all are fired."))
    dst_gap = _choice("dst_gap", DstGap, _("And its time does not exist on that day."))
    dst_fold = _choice("dst_fold", DstFold, _("And its time comes twice on that day."))
    jitter = _seconds("jitter", _("Seconds; each firing starts up to so much later."))
    spread = _seconds("spread", _("Seconds; the whole schedule is later by up to so much, always the same."))
    grace = _seconds("grace", _("Seconds after its due time in which it may succeed without being late."))
    pause_after = _count("pause_after", _("So many failures in a row pause it; empty: never."))
    max_runs = _count("max_runs", _("It ends after so many runs; empty: never."))
    align = _choice("align", Align, _("Of intervals only. After finish: from the end of the last run."))


KEYS = tuple(OptionFields.base_fields)


def chosen(cleaned: Mapping[str, Any], stored: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that a form asks for, and what of the stored ones it does not know."""
    options = {key: value for key, value in stored.items() if key not in KEYS}
    asked = {key: cleaned.get(key) for key in KEYS if key in cleaned}
    kept = {key: stored[key] for key in KEYS if key not in cleaned and key in stored}
    return {**options, **kept, **{key: value for key, value in asked.items() if value not in (None, "")}}
