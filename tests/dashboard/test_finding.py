"""Going to a page by a part of a name: Ctrl-K."""

from __future__ import annotations

from pathlib import Path

import pytest
from front_desk import Asker, Place, shown, visitor
from playwright.sync_api import Browser, expect
from starlette.testclient import TestClient

from horarium import Horarium
from horarium.dashboard.rooms import finding

SHOP = """
from horarium import Horarium, crontab

app = Horarium("shop", store="sqlite:///shop.db")


@app.task(name="shop.charge")
def charge(order: int) -> int:
    return order


app.conf.beat_schedule = {"nightly charge": {"task": "shop.charge", "schedule": crontab(hour=2), "args": [1]}}
"""


def goals(asker: Asker, text: str) -> list[tuple[str, str, str]]:
    context = shown(finding.find(asker.ask(query={"q": text})))
    return [(goal.kind, goal.name, goal.path) for goal in context["goals"]]


def test_all_pages_are_offered_until_something_is_typed(asker: Asker) -> None:
    assert [name for _, name, _ in goals(asker, "")] == list(finding.PAGES)


def test_every_page_that_is_offered_is_there(client: TestClient) -> None:
    assert {path: client.get(path).status_code for path in finding.PAGES.values()} == dict.fromkeys(
        finding.PAGES.values(), 200
    )


@pytest.mark.parametrize("text", ["charge", "CHARGE", "  charge "])
def test_tasks_schedules_queues_and_runs_are_found_by_a_part_of_their_names(
    shop: Horarium, asker: Asker, text: str
) -> None:
    shop.schedules.create("late/charge", "shop.charge", 60.0, args=[1])
    run = shop.tasks["shop.charge"].apply_async((1,), queue="charges")
    found = goals(asker, text)
    assert ("task", "shop.charge", "/tasks/shop.charge") in found
    assert ("schedule", "late/charge", "/schedules/late%2Fcharge") in found
    assert ("queue", "charges", "/queues/charges") in found
    assert ("run", run.id, f"/runs/{run.id}") in goals(asker, run.id)


def test_what_begins_with_the_text_stands_first_and_few_of_a_kind_are_shown(shop: Horarium, asker: Asker) -> None:
    for number in range(20):
        shop.schedules.create(f"a{number:02} sum", "shop.charge", 60.0, args=[1])
    shop.schedules.create("sum of all", "shop.charge", 60.0, args=[1])
    names = [name for kind, name, _ in goals(asker, "sum") if kind == "schedule"]
    assert names == ["sum of all", *(f"a{number:02} sum" for number in range(finding.OF_A_KIND - 1))]


def test_hostile_text_is_shown_as_text(client: TestClient) -> None:
    page = client.get("/find", params={"q": "<script>alert(1)</script>"})
    assert page.status_code == 200 and "<script>alert" not in page.text


def test_it_is_opened_typed_into_and_gone_from_by_keys(browser: Browser, tmp_path: Path) -> None:
    with Place(tmp_path, SHOP) as place, visitor(browser, place.serve()) as ana:
        page = ana.page
        page.goto(place.url)
        page.keyboard.press("Control+k")
        expect(page.locator("#palette")).to_be_visible()
        page.keyboard.type("charge")
        expect(page.locator("#palette-goals a.here")).to_contain_text("shop.charge")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("ArrowUp")
        page.keyboard.press("Enter")
        expect(page.locator("h1")).to_contain_text("shop.charge")
