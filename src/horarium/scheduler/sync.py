"""Bring the schedules that the code defines into the store, and no others.

Rows of code are owned by the app that made them: a sync creates, changes and removes those, never a person's and never
another app's.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING

from msgspec.structs import replace

from horarium.clock import Instant
from horarium.engines.protocol import SCHEDULE_TOPIC, Page
from horarium.errors import HorariumError, InvalidSchedule, ScheduleConflict
from horarium.schedules import policy
from horarium.schedules.schedule import Firing, Schedule

if TYPE_CHECKING:
    from horarium.app.app import Horarium
    from horarium.engines.protocol import Engine

TRIES = 5  # somebody else's edit between our reading and our writing is rare, twice in a row rarer
PAGE = 500

log = logging.getLogger("horarium.beat")


def sync(app: Horarium, engine: Engine, *, now: Instant) -> int:
    """Make the store's schedules of this app's code those that the code defines now; return how many changed.

    Idempotent; several processes may do it at once. An entry that cannot be read is logged, and its stored schedule,
    if any, is left as it was. Raises: EngineUnavailable, and ScheduleConflict when others kept changing the same.
    """
    wanted, unreadable = _wanted(app)
    changed = _save(engine, wanted, now=now)
    removed = engine.schedules.delete(list(_leftovers(engine, app.main, wanted.keys() | unreadable)))
    if changed or removed:
        engine.notifier.notify([SCHEDULE_TOPIC])
        log.info("beat: %d schedules of the code stored, %d removed", changed, removed)
    return changed + removed


def _wanted(app: Horarium) -> tuple[dict[str, Schedule], set[str]]:
    """Return what the code wants by name, and the names of the entries that cannot be read."""
    wanted, unreadable = {}, set()
    for name, entry in app.raw_entries().items():
        try:
            wanted[name] = replace(app.schedule_entry(name, entry), app=app.main)
        except HorariumError as error:
            log.error("beat: %s; it is left as it was, the others go on", error)
            unreadable.add(name)
    return wanted, unreadable


def _save(engine: Engine, wanted: dict[str, Schedule], *, now: Instant) -> int:
    for _ in range(TRIES - 1):
        try:
            return _save_once(engine, wanted, now=now)
        except ScheduleConflict:  # read again what somebody else has just saved
            continue
    return _save_once(engine, wanted, now=now)


def _save_once(engine: Engine, wanted: dict[str, Schedule], *, now: Instant) -> int:
    stored = engine.schedules.get(list(wanted))
    changes = [
        (before, after)
        for before, schedule in zip(stored, wanted.values(), strict=True)
        if (after := _change(before, schedule, now=now)) is not None
    ]
    engine.schedules.fire(
        [firing for before, after in changes if (firing := _written_off(before, after, now=now))], now=now
    )
    engine.schedules.save([after for _, after in changes], now=now)
    return len(changes)


def _change(stored: Schedule | None, wanted: Schedule, *, now: Instant) -> Schedule | None:
    """Return what is to be saved, if anything. A schedule that can never fire is saved with the reason."""
    if stored is not None and stored.owner == "person":
        log.warning("beat: schedule %r of the code is not stored: a person made one of that name", wanted.name)
        return None
    try:
        return policy.create(wanted, now=now) if stored is None else policy.revise(stored, wanted, now=now)
    except InvalidSchedule as error:
        return _in_error(stored, wanted, str(error), now=now)


def _in_error(stored: Schedule | None, wanted: Schedule, error: str, *, now: Instant) -> Schedule | None:
    if stored is None:
        log.error("beat: schedule %r cannot fire: %s", wanted.name, error)
        return replace(wanted, anchor=now, created=now, changed=now, error=error)
    broken = policy.redefine(stored, wanted, now=now)
    if stored.error == error and replace(broken, changed=stored.changed) == stored:
        return None  # it is known already
    log.error("beat: schedule %r cannot fire: %s", wanted.name, error)
    return replace(broken, next_fire=None, error=error)


def _written_off(before: Schedule | None, after: Schedule, *, now: Instant) -> Firing | None:
    """Return the record of what came due before an edit of the timing and is not fired any more."""
    if before is None or after.next_fire == before.next_fire or not (missed := policy.owed(before, now=now)):
        return None
    return Firing(
        schedule=before.name,
        version=before.version,
        expected=before.next_fire,
        nominal=None,
        next_fire=after.next_fire,
        missed=missed,
    )


def _leftovers(engine: Engine, app: str, wanted: set[str]) -> Iterator[str]:
    """Yield the names of stored schedules that this app's code made and does not want any more."""
    page = engine.schedules.browse(Page(limit=PAGE), owner="code")
    while True:
        for schedule in page.schedules:
            if schedule.app == app and schedule.name not in wanted:
                log.info("beat: schedule %r is no longer in the code: removed", schedule.name)
                yield schedule.name
        if page.next is None:
            return
        page = engine.schedules.browse(Page(limit=PAGE, after=page.next), owner="code")
