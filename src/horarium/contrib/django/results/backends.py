"""The names by which settings and programs know django-celery-results' backends: here, what writes rows and entries."""

from __future__ import annotations

from horarium.contrib.django.results.cache import CacheArchive as CacheBackend
from horarium.contrib.django.results.table import TableArchive as DatabaseBackend

__all__ = ["CacheBackend", "DatabaseBackend"]
