"""What is known: books, films and series, which was made of which, and how they differ."""

from django.conf import settings
from django.db import models


class Work(models.Model):
    """A book."""

    wikidata_id = models.CharField(max_length=20, unique=True)
    title = models.CharField(max_length=300)
    author = models.CharField(max_length=300, blank=True)

    def __str__(self) -> str:
        return self.title


class ScreenWork(models.Model):
    """A film or a series. ``refreshed`` is when its metadata were looked up last."""

    class Kind(models.TextChoices):
        MOVIE = "movie"
        SERIES = "tv", "TV series"

    wikidata_id = models.CharField(max_length=20, unique=True)
    title = models.CharField(max_length=300)
    kind = models.CharField(max_length=5, choices=Kind)
    tmdb_id = models.PositiveIntegerField(null=True, blank=True)
    summary = models.TextField(blank=True)
    poster = models.CharField(max_length=200, blank=True)
    year = models.PositiveSmallIntegerField(null=True, blank=True)
    refreshed = models.DateTimeField(null=True, blank=True, db_index=True)

    def __str__(self) -> str:
        return self.title


class AdaptationEdge(models.Model):
    """This was made of that."""

    work = models.ForeignKey(Work, models.CASCADE, related_name="adaptations")
    screen_work = models.ForeignKey(ScreenWork, models.CASCADE, related_name="sources")

    class Meta:
        constraints = (models.UniqueConstraint("work", "screen_work", name="one_edge_of_each_pair"),)

    def __str__(self) -> str:
        return f"{self.work} -> {self.screen_work}"


class Diff(models.Model):
    """One thing that the screen does in another way than the book, as somebody has seen it."""

    edge = models.ForeignKey(AdaptationEdge, models.CASCADE, related_name="diffs")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE)
    text = models.TextField()

    class Meta:
        constraints = (models.UniqueConstraint("edge", "by", "text", name="said_once"),)

    def __str__(self) -> str:
        return self.text
