"""Schedules: read, make, change, hold, run.

``ETag`` is the version that was read; with ``If-Match`` no edit of somebody else's is lost.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Header, Response
from msgspec import structs
from pydantic import AwareDatetime, BaseModel, Field

from horarium.dashboard.api.cursors import Seal
from horarium.dashboard.api.door import Call, Caller, Changed, GuardedRoute, Problem, changes, reads
from horarium.dashboard.api.runs import Cursor, Limit, instant
from horarium.dashboard.api.shapes import Given, Json, Made, Name, Paged, Reason, RunShape, Told, moment, run_fields
from horarium.dashboard.ask import part
from horarium.dashboard.person import Role
from horarium.errors import InvalidSchedule, ScheduleConflict
from horarium.observe.moments import iso
from horarium.observe.redacted import shown_schedule
from horarium.redaction import MASK
from horarium.schedules.cron import cron
from horarium.schedules.health import health
from horarium.schedules.interval import every
from horarium.schedules.record import Align, Catchup, DstFold, DstGap, Overlap, Schedule
from horarium.schedules.specs import Spec, from_record
from horarium.schedules.words import describe

router = APIRouter(tags=["schedules"], route_class=GuardedRoute)

IfMatch = Annotated[str | None, Header(max_length=100, description='The ETag that was read, such as "7".')]
Timing = Annotated[
    str | float | dict[str, Json],
    Field(description="A cron line; seconds; or a spec as GET gives it, such as {kind: every, milliseconds: 60000}."),
]
MOST_EXPECTED = 1000
Span = Annotated[float, Field(ge=0, le=3_155_760_000)]


class Choices(Given):
    """What may be chosen of any schedule; see the reference of schedules."""

    args: Annotated[list[Json], Field(max_length=1000)] | None = None
    kwargs: dict[str, Json] | None = None
    options: dict[str, Json] | None = None
    timezone: Name | None = None
    enabled: bool | None = None
    description: Annotated[str, Field(max_length=5000)] | None = None
    start: AwareDatetime | None = None
    end: AwareDatetime | None = None
    one_off: bool | None = None
    max_runs: Annotated[int, Field(ge=1, le=2**31 - 1)] | None = None
    dst_gap: DstGap | None = None
    dst_fold: DstFold | None = None
    catchup: Catchup | None = None
    catchup_window: Span | None = None
    catchup_limit: Annotated[int, Field(ge=1, le=1000)] | None = None
    catchup_spacing: Span | None = None
    overlap: Overlap | None = None
    max_active: Annotated[int, Field(ge=1, le=2**31 - 1)] | None = None
    jitter: Span | None = None
    spread: Span | None = None
    grace: Span | None = None
    pause_after: Annotated[int, Field(ge=1, le=2**31 - 1)] | None = None
    align: Align | None = None
    note: Reason = ""


class NewSchedule(Choices):
    name: Name
    task: Name
    schedule: Timing


class EditedSchedule(Choices):
    """What is to be changed; a key that is given as null goes back to its default."""

    task: Name | None = None
    schedule: Timing | None = None
    take_over: Annotated[bool, Field(description="Make the code's definition a person's.")] = False


class SchedulePausing(Given):
    note: Reason = ""
    until: AwareDatetime | None = None


class Noting(Given):
    note: Reason = ""


class BackfillAsked(Given):
    start: AwareDatetime
    end: AwareDatetime | None = None
    which: Literal["missing", "failed", "all"] = "missing"
    order: Literal["oldest", "newest"] = "oldest"
    max_active: Annotated[int, Field(ge=1, le=1000)] = 1
    dry_run: bool = False
    note: Reason = ""


class ScheduleShape(BaseModel):
    id: str
    name: str
    task: str
    schedule: Json
    words: str
    timezone: str
    owner: str
    enabled: bool
    paused_by: str | None = None
    paused_until: str | None = None
    pause_note: str = ""
    next_fire: str | None = None
    last_fire: str | None = None
    total_runs: int
    missed: int
    skipped: int
    failures: int
    condition: str
    health: str
    version: int
    changed: str


class WholeScheduleShape(ScheduleShape):
    args: Json = None
    kwargs: Json = None
    options: Json = None
    description: str = ""
    choices: dict[str, Json]
    edits: list[dict[str, Json]]
    error: str | None = None


class HistoryShape(Paged[RunShape]):
    succeeded: int
    failed: int


class BackfillShape(BaseModel):
    of: str
    count: int
    instants: list[str] = Field(description=f"The first {MOST_EXPECTED} of them.")
    name: str | None = Field(None, description="Of the schedule that fires them.")


@reads(router, "/schedules", response_model=Paged[ScheduleShape])
def list_schedules(
    call: Call, limit: Limit = 50, cursor: Cursor = None, owner: Literal["code", "person", "table"] | None = None
) -> Any:
    """List the stored schedules by name."""
    seal = Seal(call.engine, now=call.now)
    place = seal.place(cursor, "schedules", owner, limit)
    page = call.app.schedules.list(limit, place.after, owner=owner)
    total = call.engine.inspector.counts(most=0).schedules if owner is None else None
    return {
        "items": [schedule_fields(call, each) for each in page.schedules],
        "next": seal.cursor(place.following(page.next)),
        "prev": seal.cursor(place.preceding()),
        "approx_total": total,
    }


@changes(
    router, "POST", "/schedules", role=Role.EDITOR, action="schedules.create", shape=WholeScheduleShape, status_code=201
)
def create_schedule(call: Call, body: NewSchedule) -> Changed:
    """Store a new schedule, owned by a person."""
    keys = body.model_dump(exclude={"name", "task", "schedule", "note"}, exclude_none=True)
    made = call.app.schedules.create(
        body.name, body.task, spec_of(body.schedule), by=call.person.name, note=body.note, **keys
    )
    return _saved(call, made, f"created {made.name}", reason=body.note)


@changes(
    router,
    "POST",
    "/schedules/{name}/pause",
    role=Role.OPERATOR,
    action="schedules.pause",
    shape=WholeScheduleShape,
)
def pause(call: Call, name: str, body: SchedulePausing | None = None, if_match: IfMatch = None) -> Changed:
    """Stop a schedule from firing, until it is resumed or until a moment."""
    asked = body or SchedulePausing()
    _require_version(call, name, if_match)
    until = None if asked.until is None else instant(asked.until)
    paused = call.app.schedules.pause(name, note=asked.note, until=until, by=call.person.name)
    return _saved(call, paused, f"paused {name}", reason=asked.note)


@changes(
    router,
    "POST",
    "/schedules/{name}/resume",
    role=Role.OPERATOR,
    action="schedules.resume",
    shape=WholeScheduleShape,
)
def resume(call: Call, name: str, body: Noting | None = None, if_match: IfMatch = None) -> Changed:
    """Let a schedule fire again, from now on."""
    note = "" if body is None else body.note
    _require_version(call, name, if_match)
    resumed = call.app.schedules.resume(name, note=note, by=call.person.name)
    return _saved(call, resumed, f"resumed {name}", reason=note)


@changes(
    router,
    "POST",
    "/schedules/{name}/run",
    role=Role.OPERATOR,
    action="schedules.run",
    shape=Made,
    status_code=201,
)
def run_now(call: Call, name: str, body: Noting | None = None) -> Changed:
    """Fire a schedule once, at once, paused or not."""
    [result] = call.app.schedules.run_now(name, by=call.person.name)
    url = f"{call.base}/api/v1/runs/{part(result.id)}"
    made = Made(id=result.id, task=call.app.schedules.get(name).task, is_new=True, url=url)
    reason = "" if body is None else body.note
    return Changed(body=made, text=f"ran {name} by hand", about=name, reason=reason, headers={"Location": url})


@changes(
    router,
    "POST",
    "/schedules/{name}/backfill",
    role=Role.EDITOR,
    action="schedules.backfill",
    shape=BackfillShape,
)
def backfill(call: Call, name: str, body: BackfillAsked) -> Changed:
    """Fire past instants of a schedule again, as a schedule of its own; a dry run only says which."""
    plan = call.app.schedules.backfill(
        name,
        instant(body.start) or 0,
        instant(body.end),
        which=body.which,
        order=body.order,
        max_active=body.max_active,
        dry_run=body.dry_run,
        note=body.note,
        by=call.person.name,
    )
    shown = BackfillShape(
        of=name,
        count=plan.count,
        instants=[iso(each) for each in plan.instants[:MOST_EXPECTED]],
        name=None if plan.schedule is None else plan.schedule.name,
    )
    text = f"backfills {plan.count} firings of {name}"
    return Changed(body=shown, text=text, about=name, reason=body.note, is_trial=plan.schedule is None)


@reads(router, "/schedules/{name}/history", response_model=HistoryShape)
def show_history(call: Call, name: str, limit: Limit = 50) -> Any:
    """List the newest runs of a schedule, its backfills' and those asked for by hand too."""
    told = call.app.schedules.history(name, limit)
    return {
        "items": [run_fields(call.app, each.run, call.now) for each in told.runs],
        "succeeded": told.succeeded,
        "failed": told.failed,
    }


