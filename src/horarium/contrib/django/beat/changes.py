"""What the triggers of the database have noted: read, and deleted once the store has what it says."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connections, models, transaction
from msgspec import Struct

from horarium.contrib.django.beat.tables import TASK
from horarium.contrib.django.models import Change


class Noted(Struct, frozen=True):
    """A row of the table of changes, as it was read."""

    id: int
    kind: str
    row_id: int
    name: str
    number: int


def are_there(using: str) -> bool:
    """Tell whether anything has been noted, in one query. Raises: Django's database errors."""
    found: bool = Change.objects.using(using).exists()
    return found


def of_tasks(using: str, limit: int) -> list[Noted]:
    """Return changes of some periodic tasks, all of each, in their order; no more tasks than ``limit``.

    Half of it goes to the newest: who edits one row is not to wait for another's hundred thousand. Raises: Django's
    database errors.
    """
    changes = Change.objects.using(using).filter(kind=TASK)
    half = max(1, limit // 2)
    rows = {row for order in ("-pk", "pk") for row in changes.order_by(order).values_list("row_id", flat=True)[:half]}
    return _read(changes.filter(row_id__in=sorted(rows))) if rows else []


def of_others(using: str, limit: int) -> list[Noted]:
    """Return the oldest changes of what tasks share. Raises: Django's database errors."""
    return _read(Change.objects.using(using).exclude(kind=TASK), limit)


def forget(using: str, noted: Sequence[Noted]) -> None:
    """Delete changes that have been dealt with, but for those of which more have come.

    What an open transaction has noted again is left as well: it is not waited for. Raises: Django's database errors.
    """
    changes = Change.objects.using(using)
    numbers = {each.id: each.number for each in noted}
    if not connections[using].features.has_select_for_update_skip_locked:
        for number in sorted(set(numbers.values())):
            changes.filter(pk__in=[id for id in numbers if numbers[id] == number], number=number).delete()
        return
    with transaction.atomic(using=using):
        found = changes.select_for_update(skip_locked=True).filter(pk__in=list(numbers)).values_list("pk", "number")
        changes.filter(pk__in=[id for id, number in found if number == numbers[id]]).delete()


def _read(found: models.QuerySet, limit: int | None = None) -> list[Noted]:
    fields = found.order_by("pk").values_list("pk", "kind", "row_id", "name", "number")
    return [Noted(*values) for values in fields[:limit]]
