"""Sending when Django's transaction commits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from depot import tasks
from django.db import connection, transaction
from django.test import TestCase, override_settings
from site_project.celery import app

from horarium import signals
from horarium.contrib.django import hint
from horarium.errors import EncodingError, EngineUnavailable, InvalidArguments
from horarium.result import AsyncResult
from horarium.testing import Bench, captured


@pytest.fixture
def bench() -> Iterator[Bench]:
    with captured(app) as bench:
        yield bench


def texts(bench: Bench) -> list[Any]:
    return [sent.args[0] for sent in bench.enqueued(tasks.order)]


@pytest.mark.django_db(transaction=True)
def test_a_call_is_sent_at_the_commit_and_its_id_is_known_at_once(bench: Bench) -> None:
    with transaction.atomic():
        handle = tasks.order.delay_on_commit("a")
        assert isinstance(handle, AsyncResult)
        assert handle.run is None
        assert texts(bench) == []
    assert [sent.id for sent in bench.enqueued()] == [handle.id]
    bench.run_until_idle()
    assert handle.get() > 0


@pytest.mark.django_db(transaction=True)
def test_outside_of_a_transaction_it_is_sent_at_once(bench: Bench) -> None:
    handle = tasks.order.delay_on_commit("a")
    assert [sent.id for sent in bench.enqueued()] == [handle.id]


@pytest.mark.django_db(transaction=True)
def test_a_rollback_leaves_no_trace(bench: Bench) -> None:
    with pytest.raises(KeyError), transaction.atomic():
        handle = tasks.order.delay_on_commit("a")
        raise KeyError
    assert bench.enqueued() == []
    assert handle.run is None


@pytest.mark.django_db(transaction=True)
def test_a_rollback_to_a_savepoint_takes_back_what_was_sent_in_it(bench: Bench) -> None:
    with transaction.atomic(durable=True):
        tasks.order.delay_on_commit("outer")
        with pytest.raises(KeyError), transaction.atomic():
            tasks.order.delay_on_commit("inner")
            raise KeyError
        with transaction.atomic():
            tasks.order.delay_on_commit("kept")
    assert texts(bench) == ["outer", "kept"]


@pytest.mark.django_db(transaction=True)
def test_what_is_wrong_with_a_call_is_said_at_the_call(bench: Bench) -> None:
    with transaction.atomic():
        with pytest.raises(InvalidArguments):
            tasks.order.delay_on_commit()
        with pytest.raises(EncodingError):
            tasks.order.delay_on_commit(object())
        with pytest.raises(InvalidArguments):
            tasks.order.apply_async_on_commit(("a",), contdown=3)
        tasks.order.delay_on_commit("good")
    assert texts(bench) == ["good"]


@pytest.mark.django_db(transaction=True)
def test_arguments_are_those_of_the_call_even_if_they_change_before_the_commit(bench: Bench) -> None:
    given = ["as it was"]
    with transaction.atomic():
        tasks.nothing.delay_on_commit(given)
        given[0] = "changed"
    [sent] = bench.enqueued(tasks.nothing)
    assert sent.args == (["as it was"],)


@pytest.mark.django_db(transaction=True)
def test_options_go_along(bench: Bench) -> None:
    with transaction.atomic():
        handle = tasks.order.apply_async_on_commit(("a",), task_id="chosen", queue="slow", countdown=60, priority=7)
    bench.assert_enqueued(tasks.order, args=["a"], queue="slow", countdown=60, priority=7, count=1)
    assert handle.id == "chosen"


class CountsCallbacks(TestCase):
    def test_each_call_is_one_callback_of_the_test_case(self) -> None:
        with captured(app) as bench:
            with self.captureOnCommitCallbacks(execute=True) as callbacks:
                tasks.order.delay_on_commit("a")
                tasks.order.delay_on_commit("b")
            assert len(callbacks) == 2
            assert texts(bench) == ["a", "b"]


@pytest.mark.django_db(transaction=True)
def test_a_robust_call_lets_other_callbacks_go_on_when_the_store_is_down(monkeypatch: pytest.MonkeyPatch) -> None:
    def put(*args: Any, **options: Any) -> Any:
        raise EngineUnavailable("expected the store to answer, it does not")

    done = []
    with captured(app) as bench:
        monkeypatch.setattr(bench.app.engine.queue, "put", put)
        with transaction.atomic():
            tasks.order.apply_async_on_commit(("a",), robust=True, retry=False)
            transaction.on_commit(lambda: done.append("after"))
        with pytest.raises(EngineUnavailable), transaction.atomic():
            tasks.order.apply_async_on_commit(("a",), retry=False)
    assert done == ["after"]


@pytest.mark.django_db(transaction=True)
@override_settings(CELERY_TASK_ALWAYS_EAGER=True)
def test_an_eager_call_runs_at_the_commit_row_137() -> None:
    with transaction.atomic():
        handle = tasks.order.delay_on_commit("eager")
        assert handle._ended is None
    assert handle.get() > 0
    with pytest.raises(EncodingError), transaction.atomic():
        tasks.order.delay_on_commit(object())


@pytest.mark.django_db(transaction=True)
def test_a_task_that_sends_on_commit_is_the_parent(bench: Bench) -> None:
    told = tasks.order_and_tell.delay("a")
    bench.run_until_idle()
    [child] = bench.enqueued(tasks.order)
    assert told.get() == child.id
    assert child.parent == told.id


@pytest.mark.django_db(transaction=True)
def test_enqueueing_in_a_transaction_asks_the_database_nothing(bench: Bench) -> None:
    with transaction.atomic():
        before = len(connection.queries_log)
        connection.force_debug_cursor = True
        try:
            tasks.order.delay_on_commit("a")
        finally:
            connection.force_debug_cursor = False
        assert len(connection.queries_log) == before


@pytest.mark.django_db(transaction=True)
def test_coroutines_send_on_commit_too(bench: Bench) -> None:
    from asgiref.sync import async_to_sync

    handle = async_to_sync(tasks.order.adelay_on_commit)("a")
    assert [sent.id for sent in bench.enqueued()] == [handle.id]


@pytest.mark.django_db(transaction=True)
def test_while_developing_a_plain_delay_in_a_transaction_is_told_of_once(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    hint.connect()
    try:
        tasks.nothing.delay()
        with transaction.atomic():
            tasks.order.delay_on_commit("a")
        assert caplog.messages == []
        with transaction.atomic():
            tasks.nothing.delay()
            tasks.nothing.delay()
        [told] = caplog.messages
        assert told.startswith("depot.tasks.nothing was sent inside of a transaction")
    finally:
        signals.before_task_publish.disconnect(dispatch_uid="horarium.contrib.django")
