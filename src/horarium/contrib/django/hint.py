"""A hint for developers, with ``DEBUG`` only: a task that is sent inside of a transaction may run before its commit.

Told once for each task and process, as one line of the log; never in production, never twice.
"""

from __future__ import annotations

import logging
from typing import Any

from django.db import connections

from horarium import signals
from horarium.app.app import current_app
from horarium.app.transaction import joined_by
from horarium.contrib.django.on_commit import is_aware

logger = logging.getLogger(__name__)

_told: set[str] = set()


def connect() -> None:
    """Listen to what is sent."""
    signals.before_task_publish.connect(_look, dispatch_uid="horarium.contrib.django", weak=False)


def _look(sender: str, **_: Any) -> None:
    if sender in _told or is_aware() or joined_by(current_app().connection) is not None:
        return
    if any(connection.in_atomic_block for connection in connections.all(initialized_only=True)):
        _told.add(sender)
        logger.warning(
            "%s was sent inside of a transaction: it may run before the commit, and stays sent after a rollback. "
            "delay_on_commit sends it at the commit (told once; silence the logger %s)",
            sender,
            __name__,
        )
