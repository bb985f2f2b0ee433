"""What a task's code can do, and what becomes of it."""

from __future__ import annotations

import sys
from enum import Enum
from typing import Any

import pytest

from horarium import AsyncResult
from horarium.app.app import Horarium
from horarium.app.task import Task
from horarium.clock import ManualClock
from horarium.errors import (
    EncodingError,
    Ignore,
    MaxRetriesExceededError,
    Reject,
    RunNotFound,
    SoftTimeLimitExceeded,
    TaskExpiredError,
    TaskRevokedError,
)
from horarium.testing.drain import drain


def test_a_failure_keeps_class_text_and_traceback(app: Horarium) -> None:
    @app.task
    def fail() -> None:
        raise ValueError("no such order", 7)

    result = fail.delay()
    drain(app)
    assert (result.state, result.failed(), result.ready()) == ("FAILURE", True, True)
    assert result.traceback is not None
    assert "in fail" in result.traceback
    with pytest.raises(ValueError, match="no such order") as caught:
        result.get()
    assert caught.value.args == ("no such order", 7)
    assert isinstance(result.get(propagate=False), ValueError)


def test_retry_runs_the_same_id_again_after_its_wait(app: Horarium, clock: ManualClock) -> None:
    seen: list[tuple[str, int]] = []

    @app.task(bind=True, max_retries=2, default_retry_delay=60)
    def flaky(self: Task) -> str:
        seen.append((self.request.id or "", self.request.retries))
        if self.request.retries < 2:
            raise self.retry(exc=OSError("down"))
        return "done"

    result = flaky.delay()
    drain(app)
    assert result.state == "RETRY"
    assert isinstance(result.result, OSError)
    clock.advance(59)
    assert drain(app) == []
    clock.advance(1)
    drain(app)
    clock.advance(60)
    drain(app)
    assert (result.get(), seen) == ("done", [(result.id, 0), (result.id, 1), (result.id, 2)])


def test_when_retries_are_used_up_the_given_exception_is_the_end(app: Horarium, clock: ManualClock) -> None:
    @app.task(bind=True, max_retries=1, default_retry_delay=1)
    def hopeless(self: Task) -> None:
        raise self.retry(exc=OSError("down"))

    result = hopeless.delay()
    drain(app)
    clock.advance(1)
    drain(app)
    with pytest.raises(OSError, match="down"):
        result.get()


def test_retry_without_an_exception_ends_in_max_retries_exceeded(app: Horarium, clock: ManualClock) -> None:
    @app.task(bind=True, max_retries=0)
    def hopeless(self: Task) -> None:
        self.retry()

    result = hopeless.delay()
    drain(app)
    with pytest.raises(MaxRetriesExceededError):
        result.get()


def test_autoretry_catches_what_it_names_and_nothing_else(app: Horarium, clock: ManualClock) -> None:
    @app.task(autoretry_for=(OSError,), dont_autoretry_for=(FileNotFoundError,), default_retry_delay=5)
    def read(kind: str) -> None:
        raise {"os": OSError, "missing": FileNotFoundError, "value": ValueError}[kind]("x")

    results = [read.delay(kind) for kind in ("os", "missing", "value")]
    drain(app)
    assert [r.state for r in results] == ["RETRY", "FAILURE", "FAILURE"]


def test_backoff_grows_and_is_bounded(app: Horarium, clock: ManualClock) -> None:
    @app.task(autoretry_for=(OSError,), retry_backoff=2, retry_backoff_max=5, retry_jitter=False, max_retries=None)
    def read() -> None:
        raise OSError("x")

    result = read.delay()
    waits = []
    for _ in range(4):
        drain(app)
        run = result.run
        assert run is not None
        assert run.message.eta is not None
        waits.append((run.message.eta - clock.now()) / 1000)
        clock.advance(waits[-1])
    assert waits == [2, 4, 5, 5]


def test_retry_may_change_the_arguments(app: Horarium, clock: ManualClock) -> None:
    @app.task(bind=True)
    def grow(self: Task, n: int) -> int:
        if n < 3:
            raise self.retry(args=[n + 1], countdown=0)
        return n

    result = grow.delay(1)
    for _ in range(3):
        drain(app)
    assert result.get() == 3


def test_retry_with_throw_false_takes_effect_at_the_return(app: Horarium, clock: ManualClock) -> None:
    @app.task(bind=True)
    def once_more(self: Task) -> str:
        if not self.request.retries:
            self.retry(throw=False, countdown=0)
        return "returned"

    result = once_more.delay()
    drain(app)
    assert result.get() == "returned"
    assert result.retries == 1


def test_sys_exit_is_an_ordinary_failure(app: Horarium) -> None:
    @app.task
    def leave() -> None:
        sys.exit(3)

    result = leave.delay()
    drain(app)
    assert result.state == "FAILURE"


def test_a_result_that_cannot_be_encoded_is_a_failure_with_its_path(app: Horarium) -> None:
    @app.task
    def odd() -> dict[str, Any]:
        return {"rows": [1, object()]}

    result = odd.delay()
    drain(app)
    with pytest.raises(EncodingError, match="result"):
        result.get()
    assert "rows" in str(result.result)


