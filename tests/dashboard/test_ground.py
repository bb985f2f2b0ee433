"""What every page stands on: its frame, headers and files, what is live, and what is said when something is wrong."""

from __future__ import annotations

import asyncio
import gzip
import inspect
import logging
import re
import signal
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import uvicorn
from front_desk import Place, in_a_loop, visitor
from playwright.sync_api import Browser
from sse_starlette import ServerSentEvent
from starlette.testclient import TestClient
from uvicorn.protocols.http import h11_impl

from horarium import Horarium
from horarium.clock import ManualClock, SystemClock
from horarium.dashboard import live, serving, site
from horarium.dashboard.live import Hub
from horarium.dashboard.person import Open
from horarium.dashboard.site import _stream
from horarium.errors import EngineUnavailable
from horarium.observe.moments import day_and_time
from horarium.version import __version__

CODE = """
from horarium import Horarium
app = Horarium("shop", store="sqlite:///shop.db", timezone="Europe/Berlin")

@app.task
def add(a, b):
    return a + b
"""


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


def test_streams_that_are_cut_when_the_server_ends_are_no_lines_in_its_log() -> None:
    server = serving.Server(uvicorn.Config(lambda: None))
    cut = logging.LogRecord("uvicorn.error", logging.ERROR, "", 0, serving.CUT + ".", None, None)
    other = logging.LogRecord("uvicorn.error", logging.ERROR, "", 0, "Exception in ASGI application", None, None)
    assert server.is_worth_a_line(cut)
    server.handle_exit(signal.SIGTERM, None)
    assert not server.is_worth_a_line(cut)
    assert server.is_worth_a_line(other)
    assert serving.CUT in inspect.getsource(h11_impl), "uvicorn says it in other words"


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


def test_a_page_that_was_left_while_it_was_made_is_still_the_only_one_that_is_made() -> None:
    """Else whoever turns pages before a slow store holds up all threads, each of them a reader of the store."""
    has_begun, may_end, is_made = threading.Event(), threading.Event(), threading.Event()
    met: list[bool] = []

    def slow() -> str:
        has_begun.set()
        may_end.wait(20)
        is_made.set()
        return "slow"

    def quick() -> str:
        met.append(not is_made.is_set())
        return "quick"

    async def look() -> None:
        hub = Hub(SystemClock())
        async with hub.looking("slow", slow):
            await asyncio.to_thread(has_begun.wait, 20)
        async with hub.looking("quick", quick) as feed:
            asyncio.get_running_loop().call_later(0.3, may_end.set)  # long enough for the other one to begin, if it may
            await asyncio.wait_for(feed.wait_beyond(0), 20)
        assert met == [False]

    in_a_loop(look())


def test_that_a_store_is_away_is_told_by_all_pages_when_one_has_found_it_out() -> None:
    """A store that hangs costs each look some seconds: the last of many would show what is old for minutes."""
    is_away, go_on = threading.Event(), threading.Event()

    def find_out() -> str:
        if is_away.is_set():
            raise EngineUnavailable("it does not answer")
        return "first"

    def hang() -> str:
        if is_away.is_set():
            go_on.wait(20)
        return "second"

    async def look() -> None:
        hub = Hub(SystemClock())
        async with hub.looking("one", find_out) as one, hub.looking("other", hang) as other:
            version = await other.wait_beyond(0)
            await one.wait_beyond(0)
            is_away.set()
            await asyncio.wait_for(other.wait_beyond(version), 15)
            assert other.html == "second"
            assert other.trouble is not None and "it does not answer" in other.trouble
            go_on.set()

    in_a_loop(look())


