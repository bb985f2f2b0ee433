"""``result_backend="django-db"``: runs are written down in the table TaskResult, saved groups in GroupResult.

Whatever app of the project has the label ``django_celery_results`` has the tables. Each thread uses Django's own
connection of that thread. What Django or a database raises leaves this file as an error of ours.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.apps import apps
from django.core.exceptions import AppRegistryNotReady
from django.core.exceptions import ImproperlyConfigured as NotConfigured
from django.db import DatabaseError, InterfaceError, OperationalError, connections, router, transaction
from django.db.models import Q
from django.utils import timezone

from horarium.app.archive import ArchiveRefused, ArchiveUnavailable, Record
from horarium.app.result_set import GROUP
from horarium.clock import Instant
from horarium.contrib.django.columns import column_value
from horarium.contrib.django.results import forms
from horarium.contrib.django.results.hiding import hidden
from horarium.contrib.django.results.managers import delete_oldest
from horarium.errors import ImproperlyConfigured
from horarium.outcome import Run
from horarium.settings import Settings

LABEL = "django_celery_results"
MIGRATE = f"python manage.py migrate {LABEL}"
INSTALL = 'add "horarium.contrib.django.results" to INSTALLED_APPS'
ROWS = 500  # of one statement
_MISSING = ("no such table", "no such column", "has no column", "doesn't exist", "does not exist", "unknown column")
# Written by the first record of a run alone, or by whichever record knows it.
_FIRST, _KNOWN = "date_created", "date_started"


class TableArchive:
    """See app.archive.Archive."""

    def __init__(self, conf: Settings) -> None:
        try:
            self._runs = apps.get_model(LABEL, "TaskResult")
            self._groups = apps.get_model(LABEL, "GroupResult")
        except (NotConfigured, AppRegistryNotReady) as error:
            raise ImproperlyConfigured(
                "expected Django to be set up for result_backend='django-db', it is not "
                f"({str(error).partition('.')[0]}); set DJANGO_SETTINGS_MODULE to the project's settings, and call "
                "django.setup() in programs of your own"
            ) from error
        except LookupError as error:
            raise ImproperlyConfigured(
                f"expected an app labelled {LABEL} for result_backend='django-db', got none ({error}); {INSTALL}, and "
                f"run {MIGRATE}"
            ) from error

    def write(self, records: Sequence[Record]) -> None:
        records = hidden(records)
        runs = {each.run.id: each for each in records if each.run.message.task != GROUP}
        groups = {each.run.id: each for each in records if each.run.message.task == GROUP}
        for model, key, make, part in (
            (self._runs, "task_id", _run_row, runs),
            (self._groups, "group_id", _group_row, groups),
        ):
            if part:
                with _translated(model) as alias, transaction.atomic(using=alias):
                    _upsert(model, alias, key, [make(each) for each in part.values()])

    def unwritten(self, runs: Sequence[Run]) -> list[Run]:
        with _translated(self._runs) as alias:
            rows = self._runs._base_manager.using(alias).filter(task_id__in=[run.id for run in runs])
            written = {id for id, status in rows.values_list("task_id", "status") if status in forms.ENDED_STATUS}
        return [run for run in runs if run.id not in written]

    def expire(self, before: Instant, limit: int, *, failed_before: Instant) -> int:
        old = Q(date_done__lt=column_value(before))
        if failed_before != before:
            is_failed = Q(status="FAILURE")
            old = (old & ~is_failed) | (Q(date_done__lt=column_value(failed_before)) & is_failed)
        with _translated(self._runs) as alias:
            deleted = delete_oldest(self._runs._base_manager.using(alias).filter(old), limit)
        if deleted < limit:
            with _translated(self._groups) as alias:
                saved = self._groups._base_manager.using(alias).filter(date_done__lt=column_value(before))
                deleted += delete_oldest(saved, limit - deleted)
        return deleted

    def forget(self, ids: Sequence[str]) -> None:
        for model, key in ((self._runs, "task_id"), (self._groups, "group_id")):
            with _translated(model) as alias:
                model._base_manager.using(alias).filter(**{f"{key}__in": list(ids)}).delete()

    def group(self, id: str) -> Any | None:
        with _translated(self._groups) as alias:
            row = self._groups._base_manager.using(alias).filter(group_id=id).first()
        if row is None or row.content_type != forms.CONTENT_TYPE or row.content_encoding != forms.CONTENT_ENCODING:
            return None
        return forms.read(row.result)

    def close(self) -> None:
        for alias in {router.db_for_write(self._runs), router.db_for_write(self._groups)}:
            connection = connections[alias]
            if not connection.in_atomic_block:
                connection.close()


def _run_row(record: Record) -> dict[str, Any]:
    run = record.run
    args, kwargs = forms.shown(record)
    name = forms.periodic_name(run)
    return {
        "task_id": run.id,
        "periodic_task_name": name and forms.clean(name)[:255],
        "task_name": forms.clean(run.message.task),
        "task_args": forms.text_of(args),
        "task_kwargs": forms.text_of(kwargs),
        "status": forms.clean(forms.status_of(run))[:50],
        "worker": forms.clean(run.worker)[:100] or None,
        "content_type": forms.CONTENT_TYPE,
        "content_encoding": forms.CONTENT_ENCODING,
        "result": forms.text_of(forms.result_of(run)),
        _FIRST: timezone.now(),
        _KNOWN: column_value(run.started) if run.started is not None else None,
        "date_done": column_value(forms.done_at(run)),
        "traceback": forms.traceback_of(run),
        "meta": forms.text_of(forms.meta_of(record)),
    }


def _group_row(record: Record) -> dict[str, Any]:
    return {
        "group_id": record.run.id,
        "content_type": forms.CONTENT_TYPE,
        "content_encoding": forms.CONTENT_ENCODING,
        "result": forms.text_of(forms.result_of(record.run)),
        _FIRST: timezone.now(),
        "date_done": column_value(forms.done_at(record.run)),
    }


def _upsert(model: Any, alias: str, key: str, rows: list[dict[str, Any]]) -> None:
    """Write rows in one statement for many. The ORM's bulk_create would set ``date_done`` to the present: here, of a
    run that is written down late, it is when it ended."""
    connection = connections[alias]
    if connection.vendor not in ("sqlite", "postgresql"):
        _upsert_singly(model, alias, key, rows)
        return
    names = list(rows[0])
    adapt = connection.ops.adapt_datetimefield_value  # all other columns are texts, and asking their fields is slow
    at_once = min(ROWS, (connection.features.max_query_params or ROWS * len(names)) // len(names))
    for start in range(0, len(rows), at_once):
        part = rows[start : start + at_once]
        values = [adapt(value) if isinstance(value, datetime) else value for row in part for value in row.values()]
        with connection.cursor() as cursor:
            cursor.execute(_statement(model, connection, key, names, len(part)), values)


def _statement(model: Any, connection: Any, key: str, names: Sequence[str], rows: int) -> str:
    quote = connection.ops.quote_name
    table = quote(model._meta.db_table)
    columns = {name: quote(model._meta.get_field(name).column) for name in names}
    changes = [f"{column} = EXCLUDED.{column}" for name, column in columns.items() if name not in (key, _FIRST, _KNOWN)]
    if _KNOWN in columns:
        changes.append(f"{columns[_KNOWN]} = COALESCE(EXCLUDED.{columns[_KNOWN]}, {table}.{columns[_KNOWN]})")
    row = f"({', '.join(['%s'] * len(names))})"
    return (
        f"INSERT INTO {table} ({', '.join(columns.values())}) VALUES {', '.join([row] * rows)} "
        f"ON CONFLICT ({columns[key]}) DO UPDATE SET {', '.join(changes)}"
    )


def _upsert_singly(model: Any, alias: str, key: str, rows: list[dict[str, Any]]) -> None:
    """The same by the ORM, for databases whose statement for it is another one."""
    for row in rows:
        known = {name: value for name, value in row.items() if name != _FIRST and (name != _KNOWN or value)}
        model._base_manager.using(alias).update_or_create(**{key: row[key]}, defaults=known)
        model._base_manager.using(alias).filter(**{key: row[key]}).update(date_done=row["date_done"])


@contextmanager
def _translated(model: Any) -> Iterator[str]:
    """Yield the database in which a model's rows are written. Raises what a database does as an error of ours."""
    alias = router.db_for_write(model)
    connection = connections[alias]
    table = f"table {model._meta.db_table} of database {alias!r}"
    try:
        yield alias
    except (DatabaseError, InterfaceError) as error:
        if any(words in str(error).lower() for words in _MISSING):
            raise ArchiveRefused(f"expected {table}, got {_line(error)}; run {MIGRATE}", is_all=True) from error
        if isinstance(error, OperationalError | InterfaceError):
            if not connection.in_atomic_block:
                connection.close()  # the next try opens a new one
            raise ArchiveUnavailable(f"expected to reach {table}, got {_line(error)}") from error
        raise ArchiveRefused(f"expected {table} to take a record, it refuses: {_line(error)}") from error
    except (ValueError, TypeError, OverflowError) as error:  # what a driver cannot say in its database's words
        raise ArchiveRefused(f"expected {table} to take a record, it refuses: {_line(error)}") from error


def _line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
