"""What has happened, by time and by task: from counted buckets, never from runs. And who has changed what."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, Field

from horarium.clock import Instant, to_instant
from horarium.dashboard import audit
from horarium.dashboard.api.cursors import Seal
from horarium.dashboard.api.door import Call, Caller, GuardedRoute, Problem, reads
from horarium.dashboard.api.runs import Cursor, instant
from horarium.dashboard.api.shapes import Json, Paged, moment
from horarium.dashboard.person import Role
from horarium.observe.moments import iso
from horarium.tally import WIDTH_MS, Tally, Width, bucket_of, quantile, summed

router = APIRouter(route_class=GuardedRoute)

MOST_BUCKETS = 1500
MOST_ENTRIES = 1000  # of one page of the audit
DEFAULT_RANGE = 3_600_000  # ms
QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}

WidthAsked = Annotated[Literal["10s", "1m", "1h"] | None, Query(description="Of a bucket; None: as fits the range.")]


class SpreadShape(BaseModel):
    """A distribution, read from a histogram: each number is right to about a factor of two."""

    count: int
    mean: float | None = None
    p50: float | None = None
    p95: float | None = None
    p99: float | None = None


class PointShape(BaseModel):
    at: str
    counts: dict[str, int] = Field(description="By outcome: succeeded failed retried revoked ...")
    ran: SpreadShape
    waited: SpreadShape


class ReadingShape(BaseModel):
    at: str
    queue: str
    ready: int
    in_hand: int
    oldest_seconds: float


class SeriesShape(BaseModel):
    width: str
    since: str
    until: str
    points: list[PointShape]
    queues: list[ReadingShape] = Field(description="How queues stood, the most of each bucket; not with ``task``.")


class TaskStatsShape(PointShape):
    task: str
    until: str


class EntryShape(BaseModel):
    at: str
    who: str
    via: str
    address: str
    request: str
    action: str
    about: str
    text: str
    was_done: bool
    reason: str
    before: Json = None
    after: Json = None


@reads(router, "/stats/timeseries", is_long=True, response_model=SeriesShape, tags=["stats"])
def timeseries(
    call: Call,
    since: AwareDatetime | None = None,
    until: AwareDatetime | None = None,
    width: WidthAsked = None,
    task: Annotated[list[str], Query(max_length=50)] = [],  # noqa: B006  # FastAPI's way; never changed
    queue: Annotated[list[str], Query(max_length=50)] = [],  # noqa: B006
) -> Any:
    """Count what has ended, by bucket of time, and how queues stood; the last hour unless a range is given."""
    begin, end, chosen = _range(call, since, until, width)
    tallies = call.engine.series.tallies(chosen, since=begin, until=end, tasks=task or None, queues=queue or None)
    by_time: dict[Instant, list[Tally]] = {}
    for tally in tallies:
        by_time.setdefault(tally.at, []).append(tally)
    readings = [] if task else call.engine.series.readings(chosen, since=begin, until=end, queues=queue or None)
    return {
        "width": chosen,
        "since": iso(begin),
        "until": iso(end),
        "points": [_point(at, summed(some)) for at, some in sorted(by_time.items())],
        "queues": [
            {
                "at": iso(each.at),
                "queue": each.queue,
                "ready": each.ready,
                "in_hand": each.claimed,
                "oldest_seconds": each.oldest,
            }
            for each in readings
        ],
    }


@reads(router, "/tasks/{name}/stats", is_long=True, response_model=TaskStatsShape, tags=["tasks"])
def task_stats(
    call: Call,
    name: str,
    since: AwareDatetime | None = None,
    until: AwareDatetime | None = None,
    width: WidthAsked = None,
) -> Any:
    """Sum up what became of a task in a range; the last hour unless one is given."""
    begin, end, chosen = _range(call, since, until, width)
    total = summed(call.engine.series.tallies(chosen, since=begin, until=end, tasks=[name]))
    return {"task": name, "until": iso(end), **_point(begin, total)}


@reads(router, "/audit", is_long=True, role=Role.ADMIN, response_model=Paged[EntryShape], tags=["audit"])
def list_audit(
    call: Call,
    day: date | None = None,
    limit: Annotated[int, Query(ge=1, le=MOST_ENTRIES)] = 100,
    cursor: Cursor = None,
) -> Any:
    """List who changed what on a day (UTC; today unless one is given), the newest first."""
    at = call.now if day is None else max(_beginning_of(day), 0)
    seal = Seal(call.engine, now=call.now)
    place = seal.place(cursor, "audit", day, limit)
    after = None if place.after is None else msgspec.json.decode(place.after, type=audit.Place)
    entries, further = audit.read_page(call.engine, at, now=call.now, limit=limit, after=after)
    is_all = after is None and further is None
    items = [
        {
            "at": moment(entry.at),
            "who": entry.who,
            "via": entry.via,
            "address": entry.address,
            "request": entry.request,
            "action": entry.action,
            "about": entry.about,
            "text": entry.text,
            "was_done": entry.was_done,
            "reason": entry.reason,
            "before": entry.before,
            "after": entry.after,
        }
        for entry in entries
    ]
    return {
        "items": items,
        "next": seal.cursor(place.following(None if further is None else msgspec.json.encode(further).decode())),
        "prev": seal.cursor(place.preceding()),
        "approx_total": len(items) if is_all else None,
    }


def _beginning_of(day: date) -> Instant:
    """Return the beginning of a day in UTC."""
    return to_instant(datetime(day.year, day.month, day.day, tzinfo=UTC))


def _range(
    call: Caller, since: AwareDatetime | None, until: AwareDatetime | None, width: Width | None
) -> tuple[Instant, Instant, Width]:
    """Return the range and the width of its buckets. Raises: Problem when it has too many of them."""
    end = instant(until) if until is not None else call.now
    begin = instant(since) if since is not None else (end or 0) - DEFAULT_RANGE
    begin, end = begin or 0, end or 0
    if begin > end:
        raise Problem(422, "invalid_range", "expected since to be before until")
    fitting: list[Width] = [each for each, span in WIDTH_MS.items() if (end - begin) / span <= MOST_BUCKETS]
    chosen = width or (fitting[0] if fitting else None)
    if chosen is None or chosen not in fitting:
        raise Problem(422, "invalid_range", f"expected a range of at most {MOST_BUCKETS} buckets of this width")
    return bucket_of(begin, chosen), end, chosen


def _point(at: Instant, total: Tally | None) -> dict[str, Any]:  # Any: the fields of PointShape
    empty = Tally(at=at, task="", queue="")
    found = total or empty
    return {
        "at": iso(at),
        "counts": found.counts,
        "ran": _spread(found.ran, found.ran_sum),
        "waited": _spread(found.waited, found.waited_sum),
    }


def _spread(histogram: tuple[int, ...], total: float) -> dict[str, Any]:  # Any: the fields of SpreadShape
    count = sum(histogram)
    quantiles = {name: quantile(histogram, share, total) for name, share in QUANTILES.items()}
    return {"count": count, "mean": total / count if count else None, **quantiles}
