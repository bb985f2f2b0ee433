"""Schedules made in a data migration, which depends on migrations of django-celery-beat by their names."""

from django.db import migrations


def make(apps, schema_editor):
    crontab = apps.get_model("django_celery_beat", "CrontabSchedule").objects.create(minute="30", hour="6")
    apps.get_model("django_celery_beat", "PeriodicTask").objects.create(
        name="from a migration", task="places.tasks.refresh", crontab=crontab, args="[1]"
    )


class Migration(migrations.Migration):
    dependencies = (
        ("django_celery_beat", "0006_periodictask_priority"),
        ("django_celery_beat", "0018_improve_crontab_helptext"),
    )
    operations = (migrations.RunPython(make, migrations.RunPython.noop),)
