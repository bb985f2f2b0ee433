"""The words that people read; nothing of it is in the database."""

from typing import Any

from django.conf import settings
from django.db import migrations, models

ID_LENGTH = getattr(settings, "DJANGO_CELERY_RESULTS_TASK_ID_MAX_LENGTH", 255)


def field(name: str, kind: Any, label: str, text: str, **options: Any) -> Any:
    return migrations.AlterField("taskresult", name, kind(verbose_name=label, help_text=text, **options))


C, D, T = models.CharField, models.DateTimeField, models.TextField
SHOWN = "As Python shows them, in a JSON text."


class Migration(migrations.Migration):
    dependencies = [("django_celery_results", "0013_taskresult_django_cele_periodi_1993cf_idx")]
    operations = [
        field("task_id", C, "Task ID", "The id that the call has returned.", max_length=ID_LENGTH, unique=True),
        field(
            "periodic_task_name",
            C,
            "Periodic Task Name",
            "The schedule that has sent it, if one has.",
            max_length=255,
            null=True,
        ),
        field("task_name", C, "Task Name", "The name of the task.", max_length=ID_LENGTH, null=True),
        field("task_args", T, "Positional Arguments", SHOWN, null=True),
        field("task_kwargs", T, "Keyword Arguments", SHOWN, null=True),
        field("status", C, "State", "Its state, in Celery's words.", max_length=50, default="PENDING"),
        field("worker", C, "Worker", "The worker that has run it.", max_length=100, null=True, default=None),
        field("content_type", C, "Content Type", "How result and meta are written.", max_length=128),
        field("content_encoding", C, "Content Encoding", "The encoding of result and meta.", max_length=64),
        field(
            "result",
            T,
            "Result",
            "What it has returned, or its exception, as JSON.",
            null=True,
            default=None,
            editable=False,
        ),
        field("date_created", D, "Created", "When this row was written first.", auto_now_add=True),
        field("date_started", D, "Started", "When a worker has started it last.", null=True, default=None),
        field("date_done", D, "Done", "When it came to the state that it is in.", auto_now=True),
        field("traceback", T, "Traceback", "Where its exception was raised.", blank=True, null=True),
        field(
            "meta",
            T,
            "Meta",
            "What else is known, as JSON: the runs that it has sent.",
            null=True,
            default=None,
            editable=False,
        ),
    ]
