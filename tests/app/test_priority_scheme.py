"""``task_priority_scheme``: priorities of calls, declarations, routes, retries and schedules, as a broker has them."""

from __future__ import annotations

from typing import Any

import pytest

from horarium import Horarium, chain
from horarium.errors import ImproperlyConfigured, InvalidArguments
from horarium.testing import drain


def priority_of(result: Any) -> int:
    run = result.run
    assert run is not None
    priority: int = run.message.priority
    return priority


def test_a_project_from_redis_keeps_its_order_row_pr1(app: Horarium) -> None:
    app.conf.task_priority_scheme = "redis"
    seen: list[str] = []
    for name in ("last", "middle", "first"):
        app.task(name=name)(lambda name=name: seen.append(name))
    app.send_task("last", priority=9)
    app.send_task("middle", priority=3)
    app.send_task("first")
    drain(app)
    assert seen == ["first", "middle", "last"]


def test_the_scheme_holds_for_declarations_routes_canvas_and_retries(app: Horarium) -> None:
    app.conf.update(task_priority_scheme="redis", task_routes={"routed": {"priority": 9}})
    declared = app.task(name="declared", priority=9)(lambda *_: None)
    assert priority_of(declared.delay()) == 0
    assert priority_of(app.send_task("routed")) == 0
    assert priority_of(chain(declared.si(), app.signature("other", priority=3)).apply_async()) == 3
    run = declared.delay().run
    assert run is not None
    assert app.producer.amended(run.message, {"priority": 3}) == {"priority": 3}


def test_a_scale_of_rabbitmq_is_read_by_its_highest(app: Horarium) -> None:
    app.conf.update(task_priority_scheme="rabbitmq", task_queue_max_priority=10)
    assert [priority_of(app.send_task("t", priority=written)) for written in (0, 5, 10, 200)] == [5, 7, 9, 9]
    assert priority_of(app.send_task("t")) == 5


@pytest.mark.parametrize("scheme", ["horarium", "redis", "rabbitmq"])
def test_a_priority_beyond_the_scale_is_refused(app: Horarium, scheme: str) -> None:
    app.conf.task_priority_scheme = scheme
    with pytest.raises(InvalidArguments, match=r"priority of t to be 0 .*got 10"):
        app.send_task("t", priority=10)
    declared = app.task(name="declared", priority=10)(lambda: None)
    with pytest.raises(ImproperlyConfigured, match=r"priority of declared .*got 10"):
        declared.delay()
