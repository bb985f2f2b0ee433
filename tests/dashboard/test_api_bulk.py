"""Orders for many runs by the API: a dry run first, then the order, how far it is, and its end."""

from __future__ import annotations

from typing import Any

import pytest
from api_desk import V1, audited, refused
from shop_floor import ended
from starlette.testclient import TestClient

from horarium import Horarium
from horarium.dashboard.carrier import carrier_of
from horarium.observe import bulk
from horarium.observe.bulk import Order

RETRY = {"action": "retry", "q": "state:failed", "reason": "the gateway is back"}


def failures(shop: Horarium, number: int) -> None:
    for each in range(number):
        ended(shop, f"r{each:03}", state="FAILURE", ago=1000 + each)


def carried_out(shop: Horarium, client: TestClient, answer: Any) -> dict[str, Any]:
    """Return how an order stands when it has been carried out."""
    assert answer.status_code == 202, answer.text
    assert answer.headers["location"] == answer.json()["url"] == f"{V1}/bulk/{answer.json()['id']}"
    assert carrier_of(shop).wait(20.0)
    stand: dict[str, Any] = client.get(answer.headers["location"]).json()
    return stand


def test_a_dry_run_tells_what_would_be_done_and_changes_nothing(shop: Horarium, client: TestClient) -> None:
    failures(shop, 3)
    shop.tasks["shop.add"].delay(1, 2)
    answer = client.post(f"{V1}/bulk", json={"action": "retry", "q": "task:shop.add", "dry_run": True})
    assert answer.status_code == 200
    told = answer.json()
    assert (told["id"], told["matched"], told["able"]) == (None, 4, 3)
    assert told["cannot"] == [{"reason": "it has not ended: it is PENDING", "count": 1}]
    assert shop.engine.inspector.counts().states == {"FAILURE": 3, "PENDING": 1}
    assert audited(client) == [] and client.get(f"{V1}/bulk").json()["items"] == []


def test_an_order_does_what_its_dry_run_told_and_tells_of_each_run(shop: Horarium, client: TestClient) -> None:
    failures(shop, 120)
    seen = client.post(f"{V1}/bulk", json={**RETRY, "dry_run": True}).json()
    ended(shop, "later", state="FAILURE", ago=-5000)  # it was not there when the dry run was made
    ordered = client.post(f"{V1}/bulk", json={**RETRY, "at": seen["at"], "matched": seen["matched"], "spread": 60})
    stand = carried_out(shop, client, ordered)
    assert (stand["state"], stand["matched"], stand["seen"], stand["done"]) == ("done", 120, 120, 120)
    assert (stand["action"], stand["q"], stand["reason"]) == ("retry", "state:failed", "the gateway is back")
    first = client.get(f"{ordered.headers['location']}/effects").json()
    second = client.get(f"{ordered.headers['location']}/effects?cursor={first['next']}").json()
    assert (len(first["items"]), len(second["items"]), second["next"]) == (100, 20, None)
    made = shop.engine.results.read([each["new"] for each in first["items"] + second["items"]])
    assert {run.message.headers["retry_of"] for run in made if run is not None} == {f"r{n:03}" for n in range(120)}
    assert len({run.message.eta for run in made if run is not None}) == 120  # spread
    entry = client.get(f"{V1}/audit").json()["items"][0]
    assert (entry["action"], entry["reason"]) == ("bulk.order", "the gateway is back")


def test_runs_are_cancelled_by_their_ids_and_those_that_ended_are_told(shop: Horarium, client: TestClient) -> None:
    waiting = shop.tasks["shop.add"].delay(1, 2).id
    ended(shop, "over")
    order = {"action": "cancel", "ids": [waiting, "over", waiting, "unknown"]}
    answer = client.post(f"{V1}/bulk", json=order)
    assert (answer.json()["matched"], answer.json()["able"]) == (2, 1)
    stand = carried_out(shop, client, answer)
    assert (stand["q"], stand["ids"], stand["seen"], stand["done"]) == (None, 3, 2, 1)
    assert client.get(f"{V1}/runs/{waiting}").json()["state"] == "REVOKED"


def test_a_repeat_with_the_same_key_is_the_same_order(shop: Horarium, client: TestClient) -> None:
    failures(shop, 2)
    key = {"Idempotency-Key": "night"}
    first = client.post(f"{V1}/bulk", json=RETRY, headers=key)
    carried_out(shop, client, first)
    second = client.post(f"{V1}/bulk", json=RETRY, headers=key)
    assert second.status_code == 200 and second.headers["location"] == first.headers["location"]
    assert second.json()["id"] == first.json()["id"] and not second.json()["is_new"]
    assert shop.engine.inspector.counts().states == {"FAILURE": 2, "PENDING": 2}
    refused(client.post(f"{V1}/bulk", json={**RETRY, "action": "cancel"}, headers=key), 409, "key_was_used")
    assert audited(client) == ["bulk.order"]


def test_an_order_is_stopped_once(shop: Horarium, client: TestClient) -> None:
    failures(shop, 2)
    order = bulk.place(shop, Order(id="", act="retry", at=shop.engine.now(), q="state:failed", matched=2))
    assert client.delete(f"{V1}/bulk/{order.id}").status_code == 200
    assert client.get(f"{V1}/bulk/{order.id}").json()["state"] == "stopped"
    refused(client.delete(f"{V1}/bulk/{order.id}"), 409, "has_ended")
    refused(client.post(f"{V1}/bulk/{order.id}/continue"), 409, "not_left")
    assert shop.engine.inspector.counts().states == {"FAILURE": 2}
    assert audited(client) == ["bulk.stop"]


def test_an_order_that_was_left_is_gone_on_with(
    shop: Horarium, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures(shop, 2)
    order = bulk.place(shop, Order(id="", act="retry", at=shop.engine.now(), q="state:failed", matched=2))
    with monkeypatch.context() as patch:
        patch.setattr(bulk, "SILENT", -1.0)  # as if it had been that long ago
        [listed] = client.get(f"{V1}/bulk").json()["items"]
        assert (listed["id"], listed["state"]) == (order.id, "left")
        assert client.post(f"{V1}/bulk/{order.id}/continue").status_code == 200
        assert carrier_of(shop).wait(20.0)
    assert client.get(f"{V1}/bulk/{order.id}").json()["done"] == 2


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"action": "retry"}, 422, "invalid_order"),
        ({"action": "retry", "q": "", "ids": ["a"]}, 422, "invalid_order"),
        ({"action": "cancel", "q": "", "spread": 60}, 422, "invalid_order"),
        ({"action": "retry", "q": "stat:x"}, 422, "invalid_question"),
        ({"action": "remove", "q": ""}, 422, "invalid_request"),
        ({"action": "retry", "ids": []}, 422, "invalid_request"),
        ({"action": "retry", "ids": ["unknown"]}, 409, "nothing_matches"),
        ({"action": "retry", "q": "state:dead"}, 409, "nothing_matches"),
    ],
)
def test_an_order_that_means_nothing_is_refused(
    client: TestClient, body: dict[str, Any], status: int, code: str
) -> None:
    refused(client.post(f"{V1}/bulk", json=body), status, code)
    assert audited(client) == []


def test_of_an_order_that_is_not_kept_nothing_is_known(client: TestClient) -> None:
    for method, path in (("GET", ""), ("GET", "/effects"), ("POST", "/continue"), ("DELETE", "")):
        refused(client.request(method, f"{V1}/bulk/none{path}"), 404, "not_found")
