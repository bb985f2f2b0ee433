"""The lines that Beat's users grep for, under the name that they filter by."""

from __future__ import annotations

import logging
from typing import get_args

import pytest

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
    Troubled,
)
from horarium.observe.lines import Lines

LINES: list[tuple[Event, str, str]] = [
    (SchedulerStarting(name="beat@h", store="sqlite:///s.db"), "INFO", "beat: Starting... beat@h on sqlite:///s.db"),
    (SchedulesSynced(stored=2, removed=1), "INFO", "beat: 2 schedules of the code stored, 1 removed"),
    (
        SchedulesEdited(stored=2, removed=1),
        "INFO",
        "DatabaseScheduler: Schedule changed. 2 stored, 1 removed",
    ),
    (
        RowUnreadable(schedule="a", reason="schedule 'a': expected a list"),
        "ERROR",
        "beat: schedule 'a': expected a list; it does not run until it is mended, the others go on",
    ),
    (ScheduleRemoved(schedule="old"), "INFO", "beat: schedule 'old' is no longer in the code: removed"),
    (
        ScheduleUnreadable(schedule="a", reason="schedule 'a': expected a task"),
        "ERROR",
        "beat: schedule 'a': expected a task; it is left as it was, the others go on",
    ),
    (
        ScheduleOverruled(schedule="a"),
        "WARNING",
        "beat: schedule 'a' of the code is not stored: a person made one of that name",
    ),
    (Fired(schedule="tick", task="ping", id="1", nominal=0), "INFO", "Scheduler: Sending due task tick (ping)"),
    (Missed(schedule="tick", count=2), "WARNING", "Scheduler: schedule tick missed 2 due times"),
    (ScheduleFailed(schedule="bad", reason="no zone"), "ERROR", "beat: schedule 'bad' cannot fire: no zone"),
    (ScheduleInError(schedule="bad", reason="no zone"), "WARNING", "beat: schedule 'bad' is in error: no zone"),
    (ScheduleHealed(schedule="bad"), "INFO", "beat: schedule 'bad' can fire again"),
    (
        Skipped(schedule="tick", nominal=0),
        "WARNING",
        "Scheduler: schedule tick skipped a due time: earlier runs have not ended",
    ),
    (Held(schedule="tick", nominal=0), "INFO", "Scheduler: schedule tick is due and waits for an earlier run to end"),
    (
        Repeated(schedule="tick", nominal=0),
        "INFO",
        "Scheduler: schedule tick came to a due time again that was dealt with",
    ),
    (
        SchedulePaused(schedule="tick", by="horarium", reason="3 failures in a row"),
        "ERROR",
        "Scheduler: schedule tick is paused by horarium: 3 failures in a row; resume it when mended",
    ),
    (
        ScheduleResumed(schedule="tick"),
        "INFO",
        "Scheduler: schedule tick goes on: the end of its pause has come",
    ),
    (ScheduleLate(schedule="a", due=0, text="due at noon"), "WARNING", "beat: schedule 'a' is late: due at noon"),
    (
        ScheduleFailing(schedule="a", failures=2, text="2 failures in a row"),
        "WARNING",
        "beat: schedule 'a' is failing: 2 failures in a row",
    ),
    (ScheduleRecovered(schedule="a"), "INFO", "beat: schedule 'a' is well again"),
    (
        ClockStepped(step=-90.0),
        "WARNING",
        "beat: the store's clock stepped by -90.0 s; nothing fires twice, what was passed over is a miss",
    ),
    (
        ClockSkewed(skew=5.0),
        "WARNING",
        "beat: this host's clock is +5.0 s from the store's, which decides; correct it",
    ),
    (Troubled(where="beat", reason="away", wait=0.1), "ERROR", "beat: away; trying again until it works"),
    (Troubled(where="beat", reason="the file is corrupt"), "ERROR", "beat: the file is corrupt"),
    (
        Troubled(where="beat", reason="odd", wait=0.1, traceback="Traceback\nValueError: x\n"),
        "ERROR",
        "beat: odd; trying again until it works\nTraceback\nValueError: x",
    ),
    (Recovered(where="beat"), "INFO", "beat: all is well again"),
    (SchedulerStopped(name="beat@h"), "INFO", "beat: Stopped."),
]


@pytest.mark.parametrize(("event", "level", "line"), LINES)
def test_an_event_of_a_scheduler_is_the_line_that_people_know(
    event: Event, level: str, line: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Row 123."""
    with caplog.at_level(logging.INFO, "horarium"):
        Lines().tell(event)
    assert caplog.record_tuples == [("horarium.beat", logging.getLevelNamesMapping()[level], line)]


def test_every_event_of_a_scheduler_has_a_line_of_its_own() -> None:
    assert {type(event) for event, _, _ in LINES} >= set(get_args(SchedulerEvent))


def test_the_same_words_of_a_worker_are_the_workers(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "horarium"):
        Lines().tell(Troubled(where="claim", reason="away", wait=0.25))
        Lines().tell(Recovered(where="claim"))
    assert {record.name for record in caplog.records} == {"horarium.worker"}


def test_how_a_schedule_failed_is_shown_to_who_looks_closely(caplog: pytest.LogCaptureFixture) -> None:
    failed = ScheduleFailed(schedule="bad", reason="odd", traceback="Traceback\nTypeError: x\n")
    with caplog.at_level(logging.INFO, "horarium"):
        Lines().tell(failed)
    assert "Traceback" not in caplog.text
    with caplog.at_level(logging.DEBUG, "horarium"):
        Lines().tell(failed)
    assert caplog.messages[-1] == "Traceback\nTypeError: x"
