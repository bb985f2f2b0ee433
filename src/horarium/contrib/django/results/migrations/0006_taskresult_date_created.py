"""When a row was written first; of rows that are there already the nearest that is known."""

from typing import Any

from django.db import migrations, models
from django.utils import timezone


def take_the_nearest(apps: Any, schema_editor: Any) -> None:
    rows = apps.get_model("django_celery_results", "TaskResult").objects.using(schema_editor.connection.alias)
    rows.update(date_created=models.F("date_done"))


class Migration(migrations.Migration):
    dependencies = [("django_celery_results", "0005_taskresult_worker")]
    operations = [
        migrations.AddField(
            "taskresult",
            "date_created",
            models.DateTimeField(auto_now_add=True, db_index=True, default=timezone.now),
            preserve_default=False,
        ),
        migrations.RunPython(take_the_nearest, migrations.RunPython.noop),
    ]
