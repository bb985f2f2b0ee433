"""What stands beside the fields of a periodic task: its error, its next runs, and its last ones."""

from __future__ import annotations

from datetime import tzinfo
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from horarium.clock import Instant
from horarium.contrib.django.beat.admin.judging import Unfit, timing_of
from horarium.contrib.django.beat.admin.links import run_addresses
from horarium.contrib.django.beat.admin.preview import Preview, preview
from horarium.contrib.django.beat.admin.standing import DRESS, Standings
from horarium.contrib.django.beat.admin.words import bare, local, zone_of_row
from horarium.contrib.django.beat.models import PeriodicTask
from horarium.contrib.django.models import ScheduleExtra
from horarium.observe.bars import in_words, kind_of
from horarium.observe.moments import span, utc
from horarium.outcome import Run
from horarium.schedules.health import Condition
from horarium.schedules.record import Schedule

if TYPE_CHECKING:
    from horarium.app.app import Horarium

_DRESS = {"succeeded": "good", "failed": "bad", "running": "good"}
_ERROR_SHOWN = 300  # characters


class RunRow(Struct, frozen=True, kw_only=True):
    """One run, as people read it."""

    id: str
    address: str | None
    state: str
    dress: str
    started: str
    utc: str
    took: str
    cause: str
    error: str


def panels(app: Horarium | None, task: PeriodicTask | None, shown: Standings, site: str) -> dict[str, Any]:
    """Return what the page of a row shows, for its template."""
    if task is None or task.pk is None:
        return {"preview": None, "is_new": True}
    standing = shown.of[task.pk]
    kept = ScheduleExtra.objects.filter(pk=task.pk).first()
    zone = zone_of_row(task, app)
    runs = standing.runs or ()
    is_wrong = standing.state == Condition.IN_ERROR
    return {
        "row_error": standing.reason if is_wrong else bare(kept.error if kept is not None else ""),
        "standing": standing,
        "standing_dress": DRESS[standing.state],
        "is_paused": standing.state == Condition.PAUSED,
        "is_settings_own": standing.origin == "settings",
        "trouble": shown.trouble,
        "preview": _preview(app, task, kept, standing.stored),
        "runs": _rows(runs, zone, shown.now),
        "runs_text": in_words(runs) if runs else "",
    }


def _preview(
    app: Horarium | None, task: PeriodicTask, kept: ScheduleExtra | None, stored: Schedule | None
) -> Preview | None:
    if app is None:
        return None
    now = app.clock.now()
    options = kept.options if kept is not None and isinstance(kept.options, dict) else {}
    try:
        return preview(timing_of(app, task, options, now=now, stored=stored), now=now)
    except Unfit as error:
        return Preview(errors=(str(error),))


def _rows(runs: tuple[Run, ...], zone: tzinfo, now: Instant) -> list[RunRow]:
    addresses = run_addresses([run.id for run in runs])
    return [_row(run, addresses.get(run.id), zone, now) for run in runs]


def _row(run: Run, address: str | None, zone: tzinfo, now: Instant) -> RunRow:
    began = run.started or run.message.created
    kind = kind_of(run)
    cause = run.message.cause
    by = f"by hand ({cause.by})" if cause is not None and cause.kind == "manual" else ""
    error = f"{run.error.class_path.rpartition('.')[2]}: {run.error.text}" if run.error is not None else ""
    return RunRow(
        id=run.id,
        address=address,
        state=kind,
        dress=_DRESS.get(kind, "calm"),
        started=local(began, zone, now),
        utc=utc(began),
        took="" if run.took is None else span(run.took),
        cause=by or (cause.kind if cause is not None and cause.kind != "auto" else ""),
        error=error[:_ERROR_SHOWN],
    )
