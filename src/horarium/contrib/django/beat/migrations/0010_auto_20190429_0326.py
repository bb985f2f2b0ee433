"""What forms say of each field, and which values they take; no column changes."""

import timezone_field
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import migrations, models

from horarium.contrib.django.beat import validators

PERIODS = [(period, period.capitalize()) for period in ("days", "hours", "minutes", "seconds", "microseconds")]
EVENTS = (
    "dawn_astronomical",
    "dawn_civil",
    "dawn_nautical",
    "dusk_astronomical",
    "dusk_civil",
    "dusk_nautical",
    "solar_noon",
    "sunrise",
    "sunset",
)
PRIORITY = "As the project writes priorities: 0 to 9 and higher first, unless task_priority_scheme differs."


class Migration(migrations.Migration):
    dependencies = (("django_celery_beat", "0009_periodictask_headers"),)
    operations = (
        migrations.AlterField(
            model_name="crontabschedule",
            name="day_of_month",
            field=models.CharField(
                max_length=124,
                default="*",
                validators=[validators.day_of_month_validator],
                verbose_name="Day(s) Of The Month",
                help_text='"*" for each, or a list such as "1,15".',
            ),
        ),
        migrations.AlterField(
            model_name="crontabschedule",
            name="day_of_week",
            field=models.CharField(
                max_length=64,
                default="*",
                validators=[validators.day_of_week_validator],
                verbose_name="Day(s) Of The Week",
                help_text='"*" for each, or a list such as "1-5".',
            ),
        ),
        migrations.AlterField(
            model_name="crontabschedule",
            name="hour",
            field=models.CharField(
                max_length=96,
                default="*",
                validators=[validators.hour_validator],
                verbose_name="Hour(s)",
                help_text='"*" for each, or a list such as "8,20".',
            ),
        ),
        migrations.AlterField(
            model_name="crontabschedule",
            name="minute",
            field=models.CharField(
                max_length=240,
                default="*",
                validators=[validators.minute_validator],
                verbose_name="Minute(s)",
                help_text='"*" for each, or a list such as "0,30".',
            ),
        ),
        migrations.AlterField(
            model_name="crontabschedule",
            name="month_of_year",
            field=models.CharField(
                max_length=64,
                default="*",
                validators=[validators.month_of_year_validator],
                verbose_name="Month(s) Of The Year",
                help_text='"*" for each, or a list such as "1,7".',
            ),
        ),
        migrations.AlterField(
            model_name="crontabschedule",
            name="timezone",
            field=timezone_field.TimeZoneField(
                default="UTC", use_pytz=False, verbose_name="Cron Timezone", help_text="Where the clock hangs."
            ),
        ),
        migrations.AlterField(
            model_name="intervalschedule",
            name="every",
            field=models.IntegerField(
                validators=[MinValueValidator(1)],
                verbose_name="Number of Periods",
                help_text="How many periods lie between two runs.",
            ),
        ),
        migrations.AlterField(
            model_name="intervalschedule",
            name="period",
            field=models.CharField(
                max_length=24, choices=PERIODS, verbose_name="Interval Period", help_text="Days, for example."
            ),
        ),
        migrations.AlterField(
            model_name="periodictask",
            name="args",
            field=models.TextField(
                blank=True,
                default="[]",
                verbose_name="Positional Arguments",
                help_text='A JSON list, such as ["prices", 5].',
            ),
        ),
        migrations.AlterField(
            model_name="periodictask",
            name="crontab",
            field=models.ForeignKey(
                "django_celery_beat.crontabschedule",
                blank=True,
                null=True,
                on_delete=models.CASCADE,
                verbose_name="Crontab Schedule",
                help_text="Choose one kind of schedule and leave the others empty.",
            ),
        ),
        migrations.AlterField(
            model_name="periodictask",
            name="date_changed",
            field=models.DateTimeField(
                auto_now=True, verbose_name="Last Modified", help_text="When this row was last changed."
            ),
        ),
        migrations.AlterField(
            model_name="periodictask",
            name="description",
            field=models.TextField(
                blank=True, verbose_name="Description", help_text="What it is for, in your own words."
            ),
        ),
        migrations.AlterField(
            model_name="periodictask",
            name="enabled",
            field=models.BooleanField(
                default=True,
                verbose_name="Enabled",
                help_text="Untick it, and it does not run until it is ticked again.",
            ),
        ),
        migrations.AlterField(
            model_name="periodictask",
            name="exchange",
            field=models.CharField(
                max_length=200,
                blank=True,
                null=True,
                default=None,
                verbose_name="Exchange",
                help_text="Kept for projects that come from Celery; means nothing here.",
            ),
        ),
        migrations.AlterField(
            model_name="periodictask",
            name="expires",
            field=models.DateTimeField(
                blank=True, null=True, verbose_name="Expires Datetime", help_text="It does not run after this moment."
            ),
        ),
        migrations.AlterField(
            model_name="periodictask",
            name="headers",
            field=models.TextField(
                blank=True,
                default="{}",
                verbose_name="AMQP Message Headers",
                help_text="A JSON object that travels with the message.",
            ),
        ),
        migrations.AlterField(
            model_name="periodictask",
            name="interval",
            field=models.ForeignKey(
                "django_celery_beat.intervalschedule",
                blank=True,
                null=True,
                on_delete=models.CASCADE,
                verbose_name="Interval Schedule",
                help_text="Choose one kind of schedule and leave the others empty.",
            ),
        ),
        migrations.AlterField(
            model_name="periodictask",
            name="kwargs",
            field=models.TextField(
                blank=True,
                default="{}",
                verbose_name="Keyword Arguments",
                help_text='A JSON object, such as {"source": "prices"}.',
            ),
        ),
        migrations.AlterField(
            model_name="periodictask",
            name="last_run_at",
            field=models.DateTimeField(
                editable=False,
                blank=True,
                null=True,
                verbose_name="Last Run Datetime",
                help_text="For when it was last sent to the workers.",
            ),
        ),
        migrations.AlterField(
            model_name="periodictask",
            name="name",
            field=models.CharField(max_length=200, unique=True, verbose_name="Name", help_text="One of a kind."),
        ),
        migrations.AlterField(
            model_name="periodictask",
            name="one_off",
            field=models.BooleanField(default=False, verbose_name="One-off Task", help_text="It runs a single time."),
        ),
        migrations.AlterField(
            model_name="periodictask",
            name="priority",
            field=models.PositiveIntegerField(
                default=None,
                validators=[MaxValueValidator(255)],
                blank=True,
                null=True,
                verbose_name="Priority",
                help_text=PRIORITY,
            ),
        ),
        migrations.AlterField(
            model_name="periodictask",
            name="queue",
            field=models.CharField(
                max_length=200,
                blank=True,
                null=True,
                default=None,
                verbose_name="Queue Override",
                help_text="Where it waits for a worker; empty for where the task belongs.",
            ),
        ),
        migrations.AlterField(
            model_name="periodictask",
            name="routing_key",
            field=models.CharField(
                max_length=200,
                blank=True,
                null=True,
                default=None,
                verbose_name="Routing Key",
                help_text="Kept for projects that come from Celery; a queue's name where no queue is given.",
            ),
        ),
        migrations.AlterField(
            model_name="periodictask",
            name="solar",
            field=models.ForeignKey(
                "django_celery_beat.solarschedule",
                blank=True,
                null=True,
                on_delete=models.CASCADE,
                verbose_name="Solar Schedule",
                help_text="Choose one kind of schedule and leave the others empty.",
            ),
        ),
        migrations.AlterField(
            model_name="periodictask",
            name="start_time",
            field=models.DateTimeField(
                blank=True, null=True, verbose_name="Start Datetime", help_text="It does not run before this moment."
            ),
        ),
        migrations.AlterField(
            model_name="periodictask",
            name="task",
            field=models.CharField(
                max_length=200, verbose_name="Task Name", help_text='What runs, such as "shop.tasks.import_prices".'
            ),
        ),
        migrations.AlterField(
            model_name="periodictask",
            name="total_run_count",
            field=models.PositiveIntegerField(
                default=0, editable=False, verbose_name="Total Run Count", help_text="How often it was sent."
            ),
        ),
        migrations.AlterField(
            model_name="solarschedule",
            name="event",
            field=models.CharField(
                max_length=24,
                choices=[(name, name) for name in EVENTS],
                verbose_name="Solar Event",
                help_text="What the sun does.",
            ),
        ),
        migrations.AlterField(
            model_name="solarschedule",
            name="latitude",
            field=models.DecimalField(
                max_digits=9,
                decimal_places=6,
                validators=[MinValueValidator(-90), MaxValueValidator(90)],
                verbose_name="Latitude",
                help_text="Degrees north; negative ones are south.",
            ),
        ),
        migrations.AlterField(
            model_name="solarschedule",
            name="longitude",
            field=models.DecimalField(
                max_digits=9,
                decimal_places=6,
                validators=[MinValueValidator(-180), MaxValueValidator(180)],
                verbose_name="Longitude",
                help_text="Degrees east; negative ones are west.",
            ),
        ),
    )
