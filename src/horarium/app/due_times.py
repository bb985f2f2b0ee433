"""What became of each due instant of the past: which run it was, or in a sentence why there is none.

A schedule keeps counts of what was missed, not each instant; so they are found as the scheduler found them, and judged
by the runs that are kept and by the edits that are written down.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from horarium.app.past import backfills
from horarium.clock import Instant, Seconds, milliseconds, to_datetime
from horarium.errors import InvalidSchedule
from horarium.message import derived_id
from horarium.outcome import Run
from horarium.schedules.health import grace_of
from horarium.schedules.line import Line
from horarium.schedules.record import Edit, Schedule
from horarium.schedules.zones import zone_of

if TYPE_CHECKING:
    from horarium.app.app import Horarium

FARTHEST: Seconds = 90 * 86_400.0  # so far back at the most
BACKFILLS = 10  # the newest so many of a schedule are looked into

# What, changed by an edit, makes the line of instants another one: what was due before it nobody can tell.
_LINE = frozenset({"spec", "timezone", "dst_gap", "dst_fold", "spread", "align", "start", "end"})


class DueTime(Struct, frozen=True, kw_only=True):
    """One due instant. ``fate``: ran, waits, paused, skipped, overlap, disabled, missed, unknown; ``text`` says why
    there is no run; ``lateness`` is how long after it the run started."""

    at: Instant
    fate: str
    text: str = ""
    run: Run | None = None
    is_backfill: bool = False
    lateness: Seconds | None = None


def due_times(app: Horarium, schedule: Schedule, *, now: Instant, limit: int = 20) -> tuple[DueTime, ...]:
    """Return the newest due instants before ``now``, the newest first, and what became of each.

    As far back as the schedule was as it is now. None of a backfill, of an interval after its own runs, and of what
    cannot be read. One round trip for the runs. Raises: EngineUnavailable.
    """
    if schedule.backfill is not None or schedule.align == "after_finish" or not schedule.version:
        return ()
    try:
        instants = _instants(schedule, now, limit)
    except InvalidSchedule:  # its state says so
        return ()
    others = backfills(app.engine, schedule.name)[-BACKFILLS:]
    kinds = [(schedule.id, "auto"), *((each.id, "backfill") for each in others)]
    ids = [derived_id(id, instant, kind) for instant in instants for id, kind in kinds]
    runs = app.engine.results.read(ids) if ids else []
    step = len(kinds)
    found = {at: runs[place * step : (place + 1) * step] for place, at in enumerate(instants)}
    judge = _Judge(app, schedule, [run for run in runs[::step] if run is not None], now)
    return tuple(judge.of(at, found[at]) for at in instants)


def _instants(schedule: Schedule, now: Instant, limit: int) -> list[Instant]:
    earliest = max(schedule.created, now - milliseconds(FARTHEST), _unchanged_since(schedule))
    until = now if schedule.end is None else min(now, schedule.end)
    # Those that a person has skipped are due times too: they are to be seen, with who it was.
    skipped = [each for each in schedule.passed_over if earliest < each <= until]
    line, found = Line.of(schedule), list[Instant]()
    at = line.latest(earliest, until)
    while at is not None and len(found) < limit:
        found.append(at)
        at = line.latest(earliest, at - 1)
    return sorted({*found, *skipped}, reverse=True)[:limit]


def _unchanged_since(schedule: Schedule) -> Instant:
    return max((edit.at for edit in schedule.edits if _LINE & edit.changes.keys()), default=0)


class _Judge:
    """Knows why an instant has no run."""

    def __init__(self, app: Horarium, schedule: Schedule, runs: Sequence[Run], now: Instant) -> None:
        self._schedule = schedule
        self._runs = runs
        self._now = now
        keep = app.conf.result_expires
        self._known_from = 0 if keep is None else now - milliseconds(keep)
        self._keeps = app.connection.keeps_results

    def of(self, at: Instant, runs: Sequence[Run | None]) -> DueTime:
        own, *refilled = runs
        if own is not None:
            late = None if own.started is None else max(own.started - at, 0) / 1000
            return DueTime(at=at, fate="ran", run=own, lateness=late)
        again = next((run for run in refilled if run is not None), None)
        if again is not None:
            return DueTime(at=at, fate="ran", run=again, is_backfill=True)
        fate, text = self._without(at)
        return DueTime(at=at, fate=fate, text=text)

    def _without(self, at: Instant) -> tuple[str, str]:
        schedule = self._schedule
        if schedule.next_fire is not None and schedule.next_fire <= at and schedule.is_active:
            return self._waits(at)
        if schedule.error is not None:
            return "missed", f"it cannot fire: {schedule.error}"
        if (edit := self._skip_of(at)) is not None:
            return "skipped", f"skipped by {edit.by}{_note(edit)}"
        if (edit := self._pause_at(at)) is not None:
            return "paused", f"it was paused by {edit.by} at {self._shown(edit.at)}{_note(edit)}"
        if not schedule.enabled:
            return "disabled", f"it is disabled where {schedule.definer} defines it"
        if (run := self._active_at(at)) is not None and schedule.overlap != "allow":
            return "overlap", f"an earlier run was still active ({run.id[:8]}), and overlap is {schedule.overlap}"
        if not self._keeps or at < self._known_from:
            return "unknown", "nobody knows any more: runs of that time are not kept (result_expires)"
        return "missed", self._missed()

    def _waits(self, at: Instant) -> tuple[str, str]:
        if self._schedule.held:
            return "waits", "due, and waits for an earlier run to end"
        grace = grace_of(self._schedule, Line.of(self._schedule), at)
        if self._now - at <= milliseconds(grace):
            return "waits", "due, and not fired yet"
        return "missed", "not fired yet: no scheduler has dealt with it; is one running?"

    def _missed(self) -> str:
        after = {
            "latest": "of several missed instants only the newest one is caught up",
            "earliest": "of several missed instants only the oldest one is caught up",
            "none": "nothing that was missed is caught up",
            "all": f"it was beyond what is caught up (the newest {self._schedule.catchup_limit})",
        }[self._schedule.catchup]
        return f"missed: no scheduler was there when it was due, and {after} (catchup: {self._schedule.catchup})"

    def _skip_of(self, at: Instant) -> Edit | None:
        for edit in reversed(self._schedule.edits):
            before, after = edit.changes.get("passed_over", ((), ()))
            if at in (after or ()) and at not in (before or ()):
                return edit
            if at in (before or ()) and at not in (after or ()) and edit.what in ("unskipped", "moved"):
                return None
        return None

    def _pause_at(self, at: Instant) -> Edit | None:
        """Return the edit that had paused it at an instant, None if it was not paused then."""
        standing: Edit | None = None
        for edit in self._schedule.edits:
            if edit.at > at:
                break
            match edit.what:
                case "paused":
                    standing = edit
                case "resumed":
                    standing = None
        if standing is None:
            return None
        _, until = standing.changes.get("paused_until", (None, None))
        return standing if until is None or at < until else None

    def _active_at(self, at: Instant) -> Run | None:
        return next(
            (run for run in self._runs if run.message.created <= at and (run.ended is None or run.ended > at)), None
        )

    def _shown(self, instant: Instant) -> str:
        return to_datetime(instant).astimezone(zone_of(self._schedule.timezone)).isoformat(sep=" ", timespec="seconds")


def _note(edit: Edit) -> str:
    return f" ({edit.note})" if edit.note else ""
