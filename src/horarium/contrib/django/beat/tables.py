"""Horarium's own tables in a database with periodic tasks, and the triggers by which it tells what has been edited.

They are made where they are missing, by whoever finds that: a migration, the signal after one, a scheduler. Each step
may be repeated, and done by several at once. A change of the own tables later on must find what ``ensure`` makes then.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from django.db import Error as DatabaseError
from django.db import connections, models, transaction
from msgspec import Struct

from horarium.contrib.django.beat.models import (
    ClockedSchedule,
    CrontabSchedule,
    IntervalSchedule,
    PeriodicTask,
    SolarSchedule,
)
from horarium.contrib.django.models import Change, ScheduleExtra
from horarium.engines.statements import read_statements

OWN: tuple[type[models.Model], ...] = (ScheduleExtra, Change)
MOMENTS: dict[str, type[models.Model]] = {
    "interval": IntervalSchedule,
    "crontab": CrontabSchedule,
    "solar": SolarSchedule,
    "clocked": ClockedSchedule,
}
TASK, ALL = "task", "all"  # kinds of changes besides those
# What schedulers write of a task, and what follows from any edit.
NOT_EDITS = frozenset({"last_run_at", "total_run_count", "date_changed"})

# A trigger waits for whoever writes to the table, and everybody else who does waits behind it: a scheduler gives up.
LONGEST_LOCK = "2s"
LOCK = 0x686F72  # of PostgreSQL's advisory locks: one makes triggers at a time
SQL = Path(__file__).resolve().parent.parent / "sql"


class Missing(Struct, frozen=True):
    """What is not there."""

    tasks: bool = False  # tables of periodic tasks, or columns of them
    own: bool = False
    triggers: bool = False


def missing(using: str) -> Missing:
    """Return what is missing in a database. Raises: Django's database errors."""
    connection = connections[using]
    with connection.cursor() as cursor:
        tables = set(connection.introspection.table_names(cursor))
    models_of_tasks: list[type[models.Model]] = [PeriodicTask, *MOMENTS.values()]
    has_tasks = all(model._meta.db_table in tables for model in models_of_tasks)
    return Missing(
        tasks=not has_tasks,
        own=not all(model._meta.db_table in tables for model in OWN),
        triggers=not triggers_are_there(using),
    )


def triggers_are_there(using: str) -> bool:
    """Tell whether all triggers are there, in one cheap query. Raises: Django's database errors."""
    connection = connections[using]
    if not can_have_triggers(using):
        return False
    with connection.cursor() as cursor:
        cursor.execute(_statements(connection.vendor)["triggers"])
        found = {name for (name,) in cursor.fetchall()}
    return found >= {each.name for each in _triggers(connection.vendor)}


def can_have_triggers(using: str) -> bool:
    """Tell whether we know how to write triggers for this kind of database."""
    return (SQL / connections[using].vendor).is_dir()


def ensure(using: str, editor: Any = None) -> bool:  # Any: Django's schema editor, of a migration that is under way
    """Make what is missing of the own tables, and of the triggers where there are periodic tasks; tell whether there
    was anything. Schedulers look at all rows then: edits may have gone unseen.

    Raises: Django's database errors, where it may not be made.
    """
    found = missing(using)
    wants_triggers = found.triggers and not found.tasks and can_have_triggers(using)
    if not found.own and not wants_triggers:
        return False
    with _alone(using):
        _make_tables(using, editor)
        if wants_triggers:
            _make_triggers(using)
            _ask_for_all(using)
    return True


def drop(using: str, editor: Any) -> None:  # Any: as ``ensure``
    """Remove triggers and own tables. Raises: Django's database errors."""
    connection = connections[using]
    there = set(connection.introspection.table_names())
    with connection.cursor() as cursor:
        for each in _triggers(connection.vendor) if can_have_triggers(using) else ():
            if each.table in there:
                _drop_trigger(cursor, connection, each)
    for model in OWN:
        if model._meta.db_table in there:
            editor.delete_model(model)


class _Trigger(Struct, frozen=True):
    name: str
    table: str
    event: str  # the name of a statement
    kind: str
    row: str
    columns: tuple[str, ...] = ()  # those that make an update an edit
    has_name: bool = False


