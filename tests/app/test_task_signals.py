"""The signals of tasks: who is told what, in Celery's shapes, by the code that really runs."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from horarium import signals
from horarium.app.app import Horarium
from horarium.app.task import Task
from horarium.clock import ManualClock
from horarium.errors import EncodingError, Ignore, Retry
from horarium.signals import Signal
from horarium.testing.drain import drain

TOLD = (
    "before_task_publish after_task_publish task_prerun task_postrun task_success task_retry task_failure task_revoked "
    "task_rejected task_internal_error"
).split()


class Ear:
    """Hears all signals of tasks."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, dict[str, Any]]] = []

    def __call__(self, *, signal: Signal, **facts: Any) -> None:
        self.heard.append((signal.name, facts))

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.heard]

    def facts(self, name: str) -> dict[str, Any]:
        (facts,) = [facts for heard, facts in self.heard if heard == name]
        return facts


@pytest.fixture
def ear() -> Iterator[Ear]:
    ear = Ear()
    for name in TOLD:
        getattr(signals, name).connect(ear)
    yield ear
    for name in TOLD:
        getattr(signals, name).disconnect(ear)


def test_a_success_is_told_from_its_sending_to_its_end(app: Horarium, ear: Ear) -> None:
    @app.task
    def add(x: int, y: int) -> int:
        return x + y

    result = add.delay(1, y=2)
    drain(app)
    assert ear.names == ["before_task_publish", "after_task_publish", "task_prerun", "task_success", "task_postrun"]
    before = ear.facts("before_task_publish")
    assert (before["sender"], before["routing_key"], before["exchange"]) == (add.name, "default", "")
    assert before["body"] == ([1], {"y": 2}, {"callbacks": None, "errbacks": None, "chain": None, "chord": None})
    assert {key: before["headers"][key] for key in ("id", "task", "retries", "root_id", "parent_id", "timelimit")} == {
        "id": result.id,
        "task": add.name,
        "retries": 0,
        "root_id": result.id,
        "parent_id": None,
        "timelimit": [None, None],
    }
    assert before["properties"]["correlation_id"] == result.id
    assert ear.facts("after_task_publish")["headers"]["id"] == result.id
    prerun = ear.facts("task_prerun")
    assert prerun == {"sender": add, "task_id": result.id, "task": add, "args": [1], "kwargs": {"y": 2}}
    postrun = ear.facts("task_postrun")
    assert (postrun["sender"], postrun["task_id"], postrun["retval"], postrun["state"]) == (
        add,
        result.id,
        3,
        "SUCCESS",
    )
    assert ear.facts("task_success")["result"] == 3


def test_a_failure_is_told_with_its_exception_and_traceback(app: Horarium, ear: Ear) -> None:
    @app.task
    def fail(x: int) -> None:
        raise ValueError("no", x)

    result = fail.delay(7)
    drain(app)
    facts = ear.facts("task_failure")
    assert (facts["sender"], facts["task_id"], facts["args"], facts["kwargs"]) == (fail, result.id, [7], {})
    assert (type(facts["exception"]), facts["exception"].args) == (ValueError, ("no", 7))
    assert "in fail" in str(facts["einfo"])
    assert facts["traceback"] is facts["einfo"].tb is not None
    assert ear.facts("task_postrun")["state"] == "FAILURE"


def test_a_retry_is_told_and_sent_like_a_call(app: Horarium, ear: Ear, clock: ManualClock) -> None:
    @app.task(bind=True)
    def flaky(self: Task) -> None:
        raise self.retry(exc=OSError("down"), countdown=1)

    result = flaky.delay()
    ear.heard.clear()
    drain(app)
    assert ear.names == ["task_prerun", "task_retry", "task_postrun", "before_task_publish", "after_task_publish"]
    facts = ear.facts("task_retry")
    assert (facts["request"].id, type(facts["reason"]), type(facts["reason"].exc)) == (result.id, Retry, OSError)
    assert ear.facts("before_task_publish")["headers"]["retries"] == 1
    assert (ear.facts("task_postrun")["state"], type(ear.facts("task_postrun")["retval"])) == ("RETRY", Retry)


def test_an_eager_run_publishes_nothing(app: Horarium, ear: Ear) -> None:
    @app.task(bind=True)
    def flaky(self: Task) -> None:
        if not self.request.retries:
            raise self.retry()

    flaky.apply()
    once = ["task_prerun", "task_retry", "task_postrun"]
    assert ear.names == [*once, "task_prerun", "task_success", "task_postrun"]


