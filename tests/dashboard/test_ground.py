"""What every page stands on: its frame, headers and files, what is live, and what is said when something is wrong."""

from __future__ import annotations

import asyncio
import gzip
import re

import pytest
from front_desk import in_a_loop
from starlette.testclient import TestClient

from horarium import Horarium
from horarium.clock import ManualClock, SystemClock
from horarium.dashboard import web
from horarium.dashboard.live import Hub
from horarium.dashboard.person import Open
from horarium.errors import EngineUnavailable


def test_a_page_names_its_app_and_its_files_by_their_digest(client: TestClient) -> None:
    page = client.get("/runs")
    assert page.status_code == 200
    assert ">shop</span>" in page.text
    [style] = re.findall(r'href="(/static/[0-9a-f]{12}/horarium\.css)"', page.text)
    answer = client.get(style)
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-type"].startswith("text/css")


@pytest.mark.parametrize("path", ["/static/000000000000/horarium.css", "/static/x/..%2f..%2fsite.py", "/static/x/y"])
def test_only_known_files_are_served(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 404


def test_every_answer_has_the_strict_headers(client: TestClient) -> None:
    for path in ("/", "/nowhere", "/static/x/y", "/live?view=/nowhere"):
        headers = client.get(path).headers
        assert "script-src 'self'" in headers["content-security-policy"], path
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-request-id"]


def test_below_a_prefix_every_address_has_it(shop: Horarium) -> None:
    with TestClient(web(shop, access=Open()), base_url="http://127.0.0.1", root_path="/ops/jobs") as client:
        page = client.get("/ops/jobs/runs")
        addresses = re.findall(r'(?:href|src|action|connect)="(/[^"]*)"', page.text)
        assert len(addresses) > 10
        assert [each for each in addresses if not each.startswith("/ops/jobs/")] == []


def test_what_is_not_there_and_what_fails_is_a_page_with_a_way_on(
    shop: Horarium, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = client.get("/runs/unknown")
    assert gone.status_code == 404
    assert "Nothing is known of this run" in gone.text

    def away(*_: object, **__: object) -> None:
        raise EngineUnavailable("no route to host")

    monkeypatch.setattr(shop.engine.results, "search", away)
    stale = client.get("/runs")
    assert stale.status_code == 503
    assert "The store cannot be reached" in stale.text

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(shop.engine.results, "search", broken)
    failed = client.get("/runs")
    assert failed.status_code == 500
    assert failed.headers["x-request-id"] in failed.text
    assert "secret detail" not in failed.text


def test_what_became_of_a_change_is_told_once_as_it_was_said(shop: Horarium, client: TestClient) -> None:
    shop.tasks["shop.charge"].delay(1)
    assert client.post("/queues/pause", data={"queue": "default"}).status_code == 303
    told = "Queue default is paused: what is sent to it waits."
    assert f'<p class="notice good">{told}</p>' in client.get("/queues/default").text
    assert told not in client.get("/queues/default").text


def test_a_cold_start_is_small(client: TestClient) -> None:
    """All that a first page needs, packed: at most 150 KB."""
    page = client.get("/runs")
    files = re.findall(r'(?:href|src)="(/static/[^"]+)"', page.text)
    assert len(files) >= 4
    total = len(gzip.compress(page.content)) + sum(len(gzip.compress(client.get(each).content)) for each in files)
    assert total < 150_000


def test_those_who_look_at_the_same_share_one_rendering() -> None:
    rendered: list[int] = []

    def render() -> str:
        rendered.append(1)
        return "same"

    async def look() -> None:
        hub = Hub(SystemClock())
        async with hub.looking("view", render) as one, hub.looking("view", render) as other:
            assert one is other
            await one.wait_beyond(0)
            assert one.html == "same"
        assert len(rendered) == 1

    in_a_loop(look())


def test_a_store_that_is_away_leaves_the_last_page_and_says_so() -> None:
    answers = iter(["first"])

    def render() -> str:
        if (answer := next(answers, None)) is None:
            raise EngineUnavailable("no route to host")
        return answer

    async def look() -> None:
        async with Hub(ManualClock()).looking("view", render) as feed:
            version = await feed.wait_beyond(0)
            assert (feed.html, feed.trouble) == ("first", None)
            await asyncio.wait_for(feed.wait_beyond(version), 20)
            assert feed.html == "first"
            assert feed.trouble is not None and "no route to host" in feed.trouble

    in_a_loop(look())