@reads(router, "/schedules/{name}", response_model=WholeScheduleShape)
def show_schedule(call: Call, name: str, response: Response) -> Any:
    """Return a schedule."""
    schedule = call.app.schedules.get(name)
    response.headers["ETag"] = _tag(schedule)
    return schedule_fields(call, schedule, is_whole=True)


@changes(router, "PATCH", "/schedules/{name}", role=Role.EDITOR, action="schedules.edit", shape=WholeScheduleShape)
def edit_schedule(call: Call, name: str, body: EditedSchedule, if_match: IfMatch = None) -> Changed:
    """Change what a schedule is: the keys that are given."""
    keys = body.model_dump(exclude={"note", "take_over"}, exclude_unset=True)
    if keys.get("schedule") is not None:
        keys["schedule"] = spec_of(keys["schedule"])
    before = call.app.schedules.get(name)
    _require_unmasked(before, keys)
    version = _require_version(call, name, if_match)
    try:
        edited = call.app.schedules.update(
            name, version, by=call.person.name, note=body.note, take_over=body.take_over, **keys
        )
    except ScheduleConflict as error:
        raise _moved_on(error) from error
    was = schedule_fields(call, before, is_whole=True)
    return _saved(call, edited, f"edited {name}", reason=body.note, before=_differing(was, keys))