def test_headers_that_a_receiver_adds_travel_with_calls_retries_and_links(app: Horarium, clock: ManualClock) -> None:
    seen: list[tuple[str, Any]] = []

    @signals.before_task_publish.connect
    def trace(headers: dict[str, Any] | None = None, **_: Any) -> None:
        assert headers is not None
        headers["trace"] = f"{headers['task'].rpartition('.')[2]}-{headers['retries']}"

    @app.task(bind=True)
    def first(self: Task) -> None:
        seen.append(("first", self.request.trace))
        if not self.request.retries:
            self.retry(countdown=0)

    @app.task(bind=True)
    def second(self: Task) -> None:
        seen.append(("second", self.request.headers["trace"]))

    try:
        first.apply_async(link=second.si())
        app.send_many([second.s()])
        drain(app)
    finally:
        signals.before_task_publish.disconnect(trace)
    assert sorted(seen) == [("first", "first-0"), ("first", "first-1"), ("second", "second-0"), ("second", "second-0")]


def test_a_header_that_cannot_travel_fails_a_call_and_spoils_no_retry(
    app: Horarium, caplog: pytest.LogCaptureFixture
) -> None:
    @app.task(bind=True)
    def flaky(self: Task) -> str:
        if not self.request.retries:
            self.retry(countdown=0)
        return "done"

    result = flaky.delay()

    @signals.before_task_publish.connect
    def spoil(headers: dict[str, Any] | None = None, **_: Any) -> None:
        assert headers is not None
        headers["thing"] = object()

    try:
        with pytest.raises(EncodingError, match="thing"):
            flaky.delay()
        drain(app)
    finally:
        signals.before_task_publish.disconnect(spoil)
    assert result.get() == "done"
    assert "spoilt" in caplog.text


def test_a_receiver_may_change_arguments_and_priority_before_they_are_stored(app: Horarium) -> None:
    @app.task(bind=True)
    def told(self: Task, *, tenant: str = "") -> list[Any]:
        return [tenant, self.request.delivery_info["priority"]]

    @signals.before_task_publish.connect(sender=told.name)
    def stamp(body: Any = None, properties: dict[str, Any] | None = None, **_: Any) -> None:
        assert properties is not None
        body[1]["tenant"] = "blue"
        properties["priority"] = 9

    result = told.delay()
    drain(app)
    assert result.get() == ["blue", 9]


def test_a_receiver_of_one_task_hears_no_other(app: Horarium) -> None:
    heard: list[str] = []

    @app.task
    def one() -> None: ...

    @app.task
    def other() -> None: ...

    @signals.task_success.connect(sender=one)
    def by_task(sender: Task, **_: Any) -> None:
        heard.append(sender.name)

    @signals.task_prerun.connect(sender=one.name)
    def by_name(sender: Task, **_: Any) -> None:
        heard.append(sender.name)

    one.delay()
    other.delay()
    drain(app)
    assert heard == [one.name, one.name]


def test_a_receiver_that_raises_changes_nothing(app: Horarium, caplog: pytest.LogCaptureFixture) -> None:
    @app.task
    def fine() -> int:
        return 1

    @signals.task_prerun.connect(sender=fine)
    def broken(**_: Any) -> None:
        raise OSError("deaf")

    result = fine.delay()
    drain(app)
    assert result.get() == 1
    assert "signal task_prerun failed" in caplog.text


def test_a_waiting_run_that_is_revoked_is_told_where_it_was_revoked(app: Horarium, ear: Ear) -> None:
    @app.task
    def never(x: int) -> None: ...

    result = never.delay(1)
    result.revoke()
    facts = ear.facts("task_revoked")
    assert (facts["sender"], facts["request"].id, facts["request"].args) == (never.name, result.id, [1])
    assert (facts["terminated"], facts["signum"], facts["expired"]) == (False, None, False)


def test_an_ignored_task_is_told_as_run_and_as_nothing_more(app: Horarium, ear: Ear) -> None:
    @app.task
    def ignored() -> None:
        raise Ignore

    ignored.delay()
    ear.heard.clear()
    drain(app)
    assert ear.names == ["task_prerun", "task_postrun"]


def test_arguments_that_do_not_fit_the_hints_fail_without_a_beginning(app: Horarium, ear: Ear) -> None:
    @app.task(typing=True)
    def pay(amount: Decimal) -> None: ...

    pay.delay("many")
    ear.heard.clear()
    drain(app)
    assert ear.names == ["task_failure"]
