"""Which queue is next, what a child may claim, and when it looks again for limited work: rules over plain values."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from horarium import Horarium
from horarium.app.switches import Switch, Switched
from horarium.engines.records import Limit
from horarium.errors import ImproperlyConfigured, InvalidSetting
from horarium.message import Delivery, Message
from horarium.worker.options import WorkerOptions, options_from
from horarium.worker.pace import Pace, step_of
from horarium.worker.turns import Strict, Together, Turns, Weighted, turns
from horarium.worker.wish import Wish, limit_of, wish


class Shelf:
    """Queues with so many messages each; takes from them as a feed does."""

    def __init__(self, order: Turns, **waiting: int) -> None:
        self.order = order
        self.waiting = Counter(waiting)
        self.claims = 0

    def take(self, most: int = 1) -> str | None:
        for queues in self.order.plan(tuple(self.waiting)):
            self.claims += 1
            (queue,) = queues
            taken = min(self.order.share(queues, most), self.waiting[queue])
            if taken:
                self.waiting[queue] -= taken
                self.order.note(queues, taken)
                return queue
        return None


def test_weights_share_what_is_started() -> None:
    shelf = Shelf(Weighted({"high": 5, "low": 1}), high=1000, low=1000)
    taken = Counter(shelf.take() for _ in range(600))
    assert taken == {"high": 500, "low": 100}


def test_weights_share_what_is_started_in_batches_of_any_size_too() -> None:
    shelf = Shelf(Weighted({"high": 5, "low": 1}), high=10_000, low=10_000)
    for number in range(600):
        shelf.take(most=1 + number % 13)
    high, low = 10_000 - shelf.waiting["high"], 10_000 - shelf.waiting["low"]
    assert high / low == pytest.approx(5, rel=0.05)


def test_a_queue_that_was_empty_has_saved_nothing_up() -> None:
    shelf = Shelf(Weighted({"high": 5, "low": 1}), high=2000, low=0)
    for _ in range(600):
        shelf.take()
    shelf.waiting["low"] = 1000
    taken = Counter(shelf.take() for _ in range(60))
    assert taken["low"] in (10, 11)


def test_the_share_of_an_empty_queue_goes_to_the_others() -> None:
    shelf = Shelf(Weighted({"high": 5, "low": 1}), high=0, low=10)
    assert [shelf.take() for _ in range(11)] == ["low"] * 10 + [None]


def test_strict_takes_from_a_queue_only_when_those_before_it_are_empty() -> None:
    shelf = Shelf(Strict(), high=2, low=2)
    assert [shelf.take() for _ in range(3)] == ["high", "high", "low"]
    shelf.waiting["high"] = 1
    assert [shelf.take() for _ in range(3)] == ["high", "low", None]


def test_an_idle_look_is_one_claim_unless_an_order_was_asked_for() -> None:
    assert len(Together().plan(("a", "b", "c"))) == 1
    assert isinstance(turns("together", {}), Together)
    assert isinstance(turns("strict", {}), Strict)
    assert isinstance(turns("together", {"a": 2}), Weighted)


def test_strict_and_weights_exclude_each_other() -> None:
    with pytest.raises(ImproperlyConfigured, match="both"):
        WorkerOptions(queue_order="strict", weights={"a": 1})
    with pytest.raises(InvalidSetting, match="together, strict"):
        WorkerOptions(queue_order="random")  # type: ignore[arg-type]


def test_settings_choose_order_and_weights(app: Horarium) -> None:
    app.conf.update(worker_queue_weights={"high": 5}, task_queues=["high", "low"])
    assert options_from(app.conf).weights == {"high": 5}
    with pytest.raises(InvalidSetting, match="worker_queue_weights"):
        app.conf.worker_queue_weights = {"high": 0}


# What may be claimed.


@pytest.fixture
def app() -> Horarium:
    return Horarium("shop", store="memory://", set_as_current=False)


def declared(app: Horarium, name: str = "t", **options: Any) -> Any:
    return app.task(name=name, **options)(lambda: None)


def limit(app: Horarium, task: Any, *switches: Switch) -> Limit | None:
    return limit_of(task, app.conf, "worker@vm", Switched(switches=switches))


def test_a_task_without_limits_has_none(app: Horarium) -> None:
    task = declared(app)
    assert limit(app, task) is None
    assert wish([task], app.conf, WorkerOptions(), Switched()) == Wish(queues=("default",), tasks=frozenset({"t"}))


@pytest.mark.parametrize(("rate", "expected"), [("10/m", 1 / 6), ("20/s", 20), ("2/h", 2 / 3600), (7, 7), ("5", 5)])
def test_rates_are_per_second(app: Horarium, rate: Any, expected: float) -> None:
    found = limit(app, declared(app, rate_limit=rate))
    assert found is not None
    assert found.rate == pytest.approx(expected)


def test_a_rate_counts_for_the_fleet_or_for_each_worker(app: Horarium) -> None:
    fleet = limit(app, declared(app, "a", rate_limit="10/s"))
    each = limit(app, declared(app, "b", rate_limit="10/s", rate_limit_scope="worker", rate_limit_burst=7))
    assert fleet == Limit(rate=10, burst=1, bucket="a")
    assert each == Limit(rate=10, burst=7, bucket="b at worker@vm")
    app.conf.task_rate_limit_scope = "worker"
    assert limit(app, app.tasks["a"]) == Limit(rate=10, burst=1, bucket="a at worker@vm")


def test_a_fast_rate_may_be_used_in_bursts_of_a_tenth_of_a_second(app: Horarium) -> None:
    found = limit(app, declared(app, rate_limit="100/s"))
    assert found is not None
    assert found.burst == 10


def test_settings_give_a_rate_to_tasks_that_name_none_and_may_disable_them_all(app: Horarium) -> None:
    app.conf.task_default_rate_limit = "5/s"
    plain, free = declared(app), declared(app, "free", rate_limit=0)
    assert limit(app, plain) == Limit(rate=5, burst=1, bucket="t")
    assert limit(app, free) is None
    app.conf.worker_disable_rate_limits = True
    assert limit(app, plain) is None


def test_annotations_change_a_rate(app: Horarium) -> None:
    task = declared(app, rate_limit="5/s")
    app.conf.task_annotations = {"t": {"rate_limit": "1/s"}}
    assert app.tasks["t"] is task
    assert limit(app, task) == Limit(rate=1, burst=1, bucket="t")


def test_a_switch_goes_before_declaration_and_setting(app: Horarium) -> None:
    task = declared(app, rate_limit="5/s", concurrency=2)
    assert limit(app, task, Switch(kind="rate", name="t", at=0, rate="1/s")) == Limit(
        running=2, rate=1, burst=1, bucket="t"
    )
    assert limit(app, task, Switch(kind="rate", name="t", at=0, rate=0)) == Limit(running=2)


def test_what_is_paused_is_left_out(app: Horarium) -> None:
    tasks = [declared(app, "a.x"), declared(app, "b.x")]
    switched = Switched(switches=(Switch(kind="task", name="a.*", at=0), Switch(kind="queue", name="q", at=0)))
    found = wish(tasks, app.conf, WorkerOptions(queues=("q", "r")), switched)
    assert (found.queues, found.tasks) == (("r",), {"b.x"})


# When to look again.


def delivered(task: str = "t") -> Delivery:
    message = Message(id="m", task=task, created=0)
    return Delivery(message=message, owner="o", fence=1, attempt=1, claimed=0)


def test_a_child_that_was_given_limited_work_looks_when_the_next_token_is_due() -> None:
    pace, limits = Pace(), {"t": Limit(rate=2, burst=1, bucket="t")}
    assert pace.wait(10.0) is None
    pace.note([delivered("other")], limits, 10.0)
    assert pace.wait(10.0) is None
    pace.note([delivered()], limits, 10.0)
    assert pace.wait(10.1) == pytest.approx(0.401)
    assert pace.wait(10.9) == pytest.approx(0.101)


def test_a_child_that_got_nothing_for_a_while_looks_no_oftener_than_others() -> None:
    pace = Pace()
    pace.note([delivered()], {"t": Limit(rate=20, burst=2, bucket="t")}, 10.0)
    assert pace.wait(10.9) is not None
    assert pace.wait(11.0) is None


@pytest.mark.parametrize(("rate", "burst"), [(0.01, 1), (20, 2), (100, 10), (1e6, 1), (1e6, 100_000)])
def test_no_rate_makes_a_child_spin(rate: float, burst: int) -> None:
    assert step_of(rate, burst) >= 0.005
