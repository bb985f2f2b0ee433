"""``/schedules/NAME``: what it is, when it fires next, what became of its due times, and who changed what about it."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from horarium.app.due_times import DueTime, due_times
from horarium.app.past import PastRun, rate_of
from horarium.dashboard.ask import Ask, Shown
from horarium.dashboard.rooms.schedules.coming import coming
from horarium.dashboard.rooms.schedules.listing import TONES, health_of
from horarium.dashboard.rooms.schedules.looking import lately_of
from horarium.dashboard.rooms.schedules.place import address, found, room
from horarium.errors import InvalidSchedule
from horarium.observe.bars import BARS, bars_of, in_words
from horarium.observe.foretold import foretold
from horarium.observe.moments import local, zone_or_utc
from horarium.observe.redacted import IN_LISTS, shown_run, shown_schedule
from horarium.observe.schedule_words import explained, spec_text, status
from horarium.schedules.backfill import progress
from horarium.schedules.editing import is_paused
from horarium.schedules.record import Edit, Schedule
from horarium.schedules.specs import from_record
from horarium.schedules.versions import defined_by
from horarium.schedules.words import describe

NEXT = 10
DUE = 12
RUNS = 20
EDITS = 50

# The fates of due times without a run: a sign, a word and a tone.
FATES = {
    "waits": ("○", "due", "idle"),
    "paused": ("❚❚", "paused", "warn"),
    "skipped": ("⊘", "skipped", "off"),
    "overlap": ("⊘", "skipped", "warn"),
    "disabled": ("⊘", "disabled", "off"),
    "missed": ("⚠", "missed", "bad"),
    "unknown": ("?", "not known", "idle"),
}
# What is told when it is not what it is by default, and the field's name in words.
OPTIONS = {
    "start": "not before",
    "end": "not after",
    "dst_gap": "time that clocks leave out",
    "dst_fold": "time that comes twice",
    "one_off": "fires once",
    "max_runs": "fires at most",
    "overlap": "if still running",
    "max_active": "active at most",
    "catchup": "missed ones",
    "catchup_window": "caught up within",
    "catchup_limit": "caught up at most",
    "catchup_spacing": "caught up apart",
    "align": "intervals count from",
    "jitter": "each later by up to",
    "spread": "all later by up to",
    "grace": "late after",
    "pause_after": "pauses itself after failures",
}
_SPANS = frozenset({"catchup_window", "catchup_spacing", "jitter", "spread", "grace"})


class Version(Struct, frozen=True, kw_only=True):
    """An edit that is kept. ``number`` names it to whoever wants back what was before; None: it defined nothing."""

    edit: Edit
    number: int | None
    changes: tuple[tuple[str, str, str], ...]


@room.page("/schedules/{name}")
def schedule(ask: Ask) -> Shown:
    schedule = found(ask)
    history = ask.app.schedules.history(schedule.name, RUNS) if schedule.version else None
    past = [_seen(ask, each) for each in history.runs] if history is not None else []
    seen = shown_schedule(schedule, ask.app)
    own = [each.run for each in past if each.kind != "backfill"]
    told = foretold(schedule, now=ask.now, firings=NEXT)
    zone = zone_or_utc(schedule.timezone)
    judged = health_of(schedule, ask.now, ask.zone)
    backfills = ask.app.schedules.backfills(schedule.name) if schedule.version else []
    rate = rate_of(own)
    return Shown(
        template="schedules/one.html",
        title=schedule.name,
        context={
            "schedule": seen,
            "path": address(schedule.name),
            "address": address,
            "health": judged,
            "look": TONES[judged.condition],
            "status": status(schedule, ask.now, ask.zone),
            "is_paused": is_paused(schedule, ask.now) or not schedule.enabled,
            "spec": spec_text(schedule),
            "words": explained(schedule),
            "there": zone,
            "firings": [coming(each, zone) for each in told.firings],
            "changes": [coming(each, zone) for each in told.changes],
            "skipped": [(each, local(each, zone)) for each in schedule.passed_over if each > ask.now],
            "trouble": told.error,
            "due": _due(ask, schedule),
            "fates": FATES,
            "runs": past,
            "bars": bars_of(own[:BARS]),
            "bars_text": in_words(own[:BARS]) if own else "",
            "rate": "" if rate is None else f"{rate:.0%} of the last {len(own)}",
            "lately": lately_of(ask, schedule.name) if schedule.version else "",
            "options": options_of(schedule),
            "versions": versions_of(seen),
            "backfills": [(each, status(each, ask.now), progress(each)) for each in backfills],
        },
    )


def options_of(schedule: Schedule) -> list[tuple[str, str]]:
    """Return what a schedule has chosen besides when it fires, in words."""
    usual = {field.name: field.default for field in msgspec.structs.fields(Schedule)}
    zone = zone_or_utc(schedule.timezone)
    chosen = []
    for name, word in OPTIONS.items():
        value = getattr(schedule, name)
        if value == usual[name]:
            continue
        if name in ("start", "end"):
            value = local(value, zone)
        chosen.append((word, f"{value:g} s" if name in _SPANS else "yes" if value is True else str(value)))
    return chosen


def versions_of(schedule: Schedule) -> list[Version]:
    """Return the edits that are kept, the newest first."""
    versions = [
        Version(
            edit=edit,
            number=number if defined_by(edit) and schedule.backfill is None else None,
            changes=tuple(
                (name, _in_words(name, old), _in_words(name, new)) for name, (old, new) in edit.changes.items()
            ),
        )
        for number, edit in enumerate(schedule.edits)
    ]
    return versions[::-1][:EDITS]


def _in_words(name: str, value: Any) -> str:  # Any: JSON
    """Return a value of an edit as one line: a spec in words, a text as it is."""
    if name == "spec":
        try:
            return describe(from_record(value))
        except InvalidSchedule:  # of a newer Horarium, or broken: shown as it is kept
            pass
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _seen(ask: Ask, past: PastRun) -> PastRun:
    """Return a run of the past as people may see it."""
    return replace(past, run=shown_run(past.run, ask.app, limit=IN_LISTS))


def _due(ask: Ask, schedule: Schedule) -> list[DueTime]:
    found = due_times(ask.app, schedule, now=ask.now, limit=DUE)
    return [
        each if each.run is None else replace(each, run=shown_run(each.run, ask.app, limit=IN_LISTS)) for each in found
    ]
