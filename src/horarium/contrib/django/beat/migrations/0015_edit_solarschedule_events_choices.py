"""Events of the sun in words; no column changes."""

from django.db import migrations, models

EVENTS = [
    ("dawn_astronomical", "Astronomical dawn"),
    ("dawn_civil", "Civil dawn"),
    ("dawn_nautical", "Nautical dawn"),
    ("dusk_astronomical", "Astronomical dusk"),
    ("dusk_civil", "Civil dusk"),
    ("dusk_nautical", "Nautical dusk"),
    ("solar_noon", "Solar noon"),
    ("sunrise", "Sunrise"),
    ("sunset", "Sunset"),
]


class Migration(migrations.Migration):
    dependencies = (("django_celery_beat", "0014_remove_clockedschedule_enabled"),)
    operations = (
        migrations.AlterField(
            model_name="solarschedule",
            name="event",
            field=models.CharField(
                max_length=24, choices=EVENTS, verbose_name="Solar Event", help_text="What the sun does."
            ),
        ),
    )