def test_a_live_block_is_asked_what_its_page_is(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    async def one_look(hub: Hub, key: object, look: Callable[[], str], *_: str) -> AsyncIterator[ServerSentEvent]:
        yield ServerSentEvent(data=await asyncio.to_thread(look))

    monkeypatch.setattr(site, "_stream", one_look)
    asked = "/workflows?after="
    assert "leads to no place" in client.get(asked).text
    assert "leads to no place" in client.get("/live", params={"view": asked}).text


def test_a_page_that_would_be_live_is_told_of_a_store_that_is_away(
    client: TestClient, shop: Horarium, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(access: object, connection: object) -> None:
        raise EngineUnavailable("no route to host")

    monkeypatch.setattr(Open, "person", away)
    answer = client.get("/live", params={"view": "/runs"})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert "no route to host" in answer.text
    assert not caplog.records


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


def test_what_may_be_old_says_of_when_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the last look that found something out, in the zone of whoever looks; and nothing when it is new again."""
    clock = ManualClock()
    began, answers = clock.now(), iter(["first", ""])
    monkeypatch.setattr(live, "LONGEST_PAUSE", 0.1)

    def render() -> str:
        clock.advance(60)
        if not (answer := next(answers, "third")):
            raise EngineUnavailable("no route to host")
        return answer

    async def told() -> AsyncIterator[tuple[str, str]]:
        async for event in _stream(Hub(clock), "view", render, "", "Asia/Tokyo"):
            if event.event in ("stale", "fresh"):
                yield event.event, str(event.data)

    async def look() -> list[tuple[str, str]]:
        events = told()
        found = [await asyncio.wait_for(anext(events), 20) for _ in range(2)]
        await events.aclose()  # type: ignore[attr-defined]  # a generator
        return found

    as_of = day_and_time(began, "Asia/Tokyo", now=began)
    why = "the store cannot be reached: no route to host"
    assert in_a_loop(look()) == [("stale", f"as of {as_of}: {why}"), ("fresh", "")]


def test_a_run_shows_on_an_open_page_without_a_reload(browser: Browser, tmp_path: Path) -> None:
    with Place(tmp_path, CODE) as place:
        app = Horarium("test", store=f"sqlite:///{tmp_path}/shop.db", set_as_current=False)
        place.work()
        with visitor(browser, place.serve(), zone="Asia/Tokyo") as ana:
            page = ana.open("/runs")
            page.wait_for_selector("#pulse[data-state=live]")
            id = app.send_task("shop.add", (1, 2)).id
            row = page.wait_for_selector(f"#run-{id} .state.good")
            assert row is not None
            assert "JST" in page.inner_text(f"#run-{id}")
            assert not ana.is_wider_than_screen()
            ana.check_access()
            held = page.wait_for_selector(f"#run-{id} input[type=checkbox]")
            assert held is not None
            for key in ("j", "x", "p"):
                page.keyboard.press(key)
            page.wait_for_selector("#pulse[data-state=paused]")
            later = app.send_task("shop.add", (3, 4)).id
            assert app.AsyncResult(later).get(timeout=20) == 7
            page.keyboard.press("p")  # what came meanwhile is asked for at once, and does not move what is selected
            page.get_by_role("button", name="1 new · show").click()
            page.wait_for_selector(f"#run-{later} .state.good")
            assert held.is_checked()
            page.clock.install()
            page.reload()
            page.wait_for_selector("#pulse[data-state=live]")
            with page.expect_request("**/live?*"):  # a stream that says nothing for so long is opened anew
                page.clock.fast_forward(60_000)
            page.wait_for_selector("#pulse[data-state=live]")
        with visitor(browser, place.url) as bob:
            bob.page.route("**/live?*", lambda route: route.abort())  # a proxy that lets no stream through
            page = bob.open("/runs")
            page.wait_for_selector("text=every 5 s")
            app.send_task("shop.add", (5, 6))
            page.wait_for_selector("text=1 new above")
            bob.faults[:] = [fault for fault in bob.faults if "Failed to fetch" not in fault]  # what was cut off above
        app.close()


def test_a_page_of_an_older_version_is_told_of_the_upgrade(shop: Horarium) -> None:
    async def first() -> object:
        async for event in _stream(Hub(SystemClock()), "view", lambda: "block", ""):
            return event.event, event.data
        return None

    assert in_a_loop(first()) == ("version", __version__)
