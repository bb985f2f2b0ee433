"""From schedules that are due to firings, each on its own: what is wrong with one stops no other."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from horarium import codec
from horarium.clock import Instant
from horarium.engines.protocol import QUEUE_TOPIC
from horarium.errors import HorariumError, ScheduleConflict
from horarium.event import Fired, Missed, Observer, ScheduleFailed
from horarium.message import Message, derived_id
from horarium.schedules.planning import plan
from horarium.schedules.policy import first_fire
from horarium.schedules.record import Fate, Firing, Schedule

if TYPE_CHECKING:
    from horarium.app.app import Horarium
    from horarium.engines.protocol import Engine


class Trouble(Struct, frozen=True):
    """Why a schedule cannot fire."""

    schedule: Schedule
    reason: str
    unforeseen: Exception | None = None


class Handled(Struct, frozen=True):
    """What became of a batch: the names of those that moved on, and of those that were put in error."""

    moved: tuple[str, ...]
    troubled: tuple[str, ...]


def fire_due(
    app: Horarium,
    engine: Engine,
    due: Sequence[Schedule],
    *,
    now: Instant,
    knows: Callable[[str], bool],
    observer: Observer,
) -> Handled:
    """Fire what is due, in one transaction, and wake the queues' readers.

    A schedule that another scheduler was faster with is left to it. One that cannot fire is stored in error. A task
    that ``knows`` denies is not sent. Raises: EngineUnavailable; what was fired then stays fired, and nothing else.
    """
    prepared = [(schedule, prepare(app, schedule, now=now, knows=knows)) for schedule in due]
    firings = [(schedule, firing) for schedule, firing in prepared if isinstance(firing, Firing)]
    fates = engine.schedules.fire([firing for _, firing in firings], now=now) if firings else []
    ours = [pair for pair, fate in zip(firings, fates, strict=True) if fate is Fate.SENT]
    queues = {QUEUE_TOPIC + message.queue for _, firing in ours for message in firing.messages}
    if queues:
        engine.notifier.notify(queues)
    for schedule, firing in ours:
        _tell(observer, schedule, firing)
    return Handled(
        moved=tuple(schedule.name for schedule, _ in ours),
        troubled=tuple(
            schedule.name
            for schedule, trouble in prepared
            if isinstance(trouble, Trouble) and _store_error(engine, trouble, now=now, observer=observer)
        ),
    )


def prepare(app: Horarium, schedule: Schedule, *, now: Instant, knows: Callable[[str], bool]) -> Firing | Trouble:
    """Return the firing of a schedule that is due, or why there is none. Raises: what ``knows`` does, and no more."""
    try:
        firing = _firing(app, schedule, now=now)
        if firing.messages:
            _check_arguments(app, schedule)
    except HorariumError as error:
        return Trouble(schedule, str(error))
    except Exception as error:  # noqa: BLE001  # a row can hold anything: it is put in error, and the others fire
        return Trouble(schedule, _unsendable(schedule, error), error)
    if firing.messages and not knows(schedule.task):
        return Trouble(schedule, _unknown(schedule.task))
    return firing


def cured(app: Horarium, schedule: Schedule, *, now: Instant, knows: Callable[[str], bool]) -> Schedule | None:
    """Return a schedule without its error if nothing keeps it from firing any more, else None.

    Its next instant stays where it stood: what came due meanwhile is a miss like any other. Raises: what ``knows``
    does, and no more.
    """
    try:
        first = first_fire(schedule, now=max(now, schedule.last_fire or now))
        well = replace(schedule, error=None, next_fire=schedule.next_fire or first, changed=now)
    except Exception:  # noqa: BLE001  # a row can hold anything: it stays in error, and the others are looked at
        return None
    rehearsed = prepare(app, replace(well, next_fire=now), now=now, knows=knows)
    return None if isinstance(rehearsed, Trouble) else well


def _firing(app: Horarium, schedule: Schedule, *, now: Instant) -> Firing:
    decided = plan(schedule, now=now)
    return Firing(
        schedule=schedule.name,
        version=schedule.version,
        expected=schedule.next_fire,
        messages=tuple(_message(app, schedule, nominal, now=now) for nominal in decided.fire),
        next_fire=decided.next_fire,
        missed=decided.missed,
    )


def _check_arguments(app: Horarium, schedule: Schedule) -> None:
    """Refuse a call that would fail each time. Not remembered: a look costs a fraction of making the message, and the
    task may be another one after a reload. Raises: InvalidArguments, DecodingError."""
    task = app.tasks.get(schedule.task)
    if task is not None and task.typing:
        task.arguments.check(codec.decode(schedule.args), codec.decode(schedule.kwargs))


def _message(app: Horarium, schedule: Schedule, nominal: Instant, *, now: Instant) -> Message:
    return app.producer.message_for(
        schedule.task,
        schedule.args,
        schedule.kwargs,
        schedule.options,
        id=derived_id(schedule.id, nominal, "auto"),
        now=now,
        schedule=schedule.name,
        nominal=nominal,
    )


def _unknown(task: str) -> str:
    return (
        f"expected a task that this app or a live worker knows, got {task!r}; start a worker that has it, or correct "
        "the name"
    )


def _unsendable(schedule: Schedule, error: Exception) -> str:
    return (
        f"expected a schedule that a message can be made of, got {type(error).__name__}: {error} (its options are "
        f"{str(schedule.options)[:200]}); correct it"
    )


def _store_error(engine: Engine, trouble: Trouble, *, now: Instant, observer: Observer) -> bool:
    """Put a schedule in error; tell whether it was, and not changed by somebody else since it was read."""
    schedule = trouble.schedule
    try:
        engine.schedules.save([replace(schedule, error=trouble.reason, changed=now)], now=now)
    except ScheduleConflict:  # an edit may have mended it: look again
        return False
    shown = "" if trouble.unforeseen is None else "".join(traceback.format_exception(trouble.unforeseen))
    observer.tell(ScheduleFailed(schedule=schedule.name, reason=trouble.reason, traceback=shown))
    return True


def _tell(observer: Observer, schedule: Schedule, firing: Firing) -> None:
    if firing.missed:
        observer.tell(Missed(schedule=schedule.name, count=firing.missed))
    for message in firing.messages:
        if message.nominal is not None:
            observer.tell(Fired(schedule=schedule.name, task=message.task, id=message.id, nominal=message.nominal))
