"""Every page that the list of routes has, in a real browser: in both themes, on a desk and on a telephone.

What a page says is asked of its function, in the other files. Here each is opened as it is on a shop with something of
every kind; a page that is added later is missed until it has an address here.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from front_desk import NARROW, WIDE, Visitor, visitor
from playwright.sync_api import Browser
from served_shop import full_shop, served

from horarium import Horarium
from horarium.app import shared
from horarium.dashboard.access.door import Door
from horarium.dashboard.person import Open
from horarium.dashboard.room import Route
from horarium.dashboard.rooms import ALL

# By route, where the path alone is no address, or not the only one that is worth a look: a name for the picture, and
# the address, with the names that the shop gives.
ADDRESSES: dict[str, dict[str, str]] = {
    "/": {"overview-full": "/", "overview-day": "/?from=24h"},
    "/runs/{id}": {"run-failed-kept": "/runs/failed", "run-running": "/runs/running", "run-waiting": "/runs/{waiting}"},
    "/runs/{id}/again": {"run-again": "/runs/failed/again"},
    "/runs/grouped": {"runs-grouped-few": "/runs/grouped?q=state:failed"},
    "/runs/bulk/preview": {"bulk-asked": "/runs/bulk/preview?act=retry-all&q=state%3Afailed"},
    "/runs/bulk/{id}": {"bulk-order": "/runs/bulk/{order}"},
    "/runs": {"runs-all": "/runs", "runs-wrong": "/runs?q=state:fai(", "runs-none": "/runs?q=task:nothing"},
    "/tasks/{name}": {"task-known": "/tasks/shop.charge"},
    "/schedules": {"schedules": "/schedules", "schedules-none": "/schedules?q=nothing"},
    "/schedules/{name}": {"schedule-nightly": "/schedules/nightly", "schedule-by-code": "/schedules/by-code"},
    "/schedules/{name}/edit": {"schedule-edit": "/schedules/nightly/edit"},
    "/schedules/{name}/backfill": {
        "backfill": "/schedules/nightly/backfill",
        "backfill-looked": "/schedules/nightly/backfill?from=3d&to=&which=missing&order=oldest&max_active=1",
    },
    "/schedules/{name}/with": {"schedule-with": "/schedules/nightly/with"},
    "/runs/new": {"run-new": "/runs/new?task=shop.charge"},
    "/queues/{name:path}": {"queue-mail": "/queues/mail"},
    "/workers/{name:path}": {"worker": "/workers/w1%40vm"},
    "/workflows/{id}": {"workflow-waiting": "/workflows/{flow}"},
    "/charts/{name}": {"chart": "/charts/outcomes"},
    "/find": {"find": "/find?q=charge"},
    "/login": {"login": "/login"},
}
# Pages that no route stands for.
OTHERS = {
    "gone-run": "/runs/unheard-of",
    "gone-schedule": "/schedules/unheard-of",
    "trouble": "/charts/unheard-of",
    "nowhere": "/unheard-of",
    "api-docs": "/api/v1/docs",
}
# Downloads, numbers for a script, and parts that a page loads by itself.
NO_PAGES = {
    *("runs.export", "runs.raw", "runs.block", "settings.diagnostics", "settings.export"),
    *("charts.numbers", "monitor.events", "runs.why", "tasks.lately"),
}
SHUT = "login"  # who is logged in is not asked to


def addresses_of(route: Route) -> dict[str, str]:
    return ADDRESSES.get(route.path, {route.path.strip("/").replace("/", "-"): route.path})


ROUTES = [route for room in ALL for route in room.routes if not route.is_change and route.name not in NO_PAGES]
PAGES = {name: address for route in ROUTES for name, address in addresses_of(route).items()} | OTHERS


@pytest.fixture(scope="module")
def full(browser: Browser) -> Iterator[tuple[Visitor, dict[str, str], str]]:
    """A person who may do all, the names that the shop gave, and the address at which nobody is let in unasked."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shared, "shared_tasks", [])
        with Horarium("shop", store="memory://", timezone="Europe/Berlin", set_as_current=False) as app:
            names = full_shop(app)
            with (
                served(app, access=Open()) as url,
                served(app, access=Door(app)) as shut,
                visitor(browser, url, zone="Asia/Tokyo") as ana,
            ):
                yield ana, names, shut


@pytest.mark.parametrize("name", PAGES)
def test_everybody_can_use_it_everywhere(full: tuple[Visitor, dict[str, str], str], name: str) -> None:
    """Nothing for axe, the console, the content policy or a narrow screen to complain of."""
    ana, names, shut = full
    path = PAGES[name].format_map(names)
    ana.page.goto(shut + path) if name == SHUT else ana.open(path)
    ana.page.wait_for_load_state("load")
    for size in (WIDE, NARROW):
        ana.page.set_viewport_size(size)
        ana.check_access()
    assert not ana.is_wider_than_screen()
    assert not ana.askew()
    ana.screenshot(name)
    assert not ana.faults, ana.faults
