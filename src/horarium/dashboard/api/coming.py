"""What schedules will do: the firings of one or of all, how many there are by time, and what is wrong with one that
nobody has stored yet. Nothing here changes anything."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import tzinfo
from itertools import islice
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, Field

from horarium.app.rows import Rows
from horarium.clock import Instant, to_datetime
from horarium.dashboard.api.door import Call, Caller, GuardedRoute, Problem, problem_of, reads
from horarium.dashboard.api.runs import instant
from horarium.dashboard.api.schedules import MOST_EXPECTED, NewSchedule, Timing, spec_of
from horarium.dashboard.api.shapes import Given, Name, Paged
from horarium.errors import CodecError, EngineUnavailable, HorariumError, InvalidSchedule, ScheduleConflict
from horarium.observe.foretold import foretold
from horarium.observe.moments import iso
from horarium.schedules.heat import HOUR, Heat, heat_of
from horarium.schedules.preview import Expected, ahead, expected_of_all
from horarium.schedules.record import DstFold, DstGap, Schedule
from horarium.schedules.zones import zone_of

router = APIRouter(tags=["schedules"], route_class=GuardedRoute)

MOST_NEXT = 100
MOST_DAYS = 62
MOST_ADDED_UP = 10_000  # schedules whose firings are counted: about a second
HOURS = {"1h": 1, "1d": 24}  # of a bucket

Zone = Annotated[
    str | None, Query(max_length=100, description="IANA name: in which ``local`` is told; else each schedule's own.")
]
Number = Annotated[int, Field(ge=1, le=MOST_NEXT)]


class PreviewAsked(Given):
    schedule: Timing
    timezone: Name = "UTC"
    since: AwareDatetime | None = None
    n: Number = 10
    dst_gap: DstGap = "shift"
    dst_fold: DstFold = "first"


class LintAsked(NewSchedule):
    """A schedule as it would be stored."""

    n: Number = 10


class FiringShape(BaseModel):
    schedule: str
    at: str
    local: str
    remark: str = Field("", description="What a clock change does to it.")


class BucketShape(BaseModel):
    at: str
    count: int
    peak: int = Field(description="Firings of its busiest minute; without what fires more often than each minute.")


class CalendarShape(Paged[FiringShape]):
    buckets: list[BucketShape] | None = Field(None, description="With ``bucket``, in place of items.")


class WrongShape(BaseModel):
    """``code`` is that of the refusal, if it were stored so."""

    code: str
    text: str


class LintShape(BaseModel):
    ok: bool = Field(description="It could be stored as it is.")
    problems: list[WrongShape]
    words: str = Field("", description="Its timing, read out.")
    firings: list[FiringShape] = []
    changes: list[FiringShape] = Field([], description="Beyond these, the next ones that a clock change touches.")


@reads(router, "/schedules/preview", methods=["POST"], response_model=Paged[FiringShape])
def preview(call: Call, body: PreviewAsked) -> Any:
    """Say when a schedule would fire from a moment on, and what clock changes do to it; nothing is stored."""
    entry = {"task": "preview", "schedule": spec_of(body.schedule)}
    chosen = body.model_dump(include={"timezone", "dst_gap", "dst_fold"})
    since = call.now if body.since is None else instant(body.since) or 0
    wanted = call.app.schedules.draft("preview", {**entry, **chosen}, now=since)
    firings = list(islice(ahead(wanted, now=since), body.n))
    return {"items": [firing_fields(each) for each in firings]}


@reads(router, "/schedules/lint", methods=["POST"], is_long=True, response_model=LintShape)
def lint(call: Call, body: LintAsked) -> Any:
    """Say what is wrong with a new schedule, and when it would fire; nothing is stored.

    All that would keep it from being stored is told at once, by the code that stores: its timing, its zone, its task,
    its arguments, its name. ``changes`` are the next firings that a clock change touches.
    """
    made, wrong = _judged(call, body)
    told = {
        "ok": not wrong,
        "problems": [{"code": problem_of(error).code, "text": str(error)[:1000]} for error in wrong],
    }
    if made is None:
        return told
    what = foretold(made, now=call.now, firings=body.n)
    return told | {
        "words": what.text,
        "firings": [firing_fields(each) for each in what.firings],
        "changes": [firing_fields(each) for each in what.changes],
    }


@reads(router, "/schedules/calendar", is_long=True, response_model=CalendarShape)
def calendar(
    call: Call,
    since: AwareDatetime,
    until: AwareDatetime,
    bucket: Annotated[
        Literal["1h", "1d"] | None, Query(description="Count by hours or days (UTC); the first and the last are whole.")
    ] = None,
    tz: Zone = None,
) -> Any:
    """Say what all schedules fire in a range of at most 62 days: the first 1,000 firings, in order of time; or how many
    there are, by buckets of time."""
    begin, end = instant(since) or 0, instant(until) or 0
    if not 0 <= end - begin <= MOST_DAYS * 86_400_000:
        raise Problem(422, "invalid_range", f"expected until to be after since, by {MOST_DAYS} days at the most")
    zone = _zone(tz)
    if bucket is not None:
        return _counted(call, begin, end, HOURS[bucket])
    found = list(islice(expected_of_all(call.app.schedules.find(), begin, end), MOST_EXPECTED + 1))
    return {
        "items": [firing_fields(each, zone) for each in found[:MOST_EXPECTED]],
        "approx_total": len(found[:MOST_EXPECTED]),
        "total_is_capped": len(found) > MOST_EXPECTED,
    }


@reads(router, "/schedules/{name}/next", response_model=Paged[FiringShape])
def show_next(call: Call, name: str, n: Annotated[int, Query(ge=1, le=MOST_NEXT)] = 10, tz: Zone = None) -> Any:
    """List the firings to come, with what clock changes do to them; of one that is paused those that it would have."""
    zone = _zone(tz)
    firings = islice(ahead(call.app.schedules.get(name), now=call.now), n)
    return {"items": [firing_fields(each, zone) for each in firings]}


def firing_fields(firing: Expected, zone: tzinfo | None = None) -> dict[str, str]:
    local = firing.local if zone is None else to_datetime(firing.at).astimezone(zone)
    return {"schedule": firing.schedule, "at": iso(firing.at), "local": local.isoformat(), "remark": firing.remark}


def _judged(call: Caller, body: LintAsked) -> tuple[Schedule | None, list[HorariumError]]:
    """Return what would be stored, as far as it can be made, and all that would keep it from being stored."""
    wrong: list[HorariumError] = []
    if body.name in call.app.raw_entries() or call.engine.schedules.get([body.name]) != [None]:
        wrong.append(ScheduleConflict(body.name, 0, 0))
    rows = Rows(call.app)
    keys = body.model_dump(exclude={"name", "schedule", "note", "n"}, exclude_none=True)
    made = None
    try:
        made = rows.fresh(body.name, {**keys, "schedule": spec_of(body.schedule)}, now=call.now)
    except (InvalidSchedule, CodecError) as error:
        wrong.append(error)
    wanted = made or _timed_anyhow(rows, body.name, keys, now=call.now)
    try:
        if wanted is not None:
            rows.require_sendable(wanted, now=call.now)
    except EngineUnavailable:
        raise
    except HorariumError as error:
        wrong.append(error)
    return made, wrong


def _timed_anyhow(rows: Rows, name: str, keys: dict[str, Any], *, now: Instant) -> Schedule | None:
    """Return a schedule whose timing is wrong with another one, so that the rest of it is judged all the same."""
    try:
        return rows.read(name, {**keys, "schedule": 60.0}, now=now)
    except (InvalidSchedule, CodecError):
        return None  # it is not the timing that is wrong, and has been told


def _counted(call: Caller, begin: Instant, end: Instant, hours: int) -> dict[str, Any]:  # Any: of CalendarShape
    """Count the firings of whole buckets, the first of which holds ``begin``."""
    width = hours * HOUR
    start = begin - begin % width
    many = -(-max(end - start, 1) // width)
    schedules = list(islice(call.app.schedules.find(), MOST_ADDED_UP + 1))
    heat = heat_of(schedules[:MOST_ADDED_UP], start, many * hours)
    return {
        "items": [],
        "buckets": list(_buckets(heat, hours)),
        "approx_total": heat.total,
        "total_is_capped": len(schedules) > MOST_ADDED_UP,
    }


def _buckets(heat: Heat, hours: int) -> Iterator[dict[str, Any]]:  # Any: the fields of BucketShape
    counts = [walked + steady for walked, steady in zip(heat.hours, heat.steady, strict=True)]
    peaks = heat.peaks()
    for place in range(0, len(counts), hours):
        part = slice(place, place + hours)
        yield {"at": iso(heat.start + place * HOUR), "count": sum(counts[part]), "peak": max(peaks[part])}


def _zone(name: str | None) -> tzinfo | None:
    """Raises: Problem for a zone that there is not."""
    if name is None:
        return None
    try:
        return zone_of(name)
    except InvalidSchedule as error:
        raise Problem(422, "unknown_zone", f"expected the IANA name of a time zone, got {name[:60]!r}") from error
