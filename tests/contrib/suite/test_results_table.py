"""``result_backend="django-db"``: rows as django-celery-results writes them, without a worker's process."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from msgspec import Raw
from results_site import archived
from shop.tasks import add, fail

from horarium import Ignore, group, shared_task
from horarium.app.archive import ArchiveRefused, Record
from horarium.clock import to_instant
from horarium.contrib.django.results.models import ChordCounter, GroupResult, TaskResult
from horarium.contrib.django.results.table import TableArchive, _upsert_singly
from horarium.message import Message
from horarium.outcome import ErrorRecord, Run
from horarium.testing import run_until_idle

pytestmark = pytest.mark.django_db


@shared_task
def echo(value: Any) -> Any:
    return value


@shared_task(bind=True)
def parent(self: Any) -> str:
    echo.delay("child")
    self.update_state(state="PROGRESS", meta={"done": 1})
    return self.request.id


@shared_task(bind=True, max_retries=1)
def again(self: Any) -> None:
    raise self.retry(exc=ValueError("not yet"), countdown=3600)


@shared_task(ignore_result=True)
def unwanted(ends: str) -> None:
    if ends == "badly":
        raise ValueError(ends)


@shared_task
def ignored() -> None:
    raise Ignore


def row_of(result: Any) -> TaskResult:
    return TaskResult.objects.get(task_id=result.id)


def test_migrations_say_what_the_models_say() -> None:
    call_command("makemigrations", "django_celery_results", check=True, dry_run=True, verbosity=0)


def test_a_row_has_everything_without_result_extended_rows_32_and_94() -> None:
    with archived() as app:
        result = add.apply_async((1,), {"two": 2}, headers={"periodic_task_name": "nightly"})
        run_until_idle(app)
        assert result.get(timeout=1) == 3
    row = TaskResult.objects.order_by("-date_created")[:10][0]
    assert (row.task_id, row.status, row.result) == (result.id, "SUCCESS", "3")
    assert (row.task_name, row.task_args, row.task_kwargs) == ("shop.tasks.add", '"(1,)"', "\"{'two': 2}\"")
    assert (row.periodic_task_name, row.content_type, row.content_encoding) == ("nightly", "application/json", "utf-8")
    assert row.worker and row.traceback is None and row.meta == '{"children": []}'
    assert row.date_started is not None and row.date_started <= row.date_done <= row.date_created <= timezone.now()
    assert str(row) == f"<Task: {result.id} (SUCCESS)>"
    assert row.as_dict()["task_id"] == result.id


def test_a_failure_is_always_written_down_row_133() -> None:
    with archived() as app:
        failed, quiet, silent = fail.delay("nö"), unwanted.delay("badly"), unwanted.delay("well")
        run_until_idle(app)
    row = row_of(failed)
    assert row.status == "FAILURE"
    assert json.loads(row.result) == {"exc_type": "ValueError", "exc_message": ["nö"], "exc_module": "builtins"}
    assert row.result.isascii() and "ValueError: nö" in row.traceback
    assert row_of(quiet).status == "FAILURE"
    assert not TaskResult.objects.filter(task_id=silent.id).exists()


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, "null"),
        ("größe", '"gr\\u00f6\\u00dfe"'),
        ({"a": [1, 2.5, True]}, '{"a": [1, 2.5, true]}'),
        (
            datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
            '{"__type__": "datetime", "__value__": "2026-01-02T03:04:05+00:00"}',
        ),
        (b"\0\xff", '{"__type__": "base64", "__value__": "AP8="}'),
        ({1, 2} - {2}, '"{1}"'),
    ],
)
def test_a_result_is_written_in_celerys_json(value: Any, written: str) -> None:
    with archived() as app:
        result = echo.delay(value)
        run_until_idle(app)
    assert row_of(result).result == written


def test_what_a_task_reports_and_sends_is_told() -> None:
    with archived() as app:
        result = parent.delay()
        run_until_idle(app)
    meta = json.loads(row_of(result).meta)
    [[[child, before], members]] = meta["children"]
    assert (before, members) == (None, None)
    assert TaskResult.objects.get(task_id=child).task_name == echo.name


def test_one_that_waits_for_its_retry_says_so() -> None:
    with archived() as app:
        result = again.delay()
        run_until_idle(app)
    row = row_of(result)
    assert row.status == "RETRY" and json.loads(row.result)["exc_message"] == ["not yet"] and row.traceback


def test_secrets_among_the_arguments_are_not_written_down() -> None:
    with archived() as app:
        result = echo.delay({"password": "canary-word-77"})
        run_until_idle(app)
    row = row_of(result)
    assert "[redacted]" in row.task_args and "canary" not in row.task_args + row.task_kwargs
    assert json.loads(row.result) == {"password": "canary-word-77"}


def test_an_ignored_run_and_long_arguments_have_their_row() -> None:
    with archived() as app:
        result, long = ignored.delay(), echo.delay("x" * 100_000)
        run_until_idle(app)
    assert row_of(result).status == "IGNORED"
    assert len(json.loads(row_of(long).task_args)) == 1024
    assert len(row_of(long).result) == 100_002


def test_the_second_word_keeps_when_it_was_created_and_started() -> None:
    archive, started = TableArchive(archived_conf()), to_instant(timezone.now())
    message = Message(id="one", task="shop.tasks.add", created=started)
    archive.write([Record(run=Run(message=message, state="STARTED", changed=started, started=started))])
    created = TaskResult.objects.get(task_id="one").date_created
    ended = started + 2000
    archive.write([Record(run=Run(message=message, state="SUCCESS", changed=ended, ended=ended, result=Raw(b"1")))])
    row = TaskResult.objects.get(task_id="one")
    assert (row.date_created, row.status) == (created, "SUCCESS")
    assert row.date_done - row.date_started == timedelta(seconds=2)


def test_of_several_records_of_one_run_the_last_counts() -> None:
    archive = TableArchive(archived_conf())
    records = [Record(run=made("one", number, state="SUCCESS", result=Raw(b"%d" % number))) for number in (1, 2)]
    archive.write([*records, Record(run=made("two", 5, state="DEAD", error=ErrorRecord(class_path="a.B")))])
    assert sorted(TaskResult.objects.values_list("task_id", "status", "result")) == [
        ("one", "SUCCESS", "2"),
        ("two", "FAILURE", '{"exc_type": "B", "exc_message": [], "exc_module": "a"}'),
    ]


def test_a_thousand_records_are_a_few_statements() -> None:
    archive = TableArchive(archived_conf())
    records = [Record(run=made(str(number), 1, state="SUCCESS", result=Raw(b"1"))) for number in range(1000)]
    with CaptureQueriesContext(connection) as queries:
        archive.write(records)
    assert TaskResult.objects.count() == 1000
    assert len(queries) <= 20


def test_a_record_that_the_database_refuses_changes_nothing() -> None:
    archive = TableArchive(archived_conf())
    good, bad = made("good", 1, state="SUCCESS"), made("bad", 10**17, state="SUCCESS")  # the year 3,170,843
    with pytest.raises(ArchiveRefused, match="refuses"):
        archive.write([Record(run=good), Record(run=bad)])
    assert not TaskResult.objects.exists()


def test_other_databases_are_written_by_the_orm() -> None:
    moment = timezone.now() - timedelta(days=1)
    row = {"task_id": "one", "status": "STARTED", "date_created": moment, "date_started": moment, "date_done": moment}
    _upsert_singly(TaskResult, "default", "task_id", [row])
    later = {**row, "status": "SUCCESS", "date_started": None, "date_done": moment + timedelta(seconds=1)}
    _upsert_singly(TaskResult, "default", "task_id", [later])
    row = TaskResult.objects.get(task_id="one")
    assert (row.status, row.date_started, row.date_done) == ("SUCCESS", moment, moment + timedelta(seconds=1))


def test_a_saved_group_has_a_row_and_is_restored_from_it() -> None:
    with archived() as app:
        sent = group(add.s(1, 1), add.s(2, 2)).apply_async()
        sent.save()
        row = GroupResult.objects.get(group_id=sent.id)
        assert json.loads(row.result)[0] == [sent.id, None]
        app.engine.results.forget([sent.id])
        restored = type(sent).restore(sent.id, app=app)
        assert restored is not None and [each.id for each in restored] == [each.id for each in sent]
        sent.delete()
        assert not GroupResult.objects.exists()
        assert type(sent).restore(sent.id, app=app) is None


def test_forgetting_a_run_removes_its_row() -> None:
    with archived() as app:
        result = add.delay(1, 2)
        run_until_idle(app)
        result.forget()
    assert not TaskResult.objects.exists()


def test_rows_are_removed_in_batches_without_beat() -> None:
    """Problem RS4: 10,000 old rows go in statements of at most 1,000, and the rest stays."""
    fill(10_000, age=timedelta(days=2))
    fill(5, age=timedelta(hours=1), start=10_000)
    now = to_instant(timezone.now())
    archive, removed = TableArchive(archived_conf()), []
    while count := archive.expire(now - 86_400_000, 1000, failed_before=now - 86_400_000):
        removed.append(count)
    assert removed == [1000] * 10
    assert TaskResult.objects.count() == 5


def test_failures_may_be_kept_longer() -> None:
    fill(3, age=timedelta(days=2))
    TaskResult.objects.filter(task_id="0").update(status="FAILURE")
    now = to_instant(timezone.now())
    assert TableArchive(archived_conf()).expire(now - 86_400_000, 10, failed_before=now - 7 * 86_400_000) == 2
    assert TaskResult.objects.get().task_id == "0"


def test_backend_cleanup_does_it_at_once() -> None:
    fill(1500, age=timedelta(days=1000))  # the store's clock stands at the beginning of 2026
    with archived() as app:
        app.send_task("celery.backend_cleanup")
        run_until_idle(app)
    assert TaskResult.objects.exclude(task_name="celery.backend_cleanup").count() == 0


def test_the_managers_do_what_django_celery_results_do() -> None:
    stored = TaskResult.objects.store_result("application/json", "utf-8", "one", "1", "SUCCESS", task_name="a.b")
    assert TaskResult.objects.get_task("one") == stored
    again_ = TaskResult.objects.store_result("application/json", "utf-8", "one", "2", "FAILURE", date_started=None)
    assert (again_.pk, TaskResult.objects.get_task("one").status) == (stored.pk, "FAILURE")
    assert (TaskResult.objects.get_task("none").status, TaskResult.objects.get_task("none").pk) == ("PENDING", None)
    GroupResult.objects.store_group_result("application/json", "utf-8", "g", "[]")
    assert GroupResult.objects.get_group("g").as_dict()["result"] == "[]"
    fill(5, age=timedelta(days=2))
    assert TaskResult.objects.get_all_expired(86_400).count() == 5
    assert TaskResult.objects.delete_expired(timedelta(days=1), batch=2) == 5
    assert TaskResult.objects.count() == 1


def test_a_chord_counter_of_celerys_can_be_read() -> None:
    counter = ChordCounter(group_id="g", sub_tasks='[[["one", null], null]]', count=1)
    with archived() as app:
        assert [each.id for each in counter.group_result(app=app)] == ["one"]


def archived_conf() -> Any:
    from site_project.celery import app

    return app.conf


def made(id: str, at: int, **fields: Any) -> Run:
    message = Message(id=id, task="shop.tasks.add", created=at)
    return Run(message=message, changed=at, ended=at, **fields)


def fill(number: int, *, age: timedelta, start: int = 0) -> None:
    rows = [
        TaskResult(task_id=str(each), status="SUCCESS", content_type="application/json", content_encoding="utf-8")
        for each in range(start, start + number)
    ]
    TaskResult.objects.bulk_create(rows, batch_size=500)
    new = TaskResult.objects.filter(pk__gte=TaskResult.objects.get(task_id=str(start)).pk)
    new.update(date_done=timezone.now() - age)
