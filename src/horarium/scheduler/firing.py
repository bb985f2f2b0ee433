"""Fire what is due, and say what became of it. What is wrong with one schedule stops no other."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from horarium import signals
from horarium.app.signalling import after_publish
from horarium.clock import Instant
from horarium.engines.records import QUEUE_TOPIC
from horarium.errors import ScheduleConflict
from horarium.event import (
    Fired,
    Held,
    Missed,
    Observer,
    Repeated,
    ScheduleFailed,
    SchedulePaused,
    ScheduleResumed,
    Skipped,
)
from horarium.scheduler.prepare import Trouble, prepare
from horarium.schedules.planning import is_paused_at
from horarium.schedules.policy import end_pause, has_failed_enough, pause_by_itself
from horarium.schedules.record import Fate, Firing, Schedule

if TYPE_CHECKING:
    from horarium.app.app import Horarium
    from horarium.engines.protocol import Engine

# Messages of one transaction. A schedule that catches up brings many, and those of one firing stay together.
TOGETHER = 1000


class Handled(Struct, frozen=True):
    """What became of a batch, by name. Those in none of them were left to another scheduler, or to its next look."""

    moved: tuple[str, ...]  # are due later, or wait for a run of theirs
    troubled: tuple[str, ...]  # were put in error
    running: tuple[str, ...]  # of those moved, those with a run that has not ended


def fire_due(
    app: Horarium,
    engine: Engine,
    due: Sequence[Schedule],
    *,
    now: Instant,
    knows: Callable[[str], bool],
    observer: Observer,
) -> Handled:
    """Fire what is due, in few transactions, and wake the queues' readers.

    A schedule that another scheduler was faster with is left to it. One that cannot fire is stored in error, one whose
    runs have failed too often is paused instead; a pause whose end has come is ended. A task that ``knows`` denies is
    not sent. Raises: EngineUnavailable; what was fired then stays fired, and nothing else.
    """
    paused = [each for each in due if has_failed_enough(each) and _pause(engine, each, now=now, observer=observer)]
    ready = list(_ready(engine, due, now=now, observer=observer))
    prepared = [(schedule, prepare(app, schedule, now=now, knows=knows)) for schedule in ready]
    firings = [(schedule, firing) for schedule, firing in prepared if isinstance(firing, Firing)]
    ours = []
    for batch in _batches(firings):
        fates = engine.schedules.fire([firing for _, firing in batch], now=now)
        judged = [(*pair, fate) for pair, fate in zip(batch, fates, strict=True) if fate is not Fate.LOST]
        _wake(engine, [firing for _, firing, fate in judged if fate is Fate.SENT])
        for each in judged:
            _tell(observer, *each)
        ours += judged
    return Handled(
        moved=tuple(schedule.name for schedule in paused) + tuple(schedule.name for schedule, _, _ in ours),
        troubled=tuple(
            schedule.name
            for schedule, trouble in prepared
            if isinstance(trouble, Trouble) and _store_error(engine, trouble, now=now, observer=observer)
        ),
        running=tuple(schedule.name for schedule, firing, _ in ours if firing.messages),
    )


def _pause(engine: Engine, schedule: Schedule, *, now: Instant, observer: Observer) -> bool:
    saved = _saved(engine, pause_by_itself(schedule, now=now), now=now)
    if saved is None:
        return False
    observer.tell(SchedulePaused(schedule=schedule.name, by=saved.paused_by or "", reason=saved.pause_note))
    return True


def _ready(engine: Engine, due: Sequence[Schedule], *, now: Instant, observer: Observer) -> Iterator[Schedule]:
    """Yield what may be fired, as it is stored then: a pause whose end has come is taken off first."""
    for schedule in due:
        if has_failed_enough(schedule):
            continue
        if schedule.paused_by is None or schedule.paused_until is None or is_paused_at(schedule, now):
            yield schedule
            continue
        saved = _saved(engine, end_pause(schedule, now=now), now=now)
        if saved is not None:
            observer.tell(ScheduleResumed(schedule=schedule.name))
            yield saved


def _saved(engine: Engine, schedule: Schedule, *, now: Instant) -> Schedule | None:
    """Save a schedule; None if somebody else has changed it since it was read: the next look sees how."""
    try:
        [saved] = engine.schedules.save([schedule], now=now)
    except ScheduleConflict:
        return None
    return saved


def _batches(firings: Sequence[tuple[Schedule, Firing]]) -> Iterator[list[tuple[Schedule, Firing]]]:
    batch: list[tuple[Schedule, Firing]] = []
    number = 0
    for pair in firings:
        if batch and number + len(pair[1].messages) > TOGETHER:
            yield batch
            batch, number = [], 0
        batch.append(pair)
        number += len(pair[1].messages)
    if batch:
        yield batch


def _wake(engine: Engine, sent: Sequence[Firing]) -> None:
    queues = {QUEUE_TOPIC + message.queue for firing in sent for message in firing.messages}
    if queues:
        engine.notifier.notify(queues)


def _tell(observer: Observer, schedule: Schedule, firing: Firing, fate: Fate) -> None:
    name, nominal = schedule.name, firing.nominal
    if firing.missed and fate is not Fate.HELD:
        observer.tell(Missed(schedule=name, count=firing.missed))
    if nominal is None:
        return
    match fate:
        case Fate.SENT:
            for message in firing.messages:
                if signals.after_task_publish.receivers:
                    after_publish(message)
                observer.tell(
                    Fired(schedule=name, task=message.task, id=message.id, nominal=message.nominal or nominal)
                )
        case Fate.SKIPPED:
            observer.tell(Skipped(schedule=name, nominal=nominal))
        case Fate.HELD:
            observer.tell(Held(schedule=name, nominal=nominal))
        case Fate.REPEATED:
            observer.tell(Repeated(schedule=name, nominal=nominal))


def _store_error(engine: Engine, trouble: Trouble, *, now: Instant, observer: Observer) -> bool:
    """Put a schedule in error; tell whether it was, and not changed by somebody else since it was read."""
    if _saved(engine, replace(trouble.schedule, error=trouble.reason, changed=now), now=now) is None:
        return False
    shown = "" if trouble.unforeseen is None else "".join(traceback.format_exception(trouble.unforeseen))
    observer.tell(ScheduleFailed(schedule=trouble.schedule.name, reason=trouble.reason, traceback=shown))
    return True
