"""What was called with which arguments."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("django_celery_results", "0001_initial")]
    operations = [
        migrations.AddField("taskresult", "task_args", models.TextField(null=True)),
        migrations.AddField("taskresult", "task_kwargs", models.TextField(null=True)),
        migrations.AddField("taskresult", "task_name", models.CharField(max_length=255, null=True)),
    ]
