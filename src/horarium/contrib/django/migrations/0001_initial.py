"""The tables of Horarium's own."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True
    dependencies = ()

    operations = (
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
                    models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                ),
                ("kind", models.CharField(max_length=16)),
                ("row_id", models.BigIntegerField()),
                ("name", models.CharField(default="", max_length=200)),
                ("number", models.BigIntegerField(default=1)),
            ],
            options={
                "db_table": "horarium_change",
                "constraints": [models.UniqueConstraint(fields=("kind", "row_id"), name="horarium_change_row")],
            },
        ),
    )
