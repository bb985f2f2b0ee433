"""The pages of tasks: what was counted, what is set, and the switch that stops one."""

from __future__ import annotations

from typing import Any

import pytest
from front_desk import Asker
from starlette.testclient import TestClient

from horarium import Horarium
from horarium.app.switches import Switches
from horarium.dashboard.ask import Done, Shown, Unanswerable
from horarium.dashboard.rooms import tasks
from horarium.tally import BOUNDS, Tally, bin_of, bucket_of
from kept_runs import ended, record


def counted(shop: Horarium, *, ago: int = 0, ran: float = 0.1, task: str = "shop.charge", **counts: int) -> None:
    bins = [0] * (len(BOUNDS) + 1)
    bins[bin_of(ran)] = sum(counts.values())
    now = shop.engine.now()
    tally = Tally(at=now - ago, task=task, queue="default", counts=counts, ran=tuple(bins), ran_sum=ran)
    shop.engine.series.add([tally], now=now)


def shown(answer: object) -> dict[str, Any]:
    assert isinstance(answer, Shown)
    return answer.context


def test_tasks_are_listed_with_how_they_went_whoever_knows_them(shop: Horarium, asker: Asker) -> None:
    """Row 115."""
    counted(shop, succeeded=7, failed=2, retried=1)
    counted(shop, task="old.one", succeeded=1)
    rates = {rate.name: rate for rate in shown(tasks.listing(asker.ask()))["rates"]}
    charge = rates["shop.charge"]
    assert (charge.ended, charge.failed, charge.retried) == (9, 2, 1)
    assert charge.p95 is not None
    assert 0.05 < charge.p95 <= 0.1
    assert rates["shop.add"].p95 is None
    assert not rates["old.one"].is_known


def test_a_page_of_a_task_shows_hours_run_times_and_what_is_set(shop: Horarium, client: TestClient) -> None:
    hour = 3_600_000
    counted(shop, succeeded=3, ago=2 * hour)
    counted(shop, failed=1)
    now = shop.engine.now()
    bars = tasks.bars_of(shop.engine.series.tallies("1h", since=now - 30 * hour, until=now + hour), now)
    assert len(bars) == tasks.HOURS
    assert [(bar.good, bar.bad) for bar in bars if bar.good or bar.bad] == [(3, 0), (0, 1)]
    assert bars[-1].at == bucket_of(now, "1h")
    assert max(bar.good_height + bar.bad_height for bar in bars) == tasks.HEIGHT
    page = client.get("/tasks/shop.charge")
    assert page.status_code == 200
    assert "max_retries" in page.text
    assert "≤ 100 ms" in page.text


def test_the_histogram_begins_and_ends_where_something_is() -> None:
    assert tasks.histogram_of([0, 2, 0, 4, *[0] * 17]) == [("≤ 2 ms", 2, 50), ("≤ 5 ms", 0, 0), ("≤ 10 ms", 4, 100)]
    assert tasks.histogram_of(()) == []


def test_a_task_is_paused_and_resumed(shop: Horarium, asker: Asker) -> None:
    ask = asker.ask(parts={"name": "shop.charge"}, form={"reason": "gateway is down"})
    assert tasks.pause(ask).is_good
    paused = shown(tasks.one(ask))["rate"].paused
    assert (paused.by, paused.reason) == ("ana", "gateway is down")
    assert tasks.resume(ask).is_good
    assert shown(tasks.one(ask))["rate"].paused is None
    again = tasks.resume(ask)
    assert not again.is_good


def test_what_a_pattern_pauses_is_resumed_by_the_pattern(shop: Horarium, asker: Asker) -> None:
    Switches(shop.connection).pause_task("shop.*")
    answer = tasks.resume(asker.ask(parts={"name": "shop.charge"}))
    assert isinstance(answer, Done)
    assert "shop.*" in answer.text
    assert not answer.is_good


def test_a_task_that_nobody_knows_is_gone(asker: Asker) -> None:
    with pytest.raises(Unanswerable) as caught:
        tasks.one(asker.ask(parts={"name": "no.such"}))
    assert caught.value.status == 404


def test_a_task_tells_which_tasks_call_it(shop: Horarium, asker: Asker) -> None:
    callers = [
        ended(shop, id, task=task) for id, task in (("p1", "shop.add"), ("p2", "shop.add"), ("p3", "shop.sweep"))
    ]
    parents = ("p1", "p1", "p2", "p3", "no longer kept", None)
    record(shop, *callers, *(ended(shop, f"c{number}", parent=parent) for number, parent in enumerate(parents)))
    ask = asker.ask(parts={"name": "shop.charge"})
    assert shown(tasks.lately(ask))["callers"] == [("shop.add", 3), ("shop.sweep", 1)]
