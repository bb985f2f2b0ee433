"""The rows of periodic tasks, read in few queries. What is wrong with one row hinders no other.

The database is asked that is written to: a replica may not know yet what has been noted of a row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from django.db import Error as DatabaseError
from django.db import connections, models, router
from msgspec import Struct

from horarium.contrib.django.beat.models import KINDS, PeriodicTask
from horarium.contrib.django.models import ScheduleExtra

# Rows of one query, and schedules of one transaction of the store: 0.1 s. An edit waits for two of them at most.
PAGE = 250


class Extra(Struct, frozen=True):
    """What is known of a row besides."""

    options: dict[str, Any]  # Any: JSON
    error: str


class Row(Struct, frozen=True):
    """A row as it was read: the task, or why it cannot be read."""

    task: PeriodicTask | None
    extra: Extra
    error: str = ""


NOTHING = Extra({}, "")
BROKEN = {"options that are no JSON object": True}


class Rows:
    """The periodic tasks that a scheduler has in charge: those of ``queryset``, which is asked for anew each time."""

    def __init__(
        self, queryset: Callable[[], models.QuerySet] | None = None, model: type[PeriodicTask] = PeriodicTask
    ) -> None:
        self.model = model
        self.using: str = router.db_for_write(model)
        self._queryset = queryset or model._default_manager.all
        self.has_extras = True  # False: the table of extras could not be made

    def all(self) -> models.QuerySet:
        """Return them all, as a query."""
        return self._queryset().using(self.using)

    def names(self, ids: Iterable[int]) -> dict[int, str]:
        """Return the names of those of these rows that there are."""
        return dict(self.all().filter(pk__in=list(ids)).values_list("pk", "name"))

    def named(self, names: Iterable[str]) -> dict[str, int]:
        """Return the numbers of the rows that have these names."""
        return dict(self.all().filter(name__in=list(names)).values_list("name", "pk"))

    def page(self, after: int, *, limit: int = PAGE, kind: str | None = None, row_id: int = 0) -> list[int]:
        """Return the numbers of the next rows; with ``kind`` of those that are due as its row ``row_id`` says."""
        found = self.all().filter(pk__gt=after)
        if kind is not None:
            found = found.filter(**{f"{kind}_id": row_id})
        return list(found.order_by("pk").values_list("pk", flat=True)[:limit])

    def read(self, ids: Sequence[int]) -> dict[int, Row]:
        """Return those of these rows that there are. Raises: DatabaseError."""
        extras = self._extras(ids)
        joined = self.all().select_related(*KINDS)
        try:  # not joined: tasks that share a crontab share the object then, and what was read of it
            tasks = list(self.all().select_related(None).prefetch_related(*KINDS).filter(pk__in=ids))
        except DatabaseError:
            raise
        except Exception:  # noqa: BLE001  # a value that no field can hold, written by raw SQL: find out whose it is
            return {id: row for id in ids if (row := _alone(joined, id, extras.get(id, NOTHING))) is not None}
        return {task.pk: Row(task, extras.get(task.pk, NOTHING)) for task in tasks}

    def note_errors(self, errors: dict[int, str]) -> None:
        """Keep what is wrong with rows; an empty text takes back what was."""
        if not self.has_extras or not errors:
            return
        extras = ScheduleExtra.objects.using(self.using)
        wrong = [ScheduleExtra(periodic_task_id=id, error=error) for id, error in sorted(errors.items()) if error]
        if wrong:
            has_target = connections[self.using].features.supports_update_conflicts_with_target  # MySQL has none
            target = {"unique_fields": ["periodic_task_id"]} if has_target else {}
            extras.bulk_create(wrong, update_conflicts=True, update_fields=["error"], **target)
        mended = [id for id, error in errors.items() if not error]
        if mended:
            extras.filter(pk__in=mended).update(error="")

    def forget_lost(self) -> int:
        """Delete what is known besides of tasks that are there no more: some, as many as a page; return how many.

        Triggers do it at once; this is for those that were deleted where there were none.
        """
        if not self.has_extras:
            return 0
        extras = ScheduleExtra.objects.using(self.using)
        tasks = PeriodicTask._base_manager.using(self.using).filter(pk=models.OuterRef("pk"))
        lost = list(extras.filter(~models.Exists(tasks)).values_list("pk", flat=True)[:PAGE])
        if lost:
            extras.filter(~models.Exists(tasks), pk__in=lost).delete()
        return len(lost)

    def _extras(self, ids: Sequence[int]) -> dict[int, Extra]:
        if not self.has_extras:
            return {}
        extras = ScheduleExtra.objects.using(self.using)
        try:
            found = list(extras.filter(pk__in=ids).values_list("pk", "options", "error"))
        except ValueError:  # raw SQL wrote no JSON somewhere: those rows have a key that no entry knows, and say so
            errors = dict(extras.filter(pk__in=ids).values_list("pk", "error"))
            found = [(id, _options(extras, id), error) for id, error in errors.items()]
        return {id: Extra(options if isinstance(options, dict) else BROKEN, error) for id, options, error in found}


def _options(extras: models.QuerySet, id: int) -> object:
    try:
        return extras.filter(pk=id).values_list("options", flat=True).first()
    except ValueError:
        return None


def _alone(joined: models.QuerySet, id: int, extra: Extra) -> Row | None:
    try:
        task = joined.filter(pk=id).first()
    except DatabaseError:
        raise
    except Exception as error:  # noqa: BLE001  # it is told at the row
        reason = "; ".join(getattr(error, "messages", None) or [str(error)])
        return Row(None, extra, f"expected values that can be read, got {type(error).__name__}: {reason}; correct them")
    return None if task is None else Row(task, extra)
