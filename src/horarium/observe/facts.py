"""What is known about an installation at one moment, gathered once so that rules can judge it without a store."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from horarium.app.switches import Switched, read_switches
from horarium.clock import Instant, Seconds, SystemClock
from horarium.engines.connect import absent_file
from horarium.engines.records import Held, HeldPage, MemberRecord, Page, QueueCounts, RunFilter
from horarium.errors import CodecError, EngineError, ImproperlyConfigured, InvalidSchedule
from horarium.outcome import Run, State
from horarium.schedules import policy
from horarium.schedules.record import Schedule

if TYPE_CHECKING:
    from horarium.app.app import Horarium
    from horarium.app.definition import Definition
    from horarium.engines.protocol import Engine
    from horarium.settings import Settings

SCHEDULES_READ = 10_000
DEAD_READ = 5


class Facts(Struct, frozen=True, kw_only=True):
    """Everything the rules look at. With ``trouble`` the store could not be asked, and all below it is empty."""

    now: Instant  # the store's time
    app: str = ""
    store: str = ""
    archive: str = ""  # where runs are written down besides, in the words of result_backend
    without_archive: str = ""  # why they cannot be
    command: str = "horarium"  # how remedies begin, such as ``horarium -A events``
    zone: str = "UTC"  # of the times that are said
    tasks: frozenset[str] = frozenset()  # what the app itself knows
    declared: tuple[Schedule, ...] = ()  # what the code defines, as a scheduler would store it
    wrong: dict[str, str] = msgspec.field(default_factory=dict)  # definitions that cannot be read, with the reason
    trouble: str | None = None
    absent: bool = False  # the trouble is that nobody has made the store yet
    weaknesses: tuple[str, ...] = ()  # what in its configuration weakens the promises
    shared: bool = True  # whether other processes can use the store
    skew: Seconds = 0.0  # how far this host's clock is ahead of the store's
    members: tuple[MemberRecord, ...] = ()
    queues: dict[str, QueueCounts] = msgspec.field(default_factory=dict)
    states: dict[str, int] = msgspec.field(default_factory=dict)
    schedules: tuple[Schedule, ...] = ()  # the first of them, by name
    schedules_stored: int = 0
    dead: tuple[Run, ...] = ()  # the newest few
    switched: Switched = Switched()
    limited: dict[str, str] = msgspec.field(default_factory=dict)  # tasks of the app that have a limit: in words

    @property
    def all_schedules(self) -> tuple[Schedule, ...]:
        """What is stored, and what the code defines and nobody has stored yet."""
        stored = {schedule.name for schedule in self.schedules}
        return self.schedules + tuple(schedule for schedule in self.declared if schedule.name not in stored)

    @property
    def workers(self) -> list[MemberRecord]:
        """The live workers."""
        return [m for m in self.members if m.alive and m.member.kind == "worker"]

    @property
    def schedulers(self) -> list[MemberRecord]:
        """The live schedulers."""
        return [m for m in self.members if m.alive and m.member.kind == "scheduler"]

    @property
    def runners(self) -> list[MemberRecord]:
        """Whatever is alive and may run tasks: workers and their children."""
        return [m for m in self.members if m.alive and m.member.kind != "scheduler"]

    @property
    def queues_read(self) -> frozenset[str]:
        return frozenset(queue for m in self.runners for queue in m.member.queues)

    @property
    def tasks_run(self) -> frozenset[str]:
        """The tasks that live workers know."""
        return frozenset(task for m in self.runners for task in m.member.tasks)


def gather(
    app: Horarium,
    now: Instant,
    *,
    command: str = "horarium",
    zone: str = "UTC",
    with_schedules: bool = True,
    most_schedules: int = SCHEDULES_READ,
    most_counted: int | None = None,
    is_thorough: bool = False,
) -> Facts:
    """Ask the app and its store for everything the rules need; ``now`` is used only if the store cannot tell.

    A store that cannot be used is a fact too, and never raised. Schedules, of which there may be very many, are of no
    use for judging one run; no more than ``most_schedules`` are read. ``most_counted``: runs of each state; None: all.
    Whatever is said of the facts has its times in ``zone``. With ``is_thorough`` the store is also put to the test
    (Engine.check), which on SQLite takes its write lock and some 0.1 s: too much for what is asked again and again.
    """
    declared, wrong = read_declared(app, now) if with_schedules else ((), {})
    known = Facts(
        now=now,
        app=app.main,
        store=app.connection.shown[0],
        archive=str(app.conf.result_backend) if app.connection.is_archived else "",
        without_archive=why_without_archive(app),
        command=command,
        zone=zone,
        tasks=frozenset(app.tasks),
        limited={name: words for name, task in app.tasks.items() if (words := _limit(task, app.conf))},
        declared=declared,
        wrong=wrong,
    )
    if path := absent_store(app):
        return replace(known, trouble=no_store_yet(path), absent=True)
    try:
        engine = app.engine
        if is_thorough:
            engine.check()
        return _ask(engine, known, most_schedules if with_schedules else 0, most_counted)
    except EngineError as error:
        return replace(known, trouble=str(error))


def why_without_archive(app: Horarium) -> str:
    """Return why the archive that the settings name cannot be used, as far as that can be seen without opening it."""
    try:
        _ = app.connection.archive
    except ImproperlyConfigured as error:
        return str(error)
    return ""


def absent_store(app: Horarium) -> Path | None:
    """Return the file that an app's store will be, if nobody has made it yet; whoever only looks does not make it."""
    if app.connection.is_open:
        return None
    return next((path for url in app.connection.urls if (path := absent_file(url)) is not None), None)


