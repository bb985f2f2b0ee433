"""Logging for a program that has set up none: lines to stderr in the form that Celery's users know.

Where the project has given the root logger a handler, that is left alone, level included.
"""

from __future__ import annotations

import logging
import re
import sys
from typing import TYPE_CHECKING

from horarium import signals
from horarium.app.request import current_request
from horarium.errors import InvalidSetting

if TYPE_CHECKING:
    from horarium.settings import Settings

MAIN_PROCESS = "MainProcess"
OWN = "horarium"
TASKS = "celery.task"  # the logger above those that get_task_logger gives

_FIELD = re.compile(r"%\((\w+)\)")
_OUR_FIELDS = frozenset(  # of a format; of these the message alone is what the task says
    ("asctime", "levelname", "message", "process", "processName", "task_id", "task_name")
)

_process = MAIN_PROCESS


def configure(level: str | int, conf: Settings, logfile: str | None = None, *, color: bool = True) -> bool:
    """Set up logging at ``level`` (any case); tell whether there was anything to set up.

    A receiver of the signal ``setup_logging`` does it instead, unless it raises; what it has not done can be done by
    those of ``after_setup_logger`` and ``after_setup_task_logger``. The level holds for Horarium's own lines in any
    case. ``color`` False: none on a terminal either, unless the settings want it. Raises: InvalidSetting for a level
    that is none.
    """
    number = level_number(level)
    own = logging.getLogger(OWN)
    own.setLevel(number)
    facts = {"loglevel": number, "logfile": logfile, "format": conf.worker_log_format, "colorize": False}
    answers = signals.setup_logging.send(None, **facts)
    if any(not isinstance(answer, Exception) for _, answer in answers):
        return False
    is_ours = _configure_root(number, conf, color=color)
    signals.after_setup_logger.send(None, logger=logging.getLogger(), **facts)
    facts["format"] = conf.worker_task_log_format
    signals.after_setup_task_logger.send(None, logger=logging.getLogger(TASKS), **facts)
    return is_ours


def _configure_root(number: int, conf: Settings, *, color: bool) -> bool:
    root = logging.getLogger()
    if root.handlers or not conf.worker_hijack_root_logger:
        return False
    handler = logging.StreamHandler(sys.stderr)
    is_colored = conf.worker_log_color if conf.worker_log_color is not None else color and sys.stderr.isatty()
    handler.setFormatter(
        LineFormatter(
            conf.worker_log_format,
            conf.worker_task_log_format,
            own_times=conf.worker_log_datefmt,
            task_times=conf.worker_task_log_datefmt,
            is_colored=is_colored,
        )
    )
    root.addHandler(handler)
    root.setLevel(number)
    return True


def level_number(level: str | int) -> int:
    """Return a level's number. Raises: InvalidSetting."""
    if isinstance(level, int):
        return level
    levels = logging.getLevelNamesMapping()
    if level.upper() not in levels:
        raise InvalidSetting("loglevel", "one of DEBUG, INFO, WARNING, ERROR, CRITICAL", level)
    return levels[level.upper()]


def name_process(name: str) -> None:
    """Let lines of this process bear this name."""
    global _process
    _process = name


class LineFormatter(logging.Formatter):
    """Two formats: the worker's own lines, and what a task logs, which may name the task; that without secrets."""

    def __init__(
        self,
        own: str,
        task: str,
        *,
        own_times: str | None = None,
        task_times: str | None = None,
        is_colored: bool = False,
    ) -> None:
        super().__init__(own, own_times)
        self._task = logging.Formatter(task, task_times)
        self._shows_only_message = set(_FIELD.findall(task)) <= _OUR_FIELDS
        self._is_colored = is_colored

    def format(self, record: logging.LogRecord) -> str:
        line = self._line(record)
        color = _COLORS.get(record.levelno) if self._is_colored else None
        return f"\x1b[{color}m{line}\x1b[0m" if color else line

    def _line(self, record: logging.LogRecord) -> str:
        record.processName = _process
        request = current_request()
        if request is None or request.message is None or record.name == f"{OWN}.worker":
            return super().format(record)
        record.task_name, record.task_id = request.message.task, request.message.id
        line = self._task.format(record)
        if self._shows_only_message and not (record.exc_info or record.exc_text or record.stack_info):
            # To look through the time, the names and the id too takes 10 us; through what was said 1.
            return line if request.is_plain(record.message) else request.without_secrets(line)
        return request.without_secrets(line)


_COLORS = {logging.DEBUG: 34, logging.WARNING: 33, logging.ERROR: 31, logging.CRITICAL: 35}
