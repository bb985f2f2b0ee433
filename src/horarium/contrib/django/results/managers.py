"""Managers of the tables of results: looking up, storing one by hand, and removing what is old in batches."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Generic, TypeVar

from django.db import connections, models, router, transaction
from django.utils import timezone

BATCH = 1000  # rows of one statement and one transaction

M = TypeVar("M", bound=models.Model)


def delete_oldest(rows: models.QuerySet, limit: int) -> int:
    """Delete the ``limit`` oldest of these rows; return how many they were. No transaction is open meanwhile: if others
    delete the same ones, that is as good."""
    ids = list(rows.order_by("date_done").values_list("pk", flat=True)[:limit])
    if ids:
        rows.model._base_manager.using(rows.db).filter(pk__in=ids).delete()
    return len(ids)


def _is_older(expires: float | timedelta) -> models.Q:
    age = expires if isinstance(expires, timedelta) else timedelta(seconds=expires)
    return models.Q(date_done__lt=timezone.now() - age)


class ResultManager(models.Manager, Generic[M]):
    """What both tables have in common."""

    def connection_for_write(self) -> Any:
        """Return the connection of this thread to the database that rows are written to."""
        return connections[router.db_for_write(self.model)]

    def connection_for_read(self) -> Any:
        """Return the connection of this thread to the database that rows are read from."""
        return connections[self.db]

    def get_all_expired(self, expires: float | timedelta) -> models.QuerySet:
        """Return the rows that were last written longer ago than ``expires`` (seconds, or a timedelta)."""
        return self.filter(_is_older(expires))

    def delete_expired(self, expires: float | timedelta, *, batch: int = BATCH) -> int:
        """Delete those rows in batches, each in a transaction of its own, and return how many they were.

        Blocks as long as that takes; no transaction is longer than a batch, and no more than a batch of ids is in
        memory.
        """
        deleted = 0
        while count := delete_oldest(self.using(router.db_for_write(self.model)).filter(_is_older(expires)), batch):
            deleted += count
        return deleted

    def _store(self, key: dict[str, str], fields: dict[str, Any], using: str | None) -> M:
        alias = using or router.db_for_write(self.model)
        with transaction.atomic(using=alias):
            row, _ = self.using(alias).update_or_create(**key, defaults=fields)
        stored: M = row
        return stored


class TaskResultManager(ResultManager["TaskResult"]):  # type: ignore[name-defined]
    """``TaskResult.objects``."""

    def get_task(self, task_id: str) -> Any:
        """Return the row of a run; one that is not stored, PENDING, if there is none."""
        return self.filter(task_id=task_id).first() or self.model(task_id=task_id)

    def store_result(
        self,
        content_type: str,
        content_encoding: str,
        task_id: str,
        result: str | None,
        status: str,
        traceback: str | None = None,
        meta: str | None = None,
        periodic_task_name: str | None = None,
        task_name: str | None = None,
        task_args: str | None = None,
        task_kwargs: str | None = None,
        worker: str | None = None,
        using: str | None = None,
        **times: Any,
    ) -> Any:
        """Write the row of a run, new or not, and return it; of ``times`` only ``date_started`` counts.

        For programs that keep records of their own beside those of workers.
        """
        fields: dict[str, Any] = {
            "content_type": content_type,
            "content_encoding": content_encoding,
            "result": result,
            "status": status,
            "traceback": traceback,
            "meta": meta,
            "periodic_task_name": periodic_task_name,
            "task_name": task_name,
            "task_args": task_args,
            "task_kwargs": task_kwargs,
            "worker": worker,
        }
        fields |= {name: value for name, value in times.items() if name == "date_started"}
        return self._store({"task_id": task_id}, fields, using)


class GroupResultManager(ResultManager["GroupResult"]):  # type: ignore[name-defined]
    """``GroupResult.objects``."""

    def get_group(self, group_id: str) -> Any:
        """Return the row of a group; one that is not stored if there is none."""
        return self.filter(group_id=group_id).first() or self.model(group_id=group_id)

    def store_group_result(
        self, content_type: str, content_encoding: str, group_id: str, result: str | None, using: str | None = None
    ) -> Any:
        """Write the row of a group, new or not, and return it."""
        fields = {"content_type": content_type, "content_encoding": content_encoding, "result": result}
        return self._store({"group_id": group_id}, fields, using)
