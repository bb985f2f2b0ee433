"""Results in the admin: read-only, readable, and quick with many rows."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin import site
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from horarium.contrib.django.beat.models import PeriodicTask
from horarium.contrib.django.results import browsing
from horarium.contrib.django.results.models import GroupResult, TaskResult

pytestmark = pytest.mark.django_db
RUNS = "/admin/django_celery_results/taskresult/"
GROUPS = "/admin/django_celery_results/groupresult/"


@pytest.fixture
def row() -> TaskResult:
    child = TaskResult.objects.store_result("application/json", "utf-8", "child", "1", "SUCCESS")
    row: TaskResult = TaskResult.objects.store_result(
        "application/json",
        "utf-8",
        "one",
        '{"exc_type": "ValueError", "exc_message": ["gr\\u00f6\\u00dfe <b>"], "exc_module": "builtins"}',
        "FAILURE",
        traceback='File "<b>.py"',
        meta='{"children": [[["child", null], null], [["gone", null], null]]}',
        periodic_task_name="nightly & more",
        task_name="shop.tasks.add",
        task_args='"(1,)"',
        task_kwargs="\"{'two': 2}\"",
        worker="w@h",
    )
    assert child.pk != row.pk
    return row


@pytest.fixture
def bounds(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(browsing, "COUNTED", 50)
    monkeypatch.setattr(browsing, "SEARCHED", 50)
    yield


def test_the_list_shows_what_one_looks_for(admin_client: Any, row: TaskResult) -> None:
    page = admin_client.get(RUNS).content.decode()
    for shown in ("one", "nightly &amp; more", "shop.tasks.add", "FAILURE", "w@h"):
        assert shown in page
    assert f"{RUNS}add/" not in page
    if site.is_registered(PeriodicTask):
        assert "?q=nightly%20%26%20more" in page
    chosen = admin_client.get(RUNS, {"status": "FAILURE", "task_name": "shop.tasks.add", "worker": "w@h"})
    assert [each.task_id for each in chosen.context["cl"].result_list] == ["one"]
    found = [admin_client.get(RUNS, {"q": text}).context["cl"].result_list for text in ("one", "'two'", "nothing")]
    assert [[each.task_id for each in rows] for rows in found] == [["one"], ["one"], []]


def test_a_row_is_read_as_people_write(admin_client: Any, row: TaskResult) -> None:
    response = admin_client.get(f"{RUNS}{row.pk}/change/")
    page = response.content.decode()
    shown = ("ValueError(&#x27;größe &lt;b&gt;&#x27;)", "File &quot;&lt;b&gt;.py&quot;", "(1,)", "gone")
    assert all(text in page for text in shown)
    child = TaskResult.objects.get(task_id="child")
    assert f'<a href="{RUNS}{child.pk}/change/">child</a>' in page
    assert 'name="_save"' not in page
    assert admin_client.post(f"{RUNS}{row.pk}/change/", {"status": "SUCCESS"}).status_code == 403


def test_edits_can_be_allowed(admin_client: Any, row: TaskResult, settings: Any) -> None:
    settings.DJANGO_CELERY_RESULTS = {"ALLOW_EDITS": True}
    page = admin_client.get(f"{RUNS}{row.pk}/change/").content.decode()
    assert 'name="_save"' in page and 'name="status"' in page


def test_who_may_view_sees_and_others_do_not(client: Any, row: TaskResult) -> None:
    user = User.objects.create_user("eve", password="x", is_staff=True)
    client.force_login(user)
    assert client.get(RUNS).status_code == 403
    user.user_permissions.add(Permission.objects.get(codename="view_taskresult"))
    assert client.get(RUNS).status_code == 200


def test_groups_have_a_page(admin_client: Any) -> None:
    saved = GroupResult.objects.store_group_result("application/json", "utf-8", "g-1", "[]")
    assert "g-1" in admin_client.get(GROUPS).content.decode()
    assert admin_client.get(f"{GROUPS}{saved.pk}/change/").status_code == 200
    assert len(admin_client.get(GROUPS, {"q": "g-1"}).context["cl"].result_list) == 1


def test_many_rows_are_neither_counted_nor_searched(admin_client: Any, bounds: None) -> None:
    rows = [TaskResult(task_id=f"id-{number}", task_name="shop.tasks.add", status="SUCCESS") for number in range(120)]
    TaskResult.objects.bulk_create(rows)
    TaskResult.objects.filter(task_id="id-0").update(date_done=timezone.now() - timedelta(days=1), task_name="rare")
    with CaptureQueriesContext(connection) as queries:
        response = admin_client.get(RUNS)
    assert response.context["cl"].result_count == 50
    counts = [query["sql"] for query in queries if "COUNT(" in query["sql"]]
    assert counts and all("LIMIT" in sql for sql in counts)
    assert not any('"traceback"' in query["sql"] for query in queries)
    assert not list(admin_client.get(RUNS, {"q": "rare"}).context["cl"].result_list)
    assert len(admin_client.get(RUNS, {"q": "id-0"}).context["cl"].result_list) == 1
