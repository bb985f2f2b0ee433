"""The dashboard inside of another application, at an address of its own: nothing that it says leads out of there."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import uvicorn
from front_desk import eventually, visitor
from gate import token_for
from playwright.sync_api import Browser, Request, Response, expect
from shop_floor import ended, worker
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient

from horarium import Horarium, chord, crontab
from horarium.clock import Instant
from horarium.dashboard import web
from horarium.dashboard.person import Open
from horarium.dashboard.serving import listening
from horarium.tally import Tally

BASE = "/ops/jobs"
# Whatever else an element says under one of these names, what begins with a slash is an address.
LEADING = ("href", "src", "action", "formaction", "poster", "cite")
BEGINNING = ("hx-", "data-")
WHOLE = ("data-graph",)  # JSON with addresses in it
STANDS_AT = "data-stands-at"
EXPECTED = {
    *("href", "src", "action", "hx-get", "hx-post", "hx-sse:connect"),
    *("data-find", "data-chart", "data-graph", "data-events", "data-runs", "data-base"),
}
MOST_PAGES = 150


class Addresses(HTMLParser):
    """What a page's elements lead to, or ask: the name of the attribute and the address."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[tuple[str, str]] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if value is None:
                continue
            if name in WHOLE:
                self.found |= {(name, each) for each in slashed(json.loads(value))}
            elif (name in LEADING or name.startswith(BEGINNING)) and value.startswith("/"):
                self.found.add((name, value))


def slashed(value: Any) -> Iterator[str]:
    """Yield the texts within JSON that begin with a slash."""
    match value:
        case str():
            if value.startswith("/"):
                yield value
        case dict():
            for name, each in value.items():
                yield from slashed(each) if name != "unit" else ()  # such as /s
        case list():
            for each in value:
                yield from slashed(each)


@pytest.fixture
def stocked(shop: Horarium) -> Horarium:
    """Let there be one of each kind, so that each kind of page has something to say."""
    ended(shop, "failed", state="FAILURE")
    worker(shop)
    shop.schedules.create("hourly", "shop.add", crontab(minute=5), args=[1, 2])
    add = shop.tasks["shop.add"]
    chord([add.s(n, 1) for n in range(3)], app=shop)(shop.tasks["shop.charge"].s())
    count(shop, shop.engine.now())
    return shop


def count(shop: Horarium, now: Instant) -> None:
    at = now // 60_000 * 60_000 - 120_000
    shop.engine.series.add([Tally(at=at, task="shop.add", queue="default", counts={"succeeded": 7})], now=now)


def test_every_address_on_every_page_has_it(stocked: Horarium) -> None:
    """From page to page, by all that is said; what the browser's scripts ask is JSON, and is followed too."""
    with TestClient(web(stocked, access=Open()), base_url="http://127.0.0.1", root_path=BASE) as client:
        seen, kinds, waiting = {f"{BASE}/"}, set(), [f"{BASE}/"]
        while waiting and len(seen) < MOST_PAGES:
            path = waiting.pop(0)
            answer = client.get(path, follow_redirects=False, headers={"Accept": "text/html, application/json"})
            assert answer.status_code < 400, f"{path}: {answer.status_code}"
            found = said_by(answer)
            astray = sorted(each for each in found if each[1] != BASE and not each[1].startswith(f"{BASE}/"))
            assert astray == [], path
            kinds |= {name for name, _ in found}
            for address in sorted(address for name, address in found if is_read(name)):
                place = urlsplit(address).path  # one question of each page is enough
                if place not in seen and "/static/" not in place and not place.endswith("/live"):
                    seen.add(place)
                    waiting.append(address)
    assert kinds >= EXPECTED and len(seen) > 50, (sorted(EXPECTED - kinds), sorted(seen))


def said_by(answer: Any) -> set[tuple[str, str]]:
    if "location" in answer.headers:
        return {("location", answer.headers["location"])}
    kind = answer.headers["content-type"]
    if "attachment" in answer.headers.get("content-disposition", ""):
        return set()  # to be kept, not to be followed
    if kind.startswith("application/json"):
        return {("json", each) for each in slashed(answer.json())}
    parser = Addresses()
    parser.feed(answer.text if kind.startswith("text/html") else "")
    return parser.found


def is_read(name: str) -> bool:
    """Whether what an attribute leads to is read, and no change."""
    return name not in ("action", "formaction", "hx-post", "data-base", "data-runs", "json")


@contextmanager
def served_inside(app: Horarium) -> Iterator[str]:
    """Serve another application, in which the dashboard is mounted; yield the dashboard's address."""
    place = listening("127.0.0.1", 0)
    site = Starlette(routes=[Mount(BASE, web(app))])
    server = uvicorn.Server(uvicorn.Config(site, log_level="warning", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [place]}, name="site")
    thread.start()
    try:
        eventually(lambda: server.started, "a server that has started")
        yield f"http://127.0.0.1:{place.getsockname()[1]}{BASE}"
    finally:
        server.should_exit = True
        thread.join(20.0)


def test_a_person_gets_through_inside_of_another_application(browser: Browser, tmp_path: Path) -> None:
    """In, to a run that changes while it is looked at, and to a chart: all of it below the prefix."""
    with Horarium("shop", store=f"sqlite:///{tmp_path}/shop.db", set_as_current=False) as app:
        app.task(name="shop.add")(lambda a, b: a + b)
        id = app.send_task("shop.add", (1, 2)).id
        count(app, app.engine.now())
        with served_inside(app) as url, visitor(browser, url) as ana:
            asked: list[str] = []
            failed: list[str] = []

            def note(request: Request) -> None:
                asked.append(request.url)

            def look(response: Response) -> None:
                if response.status >= 400:
                    failed.append(f"{response.url}: {response.status}")

            ana.page.on("request", note)
            ana.page.on("response", look)
            page = ana.open(f"/runs/{id}")
            assert page.url.startswith(f"{url}/login?then=")
            page.get_by_label("Token").fill(token_for(app))
            page.get_by_role("button", name="Log in").click()
            expect(page.locator("#pulse[data-state=live]")).to_be_visible()
            assert page.url == f"{url}/runs/{id}"
            app.control.revoke(id)
            expect(page.locator("#live .state", has_text="cancelled").first).to_be_visible()
            assert page.url == f"{url}/runs/{id}"
            page.keyboard.press("Control+k")
            page.locator("#palette input").fill("shop.add")
            expect(page.locator("#palette a").first).to_be_visible()
            page.keyboard.press("Escape")
            page = ana.open("/")
            page.wait_for_selector("#chart-outcomes canvas")
            page.get_by_role("link", name="Queues").first.click()
            expect(page.locator("h1")).to_contain_text("Queues")
            assert any("/numbers" in each for each in asked) and any("/live?" in each for each in asked)
            assert [each for each in asked if not each.startswith((f"{url}/", "data:"))] == []
            assert failed == []
