"""From a schedule that is due to its firing, or to what keeps it from firing: decided for each on its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from horarium import signals
from horarium.app.signalling import before_publish
from horarium.clock import Instant
from horarium.errors import HorariumError
from horarium.message import Cause, FiringKind, Message, derived_id
from horarium.schedules.line import Line
from horarium.schedules.planning import Occasion, occasions, plan
from horarium.schedules.policy import first_fire
from horarium.schedules.record import Firing, Schedule

if TYPE_CHECKING:
    from horarium.app.app import Horarium

Made = TypeVar("Made")


class Trouble(Struct, frozen=True):
    """Why a schedule cannot fire."""

    schedule: Schedule
    reason: str
    unforeseen: Exception | None = None


def prepare(app: Horarium, schedule: Schedule, *, now: Instant, knows: Callable[[str], bool]) -> Firing | Trouble:
    """Return the firing of a schedule that is due, or why there is none. Raises: what ``knows`` does, and no more."""

    def firing() -> Firing:
        line = Line.of(schedule)  # once for both: to read the spec again took 5 us of 35
        decided = plan(schedule, now=now, line=line)
        if decided.fire:
            _check_arguments(app, schedule)
        return Firing(
            schedule=schedule.name,
            version=schedule.version,
            expected=schedule.next_fire,
            kind=_kind(schedule),
            messages=tuple(
                _message(app, schedule, each, now) for each in occasions(schedule, decided, now=now, line=line)
            ),
            next_fire=decided.next_fire,
            missed=decided.missed,
            overlap="queue_one"
            if schedule.backfill is not None or schedule.align == "after_finish"
            else schedule.overlap,
            max_active=schedule.max_active,
        )

    prepared = _guarded(schedule, firing)
    if isinstance(prepared, Firing) and prepared.messages and not knows(schedule.task):
        return Trouble(schedule, _unknown(schedule.task))
    return prepared


def cured(app: Horarium, schedule: Schedule, *, now: Instant, knows: Callable[[str], bool]) -> Schedule | None:
    """Return a schedule without its error if nothing keeps it from firing any more, else None.

    Its next instant stays where it stood: what came due meanwhile is a miss like any other. Raises: what ``knows``
    does, and no more.
    """

    if schedule.owner == "table" and not schedule.enabled:
        return None  # its row is off, or cannot be read: an edit of that says when it is well

    def well() -> Schedule:
        first = first_fire(schedule, now=max(now, schedule.last_fire or now))
        _check_arguments(app, schedule)
        _message(app, schedule, Occasion(nominal=now, previous=None, caught_up=False, start=now), now)
        return replace(schedule, error=None, next_fire=schedule.next_fire or first, changed=now)

    mended = _guarded(schedule, well)
    return None if isinstance(mended, Trouble) or not knows(schedule.task) else mended


def _guarded(schedule: Schedule, make: Callable[[], Made]) -> Made | Trouble:
    try:
        return make()
    except HorariumError as error:
        return Trouble(schedule, str(error))
    except Exception as error:  # noqa: BLE001  # a row can hold anything: it is put in error, and the others fire
        return Trouble(schedule, _unsendable(schedule, error), error)


def _check_arguments(app: Horarium, schedule: Schedule) -> None:
    """Refuse a call that would fail each time. Not remembered: a look costs a fraction of making the message, and the
    task may be another one after a reload. Raises: InvalidArguments, DecodingError."""
    task = app.known_task(schedule.task) or app.tasks.get(schedule.task)  # the latter finalizes the app each time
    if task is not None:
        task.check_stored(schedule.args, schedule.kwargs)


def _message(app: Horarium, schedule: Schedule, occasion: Occasion, now: Instant) -> Message:
    kind = _kind(schedule)
    message = app.producer.message_for(
        schedule.task,
        schedule.args,
        schedule.kwargs,
        schedule.options,
        id=derived_id(schedule.id, occasion.nominal, kind),
        now=now,
        schedule=schedule.name,
        nominal=occasion.nominal,
        cause=Cause(kind=kind, previous=occasion.previous, caught_up=occasion.caught_up, by=_asked_by(schedule)),
    )
    if signals.before_task_publish.receivers:
        message = before_publish(message)
    if occasion.start <= now:
        return message
    countdown = message.eta - now if message.eta is not None else 0  # of the schedule's options: counts from the start
    return replace(message, eta=occasion.start + countdown)


def _kind(schedule: Schedule) -> FiringKind:
    return "auto" if schedule.backfill is None else "backfill"


def _asked_by(schedule: Schedule) -> str:
    return schedule.edits[0].by if schedule.backfill is not None and schedule.edits else ""


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
