"""What a schedule has done: its runs, those of its backfills and those asked for by hand; and what of a past range is
still to be done."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from heapq import merge
from itertools import islice
from typing import TYPE_CHECKING, get_args

from msgspec import Struct

from horarium.clock import Instant, Seconds, milliseconds, to_datetime
from horarium.engines.records import Page, RunFilter
from horarium.errors import ScheduleRefused
from horarium.message import FiringKind, derived_id
from horarium.outcome import Run, RunBrief, State
from horarium.schedules.backfill import (
    MOST_INSTANTS,
    Which,
    backfill_name,
    backfill_number,
    done_instants,
    instants_between,
)
from horarium.schedules.record import FAILED, SUCCEEDED, Schedule

if TYPE_CHECKING:
    from horarium.app.app import Horarium
    from horarium.engines.protocol import Engine

BATCH = 500  # runs or schedules asked for in one round trip
NUMBERS = 50  # backfills asked for at a time; after so many numbers in a row without one there are no more
MOST_LOOKED_AT = 100_000  # instants of a range, each with its run: some seconds
REDONE = FAILED | {State.EXPIRED}  # what ``which="failed"`` fires again: the work was not done


class PastRun(Struct, frozen=True, kw_only=True):
    """One run of a schedule. ``lateness`` is how long after its nominal instant it started; None if it has not, and for
    a backfill's, which is meant to be late."""

    run: Run
    kind: FiringKind
    nominal: Instant | None
    lateness: Seconds | None

    @property
    def state(self) -> str:
        return self.run.state


class History(Struct, frozen=True, kw_only=True):
    """The newest runs of a schedule, the latest sent first."""

    runs: tuple[PastRun, ...]
    succeeded: int  # of these runs
    failed: int

    @property
    def success_rate(self) -> float | None:
        """The part of those that succeeded or failed that succeeded, 0 to 1; None if there is none yet."""
        ended = self.succeeded + self.failed
        return self.succeeded / ended if ended else None


class BackfillPlan(Struct, frozen=True, kw_only=True):
    """What a backfill fires. ``schedule`` is the backfill as stored; None after a dry run, or if there was nothing."""

    of: str
    instants: tuple[Instant, ...]  # the oldest first, in whatever order they are fired
    schedule: Schedule | None = None

    @property
    def count(self) -> int:
        return len(self.instants)


def history(engine: Engine, schedule: Schedule, *, limit: int) -> History:
    """Return the newest runs of a schedule and of its latest backfills."""
    until = next_number(engine, schedule)
    numbers = range(max(1, until - NUMBERS), until)
    names = [schedule.name, *(backfill_name(schedule.name, number) for number in numbers)]
    found = merge(*(_runs_of(engine, name, limit) for name in names), key=_age, reverse=True)
    runs = tuple(_past_run(run) for run in islice(found, limit))
    return History(
        runs=runs,
        succeeded=sum(each.state in SUCCEEDED for each in runs),
        failed=sum(each.state in FAILED for each in runs),
    )


def rate_of(runs: Sequence[Run | RunBrief]) -> float | None:
    """Return the part of runs that succeeded, 0 to 1, of those that succeeded or failed; None if there is none yet."""
    succeeded = sum(run.state in SUCCEEDED for run in runs)
    ended = succeeded + sum(run.state in FAILED for run in runs)
    return succeeded / ended if ended else None


def backfills(engine: Engine, name: str) -> Sequence[Schedule]:
    """Return the stored backfills of a schedule, by number."""
    found: list[Schedule] = []
    start = 1
    while True:
        names = [backfill_name(name, number) for number in range(start, start + NUMBERS)]
        some = [each for each in engine.schedules.get(names) if each is not None and each.backfill is not None]
        found += some
        if not some:
            return found
        start += NUMBERS


def next_number(engine: Engine, schedule: Schedule) -> int:
    """Return the number of a schedule's next backfill: none that is stored or that its edits tell of, and one whose
    name is free."""
    told = [backfill_number(edit.note, schedule.name) or 0 for edit in schedule.edits if edit.what == "backfilled"]
    stored = [backfill_number(each.name, schedule.name) or 0 for each in backfills(engine, schedule.name)]
    number = max([*told, *stored], default=0) + 1
    while engine.schedules.get([backfill_name(schedule.name, number)]) != [None]:  # a person's, that is called so
        number += 1
    return number


