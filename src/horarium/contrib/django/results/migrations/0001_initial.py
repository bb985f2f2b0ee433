"""A table of runs."""

from django.conf import settings
from django.db import migrations, models

ID_LENGTH = getattr(settings, "DJANGO_CELERY_RESULTS_TASK_ID_MAX_LENGTH", 255)


class Migration(migrations.Migration):
    initial = True
    dependencies: list[tuple[str, str]] = []
    operations = [
        migrations.CreateModel(
            name="TaskResult",
            fields=[
                ("id", models.AutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("task_id", models.CharField(max_length=ID_LENGTH, unique=True)),
                ("status", models.CharField(default="PENDING", max_length=50)),
                ("content_type", models.CharField(max_length=128)),
                ("content_encoding", models.CharField(max_length=64)),
                ("result", models.TextField(default=None, editable=False, null=True)),
                ("date_done", models.DateTimeField(auto_now=True)),
                ("traceback", models.TextField(blank=True, null=True)),
                ("hidden", models.BooleanField(db_index=True, default=False, editable=False)),
                ("meta", models.TextField(default=None, editable=False, null=True)),
            ],
            options={"verbose_name": "task result", "verbose_name_plural": "task results"},
        ),
    ]
