"""Runs, queues and workers: no tables, but names for permissions and for the admin's log."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = (("horarium", "0002_outbox"),)

    operations = (
        migrations.CreateModel(
            name="Queue",
            fields=[("name", models.CharField(max_length=255, primary_key=True, serialize=False))],
            options={
                "managed": False,
                "base_manager_name": "objects",
                "default_permissions": ("view",),
                "permissions": (
                    ("pause_queue", "Can pause and resume a queue"),
                    ("purge_queue", "Can purge a queue"),
                ),
            },
        ),
        migrations.CreateModel(
            name="Run",
            fields=[("id", models.CharField(max_length=255, primary_key=True, serialize=False))],
            options={
                "managed": False,
                "base_manager_name": "objects",
                "default_permissions": ("view",),
                "permissions": (("retry_run", "Can run a run again"), ("revoke_run", "Can cancel a run")),
            },
        ),
        migrations.CreateModel(
            name="Worker",
            fields=[("owner", models.CharField(max_length=255, primary_key=True, serialize=False))],
            options={
                "managed": False,
                "base_manager_name": "objects",
                "default_permissions": ("view",),
                "permissions": (("control_worker", "Can stop a worker"),),
            },
        ),
    )
