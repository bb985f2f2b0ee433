"""What a handle of one run can be asked, by Celery's names."""

from __future__ import annotations

from threading import Thread
from typing import Any

import pytest

from horarium import AsyncResult, EagerResult
from horarium.app.app import Horarium
from horarium.app.joining import allow_join_result, assert_will_not_block, denied_join_result
from horarium.app.task import Task
from horarium.clock import ManualClock, SystemClock
from horarium.engines.memory import MemoryEngine
from horarium.errors import ResultTimeout, RunNotFound, TaskRevokedError, TimeoutError
from horarium.testing.drain import drain


def test_a_handle_has_all_attributes_of_one_run_row_68(app: Horarium) -> None:
    @app.task
    def add(x: int, y: int) -> int:
        return x + y

    result = add.apply_async((1,), {"y": 2}, queue="slow")
    assert (result.state, result.status, result.result, result.info, result.ready()) == (
        "PENDING",
        "PENDING",
        None,
        None,
        False,
    )
    drain(app)
    assert (result.id, result.task_id, str(result)) == (result.id,) * 3
    assert (result.name, result.args, result.kwargs, result.queue) == (add.name, [1], {"y": 2}, "slow")
    assert (result.worker, result.retries, result.traceback, result.ignored) == ("drain", 0, None, False)
    assert (result.result, result.info, result.successful(), result.failed(), result.exists()) == (
        3,
        3,
        True,
        False,
        True,
    )
    assert result.date_done is not None
    assert result.date_done.tzinfo is not None
    assert result.supports_native_join


def test_a_handle_made_as_celery_makes_it(app: Horarium) -> None:
    parent = AsyncResult("parent", app=app)
    result = AsyncResult("child", None, "shop.tasks.add", app, parent)
    assert (result.name, result.parent, result.state, result.exists()) == ("shop.tasks.add", parent, "PENDING", False)
    with pytest.raises(RunNotFound):
        result.get(timeout=1)
    for wrong in (None, "", 7):
        with pytest.raises(ValueError, match="id of a run"):
            AsyncResult(wrong)  # type: ignore[arg-type]


def test_get_takes_celerys_arguments_and_calls_back() -> None:
    with Horarium("shop", engine=MemoryEngine(clock=SystemClock()), set_as_current=False) as app:
        called: list[Any] = []

        @app.task(bind=True)
        def packing(self: Task) -> str:
            self.update_state(state="PACKING", meta={"boxes": 1})
            return "packed"

        result = packing.delay()
        states: list[str] = []
        worker = Thread(target=drain, args=(app,))

        def look() -> None:
            if worker.ident is None:
                worker.start()

        answer = result.get(
            timeout=20,
            propagate=True,
            interval=0.01,
            no_ack=True,
            follow_parents=True,
            callback=lambda id, value: called.append((id, value)),
            on_message=lambda meta: states.append(meta["status"]),
            on_interval=look,
        )
        worker.join()
        assert (answer, called) == ("packed", [(result.id, "packed")])
        assert states[0] == "PENDING"
        assert len(states) == len({*states})
        assert result.wait(timeout=1, interval=0.1) == "packed"


def test_a_timeout_is_one_by_celerys_name(app: Horarium) -> None:
    @app.task
    def never() -> None: ...

    with pytest.raises(TimeoutError) as caught:
        never.delay().get(timeout=0)
    assert isinstance(caught.value, ResultTimeout)


def test_what_a_task_raised_is_thrown_without_waiting(app: Horarium) -> None:
    @app.task
    def fail() -> None:
        raise ValueError("no")

    result = fail.delay()
    assert result.maybe_throw() is None
    result.throw()
    drain(app)
    for throw in (result.maybe_throw, result.maybe_reraise, result.throw):
        with pytest.raises(ValueError, match="no"):
            throw()
    assert isinstance(result.maybe_throw(propagate=False), ValueError)
    with pytest.raises(OSError):
        result.throw(OSError())


def test_then_calls_back_once_the_end_is_known(app: Horarium) -> None:
    heard: list[Any] = []

    @app.task
    def one() -> int:
        return 1

    result = one.delay()
    result.then(lambda ended: heard.append(ended.result))
    assert (result.ready(), heard) == (False, [])
    drain(app)
    assert (result.ready(), heard) == (True, [1])
    result.then(lambda ended: heard.append(ended.id))
    assert heard == [1, result.id]

    def broken(ended: AsyncResult) -> None:
        raise OSError("deaf")

    result.then(broken, on_error=lambda error: heard.append(type(error)))
    assert heard[-1] is OSError
    with pytest.raises(OSError):
        result.then(broken)


def test_revoke_takes_celerys_arguments(app: Horarium) -> None:
    @app.task
    def never() -> None: ...

    result = never.delay()
    result.revoke(connection=None, terminate=True, signal="SIGTERM", wait=True, timeout=5)
    assert result.state == "REVOKED"
    with pytest.raises(TaskRevokedError):
        result.get()


def test_forgetting_removes_an_ended_run(app: Horarium) -> None:
    @app.task
    def one() -> int:
        return 1

    result = one.delay()
    drain(app)
    result.forget()
    assert (result.exists(), result.state) == (False, "PENDING")


def test_a_call_that_ignores_its_result_is_answered_at_once(app: Horarium) -> None:
    """Workflow semantics, point 17."""

    @app.task
    def one() -> int:
        return 1

    assert one.apply_async(ignore_result=True).get() is None


def test_waiting_can_be_allowed_inside_a_task_and_denied_outside(app: Horarium) -> None:
    @app.task
    def other() -> int:
        return 1

    sent = other.delay()
    drain(app)

    @app.task
    def waits() -> list[Any]:
        try:
            sent.get()
        except RuntimeError as error:
            refused = str(error)
        with allow_join_result():
            return [sent.get(), "no task to wait" in refused]

    result = waits.delay()
    drain(app)
    assert result.get() == [1, True]
    with denied_join_result(), pytest.raises(RuntimeError, match="denied_join_result"):
        sent.get()
    assert_will_not_block()


def test_an_eager_result_can_be_made_by_hand(app: Horarium) -> None:
    good = EagerResult("id", {"sum": 3}, "SUCCESS", name="shop.add", app=app)
    assert (good.id, good.get(), good.state, good.ready(), good.successful(), good.name) == (
        "id",
        {"sum": 3},
        "SUCCESS",
        True,
        True,
        "shop.add",
    )
    bad = EagerResult("id", ValueError("no"), "FAILURE", traceback="Traceback", app=app)
    assert (bad.failed(), bad.traceback, bad.supports_native_join) == (True, "Traceback", False)
    with pytest.raises(ValueError, match="no"):
        bad.wait()
    heard: list[Any] = []
    good.then(lambda ended: heard.append(ended.result))
    assert heard == [{"sum": 3}]
    bad.revoke(terminate=True)
    bad.forget()


def test_an_eta_is_kept_and_the_run_is_pending_until_then_row_67(app: Horarium, clock: ManualClock) -> None:
    """Workflow semantics, point 17."""
    from datetime import UTC, datetime, timedelta

    @app.task
    def later() -> int:
        return 1

    naive = datetime.fromtimestamp(clock.now() / 1000, UTC).replace(tzinfo=None) + timedelta(hours=1)
    result = later.apply_async(args=[], eta=naive)
    clock.advance(3599)
    drain(app)
    assert (result.state, result.ready()) == ("PENDING", False)
    clock.advance(1)
    assert len(drain(app)) == 1
    assert drain(app) == []
    assert result.get() == 1
