"""From rows to the store: a few rows at a time, each judged on its own, by any number of schedulers at once.

What is stored is read before the rows are, and saved only over what was read. So whoever has seen an older state of a
row cannot overwrite what somebody else has stored of a newer one; whoever loses does it again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from horarium.app.rows import tried
from horarium.clock import Instant
from horarium.contrib.django.beat.models import PeriodicTask
from horarium.contrib.django.beat.reading import schedule_of
from horarium.contrib.django.beat.rows import Row, Rows
from horarium.contrib.django.columns import instant_of
from horarium.errors import HorariumError, InvalidSchedule
from horarium.scheduler.sync import Change, change, save_changes
from horarium.schedules import editing
from horarium.schedules.record import Schedule

if TYPE_CHECKING:
    from horarium.app.app import Horarium
    from horarium.engines.protocol import Engine


class Stored(Struct, frozen=True, kw_only=True):
    """What came of some rows, which are named by their numbers."""

    saved: int = 0  # schedules created or changed
    removed: int = 0
    errors: dict[int, str] = {}  # what is wrong with each row that was read; an empty text: nothing
    news: dict[str, str] = {}  # what is wrong with those of which it was not known, by name
    unshown: tuple[str, ...] = ()  # names whose row does not show what has been fired
    again: tuple[int, ...] = ()  # renamed while we looked: to be stored anew


def store(
    app: Horarium,
    engine: Engine,
    rows: Rows,
    ids: Sequence[int],
    *,
    olds: Mapping[int, Sequence[str]] | None = None,
    now: Instant,
) -> Stored:
    """Make the store's schedules of these rows what the rows say now.

    ``olds``: names that rows had before. What is stored under one of those goes on under the row's new name, and is
    removed if no row has that name any more. A row with the name of a person's schedule is wrong, and changes nothing.
    Raises: EngineUnavailable, ScheduleConflict, Django's database errors; it may be repeated.
    """
    olds = olds or {}
    stored = tried(lambda: _store_once(app, engine, rows, ids, olds, now=now))
    gone = remove(app, engine, rows, [name for names in olds.values() for name in names], now=now)
    return replace(stored, saved=stored.saved + gone.saved, removed=gone.removed, again=(*stored.again, *gone.again))


def remove(app: Horarium, engine: Engine, rows: Rows, names: Sequence[str], *, now: Instant) -> Stored:
    """Remove from the store those schedules of this database that have no row (any more). Raises: as ``store``."""
    found = engine.schedules.get(list(names)) if names else []
    ours = [each.name for each in found if each is not None and is_ours(app, each)]
    lost = sorted(set(ours) - rows.named(ours).keys()) if ours else []
    if not lost:
        return Stored()
    removed = engine.schedules.delete(lost)
    # Between our looking and our removing somebody may have made a row of that name, and stored it.
    back = rows.named(lost)
    return (
        Stored(removed=removed)
        if not back
        else replace(store(app, engine, rows, list(back.values()), now=now), removed=removed)
    )


class _Verdict(Struct, frozen=True):
    change: Change | None  # what is to be saved
    final: Schedule | None  # what is stored then
    error: str = ""


def _store_once(
    app: Horarium, engine: Engine, rows: Rows, ids: Sequence[int], olds: Mapping[int, Sequence[str]], *, now: Instant
) -> Stored:
    names = rows.names(ids)
    former = {id: [name for name in olds.get(id, ()) if name != names[id]] for id in names}
    known = list(dict.fromkeys([*names.values(), *(name for each in former.values() for name in each)]))
    found = dict(zip(known, engine.schedules.get(known), strict=True)) if known else {}
    taken = rows.named([name for each in former.values() for name in each]) if any(former.values()) else {}
    read = rows.read(list(names))
    verdicts, again = {}, []
    for id, row in read.items():
        name = names[id]
        if row.task is not None and row.task.name != name:
            again.append(id)
            continue
        free = [found[old] for old in former[id] if old not in taken]
        moving = next((each for each in free if each is not None and is_ours(app, each)), None)
        verdicts[id] = _judge(app, name, row, found[name], moving, now=now)
    save_changes(engine, [each.change for each in verdicts.values() if each.change is not None], now=now)
    errors = {id: each.error for id, each in verdicts.items()}
    unknown = {id: error for id, error in errors.items() if error != read[id].extra.error}
    rows.note_errors(unknown)
    return Stored(
        saved=sum(each.change is not None for each in verdicts.values()),
        errors=errors,
        news={names[id]: error for id, error in unknown.items() if error},
        unshown=tuple(names[id] for id, each in verdicts.items() if _is_unshown(read[id].task, each.final, now)),
        again=tuple(again),
    )


def _judge(
    app: Horarium, name: str, row: Row, stored: Schedule | None, moving: Schedule | None, *, now: Instant
) -> _Verdict:
    """Decide about one row: ``stored`` is what has its name, ``moving`` what is to take it."""
    if stored is not None and stored.owner == "person":
        reason = f"schedule {name!r}: expected a name of its own, got that of a schedule of a person's; rename the task"
        return _Verdict(None, None, reason)
    base = stored if stored is not None or moving is None else replace(moving, name=name, version=0)
    try:
        wanted = _wanted(app, name, row, base, now=now)
    except HorariumError as error:
        return _unreadable(base, stored, str(error), now=now)
    except Exception as error:  # noqa: BLE001  # a row can hold anything: it is told at the row, and the others go on
        reason = f"schedule {name!r}: expected values that make a schedule, got {type(error).__name__}: {error}"
        return _unreadable(base, stored, f"{reason}; correct them", now=now)
    after = change(base, wanted, now=now)
    if stored is None and base is not None and moving is not None:
        after = editing.noted(moving, after or base, what="renamed", by=wanted.definer, now=now)
    final = after or base
    never = final.error if final is not None and final.next_fire is None else None
    return _Verdict(None if after is None else (stored, after), final, never or "")


def _wanted(app: Horarium, name: str, row: Row, base: Schedule | None, *, now: Instant) -> Schedule:
    if row.task is None:
        raise InvalidSchedule(f"schedule {name!r}: {row.error}")
    options = row.extra.options
    if row.task.one_off:  # how often it runs is said by that
        options = {key: value for key, value in options.items() if key != "max_runs"}
    return _with_past(schedule_of(app, row.task, options, now=now), row.task, base, now=now)


def _unreadable(base: Schedule | None, stored: Schedule | None, reason: str, *, now: Instant) -> _Verdict:
    """Switch off what cannot be read; mended, it goes on as if it were enabled again."""
    if base is None or (base is stored and base.error == reason and not base.enabled):
        return _Verdict(None, base, reason)
    off = editing.noted(
        base, replace(base, enabled=False, error=reason), what="edited", by=base.definer, note=reason, now=now
    )
    return _Verdict((stored, off), off, reason)


def _with_past(wanted: Schedule, task: PeriodicTask, base: Schedule | None, *, now: Instant) -> Schedule:
    """Return what is wanted with what the row and the store know of its past.

    What the store does not know yet goes on from what the row says of its last run. A one-off runs once each time it
    is enabled; a row that counts a run and is enabled still has had it.
    """
    if base is None and task.last_run_at is not None:
        began = min(now, instant_of(task.last_run_at))
        wanted = replace(wanted, total_runs=task.total_run_count, last_fire=began, anchor=began)
    if not task.one_off:
        return wanted
    total = wanted.total_runs if base is None else base.total_runs
    if base is None:
        most = total if total and task.enabled else total + 1
    elif base.max_runs is not None and (not task.enabled or (base.enabled and base.max_runs in (total, total + 1))):
        most = base.max_runs
    else:
        most = total + 1
    return replace(wanted, one_off=False, max_runs=max(1, most))


def _is_unshown(task: PeriodicTask | None, final: Schedule | None, now: Instant) -> bool:
    """Tell whether the row is to be brought up to date with what has been fired, or with its end."""
    if task is None or final is None or not task.enabled:
        return False
    if is_over(task, final, now=now):
        return True
    shown = task.last_run_at
    return final.last_fire is not None and (shown is None or instant_of(shown) < final.last_fire)


def is_over(task: PeriodicTask, schedule: Schedule | None, *, now: Instant) -> bool:
    """Tell whether a row that is enabled has had its last run: it is switched off then, as its users know it."""
    if task.expires is not None and instant_of(task.expires) <= now:
        return True
    if schedule is None or not task.one_off:
        return False
    return schedule.next_fire is None and schedule.error is None and not schedule.held and schedule.enabled


def is_ours(app: Horarium, schedule: Schedule) -> bool:
    """Tell whether a stored schedule is one of this app's rows."""
    return schedule.owner == "table" and schedule.app == app.main
