"""Adaptations into the tables. What is there already is updated, so storing twice is as good as once."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction

from ingestion.models import AdaptationEdge, ScreenWork, Work
from ingestion.wikidata import Adaptation


@transaction.atomic
def store(page: Sequence[Adaptation]) -> None:
    """Store a page with five statements, whatever its length, all or nothing."""
    works = {each.work_id: Work(wikidata_id=each.work_id, title=each.title, author=each.author) for each in page}
    Work.objects.bulk_create(
        works.values(), update_conflicts=True, unique_fields=["wikidata_id"], update_fields=["title", "author"]
    )
    screens = {each.screen_id: _screen_work(each) for each in page}
    ScreenWork.objects.bulk_create(
        screens.values(),
        update_conflicts=True,
        unique_fields=["wikidata_id"],
        update_fields=["title", "kind", "tmdb_id"],
    )
    work_of = Work.objects.in_bulk(works, field_name="wikidata_id")
    screen_of = ScreenWork.objects.in_bulk(screens, field_name="wikidata_id")
    AdaptationEdge.objects.bulk_create(
        [AdaptationEdge(work=work_of[each.work_id], screen_work=screen_of[each.screen_id]) for each in page],
        ignore_conflicts=True,
    )


def _screen_work(each: Adaptation) -> ScreenWork:
    return ScreenWork(
        wikidata_id=each.screen_id,
        title=each.screen_title,
        kind=ScreenWork.Kind.SERIES if each.series is not None else ScreenWork.Kind.MOVIE,
        tmdb_id=each.series if each.series is not None else each.film,
    )
