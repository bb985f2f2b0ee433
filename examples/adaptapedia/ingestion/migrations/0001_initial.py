"""The tables of ingestion.models."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

NUMBER = ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"))
CASCADE = django.db.models.deletion.CASCADE


class Migration(migrations.Migration):
    initial = True
    dependencies = (migrations.swappable_dependency(settings.AUTH_USER_MODEL),)
    operations = (
        migrations.CreateModel(
            name="Work",
            fields=[
                NUMBER,
                ("wikidata_id", models.CharField(max_length=20, unique=True)),
                ("title", models.CharField(max_length=300)),
                ("author", models.CharField(blank=True, max_length=300)),
            ],
        ),
        migrations.CreateModel(
            name="ScreenWork",
            fields=[
                NUMBER,
                ("wikidata_id", models.CharField(max_length=20, unique=True)),
                ("title", models.CharField(max_length=300)),
                ("kind", models.CharField(choices=[("movie", "Movie"), ("tv", "TV series")], max_length=5)),
                ("tmdb_id", models.PositiveIntegerField(blank=True, null=True)),
                ("summary", models.TextField(blank=True)),
                ("poster", models.CharField(blank=True, max_length=200)),
                ("year", models.PositiveSmallIntegerField(blank=True, null=True)),
                ("refreshed", models.DateTimeField(blank=True, db_index=True, null=True)),
            ],
        ),
        migrations.CreateModel(
            name="AdaptationEdge",
            fields=[
                NUMBER,
                ("work", models.ForeignKey("ingestion.work", CASCADE, related_name="adaptations")),
                ("screen_work", models.ForeignKey("ingestion.screenwork", CASCADE, related_name="sources")),
            ],
            options={"constraints": [models.UniqueConstraint("work", "screen_work", name="one_edge_of_each_pair")]},
        ),
        migrations.CreateModel(
            name="Diff",
            fields=[
                NUMBER,
                ("edge", models.ForeignKey("ingestion.adaptationedge", CASCADE, related_name="diffs")),
                ("by", models.ForeignKey(settings.AUTH_USER_MODEL, CASCADE)),
                ("text", models.TextField()),
            ],
            options={"constraints": [models.UniqueConstraint("edge", "by", "text", name="said_once")]},
        ),
    )
