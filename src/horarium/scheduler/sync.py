"""Bring the schedules that the code defines into the store, and no others.

Rows of code are owned by the app that made them: a sync creates, changes and removes those, never a person's and never
another app's. What a database of this app's defined (owner ``table``) is removed too: an app has one source of
schedules, and this one is in charge now.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from horarium.app.rows import browse_all, tried
from horarium.clock import Instant
from horarium.engines.records import SCHEDULE_TOPIC
from horarium.errors import HorariumError, InvalidSchedule
from horarium.event import (
    Observer,
    ScheduleFailed,
    ScheduleOverruled,
    ScheduleRemoved,
    SchedulesSynced,
    ScheduleUnreadable,
)
from horarium.schedules import editing, policy
from horarium.schedules.record import Schedule

if TYPE_CHECKING:
    from horarium.app.app import Horarium
    from horarium.engines.protocol import Engine

BY = {"code": "code", "table": "the database"}  # who changed a schedule, as its edits tell

Change: TypeAlias = tuple[Schedule | None, Schedule]  # from what is stored, to what is to be


def sync(app: Horarium, engine: Engine, *, now: Instant, observer: Observer) -> int:
    """Make the store's schedules of this app's code those that the code defines now; return how many changed.

    Idempotent; several processes may do it at once. An entry that cannot be read is told, and its stored schedule,
    if any, is left as it was. Raises: EngineUnavailable, and ScheduleConflict when others kept changing the same.
    """
    wanted, unreadable = _wanted(app)
    for name, reason in unreadable.items():
        observer.tell(ScheduleUnreadable(schedule=name, reason=reason))
    stored = save_wanted(engine, wanted, now=now, observer=observer)
    removed = _remove(engine, app.main, wanted.keys() | unreadable.keys(), observer=observer)
    if stored or removed:
        engine.notifier.notify([SCHEDULE_TOPIC])
        observer.tell(SchedulesSynced(stored=stored, removed=removed))
    return stored + removed


class Difference(Struct, frozen=True, kw_only=True):
    """What a sync would do. Names; ``changed`` with each field from and to; ``wrong`` with the reason."""

    added: tuple[str, ...]
    changed: dict[str, dict[str, tuple[Any, Any]]]  # Any: JSON
    removed: tuple[str, ...]
    kept: tuple[str, ...]  # a person's, that the code defines too
    wrong: dict[str, str]  # entries that cannot be read: what is stored under their names stays as it is

    @property
    def is_empty(self) -> bool:
        return not (self.added or self.changed or self.removed or self.kept or self.wrong)


def difference(app: Horarium, engine: Engine | None, *, now: Instant) -> Difference:
    """Return what a sync would do now, and do nothing. Without an engine nothing is stored yet."""
    wanted, wrong = _wanted(app)
    stored = engine.schedules.get(list(wanted)) if engine is not None else [None] * len(wanted)
    pairs = list(zip(stored, wanted.values(), strict=True))
    changes = [(before, after) for before, each in pairs if (after := change(before, each, now=now)) is not None]
    return Difference(
        added=tuple(sorted(after.name for before, after in changes if before is None)),
        changed={after.name: editing.changes(before, after) for before, after in changes if before is not None},
        removed=tuple(_leftovers(engine, app.main, wanted.keys() | wrong.keys())) if engine is not None else (),
        kept=tuple(sorted(before.name for before, _ in pairs if before is not None and before.owner == "person")),
        wrong=wrong,
    )


def _wanted(app: Horarium) -> tuple[dict[str, Schedule], dict[str, str]]:
    """Return what the code wants by name, and what is wrong with the entries that cannot be read."""
    wanted, unreadable = {}, {}
    for name, entry in app.raw_entries().items():
        try:
            wanted[name] = replace(app.schedule_entry(name, entry), app=app.main)
        except HorariumError as error:
            unreadable[name] = str(error)
    return wanted, unreadable


def save_wanted(engine: Engine, wanted: dict[str, Schedule], *, now: Instant, observer: Observer) -> int:
    """Make stored schedules those that code or a table wants, by name, and leave a person's alone; return how many
    changed. One that can never fire is stored with the reason. Raises: EngineUnavailable, ScheduleConflict."""
    return tried(lambda: _save_once(engine, wanted, now=now, observer=observer))


def _save_once(engine: Engine, wanted: dict[str, Schedule], *, now: Instant, observer: Observer) -> int:
    stored = engine.schedules.get(list(wanted))
    changes = [
        (before, after)
        for before, schedule in zip(stored, wanted.values(), strict=True)
        if (after := change(before, schedule, now=now)) is not None
    ]
    save_changes(engine, changes, now=now)
    _tell(observer, stored, changes)
    return len(changes)


def save_changes(engine: Engine, changes: Sequence[Change], *, now: Instant) -> None:
    """Save schedules over those that were read, all or none, and write off what came due before and is not fired.

    Raises: ScheduleConflict when one of them is not as it was read any more.
    """
    engine.schedules.fire(
        [firing for before, after in changes if (firing := editing.written_off(before, after, now=now))], now=now
    )
    engine.schedules.save([after for _, after in changes], now=now)


def change(stored: Schedule | None, wanted: Schedule, *, now: Instant) -> Schedule | None:
    """Return what is to be saved, if anything. A schedule that can never fire is saved with the reason."""
    if stored is not None and stored.owner == "person":
        return None
    try:
        after = policy.create(wanted, now=now) if stored is None else policy.revise(stored, wanted, now=now)
    except InvalidSchedule as error:
        after = _in_error(stored, wanted, str(error), now=now)
    if after is None:
        return None
    what = "created" if stored is None else "edited"
    return editing.noted(stored, after, what=what, by=f"{BY[wanted.owner]} of {wanted.app}", now=now)


def _in_error(stored: Schedule | None, wanted: Schedule, error: str, *, now: Instant) -> Schedule | None:
    if stored is None:
        return replace(wanted, anchor=now, created=now, changed=now, error=error)
    broken = policy.redefine(stored, wanted, now=now)
    if stored.error == error and replace(broken, changed=stored.changed) == stored:
        return None  # it is known already
    return replace(broken, next_fire=None, error=error)


def _tell(observer: Observer, stored: Sequence[Schedule | None], changes: Sequence[Change]) -> None:
    for schedule in stored:
        if schedule is not None and schedule.owner == "person":
            observer.tell(ScheduleOverruled(schedule=schedule.name))
    for _, after in changes:
        if after.error is not None:
            observer.tell(ScheduleFailed(schedule=after.name, reason=after.error))


def _remove(engine: Engine, app: str, wanted: set[str], *, observer: Observer) -> int:
    leftovers = list(_leftovers(engine, app, wanted))
    removed = engine.schedules.delete(leftovers)
    for name in leftovers:
        observer.tell(ScheduleRemoved(schedule=name))
    return removed


def _leftovers(engine: Engine, app: str, wanted: set[str]) -> Iterator[str]:
    """Yield the names of stored schedules that this app's code or database made, and the code does not want (any
    more)."""
    for owner in ("code", "table"):
        for schedule in browse_all(engine, owner=owner):
            if schedule.app == app and schedule.name not in wanted:
                yield schedule.name
