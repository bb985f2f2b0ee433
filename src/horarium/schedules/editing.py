"""What people do to a schedule: pause, resume, skip or move one firing, change what it is. Values in, values out.

Each function returns the schedule as it is to be saved, with the edit written down in it. No edit fires anything for
the past and none loses anything in silence: what came due before it and is not fired any more is ``written_off``.
"""

from __future__ import annotations

from typing import Any

from msgspec import Raw
from msgspec.structs import asdict, replace

from horarium import codec
from horarium.clock import Instant, to_datetime
from horarium.errors import OwnedByCode, ScheduleRefused
from horarium.schedules import policy
from horarium.schedules.entries import storable
from horarium.schedules.line import Line, next_of
from horarium.schedules.planning import owed
from horarium.schedules.policy import EDITS_KEPT
from horarium.schedules.record import Edit, Firing, Schedule
from horarium.schedules.zones import zone_of

SINGLES_KEPT = 1000  # instants skipped and added ahead of time, of one schedule

# What an edit does not tell: what the store counts, and what says the same in other words.
_UNTOLD = frozenset(
    "id version created changed anchor edits next_fire last_fire total_runs missed skipped held succeeded failures "
    "ended".split()
)


def noted(before: Schedule | None, after: Schedule, *, what: str, by: str, note: str = "", now: Instant) -> Schedule:
    """Return ``after`` with one more edit written down: what it changed in ``before``. The newest ones are kept.

    Raises: ScheduleRefused when ``by`` or ``note`` is no text: stored, it would make the schedule unreadable.
    """
    for key, value in (("by", by), ("note", note)):
        if storable(value) is None:
            raise ScheduleRefused(after.name, f"expected {key} to be text, got {repr(value)[:60]}; write who, and why")
    edit = Edit(at=now, by=by, what=what, note=note, changes={} if before is None else changes(before, after))
    return replace(after, edits=(*after.edits, edit)[-EDITS_KEPT:], changed=now)


def changes(before: Schedule, after: Schedule) -> dict[str, tuple[Any, Any]]:  # Any: JSON
    """Return by name the fields in which two schedules differ, as JSON from and to; state is left out."""
    old, new = asdict(before), asdict(after)
    return {
        name: (_told(old[name]), _told(new[name])) for name in old if name not in _UNTOLD and old[name] != new[name]
    }


def is_paused(schedule: Schedule, now: Instant) -> bool:
    """Return whether a person's pause is in force at ``now``; one with an end is not, from its end on."""
    return schedule.paused_by is not None and (schedule.paused_until is None or schedule.paused_until > now)


def pause(schedule: Schedule, *, by: str, note: str = "", until: Instant | None = None, now: Instant) -> Schedule:
    """Return the schedule paused by a person, until it is resumed or until an instant; it survives every sync of code.

    Raises: ScheduleRefused when ``until`` has passed.
    """
    if until is not None and until <= now:
        raise ScheduleRefused(
            schedule.name, f"expected the end of a pause to be later than now, got {_shown(schedule, until)}"
        )
    current = _current(schedule, now=now)
    paused = replace(current, paused_by=by, pause_note=note, paused_until=until)
    return noted(schedule, _aimed_anew(paused, now=now), what="paused", by=by, note=note, now=now)


def resume(schedule: Schedule, *, by: str, note: str = "", now: Instant) -> Schedule:
    """Return the schedule going on from now: what came due in the pause is skipped, not fired at once. One that is not
    paused is returned as it is.

    Raises: ScheduleRefused when it is code that says it must not fire; InvalidSchedule.
    """
    if not schedule.enabled and schedule.owner != "person":
        raise ScheduleRefused(
            schedule.name,
            f"it is disabled where {schedule.definer} defines it (enabled=False); enable it there",
        )
    if schedule.enabled and not is_paused(schedule, now):
        return schedule
    current = _current(schedule, now=now)
    resumed = replace(current, enabled=True, paused_by=None, pause_note="", paused_until=None, failures=0)
    return noted(schedule, _aimed_anew(resumed, now=now), what="resumed", by=by, note=note, now=now)


