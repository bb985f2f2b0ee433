"""The one page of its own: what the tasks have cached for dashboards."""

from django.core.cache import cache
from django.http import HttpRequest, HttpResponse, JsonResponse

KEYS = ("site_statistics", "last_wikidata_ingestion", "last_tmdb_refresh")


def statistics(request: HttpRequest) -> JsonResponse:
    """Tell what was cached last; null before the first run. It asks no table."""
    return JsonResponse({key: cache.get(key) for key in KEYS})


def no_icon(request: HttpRequest) -> HttpResponse:
    """Browsers ask for one, and tell of an error where nobody answers."""
    return HttpResponse(status=204)
