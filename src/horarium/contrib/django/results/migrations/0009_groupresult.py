"""A table of saved groups; and indexes by name, in place of those that columns brought along."""

from typing import Any

from django.conf import settings
from django.db import migrations, models

ID_LENGTH = getattr(settings, "DJANGO_CELERY_RESULTS_TASK_ID_MAX_LENGTH", 255)
RUNS = {
    "task_name": "task_na_08aec9",
    "status": "status_9b6201",
    "worker": "worker_d54dd8",
    "date_created": "date_cr_f04a50",
    "date_done": "date_do_f59aad",
}
GROUPS = {"date_created": "date_cr_bd6c1d", "date_done": "date_do_caae0e"}


def added(model: str, indexes: dict[str, str]) -> list[Any]:
    return [
        migrations.AddIndex(model, models.Index(fields=[field], name=f"django_cele_{name}_idx"))
        for field, name in indexes.items()
    ]


class Migration(migrations.Migration):
    dependencies = [("django_celery_results", "0008_chordcounter")]
    operations = [
        migrations.CreateModel(
            name="GroupResult",
            fields=[
                ("id", models.AutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "group_id",
                    models.CharField(
                        help_text="The id of the group.", max_length=ID_LENGTH, unique=True, verbose_name="Group ID"
                    ),
                ),
                (
                    "date_created",
                    models.DateTimeField(
                        auto_now_add=True, help_text="When it was saved first.", verbose_name="Created"
                    ),
                ),
                (
                    "date_done",
                    models.DateTimeField(auto_now=True, help_text="When it was saved last.", verbose_name="Done"),
                ),
                (
                    "content_type",
                    models.CharField(help_text="How result is written.", max_length=128, verbose_name="Content Type"),
                ),
                (
                    "content_encoding",
                    models.CharField(
                        help_text="The encoding of result.", max_length=64, verbose_name="Content Encoding"
                    ),
                ),
                (
                    "result",
                    models.TextField(
                        default=None,
                        editable=False,
                        help_text="The ids of its runs, as JSON: ((id, parent), members).",
                        null=True,
                        verbose_name="Result",
                    ),
                ),
            ],
            options={
                "verbose_name": "group result",
                "verbose_name_plural": "group results",
                "ordering": ("-date_done",),
            },
        ),
        migrations.AlterField(
            "chordcounter",
            "group_id",
            models.CharField(
                help_text="The id of the chord's header.",
                max_length=ID_LENGTH,
                unique=True,
                verbose_name="Group ID",
            ),
        ),
        migrations.AlterField("taskresult", "date_created", models.DateTimeField(auto_now_add=True)),
        migrations.AlterField("taskresult", "date_done", models.DateTimeField(auto_now=True)),
        migrations.AlterField("taskresult", "status", models.CharField(default="PENDING", max_length=50)),
        migrations.AlterField("taskresult", "task_id", models.CharField(max_length=ID_LENGTH, unique=True)),
        migrations.AlterField("taskresult", "task_name", models.CharField(max_length=ID_LENGTH, null=True)),
        migrations.AlterField("taskresult", "worker", models.CharField(default=None, max_length=100, null=True)),
        *added("taskresult", RUNS),
        *added("groupresult", GROUPS),
    ]
