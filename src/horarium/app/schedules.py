"""Schedules as callers manage them: ``app.schedules``.

The rules are in ``schedules/editing.py``; here a schedule is read, edited by them, saved under the version that was
read, and every scheduler is told. What only the code defines so far is stored by the first edit.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from datetime import datetime
from fnmatch import fnmatchcase
from itertools import islice
from typing import TYPE_CHECKING, Any, ParamSpec, TypeAlias, TypeVar

from msgspec.structs import replace

from horarium.app import past
from horarium.app.by_hand import fire_by_hand
from horarium.app.past import BackfillPlan, History
from horarium.app.person import named
from horarium.app.result import AsyncResult
from horarium.app.rows import Rows, tried
from horarium.clock import LATEST, Instant, to_datetime, to_instant
from horarium.engines.records import SCHEDULE_TOPIC, Page, SchedulePage
from horarium.errors import OwnedByCode, ScheduleConflict, ScheduleRefused
from horarium.message import new_id
from horarium.schedules import editing, policy
from horarium.schedules.backfill import Order, Which, backfill_of
from horarium.schedules.preview import upcoming
from horarium.schedules.record import Schedule
from horarium.schedules.zones import zone_of

if TYPE_CHECKING:
    from horarium.app.app import Horarium

P = ParamSpec("P")
R = TypeVar("R")
Moment: TypeAlias = datetime | Instant  # a naive datetime is read in the schedule's zone


def twin(verb: Callable[P, R]) -> Callable[P, Coroutine[Any, Any, R]]:
    """Return a verb for coroutines: the store's round trips are made in a thread."""

    async def call(*args: P.args, **kwargs: P.kwargs) -> R:
        import asyncio

        return await asyncio.to_thread(verb, *args, **kwargs)

    call.__name__ = f"a{verb.__name__}"
    call.__doc__ = f"``{verb.__name__}`` for coroutines: never blocks the event loop."
    return call


