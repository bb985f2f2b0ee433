"""What is done to the project, step by step: with the real packages, or in drop-in mode with ours.

The steps are the arguments of the program, as ``name`` or ``name:argument``; it prints what they return, as JSON.
"""

from __future__ import annotations

import io
import json
import os
import sys
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import django
from django.apps import apps
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

LABEL = "django_celery_beat"
STEPS: dict[str, Any] = {}


def step(function: Any) -> Any:
    STEPS[function.__name__] = function
    return function


@step
def migrate(*arguments: str) -> str:
    """Return what the command says."""
    out = io.StringIO()
    call_command("migrate", *arguments, stdout=out, no_color=True)
    return out.getvalue()


@step
def history() -> list[Any]:
    """Migrate one by one; return of each its name, dependencies, and the tables and models after it."""
    executor = MigrationExecutor(connection)
    targets = [key for key in executor.loader.graph.leaf_nodes() if key[0] == LABEL]
    found = []
    for migration, _ in executor.migration_plan(targets):
        executor = MigrationExecutor(connection)
        state = executor.migrate([(LABEL, migration.name)])
        found.append([migration.name, sorted(migration.dependencies), schema(), models_of(state)])
    return sorted(found, key=lambda one: one[0])


@step
def schema() -> dict[str, Any]:
    """Return the tables of the label as the database describes them."""
    with connection.cursor() as cursor:
        names = [name for name in connection.introspection.table_names(cursor) if name.startswith(LABEL)]
        describe = sqlite_table if connection.vendor == "sqlite" else postgresql_table
        return {name: describe(cursor, name) for name in sorted(names)}


def sqlite_table(cursor: Any, table: str) -> Any:
    cursor.execute(f"PRAGMA table_info({table})")
    columns = sorted(row[1:] for row in cursor.fetchall())
    cursor.execute(f"PRAGMA foreign_key_list({table})")
    references = sorted(row[2:] for row in cursor.fetchall())
    cursor.execute(f"PRAGMA index_list({table})")
    indexes = []
    for _, name, unique, *rest in cursor.fetchall():
        cursor.execute(f"PRAGMA index_info({name})")
        shown = "" if name.startswith("sqlite_autoindex") else name
        indexes.append([shown, unique, rest, [row[2] for row in cursor.fetchall()]])
    cursor.execute("SELECT sql FROM sqlite_master WHERE name = %s", [table])
    checks = cursor.fetchone()[0].count("CHECK")
    return [columns, references, sorted(indexes, key=repr), checks]


def postgresql_table(cursor: Any, table: str) -> Any:
    cursor.execute(
        "SELECT column_name, data_type, is_nullable, column_default, character_maximum_length, numeric_precision, "
        "numeric_scale, is_identity, identity_generation FROM information_schema.columns "
        "WHERE table_name = %s ORDER BY column_name",
        [table],
    )
    columns = cursor.fetchall()
    cursor.execute("SELECT indexname, indexdef FROM pg_indexes WHERE tablename = %s ORDER BY indexname", [table])
    indexes = cursor.fetchall()
    cursor.execute(
        "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = %s::regclass ORDER BY conname",
        [table],
    )
    return [columns, indexes, cursor.fetchall()]


def models_of(state: Any) -> Any:
    """Return the models of a state without their words, which are ours."""
    found = {}
    for (label, name), model in state.models.items():
        if label == LABEL:
            options = {key: repr(value) for key, value in model.options.items() if not key.startswith("verbose")}
            options["ordering"] = list(model.options.get("ordering", ()))
            managers = [repr(manager) for manager in model.managers]
            found[name] = [{name: field_of(field) for name, field in model.fields.items()}, options, managers]
    return found


def field_of(field: Any) -> Any:
    _, path, args, kwargs = field.deconstruct()
    for word in ("help_text", "verbose_name", "use_pytz"):
        kwargs.pop(word, None)
    kwargs["choices"] = sorted(str(value) for value, _ in kwargs.get("choices") or ())
    kwargs["validators"] = [
        each.__name__ if callable(each) and hasattr(each, "__name__") else repr(each.limit_value)
        for each in kwargs.get("validators", ())
    ]
    return [path, args, {key: getattr(value, "__name__", str(value)) for key, value in kwargs.items()}]


