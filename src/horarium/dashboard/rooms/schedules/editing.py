"""``/schedules/new`` and ``/schedules/NAME/edit``: write a schedule, see what it will do, save it without losing
anybody else's edit."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from itertools import islice
from typing import Any
from zoneinfo import available_timezones

from msgspec import Struct
from msgspec.structs import replace

from horarium.app.rows import Rows
from horarium.clock import Instant
from horarium.dashboard.ask import Ask, Done, Shown
from horarium.dashboard.calls import known_tasks
from horarium.dashboard.person import Role
from horarium.dashboard.rooms.schedules.acting import reason, require_editable
from horarium.dashboard.rooms.schedules.coming import Coming, coming
from horarium.dashboard.rooms.schedules.drafting import (
    CHOICES,
    KEPT,
    KINDS,
    Draft,
    bare,
    differences,
    empty,
    read,
    values_of,
)
from horarium.dashboard.rooms.schedules.looking import lately_of, some
from horarium.dashboard.rooms.schedules.place import address, found, plain, room
from horarium.dashboard.rooms.schedules.slots import JITTER, Slot, slot_at
from horarium.errors import (
    CodecError,
    HorariumError,
    InvalidArguments,
    InvalidSchedule,
    NotRegistered,
    ScheduleConflict,
    ScheduleNotFound,
)
from horarium.observe.foretold import foretold
from horarium.observe.moments import zone_or_utc
from horarium.observe.redacted import shown_schedule
from horarium.observe.schedule_words import shown, spec_text
from horarium.redaction import MASK
from horarium.schedules import editing
from horarium.schedules.heat import HOUR, MINUTE, heat_of, quiet_minutes
from horarium.schedules.record import Edit, Schedule
from horarium.schedules.solar import EVENTS

NEXT = 10
OTHERS = 2000  # schedules that are looked through for collisions at each pause in typing
TASKS = 500  # names that the form offers


class Forecast(Struct, frozen=True, kw_only=True):
    """What a draft would do. ``clash``: how many others fire in the minute of its next firing, and the first few."""

    text: str = ""
    spec: str = ""
    there: str = ""
    firings: tuple[Coming, ...] = ()
    changes: tuple[Coming, ...] = ()
    clash: int = 0
    clash_names: tuple[str, ...] = ()
    clash_at: str = ""
    quiet: tuple[Slot, ...] = ()
    jitter: str = ""  # that would spread it, if it has none
    lately: str = ""  # how its last runs went
    is_sample: bool = False
    trouble: str = ""
    warnings: tuple[str, ...] = ()


@room.page("/schedules/new", role=Role.EDITOR, live=False)
def new(ask: Ask) -> Shown:
    values = empty(ask.app.conf.timezone)
    values |= {name: ask.query[name][:255] for name in ("name", "task") if name in ask.query}
    draft = read({name: (value,) for name, value in values.items()}, zone=ask.app.conf.timezone, now=ask.now)
    draft.wrong.clear()  # nobody has written anything yet
    return _form(ask, draft, None)


@room.act("/schedules/new", role=Role.EDITOR)
def create(ask: Ask) -> Done | Shown:
    draft = read(ask.form, zone=ask.app.conf.timezone, now=ask.now)
    name = draft.values["name"].strip()
    if not name:
        draft.wrong["name"] = "expected a name, got nothing"
    made = _judged(ask, draft, None)
    if draft.wrong or made is None:
        return _form(ask, draft, None, status=422)
    keys = dict(draft.keys)
    spec, task = keys.pop("schedule"), keys.pop("task")
    args, kwargs = keys.pop("args") or (), keys.pop("kwargs")
    paused = ask.given("save") == "paused"
    try:
        stored = ask.app.schedules.create(
            name, task, spec, args, kwargs, by=ask.person.name, note=reason(ask), paused=paused, **keys
        )
    except ScheduleConflict as error:
        draft.wrong["name"] = str(error)
        return _form(ask, draft, None, status=409)
    text = f"{name} is made{', and paused' if paused else ''}; schedulers know it within a second"
    return Done(text=text, to=address(name), about=name, after=plain(ask, stored))


@room.page("/schedules/{name}/edit", role=Role.EDITOR, live=False)
def edit(ask: Ask) -> Shown:
    stored = found(ask)
    require_editable(stored)
    values = _values(ask, stored)
    draft = read({name: (value,) for name, value in values.items()}, zone=ask.app.conf.timezone, now=ask.now)
    return _form(ask, draft, stored)


@room.act("/schedules/{name}/edit", role=Role.EDITOR)
def change(ask: Ask) -> Done | Shown:
    stored = found(ask)
    require_editable(stored)
    draft = read(ask.form, zone=ask.app.conf.timezone, now=ask.now, stored=stored)
    takes_over = ask.given("take_over") == "yes"
    if stored.owner != "person" and not takes_over:
        draft.wrong["take_over"] = f"expected you to take it over: it is defined by {stored.definer}; tick it, or leave"
    _judged(ask, draft, stored)
    if draft.wrong:
        return _form(ask, draft, stored, status=422)
    version = ask.given("version")
    if not version.isdecimal() or int(version) != stored.version:
        return _conflict(ask, draft, stored)
    paused = ask.given("save") == "paused"
    try:
        after = ask.app.schedules.update(
            stored.name,
            stored.version,
            by=ask.person.name,
            note=reason(ask),
            take_over=takes_over,
            paused=paused,
            **changed_keys(draft, _values(ask, stored)),
        )
    except ScheduleConflict:  # within the last milliseconds
        return _conflict(ask, draft, found(ask))
    text = f"{stored.name} is as it was" if after == stored else f"{stored.name} is changed; it holds within a second"
    return Done(
        text=text, to=address(stored.name), about=stored.name, before=plain(ask, stored), after=plain(ask, after)
    )


@room.act("/schedules/preview", role=Role.EDITOR, trial=True)
def preview(ask: Ask) -> Shown:
    """Show what the form would do as it stands. Changes nothing."""
    stored = _stored(ask)
    draft = read(ask.form, zone=ask.app.conf.timezone, now=ask.now, stored=stored)
    made = _judged(ask, draft, stored)
    context = {"forecast": _forecast(ask, draft, made, stored), "wrong": draft.wrong}
    return Shown(template="schedules/preview.html", title="Preview", context=context)


def _stored(ask: Ask) -> Schedule | None:
    """Return the schedule that the form of a preview is of: without a version it is a new one."""
    if not ask.given("version"):
        return None
    try:
        return ask.app.schedules.get(ask.given("of"))
    except (ScheduleNotFound, InvalidSchedule):
        return None


def _judged(ask: Ask, draft: Draft, stored: Schedule | None) -> Schedule | None:
    """Return what a draft would be stored as; what is wrong with it as a whole is told with the likely field."""
    made = _timed(ask, draft, stored)
    if "task" not in draft.wrong and made is not None:
        try:
            ask.app.producer.checked(made.task, made.options)
        except HorariumError as error:
            draft.wrong.setdefault("options", bare(error))
        try:
            Rows(ask.app).require_sendable(made, now=ask.now)
        except NotRegistered as error:
            draft.wrong["task"] = str(error)
        except InvalidArguments as error:
            if "options" not in draft.wrong:
                draft.wrong.setdefault("args", str(error))
        except CodecError as error:
            draft.wrong.setdefault("kwargs" if "kwargs" in str(error) else "args", str(error))
    return made


def _timed(ask: Ask, draft: Draft, stored: Schedule | None) -> Schedule | None:
    """Return what a draft would be stored as, made by the code that stores it; None when that cannot be told."""
    rows = Rows(ask.app)
    keys = draft.keys if stored is None else changed_keys(draft, _values(ask, stored))
    kind = draft.values["kind"]
    if "timezone" in draft.wrong or (stored is None and "schedule" not in keys) or kind in draft.wrong:
        return None
    try:
        if stored is None:
            entry = {**keys, "task": keys.get("task") or "task"}
            return rows.fresh(draft.values["name"].strip() or "new", entry, now=ask.now)
        wanted = rows.amended(stored, keys, now=ask.now)
        return editing.redefine(stored, wanted, take_over=True, by="", now=ask.now) or stored
    except (InvalidSchedule, CodecError) as error:
        text = bare(error)
        draft.wrong.setdefault("name" if "its name" in text else kind if kind in KINDS else "kind", text)
        return None


def _values(ask: Ask, stored: Schedule) -> dict[str, str]:
    """Return what the form shows of a stored schedule: without secrets, which stay as long as nobody touches them."""
    return values_of(shown_schedule(stored, ask.app))


def changed_keys(draft: Draft, before: dict[str, str]) -> dict[str, Any]:  # Any: values of an entry
    """Return the keys that the form has made different from what it showed: what nobody touched stays exactly as it is
    stored. What was touched and is masked in part is told with its field: the mask must not take the secret's place."""
    touched = {name for name, _, _ in differences(draft.values, before)}
    spec_fields = {"kind", *KINDS, "solar_event", "solar_lat", "solar_lon", "except_dates", "except_holidays"}
    groups = {"schedule": spec_fields, "options": {"queue", "priority", "expires", "time_limit", "soft_time_limit"}}
    changed = {key: value for key, value in draft.keys.items() if touched & (groups.get(key, set()) | {key})}
    for field in ("args", "kwargs", "options"):
        if field in changed and MASK in draft.values[field]:
            draft.wrong.setdefault(
                field, "expected all of it, got what is masked in part; write the masked values anew"
            )
    return changed