class Schedules:
    """The schedules of an app's store. Each verb that stores something is all or nothing and blocks for a few round
    trips; each but ``find`` has a twin for coroutines, its name with an ``a`` in front. ``by`` is who asks, for the
    record: the user of this process unless given.

    A moment is a datetime (a naive one is meant in the schedule's zone) or UTC milliseconds.
    """

    def __init__(self, app: Horarium) -> None:
        self._app = app
        self._rows = Rows(app)

    def create(
        self,
        name: str,
        task: str,
        schedule: Any,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        *,
        by: str | None = None,
        note: str = "",
        paused: bool = False,
        **keys: Any,
    ) -> Schedule:
        """Store a new schedule, owned by a person: no sync of code changes or removes it. Returns it as stored.

        ``schedule`` and ``keys`` are those of an entry of ``beat_schedule``. With ``paused`` it fires only when it is
        resumed. Raises: InvalidSchedule for a key or value that is wrong, or one that never fires; NotRegistered when
        neither this app nor a live worker knows the task; InvalidArguments; ScheduleConflict when the name is taken, by
        the code as well.
        """
        now = self._app.engine.now()
        if name in self._app.raw_entries():  # be it stored or not: the code's would silently not be used any more
            raise ScheduleConflict(name, 0, 0)
        entry = {"task": task, "schedule": schedule, "args": args, "kwargs": kwargs or {}, **keys}
        made = self._rows.fresh(name, entry, now=now)
        self._rows.require_sendable(made, now=now)
        who = named(by)
        stored = editing.noted(None, made, what="created", by=who, note=note, now=now)
        return self._rows.save([editing.pause(stored, by=who, note=note, now=now) if paused else stored])[0]

    def draft(self, name: str, entry: Mapping[str, Any], *, now: Instant | None = None) -> Schedule:
        """Return the schedule that an entry of ``beat_schedule`` would be if it were made now (or at another moment),
        with its next firing; nothing is stored.

        Raises: InvalidSchedule, EncodingError.
        """
        now = self._app.engine.now() if now is None else now
        return policy.create(self._rows.read(name, entry, now=now), now=now)

    def get(self, name: str) -> Schedule:
        """Return a schedule: the stored one, or what the code defines if that is not stored yet (its version is 0).

        Raises: ScheduleNotFound, with the nearest name; InvalidSchedule when only the code knows it and it is wrong.
        """
        return self._rows.get(name)

    def list(self, limit: int = 50, after: str | None = None, *, owner: str | None = None) -> SchedulePage:
        """Return a page of the stored schedules, by name; ``after`` is the ``next`` of the page before."""
        return self._app.engine.schedules.browse(Page(limit=limit, after=after), owner=owner)

    def find(self, pattern: str = "*", *, task: str | None = None, owner: str | None = None) -> Iterator[Schedule]:
        """Yield the stored schedules whose names fit a pattern such as ``report-*``, by name, read page by page."""
        for schedule in self._rows.all(owner):
            if fnmatchcase(schedule.name, pattern) and task in (None, schedule.task):
                yield schedule

    def update(
        self,
        schedule: str | Schedule,
        /,
        version: int | None = None,
        *,
        by: str | None = None,
        note: str = "",
        take_over: bool = False,
        paused: bool = False,
        **keys: Any,
    ) -> Schedule:
        """Change what a schedule is: the given keys of an entry, None for the default. Returns it as stored, and
        ``paused``, if that is asked for as well.

        A name alone changes what is stored at this moment; with a ``version``, or a schedule that was read, only that
        version. If the timing changes, the next firing is the first one of the new timing; nothing is fired for the
        past, and what was due and not fired is counted as missed. Code's definition is refused unless taken over: then
        it is a person's, and the code's own is not used any more.
        Raises: ScheduleNotFound, ScheduleConflict, OwnedByCode, InvalidSchedule, NotRegistered, InvalidArguments.
        """
        now = self._app.engine.now()
        name = schedule if isinstance(schedule, str) else schedule.name
        stored = self.get(name)
        expected = schedule.version if version is None and isinstance(schedule, Schedule) else version
        if expected is not None and expected != stored.version:
            raise ScheduleConflict(name, expected, stored.version)
        wanted = self._rows.amended(stored, keys, now=now)
        self._rows.require_sendable(wanted, now=now)
        who = named(by)
        after = editing.redefine(stored, wanted, take_over=take_over, by=who, note=note, now=now)
        if paused:
            after = editing.pause(after or stored, by=who, note=note, now=now)
        if after is None:
            return stored
        return self._rows.replace(stored, after, now=now)

    def delete(self, *names: str, take_over: bool = False) -> int:
        """Remove schedules and their backfills; return how many schedules there were. What they have sent stays.

        One of the code is refused unless taken over; if the code still defines it, the next start of a scheduler stores
        it again. Raises: ScheduleNotFound, OwnedByCode; then nothing is removed.
        """
        engine = self._app.engine
        stored = engine.schedules.get(names)
        for name, schedule in zip(names, stored, strict=True):
            if schedule is None:
                raise self._rows.not_found(name)
            if schedule.owner != "person" and not take_over:
                raise OwnedByCode(name, schedule.definer, "remove")
        backfills = [each.name for name in names for each in past.backfills(engine, name)]
        engine.schedules.delete(backfills)
        removed = engine.schedules.delete(names)
        engine.notifier.notify([SCHEDULE_TOPIC])
        return removed

    def pause(self, name: str, *, note: str = "", until: Moment | None = None, by: str | None = None) -> Schedule:
        """Stop a schedule from firing, until it is resumed or until a moment. Survives restarts and deployments.

        Raises: ScheduleNotFound, ScheduleRefused when the moment has passed.
        """
        who = named(by)
        return self._rows.edit(
            name,
            lambda schedule, now: editing.pause(
                schedule, by=who, note=note, until=None if until is None else _instant(schedule, until), now=now
            ),
        )

    def resume(self, name: str, *, note: str = "", by: str | None = None) -> Schedule:
        """Let a schedule fire again, from now on: what was due meanwhile is skipped. One that fires is left as it is.

        Raises: ScheduleNotFound, ScheduleRefused when the code disables it.
        """
        who = named(by)
        return self._rows.edit(name, lambda schedule, now: editing.resume(schedule, by=who, note=note, now=now))

    def skip(self, name: str, instant: Moment, *, note: str = "", by: str | None = None) -> Schedule:
        """Let one firing to come not happen. Raises: ScheduleNotFound; ScheduleRefused for a moment that is none of its
        firings, naming the nearest one."""
        who = named(by)
        return self._rows.edit(
            name,
            lambda schedule, now: editing.skip(schedule, _instant(schedule, instant), by=who, note=note, now=now),
        )

    def unskip(self, name: str, instant: Moment, *, note: str = "", by: str | None = None) -> Schedule:
        """Let a firing that was skipped ahead of time happen after all. Raises: ScheduleNotFound, ScheduleRefused."""
        who = named(by)
        return self._rows.edit(
            name,
            lambda schedule, now: editing.unskip(schedule, _instant(schedule, instant), by=who, note=note, now=now),
        )

    def move(self, name: str, instant: Moment, to: Moment, *, note: str = "", by: str | None = None) -> Schedule:
        """Let one firing to come happen at another moment. Raises: ScheduleNotFound, ScheduleRefused."""
        who = named(by)
        return self._rows.edit(
            name,
            lambda schedule, now: editing.move(
                schedule, _instant(schedule, instant), _instant(schedule, to), by=who, note=note, now=now
            ),
        )

    def run_now(self, *names: str, by: str | None = None) -> Sequence[AsyncResult]:
        """Fire schedules once, at once, paused or not, and return the handles of the runs. Their next firings stay.

        The messages are those of a firing (queue, priority, expires ...); they say who asked. Raises: ScheduleNotFound;
        what keeps a schedule from firing: NotRegistered, InvalidArguments. Then nothing is fired.
        """
        schedules = [self._rows.stored(name) for name in names]
        now = self._app.engine.now()
        for schedule in schedules:
            self._rows.require_sendable(schedule, now=now)
        sent = fire_by_hand(self._app, schedules, by=named(by), now=now)
        return [AsyncResult(each.id, app=self._app, task_name=each.task, ignored=each.ignore_result) for each in sent]

    def next(self, name: str, n: int = 10) -> Sequence[datetime]:
        """Return the next firings of a schedule, in its zone; those it would have, if it is paused. Raises:
        ScheduleNotFound, InvalidSchedule."""
        schedule = self.get(name)
        zone = zone_of(schedule.timezone)
        firings = upcoming(schedule, now=self._app.now())
        return [to_datetime(each).astimezone(zone) for each in islice(firings, n)]

    def history(self, name: str, limit: int = 50) -> History:
        """Return the newest runs of a schedule, its backfills' and those asked for by hand too; count the successes.

        Raises: ScheduleNotFound.
        """
        return past.history(self._app.engine, self.get(name), limit=limit)

    def backfills(self, name: str) -> Sequence[Schedule]:
        """Return the stored backfills of a schedule, the first one first."""
        return past.backfills(self._app.engine, name)

    def backfill(
        self,
        name: str,
        start: Moment,
        end: Moment | None = None,
        *,
        which: Which = "missing",
        order: Order = "oldest",
        max_active: int = 1,
        dry_run: bool = False,
        note: str = "",
        by: str | None = None,
    ) -> BackfillPlan:
        """Fire past instants of a schedule (``start <= instant < end``; None: now), as a schedule of its own.

        ``which``: ``missing`` those without a run, ``failed`` those whose run failed or expired, ``all``. At most
        ``max_active`` of its runs are active at a time. Its name, ``NAME/backfill-1``, is in the answer: look at its
        progress, pause it or delete it like any schedule. ``dry_run`` only tells which instants it would fire.
        Raises: ScheduleNotFound; ScheduleRefused for a range that is not past, holds more than 10,000 of them, or is
        so old that nobody knows any more what ran.
        """
        engine = self._app.engine
        schedule = self.get(name)
        now = engine.now()
        begin, until = _instant(schedule, start), now if end is None else _instant(schedule, end)
        chosen = past.choose(self._app, schedule, begin, until, which=which, now=now)
        if dry_run or not chosen:
            return BackfillPlan(of=name, instants=chosen)
        self._rows.require_sendable(schedule, now=now)

        def begun(current: Schedule) -> Sequence[Schedule]:
            made = backfill_of(
                current,
                chosen,
                id=new_id(now),
                number=past.next_number(engine, current),
                order=order,
                max_active=max_active,
                by=named(by),
                note=note,
                now=now,
            )
            told = editing.noted(None, current, what="backfilled", by=named(by), note=made.name, now=now)
            return [replace(told, changed=current.changed), made]  # it owes what it owed before

        _, made = tried(lambda: self._rows.save(begun(self.get(name))))
        return BackfillPlan(of=name, instants=chosen, schedule=made)

    acreate = twin(create)
    aget = twin(get)
    alist = twin(list)
    aupdate = twin(update)
    adelete = twin(delete)
    apause = twin(pause)
    aresume = twin(resume)
    askip = twin(skip)
    aunskip = twin(unskip)
    amove = twin(move)
    arun_now = twin(run_now)
    anext = twin(next)
    ahistory = twin(history)
    abackfills = twin(backfills)
    abackfill = twin(backfill)


def _instant(schedule: Schedule, moment: Moment) -> Instant:
    """Return the instant that is meant; a naive datetime is one in the schedule's zone.

    Raises: ScheduleRefused for what is none: stored, it would make the schedule unreadable.
    """
    instant: object = moment
    if isinstance(moment, datetime):
        instant = to_instant(moment if moment.tzinfo else moment.replace(tzinfo=zone_of(schedule.timezone)))
    if isinstance(instant, bool) or not isinstance(instant, int) or not 0 <= instant <= LATEST:
        raise ScheduleRefused(
            schedule.name,
            f"expected a datetime or UTC milliseconds, from 1970 to 9998, got {str(moment)[:60]!r}; write for instance "
            "datetime(2026, 12, 24, 18)",
        )
    return instant
