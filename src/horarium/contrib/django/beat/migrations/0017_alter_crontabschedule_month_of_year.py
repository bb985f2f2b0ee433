"""Forms say that months are counted from 1; no column changes."""

from django.db import migrations, models

from horarium.contrib.django.beat import validators


class Migration(migrations.Migration):
    dependencies = (("django_celery_beat", "0016_alter_crontabschedule_timezone"),)
    operations = (
        migrations.AlterField(
            model_name="crontabschedule",
            name="month_of_year",
            field=models.CharField(
                max_length=64,
                default="*",
                validators=[validators.month_of_year_validator],
                verbose_name="Month(s) Of The Year",
                help_text='"*" for each, or a list of 1 to 12 such as "1,7".',
            ),
        ),
    )