@changes(router, "DELETE", "/schedules/{name}", role=Role.EDITOR, action="schedules.delete", shape=Told)
def delete_schedule(call: Call, name: str, if_match: IfMatch = None, take_over: bool = False) -> Changed:
    """Remove a schedule and its backfills; what they have sent stays."""
    before = call.app.schedules.get(name)
    _require_version(call, name, if_match)
    removed = call.app.schedules.delete(name, take_over=take_over)
    told = f"removed {name}"
    was = schedule_fields(call, before, is_whole=True)
    return Changed(body=Told(text=told, count=removed), text=told, about=name, before=was)


def spec_of(given: Any) -> Spec:  # Any: JSON
    """Return the spec that is meant. Raises: InvalidSchedule."""
    match given:
        case str():
            return cron(given)
        case int() | float() if not isinstance(given, bool):
            return every(given)
        case dict():
            return from_record(given)
    raise InvalidSchedule("expected a cron line, a number of seconds or a spec; write for instance '30 2 * * *'")


def schedule_fields(call: Caller, schedule: Schedule, *, is_whole: bool = False) -> dict[str, Any]:
    """Return a schedule as a listing shows it, or the whole. Any: the fields of the shapes."""
    judged = health(schedule, call.now)
    schedule = shown_schedule(schedule, call.app) if is_whole else schedule
    fields: dict[str, Any] = {
        "id": schedule.id,
        "name": schedule.name,
        "task": schedule.task,
        "schedule": schedule.spec,
        "words": _words(schedule),
        "timezone": schedule.timezone,
        "owner": schedule.owner,
        "enabled": schedule.enabled,
        "paused_by": schedule.paused_by,
        "paused_until": moment(schedule.paused_until),
        "pause_note": schedule.pause_note,
        "next_fire": moment(schedule.next_fire),
        "last_fire": moment(schedule.last_fire),
        "total_runs": schedule.total_runs,
        "missed": schedule.missed,
        "skipped": schedule.skipped,
        "failures": schedule.failures,
        "condition": judged.condition.value,
        "health": judged.text,
        "version": schedule.version,
        "changed": iso(schedule.changed),
    }
    if is_whole:
        plain = _plain(schedule)
        fields |= {name: plain[name] for name in ("args", "kwargs", "options", "description", "edits", "error")}
        fields["edits"] = [{**each, "at": iso(each["at"])} for each in fields["edits"]]
        chosen = {name: plain[name] for name in _CHOICES}
        fields["choices"] = chosen | {name: moment(getattr(schedule, name)) for name in ("start", "end")}
    return fields


