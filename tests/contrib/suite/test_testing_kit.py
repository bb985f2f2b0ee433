"""What Horarium gives the tests of a Django project."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from depot import tasks
from django.core.cache import cache
from django.db import connection, transaction
from django.test import TestCase, TransactionTestCase, override_settings
from shop.models import Order
from site_project.celery import app

from horarium import shared_task
from horarium.contrib.django import testing
from horarium.contrib.django.testing import HorariumMixin
from horarium.errors import EncodingError


@shared_task(name="kit.count")
def count() -> int:
    return Order.objects.count()


@shared_task(name="kit.acount")
async def acount() -> int:
    return await sync_to_async(Order.objects.count)()


class InATransaction(HorariumMixin, TestCase):
    def test_what_was_sent_can_be_asked_for_and_run_row_137(self) -> None:
        handle = tasks.order.delay("a")
        self.horarium.assert_enqueued(tasks.order, args=["a"], count=1)
        self.assertFalse(Order.objects.exists())
        self.horarium.run_until_idle()
        self.assertEqual(Order.objects.get(pk=handle.get()).text, "a")

    def test_what_is_sent_on_commit_is_sent_at_the_end_of_the_block_and_run(self) -> None:
        with self.on_commit() as sent:
            handle = tasks.order.delay_on_commit("a")
            self.horarium.assert_not_enqueued(tasks.order)
        self.assertEqual([each.id for each in sent], [handle.id])
        self.assertTrue(Order.objects.filter(pk=handle.get(), text="a").exists())

    def test_it_can_be_left_to_the_test_to_run_it(self) -> None:
        with self.on_commit(run=False):
            tasks.order.delay_on_commit("a")
        self.horarium.assert_enqueued(tasks.order, count=1)
        self.assertFalse(Order.objects.exists())

    def test_a_worker_beside_the_test_sees_what_the_test_has_written(self) -> None:
        Order.objects.create(text="of the test")
        with self.horarium_worker():
            self.assertEqual(count.delay().get(timeout=10), 1)
            self.assertEqual(acount.delay().get(timeout=10), 1)
            tasks.order.delay("of the task").get(timeout=10)
        self.assertEqual(Order.objects.count(), 2)

    def test_a_task_called_as_a_function_needs_nothing(self) -> None:
        self.assertEqual(count(), 0)


class InAnEagerOne(HorariumMixin, TestCase):
    horarium_eager = True

    def test_calls_run_at_once_by_the_real_road(self) -> None:
        tasks.order.delay("a")
        self.assertEqual(Order.objects.get().text, "a")
        with self.assertRaises(EncodingError):
            tasks.order.delay(object())

    def test_so_do_those_on_commit(self) -> None:
        with self.captureOnCommitCallbacks(execute=True):
            tasks.order_and_tell.delay("a")
        self.assertEqual(sorted(Order.objects.values_list("text", flat=True)), ["a", "told by a"])


class WithRealCommits(HorariumMixin, TransactionTestCase):
    def test_what_is_committed_is_sent(self) -> None:
        with transaction.atomic():
            tasks.order.delay_on_commit("a")
        self.horarium.assert_enqueued(tasks.order, count=1)
        with self.on_commit() as sent, transaction.atomic():
            tasks.order.delay_on_commit("b")
        self.assertEqual(len(sent), 1)
        self.assertEqual(sorted(Order.objects.values_list("text", flat=True)), ["a", "b"])

    def test_a_worker_beside_the_test_works_on_its_database(self) -> None:
        with self.horarium_worker(concurrency=2):
            handles = [tasks.order.delay(str(number)) for number in range(5)]
            for handle in handles:
                handle.get(timeout=10)
        self.assertEqual(Order.objects.count(), 5)
        self.assertFalse(connection.allow_thread_sharing)


@pytest.mark.django_db
def test_values_that_a_task_caches_are_read_by_others_row_62() -> None:
    with testing.worker(app):
        tasks.remember.delay("answer", "42").get(timeout=10)
    assert cache.get("answer") == "42"


@override_settings(CELERY_TASK_ALWAYS_EAGER=True)
@pytest.mark.django_db
def test_always_eager_needs_no_broker_row_137() -> None:
    assert count.delay().get() == 0
    assert count() == 0


@pytest.fixture
def horarium_project_app() -> Any:
    return app


@pytest.mark.django_db
def test_the_fixtures_are_the_same_for_pytest(
    horarium_app: Any, horarium_on_commit: Callable[..., Any], assert_enqueued: Callable[..., Any]
) -> None:
    assert horarium_app is app
    with horarium_on_commit() as sent:
        tasks.order.delay_on_commit("a")
    assert len(sent) == 1
    assert_enqueued(tasks.order, args=["a"])
    assert Order.objects.get().text == "a"


@pytest.mark.django_db
def test_a_worker_is_a_fixture_too(horarium_django_worker: Any) -> None:
    Order.objects.create(text="a")
    assert count.delay().get(timeout=10) == 1


def test_the_kit_leaves_the_settings_as_they_were() -> None:
    with testing.import_module(testing.KIT).captured(app):
        pass
    with override_settings(CELERY_TASK_ALWAYS_EAGER=True):
        assert app.conf.task_always_eager
    assert not app.conf.task_always_eager
