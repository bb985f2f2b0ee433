"""Events of the sun in the order of the alphabet; no column changes."""

from django.db import migrations, models

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


class Migration(migrations.Migration):
    dependencies = (("django_celery_beat", "0004_auto_20170221_0000"),)
    operations = (
        migrations.AlterField(
            model_name="solarschedule",
            name="event",
            field=models.CharField(max_length=24, choices=[(name, name) for name in EVENTS], verbose_name="event"),
        ),
    )
