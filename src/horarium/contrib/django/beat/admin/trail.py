"""What people did to periodic tasks, in Django's own log: the history page of each row shows it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType

from horarium.contrib.django.beat.models import PeriodicTask

BATCH = 500


def note(request: Any, done: Iterable[tuple[int, str, str]]) -> None:
    """Write down who did what: for each row its key, its name and what was done."""
    kind = ContentType.objects.get_for_model(PeriodicTask, for_concrete_model=False)
    entries = [
        LogEntry(
            user_id=request.user.pk,
            content_type_id=kind.pk,
            object_id=str(pk),
            object_repr=name[:200],
            action_flag=CHANGE,
            change_message=what,
        )
        for pk, name, what in done
    ]
    LogEntry.objects.bulk_create(entries, batch_size=BATCH)