def test_ignore_and_reject_end_as_such(app: Horarium) -> None:
    @app.task
    def steer(how: str) -> None:
        raise Ignore() if how == "ignore" else Reject("not mine")

    results = [steer.delay("ignore"), steer.delay("reject")]
    drain(app)
    assert [r.state for r in results] == ["IGNORED", "REJECTED"]
    assert results[0].get() is None


def test_hooks_are_called_in_order_with_celerys_arguments(app: Horarium, clock: ManualClock) -> None:
    calls: list[str] = []

    class Told(Task):
        def before_start(self, task_id: str, args: list[Any], kwargs: dict[str, Any]) -> None:
            calls.append(f"before {args}")

        def on_success(self, retval: Any, task_id: str, args: list[Any], kwargs: dict[str, Any]) -> None:
            calls.append(f"success {retval}")

        def on_retry(self, exc: BaseException, task_id: str, args: Any, kwargs: Any, einfo: Any) -> None:
            calls.append(f"retry {exc}")

        def on_failure(self, exc: BaseException, task_id: str, args: Any, kwargs: Any, einfo: Any) -> None:
            calls.append(f"failure {exc} {'Traceback' in str(einfo)}")

        def after_return(self, status: str, retval: Any, task_id: str, args: Any, kwargs: Any, einfo: Any) -> None:
            calls.append(f"after {status}")

    @app.task(base=Told, autoretry_for=(OSError,), max_retries=1, default_retry_delay=1)
    def work(how: str) -> str:
        if how == "fail":
            raise OSError("down")
        return how

    work.delay("well")
    drain(app)
    assert calls == ["before ['well']", "success well", "after SUCCESS"]
    calls.clear()
    work.delay("fail")
    drain(app)
    clock.advance(1)
    drain(app)
    assert calls == [
        "before ['fail']",
        "retry down",
        "after RETRY",
        "before ['fail']",
        "failure down True",
        "after FAILURE",
    ]


def test_a_hook_that_fails_changes_nothing(app: Horarium, caplog: pytest.LogCaptureFixture) -> None:
    class Clumsy(Task):
        def on_success(self, *args: Any) -> None:
            raise RuntimeError("oops")

    result = app.task(base=Clumsy)(_one).delay()
    drain(app)
    assert result.get() == 1
    assert "hook on_success" in caplog.text


def _one() -> int:
    return 1


def test_async_tasks_run_and_return_their_value(app: Horarium) -> None:
    @app.task
    async def fetch(n: int) -> int:
        return n * 2

    result = fetch.delay(4)
    drain(app)
    assert result.get() == 8


def test_states_and_progress_of_a_running_task_can_be_read(app: Horarium) -> None:
    seen: list[Any] = []

    @app.task(bind=True, track_started=True)
    def long(self: Task) -> None:
        seen.append(self.AsyncResult(self.request.id or "").state)
        self.update_state(state="PAGING", meta={"page": 3})
        self.progress(3, 10, "page 3")
        running = self.AsyncResult(self.request.id or "")
        seen.extend((running.state, running.info, running.progress.done, running.progress.note))

    long.delay()
    drain(app)
    assert seen == ["STARTED", "PAGING", {"page": 3}, 3, "page 3"]


def test_links_follow_a_success_and_error_links_a_failure(app: Horarium) -> None:
    seen: list[Any] = []

    @app.task
    def work(fail: bool) -> int:
        if fail:
            raise ValueError("x")
        return 7

    @app.task
    def note(one: Any, two: Any = None) -> None:
        seen.append((one, two))

    work.apply_async((False,), link=note.s("ok"), link_error=note.s("bad"))
    failing = work.apply_async((True,), link=note.s("ok"), link_error=[note.s("bad"), note.si("alone")])
    drain(app)
    assert seen == [(7, "ok"), (failing.id, "bad"), ("alone", None)]


def test_a_type_hint_brings_back_what_json_cannot_say(app: Horarium) -> None:
    seen: list[Any] = []

    @app.task
    def paint(colour: Colour) -> None:
        seen.append(colour)

    paint.delay(Colour.RED)
    drain(app)
    assert seen == [Colour.RED]


class Colour(Enum):
    RED = "red"


def test_a_revoked_run_never_starts(app: Horarium) -> None:
    result = app.task(_one).delay()
    result.revoke()
    assert drain(app) == []
    assert (result.state, result.ready(), result.failed(), result.successful()) == ("REVOKED", True, False, False)
    with pytest.raises(TaskRevokedError):
        result.get()


def test_an_unknown_id_is_told_from_a_queued_one(app: Horarium) -> None:
    unknown = app.AsyncResult("no-such-id")
    assert (unknown.state, unknown.exists()) == ("PENDING", False)
    with pytest.raises(RunNotFound, match="no-such-id"):
        unknown.get()


def test_waiting_for_a_result_inside_a_task_is_refused(app: Horarium) -> None:
    one = app.task(_one)

    @app.task
    def waits() -> int:
        value: int = one.delay().get(timeout=1)
        return value

    result = waits.delay()
    drain(app)
    with pytest.raises(RuntimeError, match="expected no task to wait"):
        result.get()


