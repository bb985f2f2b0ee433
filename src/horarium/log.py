"""Loggers of tasks, as ``celery.utils.log`` has them. A door; nothing inside imports it.

What they write goes to one parent, ``celery.task``, whose level and handlers hold for all of them; each record also
tells which run wrote it, whatever formats it.
"""

from __future__ import annotations

import logging

from horarium.app.request import current_request

PARENT = "celery.task"  # the level and the handlers of tasks hang here, in Celery and here
NOBODY = "???"  # as Celery says outside a task


def get_logger(name: str) -> logging.Logger:
    """Return the logger of this name, the standard library's."""
    return logging.getLogger(name)


def get_task_logger(name: str) -> logging.Logger:
    """Return a logger for the tasks of a module: ``logger = get_task_logger(__name__)``.

    Its records have ``task_name`` and ``task_id``, ``???`` outside a task. Calling it twice changes nothing.
    Raises: ValueError for the name of the parent itself.
    """
    if name in (PARENT, "horarium", ""):
        raise ValueError(f"expected the name of a module, got {name!r}, which is above all tasks; pass __name__")
    logger, parent = logging.getLogger(name), logging.getLogger(PARENT)
    logger.parent = parent
    if not any(isinstance(known, _TellsRun) for known in logger.filters):
        logger.addFilter(_TellsRun())
    return logger


class _TellsRun(logging.Filter):
    """Lets everything through, and writes on it whose it is."""

    def filter(self, record: logging.LogRecord) -> bool:
        request = current_request()
        message = request.message if request is not None else None
        record.task_name = message.task if message is not None else NOBODY
        record.task_id = message.id if message is not None else NOBODY
        return True
