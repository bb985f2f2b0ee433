"""Horarium's own tables, and the triggers where there are periodic tasks. A scheduler may have made them already."""

from __future__ import annotations

from typing import Any

from django.apps import apps as installed
from django.db import migrations, models

from horarium.contrib.django.models import Change, ScheduleExtra


def make(apps: Any, editor: Any) -> None:  # Any: Django is untyped
    """Make what is missing."""
    if _has_tasks():
        from horarium.contrib.django.beat import tables

        tables.ensure(editor.connection.alias, editor)
        return
    there = editor.connection.introspection.table_names()
    for model in (ScheduleExtra, Change):
        if model._meta.db_table not in there:
            editor.create_model(model)


def remove(apps: Any, editor: Any) -> None:  # Any: Django is untyped
    """Remove the triggers, then the tables."""
    if _has_tasks():
        from horarium.contrib.django.beat import tables

        tables.drop(editor.connection.alias, editor)
        return
    for model in (ScheduleExtra, Change):
        editor.delete_model(model)


def _has_tasks() -> bool:
    config = installed.app_configs.get("django_celery_beat")
    return config is not None and config.name == "horarium.contrib.django.beat"


class Migration(migrations.Migration):
    """The first one."""

    initial = True
    dependencies = ()
    operations = (
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunPython(make, remove)],
            state_operations=[
                migrations.CreateModel(
                    name="ScheduleExtra",
                    fields=[
                        ("periodic_task_id", models.BigIntegerField(primary_key=True, serialize=False)),
                        ("options", models.JSONField(blank=True, default=dict)),
                        (
                            "origin",
                            models.CharField(
                                blank=True,
                                choices=[("", "people"), ("settings", "the project's settings")],
                                default="",
                                max_length=20,
                            ),
                        ),
                        ("settings_digest", models.CharField(blank=True, default="", max_length=64)),
                        ("error", models.TextField(blank=True, default="")),
                    ],
                    options={"verbose_name": "schedule option", "db_table": "horarium_schedule_extra"},
                ),
                migrations.CreateModel(
                    name="Change",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("kind", models.CharField(max_length=16)),
                        ("row_id", models.BigIntegerField()),
                        ("name", models.CharField(default="", max_length=200)),
                        ("number", models.BigIntegerField(default=1)),
                    ],
                    options={"db_table": "horarium_change"},
                ),
                migrations.AddConstraint(
                    model_name="change",
                    constraint=models.UniqueConstraint(fields=("kind", "row_id", "name"), name="horarium_change_row"),
                ),
            ],
        ),
    )
