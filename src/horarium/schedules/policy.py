"""What to do about a schedule: fire or pass over, move on, take up an edit. Decisions as values; the runner acts.

A miss is a due instant that nothing was enqueued for; it is counted, never silent.
"""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from horarium.clock import Instant, Seconds, milliseconds
from horarium.errors import InvalidSchedule
from horarium.schedules.clocked import clocked
from horarium.schedules.next import Rules, count_fires, latest_fire, next_fire
from horarium.schedules.record import Schedule
from horarium.schedules.specs import describe, from_record
from horarium.schedules.zones import zone_of

# A firing up to this late is a delay and not a miss, whatever ``catchup`` says: a schedule of a dead scheduler is
# taken over within 5 s, and a store may need a moment to come back.
ON_TIME: Seconds = 30.0

# A spec that has no firing in this time is refused when it is written.
FORESEEN: Seconds = 10 * 365.25 * 86_400

_TIMING = ("timezone", "start", "end", "dst_gap", "dst_fold", "one_off", "max_runs", "enabled")
_DEFINITION = (*_TIMING, "task", "args", "kwargs", "options", "owner", "app", "catchup", "catchup_window")


class Plan(Struct, frozen=True, kw_only=True):
    """What is to be done about a schedule that is due."""

    fire: tuple[Instant, ...] = ()  # the nominal instants to enqueue
    next_fire: Instant | None = None  # None: nothing more to come
    missed: int = 0  # due instants passed over

    @property
    def nominal(self) -> Instant | None:
        return self.fire[-1] if self.fire else None


def plan(schedule: Schedule, *, now: Instant) -> Plan:
    """Decide what a schedule fires now.

    Of all instants that have come due, only the newest is fired, and only if it is within the catch-up window
    (``catchup="none"``: if it is on time); the others are missed. The next instant follows from the newest due one,
    never from ``now``. An edit that was read before a firing sets next_fire back to it: what was fired is neither
    fired again nor missed. Raises: InvalidSchedule when the spec or the zone cannot be used.
    """
    first = schedule.next_fire
    if first is None or first > now:
        return Plan(next_fire=first)
    if _within_end(schedule, first) is None:
        return Plan()
    if schedule.max_runs is not None and schedule.total_runs >= schedule.max_runs:
        return Plan()
    until = now if schedule.end is None else min(now, schedule.end)
    spec, rules = from_record(schedule.spec), rules_of(schedule)
    if schedule.last_fire is not None and first <= schedule.last_fire and not isinstance(spec, clocked):
        unfired = next_fire(spec, schedule.last_fire, **rules._asdict())
        if unfired is None or unfired > until:
            return Plan(next_fire=None if unfired is None else _within_end(schedule, unfired))
        first = unfired
    newest, due, following = first, 1, next_fire(spec, first, **rules._asdict())
    if following is not None and following <= until:
        newest = latest_fire(spec, following - 1, until, rules) or following
        due += count_fires(spec, first, newest, rules)
        following = next_fire(spec, newest, **rules._asdict())
    fire = (newest,) if now - newest <= _patience(schedule) else ()
    runs = schedule.total_runs + len(fire)
    is_finished = (schedule.one_off and fire) or (schedule.max_runs is not None and runs >= schedule.max_runs)
    return Plan(
        fire=fire,
        next_fire=None if is_finished or following is None else _within_end(schedule, following),
        missed=due - len(fire),
    )


def first_fire(schedule: Schedule, *, now: Instant) -> Instant | None:
    """Return the first instant at which the schedule fires if it begins (or begins anew) at ``now``; None if it has
    ended.

    An interval begins one interval after its anchor; a clocked instant that has passed is returned as it is, for
    ``plan`` to judge. Raises: InvalidSchedule when the spec or zone cannot be used or nothing fires in ten years.
    """
    spec = from_record(schedule.spec)
    zone_of(schedule.timezone)
    if schedule.max_runs is not None and schedule.total_runs >= schedule.max_runs:
        return None
    if isinstance(spec, clocked):
        return _within_end(schedule, max(spec.instant, schedule.start or 0))
    begin = now if schedule.start is None else max(now, schedule.start - 1)
    first = next_fire(spec, begin, **rules_of(schedule)._asdict())
    if first is None or first - begin > milliseconds(FORESEEN):
        raise InvalidSchedule(
            f"expected a schedule that fires within ten years, got {describe(spec)} in {schedule.timezone}, which "
            "does not; correct its date fields"
        )
    return _within_end(schedule, first)


def create(wanted: Schedule, *, now: Instant) -> Schedule:
    """Return a wanted schedule as one to be stored for the first time. Raises: InvalidSchedule."""
    fresh = replace(wanted, version=0, anchor=now, created=now, changed=now, error=None)
    return replace(fresh, next_fire=first_fire(fresh, now=now))


def revise(stored: Schedule, wanted: Schedule, *, now: Instant) -> Schedule | None:
    """Return the stored schedule with the wanted definition, ready to be saved; None if nothing changes.

    Identity, state and a person's pause stay. If its timing changed, the next instant is the first one of the new
    timing after now and after the last firing. Otherwise
    next_fire stays as it is. What came due before the edit and was not fired is not fired any more: record it as
    missed (``owed``). A person's schedule is not touched by code's. Raises: InvalidSchedule.
    """
    if stored.owner == "person" and wanted.owner == "code":
        return None
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
    return replace(stored, **definition, spec=wanted.spec, changed=now, error=None)


def owed(stored: Schedule, *, now: Instant) -> int:
    """Return how many instants of a stored schedule have come due and were not fired."""
    if not stored.is_active:
        return 0
    try:
        due = plan(stored, now=now)
    except InvalidSchedule:  # what cannot be read is not due
        return 0
    return due.missed + len(due.fire)


def rules_of(schedule: Schedule) -> Rules:
    """Return what besides its spec decides when a schedule fires."""
    return Rules(schedule.timezone, schedule.anchor, schedule.dst_gap, schedule.dst_fold)


def _patience(schedule: Schedule) -> int:
    window = schedule.catchup_window if schedule.catchup == "latest" else 0.0
    return milliseconds(max(window, ON_TIME))


def _within_end(schedule: Schedule, instant: Instant) -> Instant | None:
    return instant if schedule.end is None or instant <= schedule.end else None


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
