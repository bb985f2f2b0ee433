"""When it was started."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("django_celery_results", "0011_taskresult_periodic_task_name")]
    operations = [
        migrations.AddField("taskresult", "date_started", models.DateTimeField(default=None, null=True)),
    ]
