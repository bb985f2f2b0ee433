"""What a message carries of the task of Django's that it was enqueued as, in one of its headers.

The function, the queue and the arguments are the message's own. A message without the mark was sent by other means,
such as a schedule or ``send_task``: it is one of whichever backend is asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.tasks.base import Task

HEADER = "django_task"


def mark_of(task: Task) -> dict[str, Any]:
    """Return the value of the header for a task."""
    mark = {"backend": task.backend, "priority": task.priority}
    return mark if task.run_after is None else {**mark, "run_after": task.run_after.isoformat()}


class Mark:
    """The same, read."""

    def __init__(self, headers: Mapping[str, Any]) -> None:
        written = headers.get(HEADER)
        self.is_there = isinstance(written, dict)
        fields = written if isinstance(written, dict) else {}
        self.backend: str | None = fields.get("backend")
        self.priority: int | None = fields.get("priority")
        self.run_after = datetime.fromisoformat(fields["run_after"]) if "run_after" in fields else None
