"""How a command ends: the exit codes, and the errors that carry one.

A command that cannot do what was asked raises ``Stop`` (or an error of the house, see ``code_of``); ``main`` writes
it to stderr as one ``error:`` line with its hints below, and nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum

import click

from horarium.errors import (
    EngineUnavailable,
    HorariumError,
    InvalidQuestion,
    InvalidSchedule,
    NotRegistered,
    ResultTimeout,
    RunNotFound,
    ScheduleConflict,
    ScheduleNotFound,
    ScheduleRefused,
)


class Exit(IntEnum):
    """What the shell is told."""

    OK = 0
    FAILED = 1
    NOT_FOUND = 3
    REFUSED = 4  # it could be done, but not like this
    USAGE = 64  # EX_USAGE of sysexits.h, as Celery
    UNAVAILABLE = 69  # nobody answers: no live worker, or no store (EX_UNAVAILABLE of sysexits.h, as Celery)
    CANNOT_CREATE = 73  # a living process holds the pidfile (EX_CANTCREAT, as Celery)
    TIMED_OUT = 124  # as timeout(1)
    INTERRUPTED = 130  # 128 + SIGINT
    BROKEN_PIPE = 141  # 128 + SIGPIPE: the reader of our output went away


class Stop(click.ClickException):
    """End the command with this code; ``hints`` say what to do next."""

    def __init__(self, message: str, code: Exit, *, hints: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.code = code
        self.hints = tuple(hints)


def code_of(error: HorariumError) -> Exit:
    """Return the exit code that an error of the house stands for."""
    match error:
        case RunNotFound() | ScheduleNotFound() | NotRegistered():
            return Exit.NOT_FOUND
        case ScheduleConflict() | ScheduleRefused():
            return Exit.REFUSED
        case InvalidSchedule() | InvalidQuestion():
            return Exit.USAGE
        case EngineUnavailable():
            return Exit.UNAVAILABLE
        case ResultTimeout():
            return Exit.TIMED_OUT
        case _:
            return Exit.FAILED
