"""Indexes of what people look for."""

from django.conf import settings
from django.db import migrations, models

ID_LENGTH = getattr(settings, "DJANGO_CELERY_RESULTS_TASK_ID_MAX_LENGTH", 255)


class Migration(migrations.Migration):
    dependencies = [("django_celery_results", "0003_auto_20181106_1101")]
    operations = [
        migrations.AlterField("taskresult", "date_done", models.DateTimeField(auto_now=True, db_index=True)),
        migrations.AlterField(
            "taskresult", "status", models.CharField(db_index=True, default="PENDING", max_length=50)
        ),
        migrations.AlterField(
            "taskresult", "task_id", models.CharField(db_index=True, max_length=ID_LENGTH, unique=True)
        ),
        migrations.AlterField(
            "taskresult", "task_name", models.CharField(db_index=True, max_length=ID_LENGTH, null=True)
        ),
    ]
