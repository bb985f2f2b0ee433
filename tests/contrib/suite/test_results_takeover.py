"""Tables made and filled by the real django-celery-results are read and gone on with here, and read there again."""

import sqlite3
from pathlib import Path

import pytest
from results_site import on_the_other_side, schema
from test_results_worker import Site

pytestmark = pytest.mark.once

MADE_THERE = """
call_command("migrate", verbosity=0)
from django_celery_results.models import TaskResult, GroupResult
backend = app.backend
backend.store_result("old-1", {"sum": 3}, "SUCCESS")
backend.store_result("old-2", ValueError("so"), "FAILURE", traceback="there")
app.GroupResult("old-group", [app.AsyncResult("old-1"), app.AsyncResult("old-2")]).save()
"""
READ_THERE = """
from django_celery_results.models import TaskResult, GroupResult
new = TaskResult.objects.exclude(task_id__startswith="old")
[good] = new.filter(status="SUCCESS")
[bad] = new.filter(status="FAILURE")
assert app.AsyncResult(good.task_id).get(timeout=1) == 7
assert good.task_name == "shop.tasks.add"
assert app.AsyncResult(good.task_id).args == "(3, 4)", app.AsyncResult(good.task_id).args
error = app.AsyncResult(bad.task_id).result
assert isinstance(error, ValueError) and error.args == ("mine",), error
assert "ValueError: mine" in app.AsyncResult(bad.task_id).traceback
[saved] = GroupResult.objects.exclude(group_id="old-group")
assert [each.get(timeout=1) for each in app.GroupResult.restore(saved.group_id)] == [7]
backend = app.backend
backend.store_result("old-3", 1, "SUCCESS")
call_command("migrate", verbosity=0)
call_command("makemigrations", "django_celery_results", dry_run=True)
print(TaskResult.objects.count())
"""


def test_a_table_of_the_real_one_is_gone_on_with_and_back_row_32(tmp_path: Path) -> None:
    site = Site(tmp_path)
    on_the_other_side(tmp_path, MADE_THERE, str(site.database))
    site.manage("migrate", "-v0")
    with sqlite3.connect(site.database) as database:
        steps = "SELECT count(*) FROM django_migrations WHERE app = 'django_celery_results'"
        assert database.execute(steps).fetchone() == (14,)
    site.start()
    try:
        site.run(
            "from horarium import GroupResult, group\n"
            "from site_project.celery import app\n"
            "from horarium.contrib.django.results.models import TaskResult\n"
            "assert TaskResult.objects.get(task_id='old-1').result == '{\"sum\": 3}'\n"
            "assert TaskResult.objects.get(task_id='old-2').status == 'FAILURE'\n"
            "assert [each.id for each in GroupResult.restore('old-group')] == ['old-1', 'old-2']\n"
            "sent = group(add.s(3, 4)).apply_async(); sent.save()\n"
            "assert sent.get(timeout=30) == [7]\n"
            "fail.delay('mine').get(timeout=30, propagate=False)\n"
        )
    finally:
        site.workers[0].terminate()
        site.workers[0].wait(30)
    assert on_the_other_side(tmp_path, READ_THERE, str(site.database)).split()[-1] == "5"


def test_the_schema_is_that_of_the_real_one_on_sqlite(tmp_path: Path) -> None:
    theirs, ours = tmp_path / "theirs.sqlite3", Site(tmp_path)
    on_the_other_side(tmp_path, 'call_command("migrate", verbosity=0)', str(theirs))
    ours.manage("migrate", "django_celery_results", "-v0")
    assert schema(theirs) == schema(ours.database)
    assert len(schema(theirs)) == 14


def test_the_schema_is_that_of_the_real_one_on_postgresql(tmp_path: Path) -> None:
    servers = pytest.importorskip("servers")
    server = servers.PostgresServer()
    server.start()
    try:
        script = 'call_command("migrate", verbosity=0)'
        shapes = []
        for name in ("theirs", "ours"):
            address = make_database(server.url, name)
            if name == "theirs":
                on_the_other_side(tmp_path, script, address)
            else:
                site = Site(tmp_path)
                site.environ["SITE_DATABASE"] = address
                site.manage("migrate", "django_celery_results", "-v0")
            shapes.append(postgresql_schema(address))
        assert shapes[0] == shapes[1]
        assert len(shapes[0]) > 30
    finally:
        server.stop()


def make_database(url: str, name: str) -> str:
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")  # type: ignore[arg-type]
    return f"{url.rpartition('/')[0]}/{name}"


def postgresql_schema(url: str) -> list[tuple[str, ...]]:
    import psycopg

    columns = (
        "SELECT table_name, column_name, data_type, is_nullable, coalesce(character_maximum_length, 0)::text, "
        "coalesce(column_default, ''), is_identity FROM information_schema.columns "
        "WHERE table_name LIKE 'django_celery_results%'"
    )
    indexes = "SELECT indexname, indexdef FROM pg_indexes WHERE tablename LIKE 'django_celery_results%'"
    with psycopg.connect(url) as connection:
        return sorted(connection.execute(columns).fetchall()) + sorted(connection.execute(indexes).fetchall())