def no_store_yet(path: Path) -> str:
    return f"expected a store at {path.absolute()}, there is none yet"


def read_declared(app: Horarium, now: Instant) -> tuple[tuple[Schedule, ...], dict[str, str]]:
    """Return the schedules that the code defines, ready to be stored for the first time, and by name why others among
    them cannot be used."""
    good: list[Schedule] = []
    wrong: dict[str, str] = {}
    for name, entry in app.raw_entries().items():
        try:
            good.append(policy.create(replace(app.schedule_entry(name, entry), app=app.main), now=now))
        except (InvalidSchedule, CodecError) as error:
            wrong[name] = without_name(name, str(error))
    return tuple(good), wrong


def without_name(name: str, reason: str) -> str:
    """Return the reason why a schedule is wrong, for a sentence that has named the schedule already."""
    return reason.removeprefix(f"schedule {name[:100]!r}: ")


def held_run(engine: Engine, run: Run) -> Held | None:
    """Return where a run that has not ended stands in its queue."""
    page: HeldPage = engine.inspector.find(RunFilter(id_prefix=run.id), Page(limit=1))
    return page.held[0] if page.held else None


def _ask(engine: Engine, known: Facts, most_schedules: int, most_counted: int | None) -> Facts:
    now = engine.now()
    counts = engine.inspector.counts(most=most_counted)
    dead: tuple[Run, ...] = ()
    if counts.states.get(State.DEAD):
        dead = engine.results.search(RunFilter(states=(State.DEAD,)), Page(limit=DEAD_READ)).runs
    return replace(
        known,
        now=now,
        store=engine.url,
        weaknesses=engine.weaknesses(),
        shared=engine.capabilities.shared,
        skew=(SystemClock().now() - now) / 1000,
        members=tuple(engine.inspector.workers(now=now)),
        queues=counts.queues,
        states=counts.states,
        schedules=engine.schedules.browse(Page(limit=most_schedules)).schedules if most_schedules else (),
        schedules_stored=counts.schedules,
        dead=dead,
        switched=read_switches(engine, now=now),
    )


def _limit(task: Definition, conf: Settings) -> str:
    """Say what limits a task, if anything does."""
    rate = conf.task_default_rate_limit if task.rate_limit is None else task.rate_limit
    words = []
    if rate and not conf.worker_disable_rate_limits:
        scope = task.rate_limit_scope or conf.task_rate_limit_scope
        words.append(f"{rate} {'over all workers' if scope == 'fleet' else 'in each worker'}")
    if task.concurrency is not None and task.concurrency_key is None:
        words.append(f"{task.concurrency} at once")
    return ", ".join(words)
