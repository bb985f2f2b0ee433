"""The names under which programs know django-celery-results."""

from horarium.contrib.django.results.backends import CacheBackend, DatabaseBackend
from horarium.contrib.django.results.table import TableArchive


def test_the_backends_have_their_names() -> None:
    assert DatabaseBackend is TableArchive
    assert CacheBackend.__name__ == "CacheArchive"
