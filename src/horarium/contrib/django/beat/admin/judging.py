"""What a form's row would do, judged by the scheduler's own rules before it is saved."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from copy import copy
from typing import TYPE_CHECKING, Any

from horarium.clock import Instant
from horarium.contrib.django.beat.admin.words import plain
from horarium.contrib.django.beat.models import KINDS, PeriodicTask
from horarium.contrib.django.beat.reading import schedule_of
from horarium.errors import HorariumError
from horarium.schedules import policy
from horarium.schedules.record import Schedule

if TYPE_CHECKING:
    from horarium.app.app import Horarium

# What an entry calls what the form calls otherwise.
_FIELDS = {"start": "start_time", "end": "expires", "options['expires']": "expire_seconds"}
_MENTIONED = re.compile(r"expected (?:an? )?(options\['\w+'\]|\w+)")


class Unfit(Exception):  # a verdict on a form, for the form
    """The row can be no schedule. ``field``: where to say so, None for the whole form."""

    def __init__(self, text: str, field: str | None) -> None:
        super().__init__(text)
        self.field = field


def judge(
    app: Horarium, task: PeriodicTask, options: Mapping[str, Any], *, fields: Collection[str], now: Instant
) -> Schedule:
    """Return the schedule that a row would make, with its next instant. ``fields``: where errors can be shown.

    Raises: Unfit.
    """
    try:
        return policy.create(schedule_of(app, task, options, now=now), now=now)
    except HorariumError as error:
        raise Unfit(_sentence(plain(error)), _field(str(error), task, fields)) from error
    except (ValueError, TypeError, OverflowError) as error:  # a number of raw SQL beyond what a timedelta can hold
        raise Unfit(_sentence(str(error)), _kind(task)) from error


def timing_of(
    app: Horarium,
    task: PeriodicTask,
    options: Mapping[str, Any],
    *,
    now: Instant,
    stored: Schedule | None = None,
    fields: Collection[str] = (),
) -> Schedule:
    """Return the same for whoever asks only when it is due: what it sends may be wrong or missing yet.

    An edit of what is ``stored`` goes on from there, as it will when it is saved: an interval keeps its line.
    Raises: Unfit.
    """
    row = copy(task)
    row.name, row.task = row.name or "preview", row.task or "preview"
    row.args = row.kwargs = row.headers = ""
    row.enabled = True
    row.queue = row.exchange = row.routing_key = row.priority = row.expire_seconds = None
    wanted = judge(app, row, options, fields=fields, now=now)
    # What a one-off has left depends on whether it is being enabled again: such a row is shown as a new one.
    if stored is None or stored.owner != "table" or not stored.enabled or stored.error or task.one_off:
        return wanted
    return policy.revise(stored, wanted, now=now) or stored


def _field(text: str, task: PeriodicTask, fields: Collection[str]) -> str | None:
    """Return the field that a complaint is about: the one that it names, else the schedule that is chosen."""
    for found in _MENTIONED.finditer(text):
        field = _FIELDS.get(found[1], found[1])
        if field in fields:
            return field
    mentioned = [field for field in fields if re.search(rf"\b{field}\b", text)]
    kind = _kind(task)
    if len(mentioned) == 1:
        return mentioned[0]
    return kind if kind in fields else None


def _kind(task: PeriodicTask) -> str | None:
    return next((kind for kind in KINDS if getattr(task, f"{kind}_id") is not None), None)


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."