def skip(schedule: Schedule, instant: Instant, *, by: str, note: str = "", now: Instant) -> Schedule:
    """Return the schedule without one of its firings to come.

    Raises: ScheduleRefused for an instant that is none of them, naming the nearest one; InvalidSchedule.
    """
    _require_firing(schedule, instant, now=now)
    current = _current(schedule, now=now)
    _require_room(current)
    if instant in current.added:
        current = replace(current, added=_without(current.added, instant))
    if _is_regular(current, instant):
        current = replace(current, passed_over=_with(current.passed_over, instant))
    return noted(schedule, _aimed(current, now=now), what="skipped", by=by, note=note, now=now)


def unskip(schedule: Schedule, instant: Instant, *, by: str, note: str = "", now: Instant) -> Schedule:
    """Return the schedule with a skipped firing to come again. Raises: ScheduleRefused for one that is not skipped."""
    if instant not in schedule.passed_over or instant <= now:
        coming = [_shown(schedule, each) for each in schedule.passed_over if each > now][:5]
        raise ScheduleRefused(
            schedule.name,
            f"expected a firing to come that is skipped, got {_shown(schedule, instant)}; "
            + (f"skipped are {', '.join(coming)}" if coming else "none is skipped"),
        )
    current = _current(schedule, now=now)
    back = replace(current, passed_over=_without(current.passed_over, instant))
    return noted(schedule, _aimed(back, now=now), what="unskipped", by=by, note=note, now=now)


def move(schedule: Schedule, instant: Instant, to: Instant, *, by: str, note: str = "", now: Instant) -> Schedule:
    """Return the schedule with one of its firings to come at another instant.

    Raises: ScheduleRefused for an instant that is none of its firings, or a new one that has passed or is one of them
    already; InvalidSchedule.
    """
    _require_firing(schedule, instant, now=now)
    if to <= now:
        raise ScheduleRefused(
            schedule.name, f"expected the new instant to be later than now, got {_shown(schedule, to)}"
        )
    if _fires_at(schedule, to):
        raise ScheduleRefused(
            schedule.name, f"it fires at {_shown(schedule, to)} already; choose another instant, or skip the firing"
        )
    current = _current(schedule, now=now)
    _require_room(current)
    over, added = current.passed_over, _without(current.added, instant)
    if _is_regular(current, instant):
        over = _with(over, instant)
    if to in over:
        over = _without(over, to)  # moved back to where it belongs
    else:
        added = _with(added, to)
    moved = replace(current, passed_over=over, added=added)
    return noted(schedule, _aimed(moved, now=now), what="moved", by=by, note=note, now=now)


def redefine(
    stored: Schedule, wanted: Schedule, *, take_over: bool, by: str, note: str = "", now: Instant
) -> Schedule | None:
    """Return the stored schedule with a definition that a person wants; None if nothing changes.

    Identity, history and a pause stay. Raises: OwnedByCode unless it is a person's, or is taken over now;
    InvalidSchedule.
    """
    _require_no_backfill(stored)
    if stored.owner != "person":
        if not take_over:
            raise OwnedByCode(stored.name, stored.definer, "change")
        wanted = replace(wanted, owner="person", app="")
    revised = policy.revise(_current(stored, now=now), wanted, now=now)
    if revised is None:
        return None
    what = "edited" if stored.owner == "person" else "taken over"
    return noted(stored, revised, what=what, by=by, note=note, now=now)


def written_off(before: Schedule | None, after: Schedule, *, now: Instant) -> Firing | None:
    """Return the record of what came due before an edit and is not fired any more, None if there is nothing. It is to
    be fired before the edit is saved: its version is the one from before."""
    if before is None or after.next_fire == before.next_fire or not (missed := owed(before, now=now)):
        return None
    return Firing(
        schedule=before.name,
        version=before.version,
        expected=before.next_fire,
        next_fire=after.next_fire,
        missed=missed,
    )


