"""Reads that take long: a few at once, fewer of one person, and everybody else's pages go on."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from front_desk import in_a_loop
from gate import bearer, token_for

from horarium import Horarium
from horarium.dashboard import places, web
from horarium.dashboard.flower import serving
from horarium.dashboard.places import AT_ONCE, EACH, MOST_WAITING, Busy, Places
from horarium.engines.memory.results import MemoryResults

LONG = (
    *("/runs?q=args.order:7", "/runs/export", "/runs/grouped", "/runs/timeline", "/api/v1/runs?q=args.order:7"),
    *("/api/tasks", "/api/tasks?search=x&sort_by=name"),
)


class Slow:
    """Searches that last until they may end."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.begun = threading.Semaphore(0)
        self.may_end = threading.Event()
        search = MemoryResults.search

        def slowly(results: Any, *given: Any, **more: Any) -> Any:
            self.begun.release()
            assert self.may_end.wait(30)
            return search(results, *given, **more)

        monkeypatch.setattr(MemoryResults, "search", slowly)

    @asynccontextmanager
    async def held(self, client: httpx.AsyncClient, *asked: tuple[str, dict[str, str]]) -> AsyncIterator[None]:
        """Have these reads under way for the length of a block."""
        reads = [asyncio.create_task(client.get(path, headers=who)) for path, who in asked]
        try:
            for _ in reads:
                assert await asyncio.to_thread(self.begun.acquire, timeout=30)
            yield
        finally:
            self.may_end.set()
            assert [read.status_code for read in await asyncio.gather(*reads)] == [200] * len(reads)


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Slow:
    monkeypatch.setattr(places, "PATIENCE", 0.05)
    return Slow(monkeypatch)


def asking(shop: Horarium) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(web(shop)), base_url="http://127.0.0.1")


@pytest.mark.parametrize("path", LONG)
def test_one_viewer_reads_so_much_at_once_and_pages_go_on(shop: Horarium, slow: Slow, path: str) -> None:
    ana, bob = bearer(token_for(shop)), bearer(token_for(shop, name="bob"))

    async def look() -> None:
        async with asking(shop) as client, slow.held(client, *[(path, ana)] * EACH):
            refused = await client.get(path, headers=ana)
            assert (refused.status_code, refused.headers["retry-after"]) == (429, "5")
            if path.startswith("/api/v1"):
                assert refused.headers["content-type"] == "application/problem+json"
                assert refused.json()["code"] == "busy"
            for other in ("/settings", "/healthcheck", "/queues"):
                assert (await client.get(other, headers=ana)).status_code == 200
            assert (await client.get("/settings", headers=bob)).status_code == 200
        assert (await client_get(shop, path, ana)) == 200

    in_a_loop(look())


def test_all_together_read_so_much_at_once(shop: Horarium, slow: Slow) -> None:
    people = [bearer(token_for(shop, name=f"viewer {each}")) for each in range(AT_ONCE + 1)]

    async def look() -> None:
        async with asking(shop) as client, slow.held(client, *[("/runs/export", who) for who in people[:AT_ONCE]]):
            refused = await client.get("/runs/export", headers=people[-1])
            assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
            assert "Others have asked" in refused.text
            assert (await client.get("/settings", headers=people[-1])).status_code == 200

    in_a_loop(look())


def test_several_tabs_that_open_at_once_are_all_answered(shop: Horarium) -> None:
    ana = bearer(token_for(shop))

    async def look() -> None:
        async with asking(shop) as client:
            tabs = [client.get("/runs?q=args.order:7", headers=ana) for _ in range(8)]
            assert [tab.status_code for tab in await asyncio.gather(*tabs)] == [200] * 8

    in_a_loop(look())


def test_whoever_waits_goes_first_and_a_place_that_nobody_takes_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "PATIENCE", 30.0)
    order: list[str] = []

    async def read(them: Places, who: str, is_over: asyncio.Event) -> None:
        async with them.place(who):
            order.append(who)
            await is_over.wait()

    async def look() -> None:
        them, is_over = Places(), asyncio.Event()
        reads = [asyncio.create_task(read(them, who, is_over)) for who in ("a", "a", "b", "a", "b", "c")]
        await asyncio.sleep(0)
        assert order == ["a", "a", "b"]
        reads[3].cancel()  # whoever waited has gone
        await asyncio.sleep(0)
        is_over.set()
        await asyncio.gather(*reads, return_exceptions=True)
        assert order == ["a", "a", "b", "b", "c"]
        assert not +them._taken and not them._waiting

    in_a_loop(look())


def test_so_many_wait_and_no_more() -> None:
    async def look() -> None:
        them, is_over = Places(), asyncio.Event()

        async def read(who: str) -> None:
            async with them.place(who):
                await is_over.wait()

        reads = [asyncio.create_task(read(f"{each}")) for each in range(AT_ONCE + MOST_WAITING)]
        await asyncio.sleep(0)
        with pytest.raises(Busy) as refused:
            await read("late")
        assert refused.value.status == 503
        is_over.set()
        await asyncio.gather(*reads)

    in_a_loop(look())


def test_one_person_waits_for_so_many_results_at_once_and_what_is_refused_was_not_sent(
    shop: Horarium, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(places, "PATIENCE", 0.05)
    ana, bob = bearer(token_for(shop)), bearer(token_for(shop, name="bob"))
    id = shop.send_task("shop.add", (1, 2)).id

    async def look() -> None:
        begun = asyncio.Semaphore(0)

        async def wait(*_: Any, **__: Any) -> None:
            begun.release()
            await over.wait()

        over = asyncio.Event()
        monkeypatch.setattr(serving, "_ended", wait)
        async with asking(shop) as client:
            path = f"/api/task/result/{id}?timeout=300"
            waits = [asyncio.create_task(client.get(path, headers=ana)) for _ in range(serving.WAITS_EACH)]
            for _ in waits:
                await asyncio.wait_for(begun.acquire(), 30)
            refused = await client.get(path, headers=ana)
            assert (refused.status_code, refused.headers["retry-after"]) == (429, "5")
            assert (
                await client.post("/api/task/apply/shop.add", json={"args": [1, 2]}, headers=ana)
            ).status_code == 429
            assert len((await client.get("/api/tasks", headers=ana)).json()) == 1
            other = asyncio.create_task(client.get(path, headers=bob))
            await asyncio.wait_for(begun.acquire(), 30)
            over.set()
            assert {answer.status_code for answer in await asyncio.gather(*waits, other)} == {200}

    in_a_loop(look())


async def client_get(shop: Horarium, path: str, who: dict[str, str]) -> int:
    async with asking(shop) as client:
        return (await client.get(path, headers=who)).status_code
