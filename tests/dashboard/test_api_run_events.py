"""A run, told to a program as it changes, until it has ended."""

from __future__ import annotations

import json
from typing import Any

import pytest
from api_desk import V1, refused
from front_desk import in_a_loop
from shop_floor import ended
from sse_starlette import ServerSentEvent
from starlette.testclient import TestClient

from horarium import Horarium
from horarium.dashboard.api import watch
from horarium.dashboard.api.watch import changes_of
from horarium.errors import EngineUnavailable
from horarium.testing import drain


def read(shop: Horarium, id: str, *, after: str | None = None, between: Any = None) -> list[ServerSentEvent]:
    """Read a stream to its end; ``between`` is called after each look at the store."""
    looks = 0

    def is_welcome() -> bool:
        nonlocal looks
        looks += 1
        if between is not None and looks > 1:
            between(looks - 1)
        return looks < 9

    async def gather() -> list[ServerSentEvent]:
        return [event async for event in changes_of(shop, id, after, is_welcome)]

    return in_a_loop(gather())


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "EVERY", 0.0)


def test_a_run_is_told_when_it_changes_and_at_its_end(shop: Horarium) -> None:
    id = shop.send_task("shop.add", (1, 2)).id

    def work(look: int) -> None:
        if look == 2:
            shop.control.set_priority(id, 8)
        if look == 4:
            drain(shop)

    told = read(shop, id, between=work)
    assert [event.event for event in told] == ["run", "run", "ended"]
    runs = [json.loads(str(event.data)) for event in told]
    assert [(run["state"], run["priority"]) for run in runs] == [("PENDING", 5), ("PENDING", 8), ("SUCCESS", 8)]


def test_a_reader_that_comes_back_is_told_only_what_it_has_not_seen(shop: Horarium) -> None:
    id = shop.send_task("shop.add", (1, 2)).id
    [first] = read(shop, id)
    assert read(shop, id, after=first.id) == []
    shop.control.set_priority(id, 8)
    [second] = read(shop, id, after=first.id)
    assert json.loads(str(second.data))["priority"] == 8


def test_a_run_that_has_ended_is_told_once_and_one_that_is_kept_no_more_is_gone(
    shop: Horarium, client: TestClient
) -> None:
    ended(shop, "failed", state="FAILURE")
    answer = client.get(f"{V1}/runs/failed/events")
    assert answer.headers["content-type"].startswith("text/event-stream")
    lines = dict(line.split(": ", 1) for line in answer.text.splitlines() if ": " in line)
    assert lines["event"] == "ended" and json.loads(lines["data"])["error"]["text"] == "no answer"
    assert [event.event for event in read(shop, "unknown")] == ["gone"]
    refused(client.get(f"{V1}/runs/unknown/events"), 404, "not_found")


def test_it_goes_on_when_the_store_has_been_away(shop: Horarium, monkeypatch: pytest.MonkeyPatch) -> None:
    ended(shop, "done")
    reading, looks = shop.engine.results.read, iter((True, True, False))

    def away(ids: Any) -> Any:
        if next(looks):
            raise EngineUnavailable("no route to host")
        return reading(ids)

    monkeypatch.setattr(shop.engine.results, "read", away)
    assert [event.event for event in read(shop, "done")] == ["ended"]


def test_one_person_has_no_more_than_five_streams(shop: Horarium, client: TestClient, monkeypatch: Any) -> None:
    ended(shop, "done")
    monkeypatch.setattr(watch, "MOST_STREAMS", 0)
    refused(client.get(f"{V1}/runs/done/events"), 429, "too_many_streams")
