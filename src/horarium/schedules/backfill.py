"""Backfills: schedules that fire past instants of another one, in a given order, so many at a time.

Where one stands is its ``total_runs``: so many of its instants are enqueued. ``next_fire`` only says that it is due.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, get_args

from msgspec import Struct
from msgspec.structs import replace

from horarium.clock import Instant
from horarium.errors import ScheduleRefused
from horarium.schedules import policy
from horarium.schedules.editing import noted
from horarium.schedules.line import Line
from horarium.schedules.record import MOST, Backfill, Schedule

Which = Literal["missing", "failed", "all"]
Order = Literal["oldest", "newest"]

MOST_INSTANTS = 10_000  # of one backfill: its record is read at each of its firings
_MARK = "/backfill-"


class Progress(Struct, frozen=True, kw_only=True):
    """How far a backfill has come: so many of its instants were enqueued."""

    done: int
    total: int


def backfill_name(of: str, number: int) -> str:
    """Return the name of a schedule's backfill; the first one has number 1."""
    return f"{of}{_MARK}{number}"


def backfill_number(name: str, of: str) -> int | None:
    """Return the number in a name that ``backfill_name`` made for this schedule, None for another name."""
    digits = name.removeprefix(of + _MARK)
    return int(digits) if name.startswith(of + _MARK) and digits.isdecimal() else None


def instants_between(schedule: Schedule, start: Instant, end: Instant) -> Iterator[Instant]:
    """Return what the schedule, as it is now, fires at or after ``start`` and before ``end``, without its single
    instants. Raises: InvalidSchedule."""
    ending = end - 1 if schedule.end is None else min(end - 1, schedule.end)
    return Line.of(replace(schedule, passed_over=(), added=())).between(start - 1, ending)


def backfill_of(
    schedule: Schedule,
    instants: tuple[Instant, ...],
    *,
    id: str,
    number: int,
    order: Order,
    max_active: int,
    by: str,
    note: str = "",
    now: Instant,
) -> Schedule:
    """Return the schedule, to be stored, that fires these instants (oldest first as given) of another one.

    It calls what the other one calls now; later edits of that do not change it. Raises: ScheduleRefused.
    """
    if not instants:
        raise ScheduleRefused(schedule.name, "expected instants to fire again, got none; look with dry_run=True")
    if not 1 <= max_active <= MOST:
        raise ScheduleRefused(schedule.name, f"expected max_active to be from 1 to {MOST}, got {max_active}")
    if order not in get_args(Order):
        raise ScheduleRefused(schedule.name, f"expected order to be {' or '.join(get_args(Order))}, got {order!r}")
    ordered = instants if order == "oldest" else instants[::-1]
    wanted = Schedule(
        id=id,
        name=backfill_name(schedule.name, number),
        task=schedule.task,
        spec=schedule.spec,
        timezone=schedule.timezone,
        start=schedule.start,
        dst_gap=schedule.dst_gap,
        dst_fold=schedule.dst_fold,
        args=schedule.args,
        kwargs=schedule.kwargs,
        options=schedule.options,
        spread=schedule.spread,
        overlap="queue_one",
        max_active=max_active,
        backfill=Backfill(of=schedule.name, id=schedule.id, instants=ordered),
        description=note,
        anchor=schedule.anchor,
        created=now,
        changed=now,
    )
    return noted(None, policy.create(wanted, now=now), what="created", by=by, note=note, now=now)


def progress(schedule: Schedule) -> Progress | None:
    """Return how far a backfill is; None for a schedule that is none."""
    if schedule.backfill is None:
        return None
    total = len(schedule.backfill.instants)
    return Progress(done=min(schedule.total_runs, total), total=total)


def rest(schedule: Schedule) -> tuple[Instant, ...]:
    """Return the instants that a backfill has not enqueued yet, in its order."""
    made = progress(schedule)
    return () if made is None or schedule.backfill is None else schedule.backfill.instants[made.done :]


def done_instants(schedule: Schedule) -> tuple[Instant, ...]:
    """Return the instants that a backfill has enqueued already."""
    made = progress(schedule)
    return () if made is None or schedule.backfill is None else schedule.backfill.instants[: made.done]
