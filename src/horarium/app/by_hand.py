"""A firing that a person asked for: sent at once, beside the schedule's own firings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from horarium.clock import Instant
from horarium.engines.records import QUEUE_TOPIC
from horarium.errors import ScheduleNotFound, ScheduleRefused
from horarium.message import Cause, Message, derived_id
from horarium.schedules.record import Fate, Firing, Schedule

if TYPE_CHECKING:
    from horarium.app.app import Horarium

MOST_AT_ONCE = 1000  # by hand, of one schedule, in as many milliseconds


def fire_by_hand(app: Horarium, schedules: Sequence[Schedule], *, by: str, now: Instant) -> list[Message]:
    """Enqueue one run of each stored schedule, as a firing would; wake the queues. Raises: InvalidArguments;
    ScheduleNotFound when one was deleted meanwhile: those before it are sent then."""
    for schedule in schedules:
        _message(app, schedule, now, by=by, now=now)  # what is wrong with one is said before any is sent
    sent = [_fire(app, schedule, by=by, now=now) for schedule in schedules]
    app.engine.notifier.notify({QUEUE_TOPIC + message.queue for message in sent})
    return sent


def _fire(app: Horarium, schedule: Schedule, *, by: str, now: Instant) -> Message:
    """Enqueue one. Two at one millisecond are two runs: the second one has the next one for its nominal instant."""
    for nominal in range(now, now + MOST_AT_ONCE):
        message = _message(app, schedule, nominal, by=by, now=now)
        firing = Firing(
            schedule=schedule.name,
            version=schedule.version,
            expected=schedule.next_fire,
            kind="manual",
            messages=(message,),
        )
        [fate] = app.engine.schedules.fire([firing], now=now)
        if fate is Fate.SENT:
            return message
        if fate is Fate.LOST:
            raise ScheduleNotFound(schedule.name)
    raise ScheduleRefused(schedule.name, f"it was run by hand {MOST_AT_ONCE} times in this second; try again")


def _message(app: Horarium, schedule: Schedule, nominal: Instant, *, by: str, now: Instant) -> Message:
    return app.producer.message_for(
        schedule.task,
        schedule.args,
        schedule.kwargs,
        schedule.options,
        now=now,
        id=derived_id(schedule.id, nominal, "manual"),
        schedule=schedule.name,
        nominal=nominal,
        cause=Cause(kind="manual", previous=schedule.last_fire, by=by),
    )
