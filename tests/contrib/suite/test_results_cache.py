"""``result_backend="django-cache"``: entries as Celery keys them."""

from typing import Any

import pytest
from django.core.cache import caches
from django.test import override_settings
from results_site import archived
from shop.tasks import add, fail

from horarium import group
from horarium.contrib.django.results.cache import CacheArchive
from horarium.errors import ImproperlyConfigured
from horarium.testing import run_until_idle

CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "results-default"},
    "kept": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "results-kept"},
}
pytestmark = pytest.mark.django_db


@override_settings(CACHES=CACHES)
def test_a_run_stands_under_celerys_key_in_the_named_cache(settings: Any) -> None:
    with archived("django-cache", cache_backend="kept", result_expires=None) as app:
        good, bad = add.delay(1, 2), fail.delay("so")
        run_until_idle(app)
        entry = caches["kept"].get(f"celery-task-meta-{good.id}")
        failure = caches["kept"].get(f"celery-task-meta-{bad.id}")
        sent = group(add.s(1, 1), add.s(2, 2)).apply_async()
        sent.save()
        app.engine.results.forget([sent.id])
        assert type(sent).restore(sent.id, app=app).id == sent.id
    assert caches["default"].get(f"celery-task-meta-{good.id}") is None
    wanted = {"status": "SUCCESS", "result": 3, "traceback": None, "children": [], "name": "shop.tasks.add"}
    assert entry.items() >= {**wanted, "args": [1, 2], "kwargs": {}, "task_id": good.id}.items()
    assert failure["result"] == {"exc_type": "ValueError", "exc_message": ["so"], "exc_module": "builtins"}


@override_settings(CACHES=CACHES)
def test_an_entry_ends_when_results_expire() -> None:
    with archived("django-cache", result_expires=60) as app:  # the store's clock stands: the run ended long ago
        result = add.delay(1, 2)
        run_until_idle(app)
        assert caches["default"].get(f"celery-task-meta-{result.id}") is None


def test_a_cache_that_is_not_there_is_told_with_the_remedy() -> None:
    with archived("django-cache", cache_backend="nowhere") as app, pytest.raises(ImproperlyConfigured, match="CACHES"):
        CacheArchive(app.conf)
