"""What people did by the admin, in Django's own log: the history page of each thing shows it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType

BATCH = 500
LONGEST_NAME = 200  # of the column


def note(request: Any, model: Any, done: Iterable[tuple[object, str, str]]) -> None:
    """Write down who did what to things of a model: for each its key, its name and what was done."""
    kind = ContentType.objects.get_for_model(model, for_concrete_model=False)
    entries = [
        LogEntry(
            user_id=request.user.pk,
            content_type_id=kind.pk,
            object_id=str(key),
            object_repr=name[:LONGEST_NAME],
            action_flag=CHANGE,
            change_message=what,
        )
        for key, name, what in done
    ]
    LogEntry.objects.bulk_create(entries, batch_size=BATCH)
