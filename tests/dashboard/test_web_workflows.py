"""The pages of workflows."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from front_desk import Asker, Place, eventually, visitor
from playwright.sync_api import Browser
from starlette.testclient import TestClient

from horarium import Horarium, chain, chord
from horarium.dashboard.ask import Done, Unanswerable
from horarium.dashboard.rooms import workflows

CODE = """
import time
from horarium import Horarium
app = Horarium("shop", store="sqlite:///shop.db")

@app.task
def resize(n):
    if n == 3:
        raise ValueError("no <b>such</b> picture")
    return n

@app.task
def total(numbers):
    return sum(numbers)
"""


def test_a_chain_is_listed_by_how_far_it_is(shop: Horarium, asker: Asker, client: TestClient) -> None:
    add = shop.tasks["shop.add"]
    add.delay(1, 2)  # a run without companions is no workflow
    chain(add.s(1, 2), add.s(3), app=shop).delay()
    [listed] = workflows.listing(asker.ask()).context["workflows"]
    assert (listed.task, listed.runs, listed.done, listed.failed, listed.is_running) == ("shop.add", 2, 0, 0, True)
    assert f'/workflows/{listed.root}"' in client.get("/workflows").text


def test_its_page_draws_it_and_says_the_same_as_a_list(shop: Horarium, asker: Asker) -> None:
    add = shop.tasks["shop.add"]
    chain(add.s(1, 2), add.s(3), app=shop).delay()
    [listed] = workflows.listing(asker.ask()).context["workflows"]
    context = workflows.one(asker.ask(parts={"id": listed.root})).context
    drawing = msgspec.json.decode(context["drawing"])
    assert [node["task"] for node in drawing["nodes"]] == ["shop.add", "shop.add"]
    assert len(drawing["edges"]) == 1
    assert [row["run"].id for row in context["rows"]] == [node["name"] for node in drawing["nodes"]]


def test_cancelling_it_ends_what_waits(shop: Horarium, asker: Asker) -> None:
    add = shop.tasks["shop.add"]
    chord([add.s(n, 1) for n in range(3)], app=shop)(shop.tasks["shop.charge"].s())
    [listed] = workflows.listing(asker.ask()).context["workflows"]
    parts = {"id": listed.root}
    done = workflows.cancel(asker.ask(parts=parts))
    assert isinstance(done, Done)
    assert done.is_good
    [listed] = workflows.listing(asker.ask()).context["workflows"]
    assert not listed.is_running
    again = workflows.cancel(asker.ask(parts=parts))
    assert (again.is_good, again.text) == (False, "it had ended already")


def test_an_unknown_one_is_gone(asker: Asker) -> None:
    with pytest.raises(Unanswerable, match="Nothing is known of this workflow"):
        workflows.one(asker.ask(parts={"id": "unknown"}))


def test_without_any_the_page_says_how_to_make_one(client: TestClient) -> None:
    assert "chain(fetch.s()" in client.get("/workflows").text


def test_a_browser_draws_what_has_happened_and_follows_it(browser: Browser, tmp_path: Path) -> None:
    with Place(tmp_path, CODE) as place:
        app = Horarium("test", store=f"sqlite:///{tmp_path}/shop.db", set_as_current=False)
        resize, total = (app.signature(f"shop.{name}") for name in ("resize", "total"))
        sent = chord([resize.clone((n,)) for n in range(5)], app=app)(total)
        with visitor(browser, place.serve()) as ana:
            page = ana.open("/workflows")
            page.click("table a")
            page.wait_for_selector("#drawing svg .node >> nth=5")
            assert page.locator("#drawing .node.idle").count() == 6
            place.work()
            page.wait_for_selector("#drawing .node.bad")
            eventually(lambda: app.AsyncResult(sent.id).ready(), "the end of the body")
            page.wait_for_selector("text=no <b>such</b> picture")
            ana.screenshot("workflow")
            ana.check_access()
            assert not ana.is_wider_than_screen()
        app.close()
