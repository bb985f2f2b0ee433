"""A shop in memory whose dashboard can be asked; a browser for the tests that open pages."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from front_desk import Asker
from playwright.sync_api import Browser
from starlette.testclient import TestClient

from chromium import started_browser
from horarium import Horarium
from horarium.app import shared
from horarium.clock import ManualClock
from horarium.dashboard import web
from horarium.dashboard.person import Open


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def shop(clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Horarium]:
    monkeypatch.setattr(shared, "shared_tasks", [])  # what other tests have declared for every app
    with Horarium("shop", store="memory://", clock=clock, timezone="Europe/Berlin", set_as_current=False) as app:

        @app.task(name="shop.charge")
        def charge(order: int, card: str = "") -> int:
            return order

        @app.task(name="shop.add")
        def add(a: int, b: int) -> int:
            return a + b

        yield app


@pytest.fixture
def asker(shop: Horarium) -> Asker:
    return Asker(shop)


@pytest.fixture
def client(shop: Horarium) -> Iterator[TestClient]:
    """Asks the dashboard as a browser on its own pages would; whoever asks is an admin."""
    headers = {"Sec-Fetch-Site": "same-origin"}
    site = web(shop, access=Open())
    with TestClient(site, base_url="http://127.0.0.1", headers=headers, follow_redirects=False) as found:
        yield found


@pytest.fixture(scope="module")  # not longer: while it lives, Playwright's loop runs in this thread, and no other can
def browser() -> Iterator[Browser]:
    with started_browser() as found:
        yield found