def _triggers(vendor: str) -> list[_Trigger]:
    task, extra = PeriodicTask._meta.db_table, ScheduleExtra._meta.db_table
    own = tuple(name for name in _columns(PeriodicTask) if name not in NOT_EDITS)
    found = [_Trigger(f"horarium_task_{event}", task, event, TASK, "id", own, has_name=True) for event in _EVENTS]
    found += [
        _Trigger(f"horarium_extra_{event}", extra, event, TASK, "periodic_task_id", ("options",)) for event in _EVENTS
    ]
    for kind, model in MOMENTS.items():
        table, columns = model._meta.db_table, _columns(model)
        found += [_Trigger(f"horarium_{kind}_{event}", table, event, kind, "id", columns) for event in _EVENTS[1:]]
    found.append(_Trigger("horarium_task_forgotten", task, "forgotten", TASK, "id"))
    if vendor == "postgresql":
        found.append(_Trigger("horarium_task_truncated", task, "truncated", ALL, "id"))
    return found


_EVENTS = ("inserted", "updated", "deleted")


def _columns(model: type[models.Model]) -> tuple[str, ...]:
    return tuple(field.column for field in model._meta.concrete_fields if not field.primary_key)


@cache
def _statements(vendor: str) -> dict[str, str]:
    return read_statements(SQL / vendor)


@contextmanager
def _alone(using: str) -> Iterator[None]:
    """Let one at a time make things, all or nothing where the database can."""
    connection = connections[using]
    if connection.vendor != "postgresql":
        yield
        return
    is_ours = not connection.in_atomic_block  # not that of a migration
    with transaction.atomic(using=using), connection.cursor() as cursor:
        if is_ours:
            cursor.execute(f"SET LOCAL lock_timeout = '{LONGEST_LOCK}'")
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        yield


def _make_tables(using: str, editor: Any) -> None:
    connection = connections[using]
    for model in OWN:
        if model._meta.db_table in connection.introspection.table_names():
            continue
        try:
            if editor is not None:
                editor.create_model(model)
            else:
                with connection.schema_editor() as own:
                    own.create_model(model)
        except DatabaseError:
            if connection.in_atomic_block or model._meta.db_table not in connection.introspection.table_names():
                raise  # else somebody else was faster


def _make_triggers(using: str) -> None:
    connection = connections[using]
    statements = _statements(connection.vendor)
    with connection.cursor() as cursor:
        for each in _triggers(connection.vendor):
            _drop_trigger(cursor, connection, each)
            written = _written(each, connection)
            cursor.execute(statements[each.event].format_map(written))
            if (calling := f"on_{each.event}") in statements:
                cursor.execute(statements[calling].format_map(written))


def _drop_trigger(cursor: Any, connection: Any, trigger: _Trigger) -> None:  # Any: Django is untyped
    if connection.vendor == "postgresql":
        cursor.execute(f"DROP TRIGGER IF EXISTS {trigger.name} ON {connection.ops.quote_name(trigger.table)}")
        cursor.execute(f"DROP FUNCTION IF EXISTS {trigger.name}()")
    else:
        cursor.execute(f"DROP TRIGGER IF EXISTS {trigger.name}")


def _ask_for_all(using: str) -> None:
    """Have schedulers look at everything."""
    Change.objects.using(using).get_or_create(kind=ALL, row_id=0, name="")


def _written(trigger: _Trigger, connection: Any) -> dict[str, str]:  # Any: Django is untyped
    quote = connection.ops.quote_name
    old, new = ("was", "became") if connection.vendor == "postgresql" else ("OLD", "NEW")
    named, row = f"{old}.{quote('name')}", quote(trigger.row)
    differ = [_differ(connection.vendor, old, new, quote(each)) for each in (trigger.row, *trigger.columns)]
    is_other = " OR ".join(_differ(connection.vendor, old, new, each) for each in (row, quote("name")))
    return {
        "trigger": trigger.name,
        "table": quote(trigger.table),
        "kind": trigger.kind,
        "row": row,
        "differs": " OR ".join(differ),
        "counts": _COUNTS[connection.vendor] if trigger.table == ScheduleExtra._meta.db_table else "1 = 1",
        "name": named if trigger.has_name else "''",
        "former": f"CASE WHEN {is_other} THEN coalesce({named}, '') ELSE '' END" if trigger.has_name else "''",
    }


# Options of a row that is inserted: one that only keeps an error is none of people's.
_COUNTS = {
    "sqlite": "NEW.options <> '{}'",
    "postgresql": "became.options <> '{}'::jsonb",
    "mysql": "JSON_LENGTH(NEW.options) > 0",
}


def _differ(vendor: str, old: str, new: str, column: str) -> str:
    match vendor:
        case "postgresql":
            return f"{old}.{column} IS DISTINCT FROM {new}.{column}"
        case "mysql":  # as bytes: two names that differ in case are equal to most collations
            return f"NOT (CAST({old}.{column} AS BINARY) <=> CAST({new}.{column} AS BINARY))"
    return f"{old}.{column} IS NOT {new}.{column}"
