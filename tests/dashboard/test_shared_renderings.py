"""One rendering of a live page for all to whom it is the same, and never one of another role."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable

import httpx
import pytest
from front_desk import in_a_loop
from gate import OURS, asking, bearer, token_for
from shop_floor import ended, put_incident, worker
from sse_starlette import ServerSentEvent
from starlette.testclient import TestClient

from horarium import Horarium
from horarium.dashboard import Person, Role, drawn, site, web
from horarium.dashboard.drawn import Drawn
from horarium.dashboard.live import Feed, Hub
from horarium.dashboard.person import Open
from horarium.dashboard.rooms import ALL
from horarium.dashboard.rooms.runs import listing
from horarium.dashboard.rooms.runs.asked import packed
from horarium.dashboard.rooms.runs.listing import attempt_of
from horarium.dashboard.site import Site
from horarium.observe import bulk
from horarium.outcome import Run

LIVE = {route.name for room in ALL for route in room.routes if route.is_live}
NAME = "Quentin"


class Looking:
    """Streams that end when so many look, each with what it shows by then."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, lookers: int) -> None:
        self.feeds: list[Feed] = []
        self._all_here = asyncio.Barrier(lookers)
        start = Feed.start

        def noted(feed: Feed) -> None:
            self.feeds.append(feed)
            start(feed)

        monkeypatch.setattr(Feed, "start", noted)
        monkeypatch.setattr(site, "_stream", self._stream)

    async def _stream(
        self, hub: Hub, key: object, look: Callable[[], str], seen: str, zone: str
    ) -> AsyncIterator[ServerSentEvent]:
        async with hub.looking(key, look) as feed:
            await feed.wait_beyond(0)
            await self._all_here.wait()
            yield ServerSentEvent(data=feed.html)


def test_people_of_one_role_share_a_rendering_and_a_viewer_gets_none_of_an_operator(
    shop: Horarium, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.send_task("shop.add", (1, 2))
    people = [("ana", Role.OPERATOR), ("bob", Role.OPERATOR), ("eve", Role.VIEWER), ("joe", Role.VIEWER)]
    known = [bearer(token_for(shop, role, name=name)) for name, role in people]

    async def look() -> tuple[int, list[str]]:
        looking = Looking(monkeypatch, len(known))
        transport = httpx.ASGITransport(web(shop))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", headers=OURS) as client:
            asked = [client.get("/live", params={"view": "/queues"}, headers=who) for who in known]
            answers = await asyncio.wait_for(asyncio.gather(*asked), 30)
        return len(looking.feeds), [answer.text for answer in answers]

    feeds, (anas, bobs, eves, joes) = in_a_loop(look())
    assert feeds == 2
    assert anas == bobs and eves == joes
    assert "<button" in anas and "needs the right" not in anas
    assert "needs the right of an operator" in eves


def test_no_live_page_says_who_looks(shop: Horarium) -> None:
    """Whatever of a person beyond their role stood in it would be shown to others."""
    id = ended(shop, "one").id
    shop.send_task("shop.add", (1, 2))
    shop.schedules.create("nightly", "shop.add", 60, args=(1, 2))
    worker(shop)
    put_incident(shop)
    order = bulk.place(shop, bulk.Order(id="", act="retry", at=shop.engine.now(), matched=1, by="somebody"))
    paths = [
        *("/", "/runs", f"/runs/{id}", "/runs/bulk", f"/runs/bulk/{order.id}", "/tasks", "/tasks/shop.add", "/queues"),
        *("/queues/default", "/workers", "/workers/w1%40vm", "/workflows", f"/workflows/{id}", "/schedules"),
        *("/schedules/nightly", "/alerts"),
    ]
    known = Site(shop, Open(), ALL)
    assert {found[0].name for path in paths if (found := known._find(path))} == LIVE
    client = asking(shop, lambda connection: Person(name=NAME, role=Role.ADMIN, via="callable"))
    for path in paths:
        answer = client.get(path, headers={"HX-Target": "live"})
        assert answer.status_code == 200 and "<main" not in answer.text, path
        assert NAME not in answer.text and "callable" not in answer.text, path


def test_lists_that_hold_other_runs_share_the_lines_of_those_that_they_have_in_common(
    shop: Horarium, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []

    def noted(run: Run) -> str:
        made.append(run.id)
        return attempt_of(run)

    monkeypatch.setattr(listing, "attempt_of", noted)
    for id in ("one", "two", "three"):
        ended(shop, id)

    def lines(*held: str) -> list[tuple[str, str]]:
        text = client.get("/runs", params={"hold": packed(held)}, headers={"HX-Target": "live"}).text
        return re.findall(r'id="run-(\w+)".*?class="state (\w+)"', text, re.DOTALL)

    assert lines("two", "one") == [("two", "good"), ("one", "good")]
    assert lines("three", "two") == [("three", "good"), ("two", "good")]
    assert sorted(made) == ["one", "three", "two"]
    ended(shop, "two", state="FAILURE")
    assert lines("three", "two") == [("three", "good"), ("two", "bad")]
    assert sorted(made) == ["one", "three", "two", "two"]


def test_so_many_pieces_are_kept_and_those_that_nobody_has_asked_for_go_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawn, "MOST", 2)
    pieces = Drawn()
    made: list[str] = []

    def draw(key: str) -> str:
        made.append(key)
        return key

    for key in ("a", "b", "a", "c", "a", "b"):
        assert pieces.once(key, "facts", lambda key=key: draw(key)) == key
    assert made == ["a", "b", "c", "b"]
