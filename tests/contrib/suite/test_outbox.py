"""The outbox: nothing that was committed is lost between the project's database and a store elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from depot import tasks
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from site_process import Site
from site_project.celery import app

from horarium.contrib.django import relay
from horarium.contrib.django.models import OutboxMessage
from horarium.errors import EngineUnavailable
from horarium.testing import Bench, captured


@pytest.fixture
def bench(settings: Any) -> Iterator[Bench]:
    settings.HORARIUM_OUTBOX = True
    with captured(app) as bench:
        yield bench


def is_down(monkeypatch: pytest.MonkeyPatch, bench: Bench) -> list[str]:
    """Let the store of the bench be out of reach; return what it has been asked."""
    asked: list[str] = []

    def put(*args: Any, **options: Any) -> Any:
        asked.append("put")
        raise EngineUnavailable("expected the store to answer, it does not;\n\tdoes it run?")

    monkeypatch.setattr(bench.app.engine.queue, "put", put)
    return asked


@pytest.mark.django_db(transaction=True)
def test_a_message_is_a_row_of_the_transaction_one_query_and_gone_after_it(bench: Bench) -> None:
    with transaction.atomic():
        with CaptureQueriesContext(connection) as queries:
            handle = tasks.order.delay_on_commit("a")
        assert len(queries) == 1
        assert OutboxMessage.objects.get().pk == handle.id
        assert bench.enqueued() == []
    assert [sent.id for sent in bench.enqueued()] == [handle.id]
    assert not OutboxMessage.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_rollback_takes_the_row_with_it(bench: Bench) -> None:
    with transaction.atomic():
        with pytest.raises(KeyError), transaction.atomic():
            tasks.order.delay_on_commit("a")
            raise KeyError
        assert not OutboxMessage.objects.exists()
    assert bench.enqueued() == []


@pytest.mark.django_db(transaction=True)
def test_many_of_one_transaction_go_together_without_those_that_were_rolled_back(bench: Bench) -> None:
    with pytest.raises(KeyError), transaction.atomic():
        tasks.order.delay_on_commit("of a transaction before")
        raise KeyError
    with transaction.atomic():
        tasks.order.delay_on_commit("a")
        with pytest.raises(KeyError), transaction.atomic():
            tasks.order.delay_on_commit("b")
            raise KeyError
        for _ in range(600):
            tasks.order.delay_on_commit("c")
        with CaptureQueriesContext(connection) as queries:
            transaction.on_commit(lambda: None)
    assert [sent.args[0] for sent in bench.enqueued()] == ["a", *["c"] * 600]
    assert not OutboxMessage.objects.exists()
    assert len(queries) == 0


@pytest.mark.django_db(transaction=True)
def test_a_store_that_is_down_costs_the_caller_nothing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    done = []
    with monkeypatch.context() as down:
        asked = is_down(down, bench)
        with transaction.atomic():
            handle = tasks.order.delay_on_commit("a")
            transaction.on_commit(lambda: done.append("after"))
    assert done == ["after"]
    assert asked == ["put"]  # not again and again for seconds: the row is there
    [line] = caplog.messages
    assert line.startswith("what was sent on commit stays in the outbox")
    assert "\n" not in line
    assert relay.relay_once(app, leave_for=60) == 0  # it may still be in its caller's hands
    assert relay.relay_once(app, leave_for=0) == 1
    assert relay.relay_once(app, leave_for=0) == 0
    assert [sent.id for sent in bench.enqueued()] == [handle.id]


@pytest.mark.django_db(transaction=True)
def test_a_relay_that_comes_late_makes_no_second_message(bench: Bench) -> None:
    with transaction.atomic():
        tasks.order.delay_on_commit("a")
        [row] = OutboxMessage.objects.values()
    bench.run_until_idle()
    OutboxMessage.objects.create(**row)  # as if the process had died before it removed the row
    assert relay.relay_once(app, leave_for=0) == 1
    bench.run_until_idle()
    assert [sent.state for sent in bench.enqueued()] == ["SUCCESS"]
    assert not OutboxMessage.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_only_the_databases_that_are_listed_have_one(bench: Bench, settings: Any) -> None:
    settings.HORARIUM_OUTBOX = ["another"]
    with transaction.atomic():
        tasks.order.delay_on_commit("a")
        assert not OutboxMessage.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_without_its_table_the_error_names_the_command(bench: Bench) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE horarium_outbox RENAME TO away")
    try:
        with pytest.raises(Exception, match="horarium_outbox") as caught, transaction.atomic():
            tasks.order.delay_on_commit("a")
        assert "manage.py migrate horarium" in caught.value.__notes__[0]
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE away RENAME TO horarium_outbox")


KILLED_AFTER_THE_COMMIT = """
import os
with transaction.atomic():
    transaction.on_commit(lambda: os.kill(os.getpid(), 9))
    tasks.order.delay_on_commit("survivor")
"""


@pytest.mark.once
def test_a_process_that_is_killed_between_commit_and_put_loses_nothing(tmp_path: Path) -> None:
    site = Site(tmp_path, SITE_OUTBOX="1")
    site.manage("migrate", "-v0", "--run-syncdb")
    site.python(KILLED_AFTER_THE_COMMIT, expect=-9)
    count = "from horarium.contrib.django.models import OutboxMessage as O; print('left', O.objects.count())"
    assert "left 1" in site.python(count)
    with site.start("manage.py", "horarium", "worker", "-c", "1") as worker:
        worker.says("depot.tasks.order[")
        worker.says("succeeded")
    assert "left 0" in site.python(count)
    assert "1 survivor" in site.python(
        "from shop.models import Order; found = Order.objects.filter(text='survivor'); print(len(found), found[0])"
    )
