"""The settings of the backend: the app, options of tasks, queues, transactions; and Djangos that have no tasks."""

import subprocess
import sys

import django
import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from django.test import override_settings
from postgres_database import ALIAS, second_database

from horarium import Horarium
from horarium.contrib.django.tasks import HorariumBackend
from horarium.contrib.django.tasks.priorities import djangos, ours
from servers import PostgresServer

BACKEND = "horarium.contrib.django.tasks.HorariumBackend"
has_tasks = pytest.mark.skipif(django.VERSION < (6, 0), reason="django.tasks came with Django 6.0")
other = Horarium("other", store="memory://", set_as_current=False)


def tasks(**params):
    return override_settings(TASKS={"default": {"BACKEND": BACKEND, **params}})


@pytest.mark.skipif(django.VERSION >= (6, 0), reason="has django.tasks")
def test_a_django_without_tasks_can_import_the_backend_and_says_what_is_missing():
    with pytest.raises(ImproperlyConfigured, match=r"Django 6.0 or newer .* got Django"):
        HorariumBackend("default", {})


def test_workers_can_discover_tasks_of_all_installed_apps():
    script = "from site_project import celery_app; celery_app.finalize(); print(sorted(celery_app.tasks.own))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert "shop.tasks.add" in done.stdout
    assert ("shop.background.add" in done.stdout) == (django.VERSION >= (6, 0))


@pytest.mark.once
def test_priorities_keep_their_order_and_nought_is_in_the_middle():
    mapped = [ours(priority) for priority in range(-100, 101)]
    assert mapped == sorted(mapped)
    assert [ours(priority) for priority in (-100, -81, -80, -20, -1, 0, 1, 25, 26, 100)] == [
        0,
        0,
        1,
        4,
        4,
        5,
        6,
        6,
        7,
        9,
    ]
    assert [ours(djangos(priority)) for priority in range(10)] == list(range(10))


@has_tasks
def test_the_backend_can_be_another_apps():
    from shop import background

    with tasks(OPTIONS={"app": f"{__name__}:other"}):
        result = background.add.enqueue(1, 2)
        assert background.add.horarium.app is other
    assert other.AsyncResult(result.id).exists()


@has_tasks
def test_options_of_tasks_are_those_of_their_declarations(horarium_app):
    named = horarium_app.tasks["shop.background.succeed_at_the_third"]
    assert (named.autoretry_for, named.track_started) == ((ValueError,), True)


@has_tasks
@pytest.mark.django_db(transaction=True)
@pytest.mark.on_postgresql
def test_on_commit_waits_for_the_commit_and_the_id_is_known_at_once(horarium_app, run_until_idle):
    from django.tasks import TaskResultStatus
    from django.tasks.exceptions import TaskResultDoesNotExist
    from shop import background
    from shop.models import Order

    with tasks(OPTIONS={"on_commit": True}):
        with transaction.atomic():
            Order.objects.create(text="tea")
            result = background.count_orders.enqueue()
            assert (result.status, result.enqueued_at) == (TaskResultStatus.READY, None)
            with pytest.raises(TaskResultDoesNotExist):
                background.count_orders.get_result(result.id)
        assert result.enqueued_at is not None
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            lost = background.count_orders.enqueue()
            _ = 1 / 0
        run_until_idle()
        result.refresh()
        assert result.return_value == 1
        with pytest.raises(TaskResultDoesNotExist):
            background.count_orders.get_result(lost.id)


@has_tasks
def test_on_commit_joins_the_transaction_where_the_store_is_that_database(monkeypatch, django_db_blocker):
    from shop import background

    with PostgresServer() as server, django_db_blocker.unblock(), second_database(server) as connection:
        store = Horarium("bank", store=server.url, set_as_current=False)
        monkeypatch.setattr(sys.modules[__name__], "bank", store, raising=False)
        with tasks(OPTIONS={"app": f"{__name__}:bank", "on_commit": ALIAS}):
            with transaction.atomic(using=ALIAS):
                result = background.add.using(priority=30).enqueue(1, 2)
                with connection.cursor() as cursor:
                    cursor.execute("SELECT count(*) FROM horarium.messages WHERE id = %s", [result.id])
                    assert cursor.fetchone() == (1,)  # in the transaction, and nowhere else
                assert not store.AsyncResult(result.id).exists()
            read = background.add.get_result(result.id)
            assert (read.args, read.task.priority, result.enqueued_at is None) == ([1, 2], 30, False)
        store.close()


@has_tasks
@pytest.mark.django_db(transaction=True)
def test_without_it_what_is_enqueued_in_a_transaction_is_stored_at_once(horarium_app):
    from shop import background

    with transaction.atomic():
        result = background.count_orders.enqueue()
        assert horarium_app.AsyncResult(result.id).exists()


@has_tasks
@override_settings(USE_TZ=False, TIME_ZONE="America/New_York")
def test_a_project_without_zones_has_naive_moments_of_its_own_zone(horarium_app):
    from datetime import timedelta

    from django.utils import timezone
    from shop import background

    when = timezone.now() + timedelta(hours=1)  # naive, in New York
    result = background.add.using(run_after=when).enqueue(1, 2)
    read = background.add.get_result(result.id)
    assert read.task.run_after == when
    assert read.enqueued_at.tzinfo is None
    eta = horarium_app.AsyncResult(result.id).run.message.eta
    assert abs(eta / 1000 - timezone.make_aware(when).timestamp()) < 1


@has_tasks
@pytest.mark.parametrize(
    ("params", "ids", "said"),
    [
        ({"QUEUES": ["default", "reports"]}, ["horarium.W101"], "no worker reads the queue 'reports'"),
        ({"OPTIONS": {"appp": "x"}}, ["horarium.E101"], "Did you mean 'app'"),
        ({"OPTIONS": {"app": "nowhere.at_all:app"}}, ["horarium.E103"], "write 'site.celery:app'"),
        ({"OPTIONS": {"app": "site_project.settings:HERE"}}, ["horarium.E103"], "lead to an app"),
        ({"OPTIONS": {"tasks": ["add"]}}, ["horarium.E102"], "a dict of options for each task"),
        ({}, [], ""),
    ],
)
def test_checks_say_what_is_wrong_with_the_settings(params, ids, said, horarium_app):
    from django.tasks.checks import check_tasks

    with tasks(**params):
        found = list(check_tasks())
    assert [message.id for message in found] == ids
    assert said in " ".join(f"{message.msg} {message.hint}" for message in found)


@has_tasks
@pytest.mark.horarium(result_backend="disabled://")
def test_checks_say_that_nobody_keeps_results(horarium_app):
    from django.tasks.checks import check_tasks

    assert [message.id for message in check_tasks()] == ["horarium.W102"]


@has_tasks
def test_an_app_that_is_not_there_is_said_when_it_is_needed():
    from django.tasks.exceptions import InvalidTaskBackend
    from shop import background

    with tasks(OPTIONS={"app": "nowhere.at_all:app"}), pytest.raises(InvalidTaskBackend, match=r"default.*nowhere"):
        background.add.enqueue(1, 2)
