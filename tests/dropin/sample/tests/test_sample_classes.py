"""Base classes, class-based tasks, the request, logging."""

from celery import Task, current_app
from celery.utils.log import get_task_logger
from sample import journal, tasks
from sample.bases import Journalled

PATIENCE = 20


def test_the_hooks_of_a_base_class_are_called():
    result = tasks.journalled.delay("well")
    assert result.get(timeout=PATIENCE) == ["hello", True]
    journal.wait_for(f"before_start {result.id}")
    journal.wait_for(f"on_success {result.id} ['hello', True]")
    journal.wait_for(f"after_return {result.id} SUCCESS")


def test_the_hooks_of_a_failure_are_called():
    result = tasks.journalled.delay("fail")
    assert isinstance(result.get(timeout=PATIENCE, propagate=False), tasks.OutOfStock)
    journal.wait_for(f"on_failure {result.id} OutOfStock: never")
    journal.wait_for(f"after_return {result.id} FAILURE")


def test_the_hook_of_a_retry_is_called():
    result = tasks.journalled.delay("retry")
    assert result.get(timeout=PATIENCE)
    journal.wait_for_start(
        f"on_retry {result.id}"
    )  # it is called after the retry was sent, which another child may run


def test_a_task_is_an_instance_of_its_base_class():
    assert isinstance(tasks.journalled, Journalled)
    assert isinstance(tasks.journalled, Task)
    assert isinstance(tasks.add, Task)
    assert tasks.add.name == "sample.tasks.add"


def test_a_class_based_task_runs():
    assert tasks.greeter.delay("world").get(timeout=PATIENCE) == "hello world"
    assert tasks.greeter.name == "sample.greeter"


def test_the_registry_knows_them(app):
    assert app.tasks["sample.tasks.add"].name == tasks.add.name
    assert "sample.greeter" in app.tasks
    assert "sample.tasks.shared" in app.tasks
    assert tasks.shared.name == "sample.tasks.shared"


def test_a_bound_task_knows_its_request():
    result = tasks.who_am_i.apply_async((1, 2), {"three": 3})
    told = result.get(timeout=PATIENCE)
    assert told["id"] == told["root_id"] == result.id
    assert told["args"] == [1, 2] and told["kwargs"] == {"three": 3}
    assert told["retries"] == 0
    assert told["is_eager"] is False and told["called_directly"] is False
    assert told["queue"] == "sample"
    assert told["parent_id"] is None
    assert "@" in told["hostname"]
    assert told["name"] == "sample.tasks.who_am_i" and told["app"] == "sample"


def test_headers_travel_with_the_call():
    assert tasks.header.apply_async(("tenant",), headers={"tenant": "blue"}).get(timeout=PATIENCE) == "blue"


def test_outside_of_a_worker_a_request_says_so():
    assert tasks.who_am_i.request.called_directly
    assert tasks.who_am_i.request.id is None


def test_a_task_has_a_logger():
    assert tasks.logged.delay().get(timeout=PATIENCE) == "sample.tasks"
    assert get_task_logger("sample.tasks").name == "sample.tasks"


def test_the_current_app_is_the_one_that_there_is(app):
    assert current_app.main == "sample"
    assert current_app.conf.task_default_queue == "sample"
    assert current_app.tasks["sample.tasks.add"] is app.tasks["sample.tasks.add"]
