"""The fields of a crontab are checked in forms; no column changes."""

from django.db import migrations, models

from horarium.contrib.django.beat import validators

FIELDS = (("day_of_month", 124), ("day_of_week", 64), ("hour", 96), ("minute", 240), ("month_of_year", 64))


class Migration(migrations.Migration):
    dependencies = (("django_celery_beat", "0007_auto_20180521_0826"),)
    operations = (
        *(
            migrations.AlterField(
                model_name="crontabschedule",
                name=field,
                field=models.CharField(
                    max_length=length,
                    default="*",
                    validators=[getattr(validators, f"{field}_validator")],
                    verbose_name=field.replace("_", " "),
                ),
            )
            for field, length in FIELDS
        ),
    )
