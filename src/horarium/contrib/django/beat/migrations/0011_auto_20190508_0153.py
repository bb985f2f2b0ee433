"""Tasks that run at one moment."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = (("django_celery_beat", "0010_auto_20190429_0326"),)
    operations = (
        migrations.CreateModel(
            name="ClockedSchedule",
            fields=[
                ("id", models.AutoField(primary_key=True, auto_created=True, serialize=False, verbose_name="ID")),
                ("clocked_time", models.DateTimeField(verbose_name="Clock Time", help_text="When it runs, once.")),
                (
                    "enabled",
                    models.BooleanField(
                        default=True,
                        editable=False,
                        verbose_name="Enabled",
                        help_text="Untick it, and it does not run.",
                    ),
                ),
            ],
            options={"verbose_name": "clocked", "verbose_name_plural": "clocked", "ordering": ("clocked_time",)},
        ),
        migrations.AddField(
            model_name="periodictask",
            name="clocked",
            field=models.ForeignKey(
                "django_celery_beat.clockedschedule",
                blank=True,
                null=True,
                on_delete=models.CASCADE,
                verbose_name="Clocked Schedule",
                help_text="Choose one kind of schedule and leave the others empty.",
            ),
        ),
    )