def _conflict(ask: Ask, draft: Draft, current: Schedule) -> Shown:
    """Show both: what is stored by now, and what was to be saved. Saving again is meant to be upon what is shown."""
    last = current.edits[-1] if current.edits else None
    both = list(differences(draft.values, _values(ask, current)))
    return _form(ask, draft, current, status=409, conflict=(last, both))


def _form(
    ask: Ask,
    draft: Draft,
    stored: Schedule | None,
    *,
    status: int = 200,
    conflict: tuple[Edit | None, list[tuple[str, str, str]]] | None = None,
) -> Shown:
    made = _timed(ask, draft, stored)
    edit = conflict[0] if conflict is not None else None
    return Shown(
        template="schedules/edit.html",
        title="New schedule" if stored is None else f"Edit {stored.name}",
        status=status,
        context={
            "stored": stored,
            "path": "/schedules/new" if stored is None else address(stored.name, "edit"),
            "back": "/schedules" if stored is None else address(stored.name),
            "values": draft.values,
            "wrong": draft.wrong,
            "kinds": KINDS,
            "kept": KEPT,
            "spec": spec_text(stored) if stored is not None else "",
            "choices": CHOICES,
            "events": EVENTS,
            "zones": _zones(),
            "tasks": sorted(known_tasks(ask))[:TASKS],
            "takes_over": ask.given("take_over") == "yes",
            "reason": reason(ask),
            "forecast": _forecast(ask, draft, made, stored),
            "conflict": conflict,
            "conflict_at": shown(stored, edit.at) if stored is not None and edit is not None else "",
        },
    )


