"""Calls that run here and now: the road of a worker, without one."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from horarium import EagerResult
from horarium.app.app import Horarium
from horarium.app.task import Task
from horarium.errors import AlwaysEagerIgnored, EncodingError, NotRegistered
from horarium.testing.drain import drain


@pytest.fixture
def eager(app: Horarium) -> Horarium:
    app.conf.task_always_eager = True
    return app


def test_always_eager_runs_calls_links_and_retries_without_a_store_row_46() -> None:
    app = Horarium("nowhere", store="redis://127.0.0.1:1/0", task_always_eager=True, set_as_current=False)
    seen: list[Any] = []

    @app.task(bind=True, default_retry_delay=3600)
    def flaky(self: Task) -> int:
        if self.request.retries < 2:
            raise self.retry(exc=OSError("down"))
        return self.request.retries

    @app.task
    def note(value: Any) -> None:
        seen.append(value)

    result = flaky.apply_async(link=note.s())
    assert isinstance(result, EagerResult)
    assert (result.get(timeout=1), result.state, result.ready(), seen) == (2, "SUCCESS", True, [2])


def test_a_failure_is_kept_or_thrown_and_its_error_links_run(eager: Horarium) -> None:
    seen: list[str] = []

    @eager.task
    def fail() -> None:
        raise ValueError("no")

    @eager.task
    def mourn(id: str) -> None:
        seen.append(id)

    result = fail.apply_async(link_error=mourn.s())
    assert (result.failed(), seen) == (True, [result.id])
    assert "in fail" in str(result.traceback)
    eager.conf.task_eager_propagates = True
    with pytest.raises(ValueError, match="no"):
        fail.delay()
    assert fail.apply(throw=False).failed()


def test_a_link_that_nobody_knows_is_an_error(eager: Horarium) -> None:
    @eager.task
    def one() -> int:
        return 1

    with pytest.raises(NotRegistered):
        one.apply_async(link=eager.signature("shop.nowhere"))


def test_a_task_of_another_process_is_sent_and_that_is_said(eager: Horarium) -> None:
    with pytest.warns(AlwaysEagerIgnored, match=r"shop\.elsewhere"):
        result = eager.send_task("shop.elsewhere")
    assert result.exists()


def test_arguments_and_results_go_through_the_encoding(eager: Horarium) -> None:
    @eager.task
    def price(amount: Decimal) -> tuple[Decimal, str]:
        return amount, type(amount).__name__

    assert price.delay(Decimal("9.99")).get() == (Decimal("9.99"), "Decimal")
    with pytest.raises(EncodingError):
        price.delay(object())


def test_apply_takes_celerys_arguments(app: Horarium) -> None:
    @app.task(bind=True)
    def told(self: Task, x: int) -> list[Any]:
        return [x, self.request.id, self.request.retries, self.request.is_eager, self.request.tenant]

    options = {"task_id": "own", "retries": 2, "headers": {"tenant": "blue"}, "logfile": None, "loglevel": 20}
    result = told.apply((7,), throw=True, **options)
    assert result.get() == [7, "own", 2, True, "blue"]


def test_a_nested_apply_knows_its_parent_and_root(app: Horarium) -> None:
    """Workflow semantics, point 13."""

    @app.task(bind=True)
    def inner(self: Task) -> list[Any]:
        return [self.request.root_id, self.request.parent_id]

    @app.task(bind=True)
    def middle(self: Task) -> list[Any]:
        return [self.request.id, self.request.root_id, self.request.parent_id, inner.apply().get()]

    @app.task(bind=True)
    def outer(self: Task) -> list[Any]:
        return [self.request.root_id, self.request.parent_id, middle.apply().get()]

    result = outer.delay()
    drain(app)
    for root, answer in ((result.id, result.get()), *[(one.id, one.get()) for one in [outer.apply()]]):
        middle_id = answer[2][0]
        assert answer == [root, None, [middle_id, root, root, [root, middle_id]]]


def test_an_eager_run_is_stored_when_that_is_asked_for(app: Horarium) -> None:
    app.conf.update(task_always_eager=True, task_store_eager_result=True)

    @app.task(bind=True, default_retry_delay=60)
    def flaky(self: Task, x: int) -> int:
        if not self.request.retries:
            raise self.retry()
        return x

    @app.task
    def fail() -> None:
        raise ValueError("no")

    good, bad = flaky.apply_async((7,), countdown=60), fail.delay()
    silent = flaky.apply_async((7,), ignore_result=True)
    stored = app.AsyncResult(good.id)
    assert (stored.state, stored.get(), stored.args, stored.retries, stored.worker) == ("SUCCESS", 7, [7], 1, "inline")
    with pytest.raises(ValueError, match="no"):
        app.AsyncResult(bad.id).get()
    assert not app.AsyncResult(silent.id).exists()
    assert drain(app) == []


def test_the_body_of_a_view_can_be_tested_without_a_store_row_137() -> None:
    app = Horarium("tested", store="redis://127.0.0.1:1/0", set_as_current=False)

    @app.task
    def charge(amount: int) -> dict[str, Any]:
        return {"status": "done", "amount": amount}

    assert charge(3)["status"] == "done"
    assert charge.apply((3,)).get() == {"status": "done", "amount": 3}
