"""How the rows of a page stand: what the store knows of them, asked in few round trips, and a word for each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from msgspec import Struct

from horarium.clock import Instant, Seconds
from horarium.contrib.django.beat.admin.asking import NoAnswer, ask
from horarium.contrib.django.beat.admin.words import bare
from horarium.contrib.django.beat.models import PeriodicTask
from horarium.contrib.django.columns import instant_of
from horarium.contrib.django.models import ScheduleExtra
from horarium.engines.records import MemberRecord, Page, RunFilter
from horarium.observe.bars import BARS, is_running
from horarium.outcome import Run
from horarium.schedules.health import Condition, health
from horarium.schedules.record import Schedule

if TYPE_CHECKING:
    from horarium.app.app import Horarium
    from horarium.engines.protocol import Engine

# The runs of each row are a look-up of their own, some 0.2 ms in SQLite and 3 ms in Redis (200 runs are read for 20).
# A page takes no longer for all of them; rows behind that show none.
RUNS_TIME: Seconds = 0.12

UNSEEN = "not seen yet"  # by a scheduler
AWAY = "unknown"
RUNNING = "running"
OVERRULED = "overruled"
EXPECTED = "waiting"  # for its first firing
# The word of a state, and how it is dressed: as the messages of the admin are.
DRESS = {
    Condition.OK.value: "good",
    RUNNING: "good",
    EXPECTED: "calm",
    Condition.LATE.value: "warn",
    Condition.FAILING.value: "bad",
    Condition.IN_ERROR.value: "bad",
    Condition.PAUSED.value: "warn",
    Condition.DISABLED.value: "calm",
    Condition.ENDED.value: "calm",
    UNSEEN: "warn",
    OVERRULED: "warn",
    AWAY: "calm",
}
_WORDS = {Condition.NEVER_RAN: EXPECTED}


class Standing(Struct, frozen=True, kw_only=True):
    """How one row stands, and why; what it has done and will do. ``runs``: newest first, None: not looked up.
    ``stored``: what the store has under the name of the row, whoever put it there."""

    state: str
    reason: str
    origin: str
    next: Instant | None = None
    last: Instant | None = None
    runs: tuple[Run, ...] | None = None
    stored: Schedule | None = None


class Standings(Struct, frozen=True, kw_only=True):
    """The rows of a page. ``trouble``: why the store said nothing."""

    of: dict[int, Standing]
    now: Instant
    members: tuple[MemberRecord, ...] | None = None
    trouble: str = ""

    @property
    def has_scheduler(self) -> bool:
        return any(each.alive and each.member.kind == "scheduler" for each in self.members or ())


class _Known(Struct, frozen=True):
    now: Instant
    members: tuple[MemberRecord, ...]
    stored: dict[str, Schedule]
    runs: dict[str, tuple[Run, ...]]


def standings(app: Horarium | None, tasks: Sequence[PeriodicTask], *, runs: int = BARS) -> Standings:
    """Look up how rows stand: one query of Django's database; of the store's schedules one, and one of its workers."""
    extras = {extra.pk: extra for extra in ScheduleExtra.objects.filter(pk__in=[task.pk for task in tasks])}
    names = [task.name for task in tasks]
    try:
        known = ask(app, lambda engine: _look(app, engine, names, runs))
    except NoAnswer as error:
        now = app.clock.now() if app is not None else 0
        silent = {task.pk: _silent(task, extras.get(task.pk), str(error)) for task in tasks}
        return Standings(of=silent, now=now, trouble=str(error))
    found = {task.pk: _standing(task, extras.get(task.pk), known) for task in tasks}
    return Standings(of=found, now=known.now, members=known.members)


def _look(app: Horarium | None, engine: Engine, names: Sequence[str], runs: int) -> _Known:
    assert app is not None  # who has no engine was refused before
    now = engine.now()
    stored = {each.name: each for each in engine.schedules.get(names) if each is not None}
    until = app.clock.monotonic() + RUNS_TIME
    found: dict[str, tuple[Run, ...]] = {}
    for name in (name for name in names if name in stored):
        if found and app.clock.monotonic() > until:
            break
        found[name] = engine.results.search(RunFilter(schedule=name), Page(limit=runs)).runs
    return _Known(now, tuple(engine.inspector.workers(now=now)), stored, found)


def _standing(task: PeriodicTask, extra: ScheduleExtra | None, known: _Known) -> Standing:
    stored = known.stored.get(task.name)
    runs = known.runs.get(task.name, () if stored is None else None)
    state, reason = _judged(task, extra, stored, runs or (), known.now)
    fires = stored is not None and stored.is_active and state not in (Condition.DISABLED, OVERRULED)
    return Standing(
        state=state,
        reason=reason,
        origin=extra.origin if extra is not None else "",
        next=stored.next_fire if stored is not None and fires else None,
        last=_last(task, stored, runs or ()),
        runs=runs,
        stored=stored,
    )


def _judged(
    task: PeriodicTask, extra: ScheduleExtra | None, stored: Schedule | None, runs: Iterable[Run], now: Instant
) -> tuple[str, str]:
    """Return the word for a row, and the reason."""
    error = extra.error if extra is not None else ""
    if not task.enabled:
        return Condition.DISABLED.value, "it is not enabled"
    if error:
        return Condition.IN_ERROR.value, bare(error)
    if stored is None:
        return UNSEEN, "no scheduler has brought this row into the store; start one: manage.py horarium beat"
    if stored.owner != "table":
        return OVERRULED, f"a schedule of this name is that of {stored.definer}, which is used instead of this row"
    if not stored.enabled:
        return UNSEEN, "it is enabled here, and no scheduler has seen that yet"
    found = health(stored, now)
    if found.condition in (Condition.OK, Condition.NEVER_RAN) and any(map(is_running, islice(runs, BARS))):
        return RUNNING, "a worker is at it"
    return _WORDS.get(found.condition, found.condition.value), found.text


def _silent(task: PeriodicTask, extra: ScheduleExtra | None, trouble: str) -> Standing:
    origin = extra.origin if extra is not None else ""
    last = _last(task, None, ())
    if not task.enabled:
        return Standing(state=Condition.DISABLED.value, reason="it is not enabled", origin=origin, last=last)
    if extra is not None and extra.error:
        return Standing(state=Condition.IN_ERROR.value, reason=bare(extra.error), origin=origin, last=last)
    return Standing(state=AWAY, reason=trouble, origin=origin, last=last)


def _last(task: PeriodicTask, stored: Schedule | None, runs: Sequence[Run]) -> Instant | None:
    """Return when it was last sent: of the runs that are kept, else as the store or the row remembers."""
    if runs:
        return runs[0].started or runs[0].message.created
    if stored is not None and stored.last_fire is not None:
        return stored.last_fire
    return None if task.last_run_at is None else instant_of(task.last_run_at)
