"""How a task steers its own end: retries, stated ends, rejections, requests to stop."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from horarium.app.app import Horarium
from horarium.app.task import Task
from horarium.clock import ManualClock
from horarium.errors import Ignore, ImproperlyConfigured, MaxRetriesExceededError, Reject, Retry, TaskRevokedError
from horarium.message import Message
from horarium.testing.drain import drain


def stored(app: Horarium, id: str) -> Message:
    (run,) = app.engine.results.read([id])
    assert run is not None
    return run.message


def test_retry_that_a_task_raises_itself_runs_it_again_row_52(app: Horarium, clock: ManualClock) -> None:
    @app.task(bind=True, max_retries=1)
    def raw(self: Task) -> int:
        raise Retry("again", OSError("down"), when=60)

    result = raw.delay()
    drain(app)
    assert result.state == "RETRY"
    clock.advance(60)
    drain(app)
    with pytest.raises(OSError, match="down"):
        result.get()


def test_a_task_is_told_when_its_retries_are_used_up(app: Horarium, clock: ManualClock) -> None:
    seen: list[str] = []

    class Watched(Task):
        def on_retries_exhausted(self, exc: Any, task_id: str, args: Any, kwargs: Any, einfo: Any) -> None:
            seen.append(f"exhausted {type(exc).__name__}")

        def on_failure(self, exc: Any, task_id: str, args: Any, kwargs: Any, einfo: Any) -> None:
            seen.append("failed")

    @app.task(base=Watched, autoretry_for=(OSError,), max_retries=1, default_retry_delay=0)
    def automatic() -> None:
        raise OSError

    @app.task(base=Watched, bind=True, max_retries=0)
    def by_hand(self: Task) -> None:
        self.retry()

    @app.task(base=Watched)
    def at_once() -> None:
        raise ValueError

    for task in (automatic, by_hand, at_once):
        result = task.delay()
        drain(app)
        assert result.failed()
    assert seen == ["exhausted OSError", "failed", "exhausted MaxRetriesExceededError", "failed", "failed"]
    assert isinstance(by_hand.apply(throw=False).result, MaxRetriesExceededError)


def test_a_retry_takes_what_celerys_takes(app: Horarium, clock: ManualClock) -> None:
    @app.task(bind=True)
    def moved(self: Task) -> str:
        if not self.request.retries:
            self.retry(countdown=0, routing_key="slow", priority=8, shadow="moved", serializer="json", exchange="x")
        return str(self.request.shadow)

    result = moved.delay()
    drain(app)
    assert result.get() == "moved"
    assert (stored(app, result.id).queue, stored(app, result.id).priority) == ("slow", 8)


@pytest.mark.parametrize(
    ("state", "meta", "ended", "error"),
    [
        ("SUCCESS", {"sum": 3}, "SUCCESS", None),
        ("FAILURE", "no stock", "FAILURE", "no stock"),
        ("FAILURE", ValueError("no stock"), "FAILURE", "no stock"),
        ("FAILURE", {"exc_type": "ValueError", "exc_message": ["no stock"]}, "FAILURE", "no stock"),
        ("REVOKED", None, "REVOKED", "revoked by the task itself"),
        ("PACKING", {"done": 1}, "IGNORED", None),
    ],
)
def test_a_task_may_state_its_own_end_and_ignore_its_return(
    app: Horarium, state: str, meta: Any, ended: str, error: str | None
) -> None:
    @app.task(bind=True)
    def decided(self: Task) -> None:
        self.update_state(state=state, meta=meta)
        raise Ignore

    result = decided.delay()
    drain(app)
    assert result.state == ended
    if error is None:
        assert result.get() == (meta if ended == "SUCCESS" else None)
    else:
        with pytest.raises(Exception, match=error):
            result.get()


def test_a_stated_end_is_none_for_a_task_that_returns(app: Horarium) -> None:
    @app.task(bind=True)
    def undecided(self: Task) -> int:
        self.update_state(state="FAILURE", meta="no stock")
        return 1

    result = undecided.delay()
    drain(app)
    assert (result.state, result.get()) == ("SUCCESS", 1)


def test_reject_with_requeue_comes_back_and_without_ends(app: Horarium, clock: ManualClock) -> None:
    starts: list[int] = []

    @app.task
    def refused(requeue: bool) -> None:
        starts.append(1)
        raise Reject("full", requeue=requeue and len(starts) == 1)

    result = refused.delay(True)
    drain(app)
    assert result.state == "PENDING"
    clock.advance(1)
    drain(app)
    assert (result.state, len(starts)) == ("REJECTED", 2)


def test_revoked_and_expired_are_ready_and_neither_failed_nor_successful(app: Horarium, clock: ManualClock) -> None:
    """Workflow semantics, point 16."""

    @app.task
    def late() -> None: ...

    revoked, expired = late.delay(), late.apply_async(expires=1)
    revoked.revoke()
    clock.advance(2)
    drain(app)
    for result in (revoked, expired):
        assert (result.ready(), result.failed(), result.successful()) == (True, False, False)
        with pytest.raises(TaskRevokedError):
            result.get()


def test_an_event_of_ones_own_is_a_line_of_the_log(app: Horarium, caplog: pytest.LogCaptureFixture) -> None:
    @app.task(bind=True)
    def eventful(self: Task) -> None:
        self.send_event("task-packed", boxes=3)

    with caplog.at_level(logging.INFO):
        eventful.delay()
        drain(app)
    assert "event task-packed {'boxes': 3}" in caplog.text
    with pytest.raises(ImproperlyConfigured, match="strategy"):
        eventful.start_strategy(app, None)


def test_an_abortable_task_learns_of_it_from_the_store(app: Horarium) -> None:
    from horarium.app.abortable import ABORTED, AbortableAsyncResult, AbortableTask

    @app.task(bind=True, base=AbortableTask)
    def stoppable(self: Any) -> list[bool]:
        before = self.is_aborted()
        AbortableAsyncResult(self.request.id, app=app).abort()
        return [before, self.is_aborted(), AbortableAsyncResult(self.request.id, app=app).state == ABORTED]

    result = stoppable.delay()
    assert isinstance(result, AbortableAsyncResult)
    assert not result.is_aborted()
    drain(app)
    assert result.get() == [False, True, True]
    waiting = stoppable.delay()
    waiting.abort()
    drain(app)
    assert (waiting.state, waiting.is_aborted()) == ("REVOKED", True)
    assert AbortableAsyncResult("nobody", app=app).is_aborted() is False
    assert not stoppable.is_aborted()
