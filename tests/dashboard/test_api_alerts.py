"""Alerts, silences and channels by the API: what the page Alerts shows and does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from api_desk import V1, audited, refused
from shop_floor import HOSTILE, put_incident
from starlette.testclient import TestClient

from horarium import Horarium
from horarium.alerts import shelf
from horarium.alerts.shelf import Watching

UNREACHED = {"type": "webhook", "url": "https://127.0.0.1/secret-path"}  # private, which is not allowed


def later(shop: Horarium, **spans: float) -> str:
    return (datetime.fromtimestamp(shop.engine.now() / 1000, UTC) + timedelta(**spans)).isoformat()


def silencing(shop: Horarium, **fields: Any) -> dict[str, Any]:
    return {"until": later(shop, hours=4), "reason": "the move", "rule": "queue_*", **fields}


def test_what_is_wrong_is_told_and_what_was(shop: Horarium, client: TestClient) -> None:
    put_incident(shop)
    now = shop.engine.now()
    shelf.stand_by(shop.engine, Watching(id="w", since=now, name="worker w1@vm"), now=now, lease=60.0)
    answer = client.get(f"{V1}/alerts").json()
    [alert] = answer["items"]
    assert (alert["rule"], alert["about"], alert["phase"], alert["is_told"]) == (
        "queue_unread", HOSTILE, "firing", True,
    )  # fmt: skip
    assert (answer["is_set"], answer["watchers"], answer["approx_total"]) == (False, ["worker w1@vm"], 1)
    [past] = client.get(f"{V1}/alerts/history").json()["items"]
    assert past["about"] == HOSTILE


def test_a_silence_has_an_end_and_a_reason_and_covers_at_once_what_it_names(shop: Horarium, client: TestClient) -> None:
    put_incident(shop)
    made = client.post(f"{V1}/silences", json=silencing(shop))
    assert made.status_code == 201 and (made.json()["rule"], made.json()["about"]) == ("queue_*", "*")
    [alert] = client.get(f"{V1}/alerts").json()["items"]
    assert (alert["silence"], alert["is_told"]) == (made.json()["id"], False)
    assert client.get(f"{V1}/silences").json()["items"] == [made.json()]
    assert client.delete(f"{V1}/silences/{made.json()['id']}").status_code == 200
    assert client.get(f"{V1}/alerts").json()["items"][0]["is_told"]
    refused(client.delete(f"{V1}/silences/{made.json()['id']}"), 404, "not_found")
    assert audited(client) == ["silences.end", "silences.add"]


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"reason": ""}, "invalid_request"),
        ({"reason": "  "}, "invalid_arguments"),
        ({"until": "2020-01-01T00:00:00Z"}, "invalid_arguments"),
        ({"until": "9000-01-01T00:00:00Z"}, "invalid_arguments"),
        ({"until": "tomorrow"}, "invalid_request"),
        ({"for": "ever"}, "invalid_request"),
    ],
)
def test_a_silence_without_an_end_or_a_reason_is_refused(
    shop: Horarium, client: TestClient, fields: dict[str, str], code: str
) -> None:
    refused(client.post(f"{V1}/silences", json=silencing(shop, **fields)), 422, code)
    refused(client.post(f"{V1}/silences", json={"reason": "the move"}), 422, "invalid_request")
    assert client.get(f"{V1}/silences").json()["items"] == []


def test_channels_are_listed_without_their_addresses_and_tried(shop: Horarium, client: TestClient) -> None:
    shop.conf.alerts = {"channels": {"ops": UNREACHED}}
    [channel] = client.get(f"{V1}/channels").json()["items"]
    assert channel == {"id": "ops", "kind": "webhook", "waiting": 0, "held": 0, "last": None}
    tried = client.post(f"{V1}/channels/ops/test")
    assert (tried.status_code, tried.json()["outcome"]) == (200, "given up")
    assert "private address" in tried.json()["trouble"]
    [delivery] = client.get(f"{V1}/alerts/deliveries").json()["items"]
    listed = client.get(f"{V1}/channels")
    assert delivery == tried.json() == listed.json()["items"][0]["last"]
    assert "secret-path" not in tried.text + listed.text
    assert client.get(f"{V1}/alerts").json()["is_set"]
    [entry] = client.get(f"{V1}/audit").json()["items"]
    assert entry["action"] == "channels.test" and "did not take it" in entry["text"]


def test_a_channel_that_there_is_not_cannot_be_tried(client: TestClient) -> None:
    assert client.get(f"{V1}/channels").json()["items"] == []
    refused(client.post(f"{V1}/channels/pager/test"), 404, "not_found")
    assert audited(client) == []
