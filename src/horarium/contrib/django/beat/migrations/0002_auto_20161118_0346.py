"""Events of the sun."""

from django.db import migrations, models

EVENTS = (
    "dusk_nautical",
    "dawn_astronomical",
    "dawn_nautical",
    "dawn_civil",
    "sunset",
    "solar_noon",
    "dusk_astronomical",
    "sunrise",
    "dusk_civil",
)


class Migration(migrations.Migration):
    dependencies = (("django_celery_beat", "0001_initial"),)
    operations = (
        migrations.CreateModel(
            name="SolarSchedule",
            fields=[
                ("id", models.AutoField(primary_key=True, auto_created=True, serialize=False, verbose_name="ID")),
                (
                    "event",
                    models.CharField(max_length=24, choices=[(name, name) for name in EVENTS], verbose_name="event"),
                ),
                ("latitude", models.DecimalField(max_digits=9, decimal_places=6, verbose_name="latitude")),
                ("longitude", models.DecimalField(max_digits=9, decimal_places=6, verbose_name="latitude")),
            ],
            options={
                "ordering": ("event", "latitude", "longitude"),
                "verbose_name": "solar",
                "verbose_name_plural": "solars",
            },
        ),
        migrations.AddField(
            model_name="periodictask",
            name="solar",
            field=models.ForeignKey(
                "django_celery_beat.solarschedule",
                blank=True,
                null=True,
                on_delete=models.CASCADE,
                help_text="Choose one.",
                verbose_name="solar",
            ),
        ),
    )
