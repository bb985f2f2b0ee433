"""What ``make run EXAMPLE=adaptapedia`` shows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from outside.sparql_server import sparql_server
from outside.tmdb_server import tmdb_server

from live.shows import Show, django_app


@contextmanager
def servers(folder: Path) -> Iterator[Mapping[str, str]]:
    with sparql_server() as sparql, tmdb_server() as tmdb:
        yield {"WIKIDATA_SPARQL_URL": sparql, "TMDB_API_URL": tmdb}


def facts() -> Mapping[str, str]:
    from django.core.cache import cache
    from ingestion.models import AdaptationEdge, ScreenWork

    looked_up = ScreenWork.objects.filter(refreshed__isnull=False).count()
    statistics = cache.get("site_statistics") or {}
    return {
        "adaptations": str(AdaptationEdge.objects.count()),
        "with metadata": f"{looked_up} of {ScreenWork.objects.count()}",
        "cached for dashboards": f"{statistics.get('total_works', 0)} works",
    }


SHOW = Show(
    name="adaptapedia",
    app="adaptapedia",
    load=django_app("adaptapedia"),
    facts=facts,
    outside=servers,
    prepare=(("manage.py", "migrate", "-v", "0"),),
    worker=("-B", "--scheduler", "django", "-c", "2"),
    site=("-m", "gunicorn", "adaptapedia.wsgi", "--bind", "127.0.0.1:{port}", "--workers", "1", "--threads", "4"),
    hint="the servers it asks are busy, broken or silent now and then; the admin's pages are at /admin/",
)
