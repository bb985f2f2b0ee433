"""What an edit of a schedule does: its beginning, a new definition, a pause. Decisions as values; the runner acts."""

from __future__ import annotations

from msgspec.structs import replace

from horarium.clock import Instant, Seconds, milliseconds
from horarium.errors import InvalidSchedule
from horarium.schedules.clocked import clocked
from horarium.schedules.line import Line, within_end
from horarium.schedules.planning import runs_left
from horarium.schedules.record import Edit, Schedule
from horarium.schedules.specs import from_record
from horarium.schedules.words import describe
from horarium.schedules.zones import zone_of

# A spec that has no firing in this time is refused when it is written.
FORESEEN: Seconds = 10 * 365.25 * 86_400

# One that ran elsewhere before (in another scheduler, in a store that is lost) makes up for what it missed while it was
# moved: as long as a deployment takes. Longer, and whoever moves it would be surprised by runs of last night.
MOVING: Seconds = 3600

PAUSED_BY_ITSELF = "horarium"  # whose pause it is after too many failures

EDITS_KEPT = 50

# What decides which instants are due; single instants that a person passed over or added are meant among those.
_LINE = ("timezone", "dst_gap", "dst_fold", "spread", "align")
# What besides moves the next one.
_TIMING = (*_LINE, "start", "end", "one_off", "max_runs", "enabled")
_DEFINITION = (
    *_TIMING,
    *("task", "args", "kwargs", "options", "owner", "app", "description"),
    *("catchup", "catchup_window", "catchup_limit", "catchup_spacing"),
    *("overlap", "max_active", "jitter", "grace", "pause_after"),
)


def first_fire(schedule: Schedule, *, now: Instant) -> Instant | None:
    """Return the first instant at which the schedule fires if it begins (or begins anew) at ``now``; None if it has
    ended, or fired as often as it may. It lies behind a pause that ends by itself.

    An interval begins one interval after its anchor; a clocked instant that has passed is returned as it is, for
    ``plan`` to judge. Raises: InvalidSchedule when the spec or zone cannot be used or nothing fires in ten years.
    """
    paused_until = schedule.paused_until if schedule.paused_by is not None else None
    if schedule.backfill is not None:
        is_done = schedule.total_runs >= len(schedule.backfill.instants)
        return None if is_done else max(schedule.created + schedule.total_runs, paused_until or 0)
    line = Line.of(schedule)
    zone_of(schedule.timezone)
    if runs_left(schedule) <= 0:
        return None
    if isinstance(line.spec, clocked):
        return within_end(schedule, _first_clocked(line, line.spec.instant, schedule, paused_until or 0))
    begin = max(now, (schedule.start or 0) - 1, (paused_until or 0) - 1)
    first = line.next(begin)
    if first is None or first - begin > milliseconds(FORESEEN):
        raise InvalidSchedule(
            f"expected a schedule that fires within ten years, got {describe(line.spec)} in {schedule.timezone}, "
            "which does not; correct its date fields"
        )
    return within_end(schedule, first)


def create(wanted: Schedule, *, now: Instant) -> Schedule:
    """Return a wanted schedule as one to be stored for the first time. Raises: InvalidSchedule.

    One with a ``last_fire`` has run before it came here: it goes on from there, and keeps its anchor and counts.
    """
    check(wanted)
    is_fresh = wanted.backfill is None and wanted.last_fire is None  # a backfill goes by the line of another one
    anchor = now if is_fresh else wanted.anchor
    begin = now if wanted.last_fire is None else min(now, max(wanted.last_fire, now - milliseconds(MOVING)))
    fresh = replace(wanted, version=0, anchor=anchor, created=now, changed=now, error=None)
    return replace(fresh, next_fire=first_fire(fresh, now=begin))


def revise(stored: Schedule, wanted: Schedule, *, now: Instant) -> Schedule | None:
    """Return the stored schedule with the wanted definition, ready to be saved; None if nothing changes.

    Identity, state and a person's pause stay. If its timing changed, the next instant is the first one of the new
    timing after now and after the last firing, and what came due before the edit and was not fired is not fired any
    more: record it as missed (``owed``). Otherwise next_fire stays as it is. Single instants that a person passed over
    or added stay as long as the line does that they are meant on: spec, zone, clock change rules and spread.
    A person's schedule is not touched by code's or a table's. Raises: InvalidSchedule.
    """
    if stored.owner == "person" and wanted.owner != "person":
        return None
    check(wanted)
    is_same_spec = _is_same_spec(stored, wanted)
    if is_same_spec and all(getattr(stored, name) == getattr(wanted, name) for name in _DEFINITION):
        return None
    revised = redefine(stored, wanted, now=now)
    is_same_timing = is_same_spec and all(getattr(stored, name) == getattr(wanted, name) for name in _TIMING)
    never_began = stored.error is not None and stored.next_fire is None
    return revised if is_same_timing and not never_began else _begun_anew(revised, now=now)


