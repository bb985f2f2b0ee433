"""The pages of workflows."""

from __future__ import annotations

import msgspec
import pytest
from front_desk import Asker
from starlette.testclient import TestClient

from horarium import Horarium, chain, chord
from horarium.dashboard.ask import Done, Unanswerable
from horarium.dashboard.rooms import workflows


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