def _current(schedule: Schedule, *, now: Instant) -> Schedule:
    """Return the schedule without what time has made void: a pause that is over, single instants that are past.

    What is overdue keeps its single instants: they say what of it is to be fired.
    """
    past = now + 1
    if schedule.is_active and schedule.next_fire is not None:
        past = min(past, schedule.next_fire)
    current = replace(
        schedule,
        passed_over=tuple(each for each in schedule.passed_over if each >= past),
        added=tuple(each for each in schedule.added if each >= past),
    )
    if current.paused_by is not None and not is_paused(current, now):
        current = replace(current, paused_by=None, pause_note="", paused_until=None)
    return current


def _aimed(schedule: Schedule, *, now: Instant) -> Schedule:
    """Return the schedule with its next instant found anew, unless that is overdue: it is still to be dealt with."""
    is_overdue = schedule.is_active and schedule.next_fire is not None and schedule.next_fire <= now
    return schedule if is_overdue else _aimed_anew(schedule, now=now)


def _aimed_anew(schedule: Schedule, *, now: Instant) -> Schedule:
    return replace(schedule, next_fire=policy.first_fire(schedule, now=max(now, schedule.last_fire or now)))


def _fires_at(schedule: Schedule, instant: Instant) -> bool:
    return next_of(schedule, instant - 1) == instant


def _is_regular(schedule: Schedule, instant: Instant) -> bool:
    """Whether the spec itself fires then, skipped or not."""
    return next_of(replace(schedule, passed_over=(), added=()), instant - 1) == instant


def _require_no_backfill(schedule: Schedule) -> None:
    if schedule.backfill is not None:
        raise ScheduleRefused(
            schedule.name, "a backfill is paused, resumed or deleted, not edited; delete it and make another one"
        )


def _require_firing(schedule: Schedule, instant: Instant, *, now: Instant) -> None:
    _require_no_backfill(schedule)
    if instant > now and _fires_at(schedule, instant):
        return
    if instant in schedule.passed_over and instant > now:
        raise ScheduleRefused(schedule.name, f"its firing at {_shown(schedule, instant)} is skipped already")
    nearest = _nearest_firing(schedule, instant, now=now)
    raise ScheduleRefused(
        schedule.name,
        f"expected one of its firings to come, got {_shown(schedule, instant)}; "
        + (f"the nearest is {_shown(schedule, nearest)}" if nearest is not None else "there is none to come"),
    )


def _require_room(schedule: Schedule) -> None:
    if len(schedule.passed_over) + len(schedule.added) >= SINGLES_KEPT:
        raise ScheduleRefused(
            schedule.name,
            f"expected at most {SINGLES_KEPT} firings that are skipped or moved ahead of time, got one more; change "
            "its spec, or pause it",
        )


def _nearest_firing(schedule: Schedule, instant: Instant, *, now: Instant) -> Instant | None:
    around = (Line.of(schedule).latest(now, instant), next_of(schedule, max(instant, now)))
    return min((each for each in around if each is not None), key=lambda each: abs(each - instant), default=None)


def _with(instants: tuple[Instant, ...], instant: Instant) -> tuple[Instant, ...]:
    return tuple(sorted({*instants, instant}))


def _without(instants: tuple[Instant, ...], instant: Instant) -> tuple[Instant, ...]:
    return tuple(each for each in instants if each != instant)


def _told(value: Any) -> Any:  # Any: whatever a field holds
    return codec.preview(value) if isinstance(value, Raw) else value


def _shown(schedule: Schedule, instant: Instant) -> str:
    return to_datetime(instant).astimezone(zone_of(schedule.timezone)).isoformat(sep=" ", timespec="seconds")
