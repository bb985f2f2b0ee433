"""What a scheduler tells, as the lines that Beat's users know and grep for. They go to the logger ``horarium.beat``."""

from __future__ import annotations

import logging

from horarium.event import (
    ClockSkewed,
    ClockStepped,
    Event,
    Fired,
    Held,
    Missed,
    Recovered,
    Repeated,
    RowUnreadable,
    ScheduleFailed,
    ScheduleFailing,
    ScheduleHealed,
    ScheduleInError,
    ScheduleLate,
    ScheduleOverruled,
    SchedulePaused,
    ScheduleRecovered,
    ScheduleRemoved,
    ScheduleResumed,
    SchedulerEvent,
    SchedulerStarting,
    SchedulerStopped,
    SchedulesEdited,
    SchedulesSynced,
    ScheduleUnreadable,
    Skipped,
    StoreWeak,
    Troubled,
)

logger = logging.getLogger("horarium.beat")


def is_of_scheduler(event: Event) -> bool:
    match event:
        case Troubled(where="beat" | "beat source") | Recovered(where="beat" | "beat source") | StoreWeak(where="beat"):
            return True
        case _:
            return isinstance(event, SchedulerEvent)


def write(event: Event) -> None:
    """Write an event to the log. The traceback of a schedule's error is for DEBUG: the line says what to correct."""
    level, text = describe(event)
    logger.log(level, "%s", text)
    if isinstance(event, ScheduleFailed) and event.traceback:
        logger.debug("%s", event.traceback.rstrip())


def describe(event: Event) -> tuple[int, str]:
    """Return the level and the words of a scheduler's event."""
    match event:
        case Fired(schedule=schedule, task=task):
            return logging.INFO, f"Scheduler: Sending due task {schedule} ({task})"
        case Missed(schedule=schedule, count=count):
            return logging.WARNING, f"Scheduler: schedule {schedule} missed {count} due times"
        case Skipped() | Held() | Repeated() | SchedulePaused() | ScheduleResumed():
            return _describe_course(event)
        case ScheduleFailed() | ScheduleInError() | ScheduleHealed():
            return _describe_error(event)
        case ScheduleLate() | ScheduleFailing() | ScheduleRecovered():
            return _describe_health(event)
        case SchedulesEdited() | RowUnreadable():
            return _describe_tables(event)
        case SchedulesSynced() | ScheduleRemoved() | ScheduleUnreadable() | ScheduleOverruled():
            return _describe_sync(event)
        case SchedulerStarting(name=name, store=store):
            return logging.INFO, f"beat: Starting... {name} on {store}"
        case SchedulerStopped():
            return logging.INFO, "beat: Stopped."
        case StoreWeak(weakness=weakness):
            return logging.WARNING, f"beat: store: {weakness}"
        case ClockStepped(step=step):
            after = "nothing fires twice, what was passed over is a miss"
            return logging.WARNING, f"beat: the store's clock stepped by {step:+.1f} s; {after}"
        case ClockSkewed(skew=skew):
            text = f"beat: this host's clock is {skew:+.1f} s from the store's, which decides; correct it"
            return logging.WARNING, text
        case Troubled(reason=reason, wait=wait, traceback=traceback):
            again = "; trying again until it works" if wait is not None else ""
            trace = f"\n{traceback.rstrip()}" if traceback else ""
            return logging.ERROR, f"beat: {reason}{again}{trace}"
        case Recovered():
            return logging.INFO, "beat: all is well again"
        case _:
            return logging.DEBUG, str(event)


def _describe_course(
    event: Skipped | Held | Repeated | SchedulePaused | ScheduleResumed,
) -> tuple[int, str]:
    match event:
        case Skipped(schedule=schedule):
            return logging.WARNING, f"Scheduler: schedule {schedule} skipped a due time: earlier runs have not ended"
        case Held(schedule=schedule):
            return logging.INFO, f"Scheduler: schedule {schedule} is due and waits for an earlier run to end"
        case Repeated(schedule=schedule):
            return logging.INFO, f"Scheduler: schedule {schedule} came to a due time again that was dealt with"
        case SchedulePaused(schedule=schedule, by=by, reason=reason):
            return logging.ERROR, f"Scheduler: schedule {schedule} is paused by {by}: {reason}; resume it when mended"
        case ScheduleResumed(schedule=schedule):
            return logging.INFO, f"Scheduler: schedule {schedule} goes on: the end of its pause has come"


def _describe_health(event: ScheduleLate | ScheduleFailing | ScheduleRecovered) -> tuple[int, str]:
    match event:
        case ScheduleLate(schedule=schedule, text=text):
            return logging.WARNING, f"beat: schedule {schedule!r} is late: {text}"
        case ScheduleFailing(schedule=schedule, text=text):
            return logging.WARNING, f"beat: schedule {schedule!r} is failing: {text}"
        case ScheduleRecovered(schedule=schedule):
            return logging.INFO, f"beat: schedule {schedule!r} is well again"


def _describe_error(event: ScheduleFailed | ScheduleInError | ScheduleHealed) -> tuple[int, str]:
    match event:
        case ScheduleFailed(schedule=schedule, reason=reason):
            return logging.ERROR, f"beat: schedule {schedule!r} cannot fire: {reason}"
        case ScheduleInError(schedule=schedule, reason=reason):
            return logging.WARNING, f"beat: schedule {schedule!r} is in error: {reason}"
        case ScheduleHealed(schedule=schedule):
            return logging.INFO, f"beat: schedule {schedule!r} can fire again"


def _describe_tables(event: SchedulesEdited | RowUnreadable) -> tuple[int, str]:
    match event:
        case SchedulesEdited(stored=stored, removed=removed):
            return logging.INFO, f"DatabaseScheduler: Schedule changed. {stored} stored, {removed} removed"
        case RowUnreadable(reason=reason):
            return logging.ERROR, f"beat: {reason}; it does not run until it is mended, the others go on"


def _describe_sync(
    event: SchedulesSynced | ScheduleRemoved | ScheduleUnreadable | ScheduleOverruled,
) -> tuple[int, str]:
    match event:
        case SchedulesSynced(stored=stored, removed=removed):
            return logging.INFO, f"beat: {stored} schedules of the code stored, {removed} removed"
        case ScheduleRemoved(schedule=schedule):
            return logging.INFO, f"beat: schedule {schedule!r} is no longer in the code: removed"
        case ScheduleUnreadable(reason=reason):
            return logging.ERROR, f"beat: {reason}; it is left as it was, the others go on"
        case ScheduleOverruled(schedule=schedule):
            text = f"beat: schedule {schedule!r} of the code is not stored: a person made one of that name"
            return logging.WARNING, text