def _forecast(ask: Ask, draft: Draft, made: Schedule | None, stored: Schedule | None) -> Forecast:
    if made is None:
        return Forecast(trouble="Nobody can tell yet: complete what is marked.")
    zone = zone_or_utc(made.timezone)
    told = foretold(made, now=ask.now, firings=NEXT)
    if told.error:
        return Forecast(trouble=told.error)
    firings = tuple(coming(each, zone) for each in told.firings)
    warnings = []
    if not firings:
        warnings.append("It has no firings to come.")
    if made.spread and stored is None:
        warnings.append("With 'all later by up to' the offset is chosen when it is saved; these may differ from it.")
    base = Forecast(
        text=told.text,
        spec=spec_text(made),
        there=zone,
        firings=firings,
        changes=tuple(coming(each, zone) for each in told.changes),
        warnings=tuple(warnings),
        lately=lately_of(ask, stored.name) if stored is not None and stored.version else "",
    )
    return _with_clash(ask, base, made, draft.values, firings[0].at) if firings else base


def _with_clash(ask: Ask, base: Forecast, made: Schedule, values: Mapping[str, str], at: Instant) -> Forecast:
    """Look who else fires in the minute of the next firing, and where it is quieter near it, from now on."""
    minute = at - at % MINUTE
    read_in = list(islice(some(ask, OTHERS + 1), OTHERS + 1))
    others = (each for each in read_in[:OTHERS] if each.name != made.name)
    heat = heat_of(others, minute - HOUR // 2, 1)
    clash = heat.minutes[minute]
    quiet = quiet_minutes(heat, minute, since=ask.now) if clash else []
    return replace(
        base,
        clash=clash,
        clash_names=heat.names_at(minute),
        clash_at=shown(made, minute),
        quiet=tuple(slot_at(made, values, each, minute) for each in quiet),
        jitter=JITTER if clash and not made.jitter else "",
        is_sample=len(read_in) > OTHERS,
    )


@lru_cache(maxsize=1)
def _zones() -> tuple[str, ...]:
    return tuple(sorted(name for name in available_timezones() if "/" in name or name == "UTC"))