@step
def fill() -> None:
    """Fill the tables: each kind of schedule, each column, and letters of all kinds."""
    from django.contrib.auth.models import User
    from django_celery_beat.models import (
        ClockedSchedule,
        CrontabSchedule,
        IntervalSchedule,
        PeriodicTask,
        SolarSchedule,
    )

    User.objects.create_superuser("root", "root@example.org", "root")
    year = datetime(2040, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
    hourly = IntervalSchedule.objects.create(every=1, period=IntervalSchedule.HOURS)
    IntervalSchedule.objects.create(every=1500, period=IntervalSchedule.MICROSECONDS)
    crontab = CrontabSchedule.objects.create(minute="*/7", hour="22-23", day_of_week="mon-fri", timezone="Asia/Kolkata")
    sunset = SolarSchedule.objects.create(event="sunset", latitude=Decimal("-33.868820"), longitude=Decimal("151.2"))
    once = ClockedSchedule.objects.create(clocked_time=year)
    common = {
        "task": "places.tasks.refresh",
        "args": "[5]",
        "kwargs": "{}",
        "queue": "quick",
        "exchange": "tasks",
        "routing_key": "tasks.quick",
        "headers": '{"who": "Zoë 🐙"}',
        "priority": 5,
        "start_time": datetime(2020, 1, 1, tzinfo=UTC),
        "total_run_count": 17,
        "description": "Für die Übersicht\n✓",
    }
    PeriodicTask.objects.create(name="hourly", interval=hourly, expire_seconds=90, **common)
    PeriodicTask.objects.create(name="Ночью 夜", crontab=crontab, expires=year, **common)
    PeriodicTask.objects.create(name="sunset", solar=sunset, **common)
    PeriodicTask.objects.create(name="once", clocked=once, one_off=True, **common)
    PeriodicTask.objects.create(name="off", interval=hourly, enabled=False, task="places.tasks.refresh")
    PeriodicTask.objects.filter(name="hourly").update(last_run_at=year)


@step
def begin_beat() -> None:
    """Let the real scheduler bring the settings' schedule into the tables, as it does when it starts."""
    from django_celery_beat.schedulers import DatabaseScheduler
    from moved_site.celery import app

    DatabaseScheduler(app=app, lazy=True).setup_schedule()


@step
def setup() -> str:
    """Let ours do the same; return what the command says."""
    out = io.StringIO()
    call_command("setup_periodic_tasks", stdout=out, no_color=True)
    return out.getvalue()


@step
def dump() -> list[Any]:
    """Return all rows, and the rights to them."""
    from django.contrib.auth.models import Permission

    out = io.StringIO()
    call_command("dumpdata", LABEL, stdout=out)
    rights = Permission.objects.filter(content_type__app_label=LABEL)
    return [json.loads(out.getvalue()), sorted(rights.values_list("pk", "codename", "content_type_id"))]


@step
def edit() -> None:
    """Edit rows, as programs do."""
    from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask

    task = PeriodicTask.objects.get(name="off")
    task.enabled, task.args, task.description = True, "[8]", "Edited: ✎"
    task.interval = IntervalSchedule.objects.create(every=1, period=IntervalSchedule.SECONDS)
    task.save()
    early, _ = CrontabSchedule.objects.get_or_create(minute="0", hour="5")
    PeriodicTask.objects.filter(name="sunset").update(solar=None, crontab=early)
    PeriodicTask.objects.create(name="new", task="places.tasks.refresh", crontab=early)


@step
def scheduled() -> dict[str, str]:
    """Return what the real scheduler makes of the rows; it loads only those that are due in the next hours."""
    from django_celery_beat.models import PeriodicTask
    from django_celery_beat.schedulers import DatabaseScheduler, ModelEntry
    from moved_site.celery import app

    loaded = DatabaseScheduler(app=app, lazy=True).all_as_schedule()
    found = {row.name: ModelEntry(row, app=app) for row in PeriodicTask.objects.enabled()}
    assert loaded.keys() <= found.keys()
    return {name: f"{entry.args} {entry.schedule!r}" for name, entry in found.items()}


@step
def pages() -> dict[str, int]:
    """Return how the admin answers for each list, and for each periodic task's form."""
    from django.contrib.auth.models import User
    from django.test import Client
    from django.urls import reverse

    client = Client()
    client.force_login(User.objects.get(username="root"))
    models = [model for model in apps.get_app_config(LABEL).get_models() if model.__name__ != "PeriodicTasks"]
    addresses = [reverse(f"admin:{LABEL}_{model._meta.model_name}_changelist") for model in models]
    addresses += [
        reverse(f"admin:{LABEL}_{model._meta.model_name}_change", args=[pk])
        for model in models
        for pk in model._default_manager.values_list("pk", flat=True)
    ]
    return {address: client.get(address).status_code for address in addresses}


@step
def names() -> list[str]:
    """Return where the model lives by whichever name it is asked for."""
    from django_celery_beat.models import PeriodicTask

    return [f"{model.__module__} {id(model)}" for model in (PeriodicTask, apps.get_model(LABEL, "PeriodicTask"))]


if __name__ == "__main__":
    if "HORARIUM_DROPIN" in os.environ:
        from horarium import dropin

        dropin.install()
    os.environ["DJANGO_SETTINGS_MODULE"] = "moved_site.settings"
    django.setup()
    answers = [STEPS[name](*arguments) for name, *arguments in (step.split(":") for step in sys.argv[1:])]
    print(json.dumps(answers, default=str))
