"""Numbers for Prometheus: read from what is counted, and never going back."""

from __future__ import annotations

import pytest
from prometheus_client.parser import text_string_to_metric_families
from shop_floor import worker
from starlette.testclient import TestClient

from horarium import Horarium, crontab
from horarium.clock import ManualClock
from horarium.dashboard.metrics import FAMILIES, exposition
from horarium.dashboard.metrics.totals import totals
from horarium.tally import Tally

HOUR = 3_600_000
HOSTILE = 'shop."a"\n\\{}'


def samples(app: Horarium) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Return every number by its name and labels, as Prometheus would read them."""
    families = text_string_to_metric_families(exposition(app).decode())
    return {(each.name, frozenset(each.labels.items())): each.value for family in families for each in family.samples}


def number(app: Horarium, name: str, **labels: str) -> float:
    return samples(app)[name, frozenset(labels.items())]


def count(app: Horarium, *, task: str = "shop.add", at: int | None = None, **counts: int) -> None:
    now = app.engine.now()
    done = sum(counts.values())
    tally = Tally(
        at=now if at is None else at, task=task, queue="mail", counts=counts, ran=(0, done), ran_sum=done * 0.002,
        waited=(done,), waited_sum=done * 0.0005,
    )  # fmt: skip
    app.engine.series.add([tally], now=now)


def busy(shop: Horarium) -> None:
    """Let there be something to tell of every kind."""
    worker(shop, running="r1")
    shop.send_task("shop.add", (1, 2), queue="mail")
    shop.schedules.create("hourly", "shop.add", crontab(minute=5), args=[1, 2])
    count(shop, succeeded=3, failed=1)


def test_every_metric_is_in_the_table_and_every_line_of_the_table_is_told(shop: Horarium) -> None:
    busy(shop)
    found = {}
    for family in text_string_to_metric_families(exposition(shop).decode()):
        name = family.name + ("_total" if family.type == "counter" else "")
        labels = {label for each in family.samples for label in each.labels} - {"le"}
        found[name] = (family.type, labels, family.documentation)
    assert found == {name: (each.kind, set(each.labels), each.help) for name, each in FAMILIES.items()}


def test_what_tasks_came_to_is_counted_by_task_queue_and_outcome(shop: Horarium) -> None:
    count(shop, succeeded=3, failed=1)
    count(shop, succeeded=2, retried=1)
    assert number(shop, "horarium_task_outcomes_total", task="shop.add", queue="mail", outcome="succeeded") == 5
    assert number(shop, "horarium_task_run_seconds_count", task="shop.add", queue="mail") == 7
    assert number(shop, "horarium_task_run_seconds_bucket", task="shop.add", queue="mail", le="0.001") == 0
    assert number(shop, "horarium_task_run_seconds_bucket", task="shop.add", queue="mail", le="0.002") == 7
    assert number(shop, "horarium_task_wait_seconds_sum", task="shop.add", queue="mail") == pytest.approx(0.0035)


def test_flowers_names_are_told_too(shop: Horarium) -> None:
    busy(shop)
    assert number(shop, "flower_events_total", worker="", type="task-succeeded", task="shop.add") == 3
    assert number(shop, "flower_events_total", worker="", type="task-started", task="shop.add") == 4
    assert number(shop, "flower_task_runtime_seconds_count", worker="", task="shop.add") == 4
    assert number(shop, "flower_task_prefetch_time_seconds", worker="", task="shop.add") == 0.0005
    assert number(shop, "flower_worker_online", worker="w1@vm") == 1
    assert number(shop, "flower_worker_number_of_currently_executing_tasks", worker="w1@vm") == 1
    assert number(shop, "flower_worker_prefetched_tasks", worker="w1@vm", task="") == 0


def test_a_worker_that_is_gone_is_offline(shop: Horarium) -> None:
    worker(shop)
    shop.engine.inspector.leave(["w", "c"], now=shop.engine.now())
    assert number(shop, "flower_worker_online", worker="w1@vm") == 0
    assert number(shop, "horarium_workers") == 0


def test_queues_workers_and_schedules_are_told(shop: Horarium) -> None:
    busy(shop)
    shop.schedules.pause("hourly")
    assert number(shop, "horarium_queue_messages", queue="mail", state="ready") == 1
    assert number(shop, "horarium_queue_workers", queue="mail") == 1
    assert number(shop, "horarium_queue_oldest_seconds", queue="mail") >= 0
    assert number(shop, "horarium_worker_slots", worker="w1@vm") == 4
    assert number(shop, "horarium_worker_processed_total", worker="w1@vm", pid="10") == 7
    assert number(shop, "horarium_schedules", condition="paused") == 1
    assert number(shop, "horarium_schedule_healthy", schedule="hourly") == 1


def test_a_hostile_name_is_one_label_and_no_more(shop: Horarium) -> None:
    count(shop, task=HOSTILE, succeeded=1)
    [outcome] = [labels for name, labels in samples(shop) if name == "horarium_task_outcomes_total"]
    assert dict(outcome)["queue"] == "mail" and 'shop."a"' in dict(outcome)["task"]


@pytest.fixture
def hours(clock: ManualClock) -> Horarium:
    """An app whose store counts by a clock that tests move."""
    from horarium.engines.memory import MemoryEngine

    return Horarium("hours", engine=MemoryEngine(clock=clock), clock=clock, set_as_current=False)


def test_counters_go_on_when_the_buckets_they_were_made_of_are_gone(hours: Horarium, clock: ManualClock) -> None:
    told = []
    for _ in range(100):  # days: buckets of hours are kept for 90
        count(hours, succeeded=1)
        [total] = totals(hours.engine, now=clock.now())
        told.append(total.counts["succeeded"])
        clock.advance(86_400.0)
    assert told == list(range(1, 101))


def test_every_dashboard_tells_the_same_and_what_comes_late_is_counted(hours: Horarium, clock: ManualClock) -> None:
    count(hours, succeeded=1)
    assert totals(hours.engine, now=clock.now()) == totals(hours.engine, now=clock.now())
    before = clock.now()
    clock.advance(3600.0 + 300)  # the next hour, but the last one is not closed yet
    totals(hours.engine, now=clock.now())
    count(hours, at=before, succeeded=1)
    clock.advance(3600.0)
    totals(hours.engine, now=clock.now())
    [total] = totals(hours.engine, now=clock.now())
    assert total.counts == {"succeeded": 2} and total.ran == (0, 2)


def test_metrics_are_served_as_text_of_prometheus(client: TestClient, shop: Horarium) -> None:
    answer = client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert answer.text.startswith("# HELP horarium_info")
