"""What browsers are answered of runs and groups."""

from typing import Any

import pytest
from django.test import override_settings
from django.urls import include, path, reverse
from results_site import archived
from shop.tasks import add, fail

from horarium import group
from horarium.contrib.django.results.models import TaskResult
from horarium.testing import run_until_idle

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]
urlpatterns = [path("celery/", include("horarium.contrib.django.results.urls"))]


def test_the_names_lead_to_the_usual_paths() -> None:
    assert reverse("celery-task_status", args=["a-1"]) in ("/celery/task/status/a-1/", "/celery/a-1/status/")
    assert reverse("celery-is_group_successful", args=["g"]).startswith("/celery/")


def test_a_run_is_told_of_in_the_usual_shape(client: Any) -> None:
    with archived() as app:
        good, bad = add.delay(1, 2), fail.delay("so")
        assert client.get(f"/celery/task/status/{good.id}/").json() == {
            "task": {"id": good.id, "status": "PENDING", "result": None}
        }
        run_until_idle(app)
        assert client.get(f"/celery/task/done/{good.id}/").json() == {"task": {"id": good.id, "executed": True}}
        assert client.get(f"/celery/{good.id}/status/").json() == {
            "task": {"id": good.id, "status": "SUCCESS", "result": 3}
        }
        told = client.get(f"/celery/task/status/{bad.id}/").json()["task"]
    assert (told["status"], told["result"], told["exc"]) == ("FAILURE", "ValueError('so')", "builtins.ValueError")
    assert "ValueError: so" in told["traceback"]


def test_a_run_that_only_the_table_knows_is_told_of(client: Any) -> None:
    TaskResult.objects.store_result("application/json", "utf-8", "old", '{"a": 1}', "SUCCESS")
    result = '{"exc_type": "KeyError", "exc_message": ["a"], "exc_module": "builtins"}'
    TaskResult.objects.store_result("application/json", "utf-8", "bad", result, "FAILURE", traceback="here")
    with archived():
        assert client.get("/celery/task/status/old/").json()["task"] == {
            "id": "old",
            "status": "SUCCESS",
            "result": {"a": 1},
        }
        told = client.get("/celery/task/status/bad/").json()["task"]
    assert told == {
        "id": "bad",
        "status": "FAILURE",
        "result": "KeyError('a')",
        "exc": "builtins.KeyError",
        "traceback": "here",
    }


def test_a_saved_group_is_told_of(client: Any) -> None:
    with archived() as app:
        sent = group(add.s(1, 1), fail.s("so")).apply_async()
        sent.save()
        run_until_idle(app)
        ids = [each.id for each in sent]
        assert client.get(f"/celery/group/done/{sent.id}/").json()["group"] == {
            "id": sent.id,
            "results": [{"id": ids[0], "executed": True}, {"id": ids[1], "executed": False}],
        }
        assert client.get(f"/celery/group/status/{sent.id}/").json()["group"]["results"] == [
            {"result": 2, "status": "SUCCESS"},
            {"result": "ValueError('so')", "status": "FAILURE"},
        ]
        assert client.get("/celery/group/done/none/").json() == {"group": {"id": "none", "results": []}}


@override_settings(DJANGO_CELERY_RESULTS_ID_FIRST_URLS=True)
def test_an_id_of_a_callers_own_is_an_id(client: Any) -> None:
    with archived():
        assert client.get("/celery/report_2026-01.v2/done/").json()["task"]["executed"] is False
