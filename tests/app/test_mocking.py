"""What a test suite written for Celery puts in the place of a task's parts is what runs."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any
from unittest import mock

import pytest

from horarium.app import current
from horarium.app.app import Horarium, shared_task
from horarium.app.task import Task
from horarium.errors import Retry


class Overdrawn(Exception):
    """Its arguments are not those of its constructor, so no store can bring it back."""

    def __init__(self, account: str, cents: int) -> None:
        self.account, self.cents = account, cents
        super().__init__(f"{account} is {cents} short")


@pytest.fixture(autouse=True)
def the_current_app(app: Horarium) -> Iterator[None]:
    with current.chosen(app):
        yield


@shared_task(bind=True, max_retries=3, default_retry_delay=7)
def charge(self: Any, cents: int) -> int:
    if cents > 100:
        raise self.retry(exc=Overdrawn("ana", cents))
    return cents


def test_a_retry_that_a_test_has_replaced_is_the_one_that_a_shared_task_calls(app: Horarium) -> None:
    with mock.patch.object(charge, "retry", side_effect=Retry()) as retry, pytest.raises(Retry):
        charge(500)
    retry.assert_called_once()
    with pytest.raises(Overdrawn):
        charge(500)


def test_an_option_that_is_set_on_a_shared_task_is_the_tasks_and_can_be_put_back(app: Horarium) -> None:
    with mock.patch.object(charge, "default_retry_delay", 0):
        assert app.tasks[charge.name].default_retry_delay == 0
    assert app.tasks[charge.name].default_retry_delay == 7
    charge.run = mock.Mock(return_value="replaced")
    assert charge(1) == "replaced"
    del charge.run
    assert charge(1) == 1


def test_delay_goes_by_way_of_an_apply_async_that_a_test_has_replaced(app: Horarium) -> None:
    task = app.task(lambda: None, name="own")
    for target in (charge, task, Task):
        with mock.patch.object(target, "apply_async") as apply_async:
            (charge if target is charge else task).delay(1)
        apply_async.assert_called_once()


def test_an_eager_run_raises_the_exception_itself(app: Horarium) -> None:
    app.conf.update(task_always_eager=True, task_eager_propagates=True)

    @app.task
    def fail() -> None:
        raise Overdrawn("ben", 5)

    with pytest.raises(Overdrawn) as caught:
        fail.delay()
    assert caught.value.cents == 5
    failed = fail.apply(throw=False)
    assert isinstance(failed.result, Overdrawn)
    with pytest.raises(Overdrawn):
        failed.get()
    with pytest.raises(Overdrawn):
        charge.apply((500,), throw=True)


class Counted(Task):
    """A base class that has a word in how its tasks are sent, as celery-singleton's and celery-once's."""

    sent = 0

    def apply_async(self, *args: Any, **options: Any) -> Any:
        type(self).sent += 1
        return super().apply_async(*args, **options)


def test_a_signature_goes_by_way_of_its_tasks_own_apply_async(app: Horarium) -> None:
    @app.task(base=Counted)
    def add(x: int, y: int) -> int:
        return x + y

    add.s(1, 2).delay()
    add.s(1).apply_async((2,))
    add.delay(1, 2)
    assert Counted.sent == 3


def test_the_parameters_of_a_task_can_be_read_from_its_run(app: Horarium) -> None:
    seen = []

    class Bound(Task):
        def __init__(self) -> None:
            seen.append(list(inspect.signature(self.run).parameters))

    @app.task(base=Bound, bind=True)
    def one(self: Task, x: int, y: int = 1) -> int:
        return x + y

    @app.task(base=Bound)
    def other(x: int) -> int:
        return x

    assert seen == [["x", "y"], ["x"]]
    assert (one.run(1), other.run(2), one.apply((1, 2)).get()) == (2, 2, 3)
