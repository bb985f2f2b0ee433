"""The first tables: crontabs, intervals, periodic tasks, and when they were last changed."""

from django.db import migrations, models

PERIODS = [(period, period.capitalize()) for period in ("days", "hours", "minutes", "seconds", "microseconds")]


class Migration(migrations.Migration):
    initial = True
    dependencies = ()
    operations = (
        migrations.CreateModel(
            name="CrontabSchedule",
            fields=[
                ("id", models.AutoField(primary_key=True, auto_created=True, serialize=False, verbose_name="ID")),
                *(
                    (field, models.CharField(max_length=64, default="*", verbose_name=field.replace("_", " ")))
                    for field in ("minute", "hour", "day_of_week", "day_of_month", "month_of_year")
                ),
            ],
            options={
                "ordering": ("month_of_year", "day_of_month", "day_of_week", "hour", "minute"),
                "verbose_name": "crontab",
                "verbose_name_plural": "crontabs",
            },
        ),
        migrations.CreateModel(
            name="IntervalSchedule",
            fields=[
                ("id", models.AutoField(primary_key=True, auto_created=True, serialize=False, verbose_name="ID")),
                ("every", models.IntegerField(verbose_name="every")),
                ("period", models.CharField(max_length=24, choices=PERIODS, verbose_name="period")),
            ],
            options={"ordering": ("period", "every"), "verbose_name": "interval", "verbose_name_plural": "intervals"},
        ),
        migrations.CreateModel(
            name="PeriodicTask",
            fields=[
                ("id", models.AutoField(primary_key=True, auto_created=True, serialize=False, verbose_name="ID")),
                (
                    "name",
                    models.CharField(max_length=200, unique=True, help_text="One of a kind.", verbose_name="name"),
                ),
                ("task", models.CharField(max_length=200, verbose_name="task name")),
                (
                    "args",
                    models.TextField(blank=True, default="[]", verbose_name="arguments"),
                ),
                (
                    "kwargs",
                    models.TextField(
                        blank=True, default="{}", help_text="A JSON object.", verbose_name="keyword arguments"
                    ),
                ),
                *(
                    (field, models.CharField(max_length=200, blank=True, null=True, default=None, verbose_name=words))
                    for field, words in (("queue", "queue"), ("exchange", "exchange"), ("routing_key", "routing key"))
                ),
                ("expires", models.DateTimeField(blank=True, null=True, verbose_name="expires")),
                ("enabled", models.BooleanField(default=True, verbose_name="enabled")),
                ("last_run_at", models.DateTimeField(blank=True, null=True, editable=False)),
                ("total_run_count", models.PositiveIntegerField(default=0, editable=False)),
                ("date_changed", models.DateTimeField(auto_now=True)),
                ("description", models.TextField(blank=True, verbose_name="description")),
                *(
                    (
                        field,
                        models.ForeignKey(
                            f"django_celery_beat.{field}schedule",
                            blank=True,
                            null=True,
                            on_delete=models.CASCADE,
                            help_text="Choose one.",
                            verbose_name=field,
                        ),
                    )
                    for field in ("crontab", "interval")
                ),
            ],
            options={"verbose_name": "periodic task", "verbose_name_plural": "periodic tasks"},
        ),
        migrations.CreateModel(
            name="PeriodicTasks",
            fields=[
                ("ident", models.SmallIntegerField(default=1, primary_key=True, serialize=False, unique=True)),
                ("last_update", models.DateTimeField()),
            ],
        ),
    )
