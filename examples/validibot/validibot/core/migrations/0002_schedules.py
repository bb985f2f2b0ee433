"""The schedules of the clean-up jobs. From here on they are rows, for people to change in the admin."""

from django.db import migrations

from validibot.core.schedules import SCHEDULES, create_schedules, schedules_of


def make(apps, schema_editor):
    create_schedules(*schedules_of(apps))


def remove(apps, schema_editor):
    schedules_of(apps)[0].objects.filter(name__in=SCHEDULES).delete()


class Migration(migrations.Migration):
    dependencies = (("core", "0001_initial"), ("django_celery_beat", "0019_alter_periodictasks_options"))
    operations = (migrations.RunPython(make, remove),)