def _plain(schedule: Schedule) -> dict[str, Any]:  # Any: JSON
    """Return every field of a schedule as JSON has it."""
    found: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(structs.asdict(schedule)))
    return found


def _words(schedule: Schedule) -> str:
    try:
        return describe(from_record(schedule.spec))
    except InvalidSchedule as error:
        return f"cannot be read: {error}"


def _tag(schedule: Schedule) -> str:
    return f'"{schedule.version}"'


def _require_version(call: Caller, name: str, if_match: str | None) -> int | None:
    """Return the version that is expected. Raises: Problem when it is not what is stored; ScheduleNotFound."""
    if if_match is None or if_match.strip() == "*":
        return None
    stored = call.app.schedules.get(name)
    if if_match.strip().removeprefix("W/") != _tag(stored):
        text = f"somebody has changed {name} since: it is at version {stored.version}"
        raise Problem(412, "version_moved_on", text, hint="read it again, and apply your change to that")
    return stored.version


def _require_unmasked(stored: Schedule, keys: dict[str, Any]) -> None:
    """Raises: Problem for what holds the mask that we have shown for a secret: it would be stored in its place."""
    for field in ("args", "kwargs", "options"):
        if MASK in repr(keys.get(field)) and MASK not in msgspec.json.encode(getattr(stored, field)).decode():
            text = f"expected {field} without {MASK}, which stands for what is not shown"
            raise Problem(422, "masked_value", text, hint="write the values anew, or leave the field out")


def _moved_on(error: ScheduleConflict) -> Problem:
    return Problem(412, "version_moved_on", str(error), hint="read it again, and apply your change to that")


def _saved(call: Caller, schedule: Schedule, text: str, *, reason: str, before: Any = None) -> Changed:
    fields = schedule_fields(call, schedule, is_whole=True)
    return Changed(
        body=fields,
        text=text,
        about=schedule.name,
        headers={"ETag": _tag(schedule)},
        reason=reason,
        before=before,
        after=_differing(fields, before) if before is not None else None,
    )


def _differing(fields: dict[str, Any], keys: Any) -> dict[str, Any]:
    """Return what these fields hold under the given keys."""
    known = {**fields["choices"], **fields}
    return {key: known[key] for key in keys if key in known}


_CHOICES = (
    "one_off max_runs dst_gap dst_fold catchup catchup_window catchup_limit catchup_spacing overlap max_active jitter "
    "spread grace pause_after align"
).split()
