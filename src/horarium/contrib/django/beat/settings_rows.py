"""The schedules of the settings as rows: made, kept up to date and removed again, while people's rows stay theirs.

Rows that come from here are marked ``origin="settings"`` in ScheduleExtra, with a digest of their entry. A row that
people have changed since is theirs to keep until its entry changes, too. Used by the scheduler as it starts, and by
``manage.py setup_periodic_tasks``. Says nothing itself: it returns what it did.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import msgspec
from django.core.exceptions import ValidationError
from django.db import IntegrityError, models, router, transaction
from msgspec import Struct
from msgspec.structs import replace

from horarium.clock import to_instant
from horarium.contrib.django.beat import tables
from horarium.contrib.django.beat.models import KINDS, CrontabSchedule, PeriodicTask, PeriodicTasks
from horarium.contrib.django.beat.writing import OFF, Wanted, wanted_row
from horarium.contrib.django.models import ScheduleExtra
from horarium.errors import HorariumError, InvalidSchedule
from horarium.schedules.record import Schedule

if TYPE_CHECKING:
    from horarium.app.app import Horarium

SETTINGS = "settings"
_BATCH = 500  # names in one query: SQLite allows 999 values
_JSON = frozenset({"args", "kwargs", "headers"})

What: TypeAlias = Literal[
    "created",
    "updated",
    "adopted",  # a row that was there, exactly as the entry asks: it is the settings' from now on
    "unchanged",
    "edited",  # people have changed it since the settings made it: kept as they want it
    "left",  # people have made a row of this name: not touched
    "removed",
    "beside",  # no row can say it: it goes into the store without one
    "unreadable",
]
CHANGES: frozenset[What] = frozenset({"created", "updated", "adopted", "removed"})


class Effect(Struct, frozen=True, kw_only=True):
    """What became of one entry, or of the row of an entry that is gone."""

    name: str
    what: What
    changes: dict[str, tuple[Any, Any]] = msgspec.field(default_factory=dict)  # column: (as it is, as the entry asks)
    reason: str = ""


class Report(Struct, frozen=True, kw_only=True):
    """What became of each entry. ``beside``: those that no row can say, as they are to be stored."""

    effects: tuple[Effect, ...]
    beside: dict[str, Schedule] = msgspec.field(default_factory=dict)

    def names(self, *what: What) -> tuple[str, ...]:
        """Return the names of those of which this became."""
        return tuple(effect.name for effect in self.effects if effect.what in what)

    @property
    def changed(self) -> int:
        """How many rows were made, changed or removed."""
        return len(self.names("created", "updated", "adopted", "removed"))


def make_rows(app: Horarium, *, dry_run: bool = False, remove: bool = True, overwrite: bool = False) -> Report:
    """Make the rows of the settings' schedule what ``app``'s entries ask for; return what became of each.

    All in one transaction, and nothing is written where nothing differs. Idempotent; several processes may do it at
    once. ``overwrite``: also what people have changed. In a database without our own tables nobody knows whose a row
    is: then rows are made, and none is changed or removed. Raises: Django's DatabaseError; then nothing was written.
    """
    using = router.db_for_write(PeriodicTask)
    plan = _plan(app, using=using, remove=remove, overwrite=overwrite)
    if dry_run or not plan.is_work:
        return plan.report()
    with transaction.atomic(using=using):
        # A write comes first: it makes a second process wait here (SQLite would refuse one that has read before).
        PeriodicTasks.objects.using(using).filter(ident=1).update(ident=1)
        plan = _plan(app, using=using, remove=remove, overwrite=overwrite, lock=True)
        return replace(plan.report(), effects=tuple(_act(step, using) for step in plan.steps))


def read_entries(
    app: Horarium, entries: dict[str, dict[str, Any]]
) -> tuple[dict[str, Wanted], dict[str, Schedule], dict[str, str]]:
    """Return the rows that entries ask for, what no row can say, and what is wrong with those that cannot be read; each
    by name. Reads no row."""
    wanted: dict[str, Wanted] = {}
    beside: dict[str, Schedule] = {}
    unreadable: dict[str, str] = {}
    for name, entry in entries.items():
        try:
            schedule = app.schedule_entry(name, entry)
            found = wanted_row(entry, schedule)
            if found is None:
                beside[name] = replace(schedule, app=app.main)
            else:
                _check(found)
                wanted[name] = found
        except HorariumError as error:
            unreadable[str(name)] = str(error)
        except ValidationError as error:
            unreadable[str(name)] = f"schedule {name!r}: {'; '.join(error.messages)}"
    return wanted, beside, unreadable


class _Step(Struct, frozen=True, kw_only=True):
    effect: Effect
    wanted: Wanted | None = None
    row: Any = None  # PeriodicTask
    extra: Any = None  # ScheduleExtra
    is_noted: bool = True  # the entry's digest is the one that is kept
    is_owned: bool = True  # it can be noted whose the row is


class _Plan(Struct, frozen=True, kw_only=True):
    steps: tuple[_Step, ...]
    beside: dict[str, Schedule]

    @property
    def is_work(self) -> bool:
        return any(step.effect.what in CHANGES or not step.is_noted for step in self.steps)

    def report(self) -> Report:
        return Report(effects=tuple(step.effect for step in self.steps), beside=self.beside)


def _plan(app: Horarium, *, using: str, remove: bool, overwrite: bool, lock: bool = False) -> _Plan:
    entries = app.raw_entries()
    wanted, beside, unreadable = read_entries(app, entries)
    rows = _Rows(using, wanted.keys(), lock=lock)
    steps = [_step(each, rows, overwrite=overwrite) for each in wanted.values()]
    steps += [_Step(effect=Effect(name=name, what="beside")) for name in beside]
    steps += [_Step(effect=Effect(name=name, what="unreadable", reason=why)) for name, why in unreadable.items()]
    taken = {step.row.pk for step in steps if step.row is not None}
    if remove:
        steps += [
            _Step(effect=Effect(name=row.name, what="removed"), row=row, extra=extra)
            for row, extra in rows.owned()
            if row.pk not in taken and (row.name not in entries or row.name in beside)
        ]
    return _Plan(steps=tuple(steps), beside=beside)


def _check(wanted: Wanted) -> None:
    """Raises: ValidationError for what no column can hold."""
    wanted.schedule_row().clean_fields()
    PeriodicTask(name=wanted.name, **wanted.columns).clean_fields()


class _Rows:
    """The rows that the entries are about, and those that came from the settings."""

    def __init__(self, using: str, names: Iterable[str], *, lock: bool) -> None:
        self._tasks = PeriodicTask.objects.using(using).prefetch_related(*KINDS)  # no join: not all could be locked
        if lock:
            self._tasks = self._tasks.select_for_update()
        self.has_extras = not tables.missing(using).own
        manager = ScheduleExtra.objects.using(using)
        self._extras = manager if self.has_extras else manager.none()
        self._owned = {extra.pk: extra for extra in self._extras.filter(origin=SETTINGS)}
        rows = [row for batch in _batches(names) for row in self._tasks.filter(name__in=batch)]
        self.by_name = {row.name: row for row in rows}
        foreign = [row.pk for row in rows if row.pk not in self._owned]
        found = [extra for batch in _batches(foreign) for extra in self._extras.filter(pk__in=batch)]
        self._others = {extra.pk: extra for extra in found}
        self._owned_rows = {row.pk: row for row in rows if row.pk in self._owned}
        absent = self._owned.keys() - self._owned_rows.keys()
        for batch in _batches(absent):
            self._owned_rows |= {row.pk: row for row in self._tasks.filter(pk__in=batch)}

    def owned(self) -> Iterator[tuple[Any, Any]]:
        """Yield the rows that came from the settings, with what is known of them."""
        for pk, row in self._owned_rows.items():
            yield row, self._owned[pk]

    def extra(self, row: Any) -> Any:
        return self._owned.get(row.pk) or self._others.get(row.pk)

    def renamed(self, wanted: Wanted) -> Any:
        """Return the row of an entry to which people have given another name; None if there is none."""
        return next((row for row, extra in self.owned() if extra.settings_digest == wanted.digest), None)


def _step(wanted: Wanted, rows: _Rows, *, overwrite: bool) -> _Step:
    row = rows.by_name.get(wanted.name) or rows.renamed(wanted)
    if row is None:
        return _Step(effect=Effect(name=wanted.name, what="created"), wanted=wanted, is_owned=rows.has_extras)
    extra = rows.extra(row)
    is_ours = extra is not None and extra.origin == SETTINGS
    is_noted = is_ours and extra.settings_digest == wanted.digest
    is_back_on = is_ours and extra.settings_digest.startswith(OFF) and not wanted.digest.startswith(OFF)
    of_people = frozenset() if overwrite and is_ours else wanted.unsaid - ({"enabled"} if is_back_on else set())
    changes = _differences(row, extra, wanted, of_people)
    what: What
    if not rows.has_extras:
        is_noted, what = True, "left" if changes else "unchanged"
    elif not is_ours:
        what = "left" if changes else "adopted"
    elif not changes:
        what = "unchanged"
    else:
        what = "edited" if is_noted and not overwrite else "updated"
    effect = Effect(name=wanted.name, what=what, changes=changes)
    return _Step(effect=effect, wanted=wanted, row=row, extra=extra, is_noted=is_noted or what == "left")


def _differences(row: Any, extra: Any, wanted: Wanted, of_people: frozenset[str]) -> dict[str, tuple[Any, Any]]:
    """Return the columns in which a row is not as its entry asks, those left to people excepted."""
    asked = {"name": wanted.name, **wanted.columns}
    found = {
        column: (_plain(getattr(row, column)), _plain(asked[column]))
        for column in asked.keys() - of_people
        if _meant(column, getattr(row, column)) != _meant(column, asked[column])
    }
    if not _is_when(row, wanted):
        found["schedule"] = (str(row.scheduler or "none"), str(wanted.schedule_row()))
    kept = extra.options if extra is not None else {}
    if kept != wanted.extra:
        found["options"] = (kept, wanted.extra)
    return found


def _meant(column: str, value: Any) -> Any:
    """Return what a column means: of JSON the value, of moments the instant, of no text nothing."""
    if isinstance(value, datetime):
        return to_instant(value)
    if column not in _JSON:
        return None if value == "" else value
    try:
        return msgspec.json.decode(value) if value else {} if column != "args" else []
    except msgspec.DecodeError:
        return value


def _is_when(row: Any, wanted: Wanted) -> bool:
    chosen = row.scheduler
    asked = wanted.schedule_row()
    if type(chosen) is not type(asked) or sum(getattr(row, f"{kind}_id") is not None for kind in KINDS) != 1:
        return False
    if isinstance(chosen, CrontabSchedule) and str(chosen.timezone) != str(asked.timezone):
        return False
    try:
        return bool(chosen.schedule == asked.schedule)
    except InvalidSchedule:
        return False


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def _act(step: _Step, using: str) -> Effect:
    match step.effect.what:
        case "created":
            return _create(step, using)
        case "updated":
            _write(step, step.row, using)
        case "adopted" | "unchanged" if not step.is_noted:
            _note(step, step.row, using)
        case "removed":
            step.row.delete()
            step.extra.delete()
    return step.effect


def _create(step: _Step, using: str) -> Effect:
    assert step.wanted is not None
    row = PeriodicTask(name=step.wanted.name, **step.wanted.columns)
    try:
        with transaction.atomic(using=using):
            _write(step, row, using)
    except (IntegrityError, ValidationError):  # another process has just made a row of this name, or a person has
        rows = _Rows(using, [step.wanted.name], lock=True)
        if step.wanted.name not in rows.by_name:
            raise
        found = _step(step.wanted, rows, overwrite=False).effect
        return replace(found, what="left") if found.what in CHANGES else found
    return step.effect


def _write(step: _Step, row: Any, using: str) -> None:
    wanted = step.wanted
    assert wanted is not None
    row.name = wanted.name
    for column, value in wanted.columns.items():
        if row.pk is None or column not in wanted.unsaid or column in step.effect.changes:
            setattr(row, column, value)
    when = _schedule_row(wanted, using)
    for kind in KINDS:
        setattr(row, kind, when if kind == wanted.kind else None)
    row.save(using=using)
    if step.is_owned:
        _note(step, row, using)


def _schedule_row(wanted: Wanted, using: str) -> models.Model:
    """Return the row that says when, saved: the one that is there, or a new one."""
    rows = type(wanted.schedule_row()).objects.using(using)
    found = rows.filter(**wanted.when).first()
    return found if found is not None else rows.get_or_create(**wanted.when)[0]


def _note(step: _Step, row: Any, using: str) -> None:
    assert step.wanted is not None
    ScheduleExtra.objects.using(using).update_or_create(
        periodic_task_id=row.pk,
        defaults={"options": step.wanted.extra, "origin": SETTINGS, "settings_digest": step.wanted.digest},
    )


def _batches(keys: Iterable[Any]) -> Iterator[list[Any]]:
    listed = list(keys)
    for start in range(0, len(listed), _BATCH):
        yield listed[start : start + _BATCH]