def redefine(stored: Schedule, wanted: Schedule, *, now: Instant) -> Schedule:
    """Return the stored schedule with the wanted definition; its state stays, but for an error, which is to be judged
    anew."""
    definition = {name: getattr(wanted, name) for name in _DEFINITION}
    redefined = replace(stored, **definition, spec=wanted.spec, changed=now, error=None)
    if _is_same_spec(stored, wanted) and all(getattr(stored, name) == getattr(wanted, name) for name in _LINE):
        return redefined
    return replace(redefined, passed_over=(), added=())


def check(wanted: Schedule) -> None:
    """Refuse options that are right one by one and contradict each other. Raises: InvalidSchedule."""
    expires = wanted.options.get("expires")
    if wanted.start is not None and wanted.end is not None and wanted.end < wanted.start:
        raise InvalidSchedule(f"expected end not to be before start, got {wanted.end - wanted.start} ms; swap them")
    if isinstance(expires, int | float) and wanted.jitter and expires <= wanted.jitter:
        raise InvalidSchedule(
            f"expected options['expires'] to be longer than jitter, got {expires:g} s and {wanted.jitter:g} s; both "
            "count from the due instant, so what is moved farther would expire before it may start"
        )
    if wanted.overlap == "allow" and wanted.max_active != 1 and wanted.backfill is None:
        raise InvalidSchedule(
            f"expected an overlap other than 'allow' with max_active, got max_active={wanted.max_active}; add for "
            "instance 'overlap': 'skip'"
        )
    if wanted.align != "creation" and wanted.spec.get("kind") != "every":
        raise InvalidSchedule(
            f"expected align={wanted.align!r} only of an interval, got {describe(from_record(wanted.spec))}; leave it "
            "out, or write every(...)"
        )
    overlaps = wanted.overlap not in ("allow", "queue_one") or wanted.max_active != 1
    if wanted.align == "after_finish" and (wanted.spread or overlaps):
        raise InvalidSchedule(
            f"expected align='after_finish' without spread, overlap and max_active, got spread={wanted.spread:g}, "
            f"overlap={wanted.overlap!r} and max_active={wanted.max_active}; leave them out: its runs follow each "
            "other, so none overlaps"
        )
    if wanted.overlap != "allow" and wanted.catchup_spacing:
        raise InvalidSchedule(
            f"expected catchup_spacing only with overlap 'allow', got {wanted.overlap!r}; leave it out: each firing is "
            "judged by what is active then"
        )


def pause_by_itself(schedule: Schedule, *, now: Instant) -> Schedule:
    """Return the schedule paused because its runs fail. Their count begins anew, so that whoever resumes it gives it
    as many tries as before."""
    note = f"{schedule.failures} failures in a row"
    edit = Edit(at=now, by=PAUSED_BY_ITSELF, what="paused", note=note)
    return replace(
        schedule,
        paused_by=PAUSED_BY_ITSELF,
        pause_note=note,
        paused_until=None,
        failures=0,
        edits=(*schedule.edits, edit)[-EDITS_KEPT:],
        changed=now,
    )


def has_failed_enough(schedule: Schedule) -> bool:
    """Tell whether a schedule is to be paused because its runs fail."""
    return schedule.pause_after is not None and schedule.failures >= schedule.pause_after


def end_pause(schedule: Schedule, *, now: Instant) -> Schedule:
    """Return the schedule without its pause, whose end has come; next_fire stays: it lies behind the pause."""
    return replace(schedule, paused_by=None, pause_note="", paused_until=None, changed=now)


def _first_clocked(line: Line, instant: Instant, schedule: Schedule, paused_until: Instant) -> Instant | None:
    first = line.next(instant - 1)
    while first is not None and first == schedule.last_fire:  # it was fired: a person may have added another one
        first = line.next(first)
    return None if first is None else max(first, paused_until)


def _begun_anew(schedule: Schedule, *, now: Instant) -> Schedule:
    after = max(now, schedule.last_fire or now)
    return replace(schedule, next_fire=first_fire(schedule, now=after))


def _is_same_spec(stored: Schedule, wanted: Schedule) -> bool:
    if stored.spec == wanted.spec:
        return True
    try:
        return from_record(stored.spec) == from_record(wanted.spec)
    except InvalidSchedule:  # the stored one, or first_fire will say so of the wanted one
        return False
