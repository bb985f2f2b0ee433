"""Forms say which number Sunday has; no column changes."""

from django.db import migrations, models

from horarium.contrib.django.beat import validators


class Migration(migrations.Migration):
    dependencies = (("django_celery_beat", "0017_alter_crontabschedule_month_of_year"),)
    operations = (
        migrations.AlterField(
            model_name="crontabschedule",
            name="day_of_week",
            field=models.CharField(
                max_length=64,
                default="*",
                validators=[validators.day_of_week_validator],
                verbose_name="Day(s) Of The Week",
                help_text='"*" for each, or a list of days, Sunday being 0, such as "1-5".',
            ),
        ),
    )
