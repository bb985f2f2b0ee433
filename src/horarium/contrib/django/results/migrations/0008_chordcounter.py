"""A table of chords."""

from django.conf import settings
from django.db import migrations, models

ID_LENGTH = getattr(settings, "DJANGO_CELERY_RESULTS_TASK_ID_MAX_LENGTH", 255)
GROUP_ID = "The id of the chord's header."
SUB_TASKS = "The results of the header, as a JSON list of tuples."


class Migration(migrations.Migration):
    dependencies = [("django_celery_results", "0007_remove_taskresult_hidden")]
    operations = [
        migrations.CreateModel(
            name="ChordCounter",
            fields=[
                ("id", models.AutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "group_id",
                    models.CharField(
                        db_index=True,
                        help_text=GROUP_ID,
                        max_length=ID_LENGTH,
                        unique=True,
                        verbose_name="Group ID",
                    ),
                ),
                ("sub_tasks", models.TextField(help_text=SUB_TASKS)),
                ("count", models.PositiveIntegerField(help_text="How many of them have not ended.")),
            ],
        ),
    ]