def choose(
    app: Horarium, schedule: Schedule, start: Instant, end: Instant, *, which: Which, now: Instant
) -> tuple[Instant, ...]:
    """Return the instants of a past range that are to be fired again, the oldest first. Raises: ScheduleRefused."""
    _check_range(schedule, start, end, which=which, now=now)
    instants = instants_between(schedule, start, end)
    chosen: list[Instant] = []
    for each in instants if which == "all" else _Past(app, schedule, now).chosen(instants, which):
        chosen.append(each)
        if len(chosen) > MOST_INSTANTS:
            raise ScheduleRefused(
                schedule.name,
                f"expected at most {MOST_INSTANTS} instants in one backfill, got more; split the range, the first one "
                f"to end at {_shown(each)}",
            )
    return tuple(chosen)


class _Past:
    """What the store knows of past instants: their runs, as long as those are kept."""

    def __init__(self, app: Horarium, schedule: Schedule, now: Instant) -> None:
        if not app.connection.keeps_results:
            raise ScheduleRefused(
                schedule.name, "nobody knows what ran: the app keeps no results; backfill the range with which='all'"
            )
        self._engine = app.engine
        self._schedule = schedule
        keep = app.conf.result_expires
        self._known_from = 0 if keep is None else now - milliseconds(keep)
        others = backfills(self._engine, schedule.name)[-NUMBERS:]
        self._kinds = [(schedule.id, "auto"), *((each.id, "backfill") for each in others)]
        self._done = {instant for each in others for instant in done_instants(each)}

    def chosen(self, instants: Iterator[Instant], which: Which) -> Iterator[Instant]:
        looked_at = 0
        while batch := list(islice(instants, max(1, BATCH // len(self._kinds)))):
            looked_at += len(batch)
            if looked_at > MOST_LOOKED_AT:
                raise ScheduleRefused(
                    self._schedule.name,
                    f"expected a range of at most {MOST_LOOKED_AT} instants to look at, got more; split it, the first "
                    f"one to end at {_shown(batch[0])}",
                )
            ids = [derived_id(id, instant, kind) for instant in batch for id, kind in self._kinds]
            runs = iter(self._engine.results.read(ids))
            for instant in batch:
                states = {run.state for run in islice(runs, len(self._kinds)) if run is not None}
                if self._became(instant, states) == which:
                    yield instant

    def _became(self, instant: Instant, states: set[str]) -> str:
        """Return what became of an instant, whose runs, if any, are in these states."""
        if states:
            return "failed" if states <= REDONE else "ran"
        if instant in self._done:
            return "ran"
        if self._schedule.created <= instant < self._known_from:
            raise ScheduleRefused(
                self._schedule.name,
                f"nobody knows any more whether it ran at {_shown(instant)}: of runs before {_shown(self._known_from)} "
                "nothing is kept (result_expires); begin the range there, or backfill it with which='all'",
            )
        return "missing"


def _check_range(schedule: Schedule, start: Instant, end: Instant, *, which: str, now: Instant) -> None:
    if schedule.backfill is not None:
        raise ScheduleRefused(schedule.name, f"it is a backfill itself; backfill {schedule.backfill.of!r}")
    if which not in get_args(Which):
        raise ScheduleRefused(schedule.name, f"expected which to be {', '.join(get_args(Which))}, got {which!r}")
    if start >= end:
        raise ScheduleRefused(
            schedule.name, f"expected the range to begin before it ends, got {_shown(start)} to {_shown(end)}"
        )
    if end > now:
        raise ScheduleRefused(
            schedule.name, f"expected a range that is past, got an end at {_shown(end)}; now is {_shown(now)}"
        )


def _runs_of(engine: Engine, name: str, limit: int) -> Iterator[Run]:
    wanted = RunFilter(schedule=name)
    page = engine.results.search(wanted, Page(limit=min(limit, BATCH)))
    while True:
        yield from page.runs
        if page.next is None:
            return
        page = engine.results.search(wanted, Page(limit=min(limit, BATCH), after=page.next))


def _past_run(run: Run) -> PastRun:
    message = run.message
    kind: FiringKind = message.cause.kind if message.cause is not None else "auto"
    lateness = None
    if kind != "backfill" and run.started is not None and message.nominal is not None:
        lateness = (run.started - message.nominal) / 1000
    return PastRun(run=run, kind=kind, nominal=message.nominal, lateness=lateness)


def _age(run: Run) -> tuple[Instant, str]:
    return run.message.created, run.id


def _shown(instant: Instant) -> str:
    return to_datetime(instant).isoformat(sep=" ", timespec="seconds")