def test_a_link_of_a_link_follows_the_link(app: Horarium) -> None:
    seen: list[int] = []

    @app.task
    def add(x: int, y: int) -> int:
        seen.append(x + y)
        return x + y

    add.apply_async((1, 1), link=add.s(10).set(link=add.s(100)))
    drain(app)
    assert seen == [2, 12, 112]


def test_apply_runs_inline_with_retries_and_links(app: Horarium) -> None:
    seen: list[Any] = []

    @app.task(bind=True, max_retries=3)
    def flaky(self: Task) -> str:
        if self.request.retries < 2:
            raise self.retry(countdown=3600)
        return "third time"

    @app.task
    def note(value: str) -> None:
        seen.append(value)

    result = flaky.apply(link=note.s())
    assert (result.get(), result.state, seen) == ("third time", "SUCCESS", ["third time"])


def test_apply_goes_through_the_encoding(app: Horarium) -> None:
    with pytest.raises(EncodingError):
        app.task(print).apply((object(),))


def test_a_task_that_ignores_its_result_has_none(app: Horarium) -> None:
    result = app.task(ignore_result=True)(_one).delay()
    assert result.get() is None
    drain(app)
    assert (app.AsyncResult(result.id).state, app.AsyncResult(result.id).get()) == ("SUCCESS", None)


def test_the_soft_limit_can_be_caught_like_any_exception(app: Horarium) -> None:
    @app.task
    def careful() -> str:
        try:
            raise SoftTimeLimitExceeded()
        except SoftTimeLimitExceeded:
            return "cleaned up"

    result = careful.delay()
    drain(app)
    assert result.get() == "cleaned up"


def test_what_a_task_sets_on_itself_is_there_next_time(app: Horarium) -> None:
    @app.task(bind=True)
    def count(self: Task) -> int:
        self.calls = getattr(self, "calls", 0) + 1  # type: ignore[attr-defined]
        value: int = self.calls  # type: ignore[attr-defined]
        return value

    results = [count.delay(), count.delay()]
    drain(app)
    assert [r.get() for r in results] == [1, 2]


def test_a_task_cannot_report_an_end_that_a_running_one_does_not_have(app: Horarium) -> None:
    @app.task(bind=True)
    def hasty(self: Task) -> None:
        self.update_state(state="DEAD")

    result = hasty.delay()
    drain(app)
    assert result.state == "FAILURE"
    assert "got DEAD" in str(result.result)


def test_a_rejected_message_comes_back_a_little_later(app: Horarium, clock: ManualClock) -> None:
    @app.task(bind=True)
    def picky(self: Task) -> str:
        if self.request.fence == 1:
            raise Reject("not now", requeue=True)
        return "now"

    result = picky.delay()
    assert len(drain(app)) == 1
    assert result.state == "PENDING"
    clock.advance(1)
    drain(app)
    assert result.get() == "now"


def test_ends_without_an_exception_of_their_own_say_why(app: Horarium, clock: ManualClock) -> None:
    @app.task
    def refuse() -> None:
        raise Reject("not mine")

    late = app.task(_one).apply_async(expires=1)
    revoked, rejected = app.task(_one).apply_async(countdown=60), refuse.delay()
    revoked.revoke()
    clock.advance(2)
    drain(app)
    for result, kind, words in (
        (late, TaskExpiredError, "not started before it expired"),
        (revoked, TaskRevokedError, "revoked"),
        (rejected, Reject, "rejected: not mine"),
    ):
        with pytest.raises(kind, match=words):
            result.get()


def test_a_retry_may_change_what_its_message_asks_for(app: Horarium, clock: ManualClock) -> None:
    @app.task(bind=True)
    def move(self: Task) -> None:
        if not self.request.retries:
            raise self.retry(countdown=5, queue="slow", priority=1, time_limit=9, expires=60, headers={"b": 2})

    result = move.apply_async(headers={"a": 1})
    [first] = drain(app)
    run = result.run
    assert run is not None
    message = run.message
    assert (message.queue, message.priority, message.time_limit) == ("slow", 1, 9)
    assert (message.headers, message.expires) == ({"a": 1, "b": 2}, clock.now() + 60_000)
    assert first.text == "Retry in 5s"


@pytest.mark.parametrize("options", [{"countdown": "5"}, {"eta": "tomorrow"}, {"task_id": "x"}, {"quueue": "x"}])
def test_a_retry_with_wrong_options_fails_and_says_so(app: Horarium, options: dict[str, Any]) -> None:
    @app.task(bind=True)
    def wrong(self: Task) -> None:
        self.retry(**options)

    result = wrong.delay()
    drain(app)
    assert (result.state, type(result.result).__name__) == ("FAILURE", "InvalidArguments")


def test_a_handle_made_by_hand_belongs_to_the_current_app(app: Horarium) -> None:
    app.set_current()
    sent = app.task(_one).delay()
    assert AsyncResult(sent.id).exists()
