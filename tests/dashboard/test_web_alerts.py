"""The page of alerts: what fires, who is told, silences and test messages, and who may."""

from __future__ import annotations

from typing import Any

import pytest
from front_desk import Asker
from shop_floor import put_incident as put
from starlette.testclient import TestClient

from horarium import Horarium
from horarium.alerts import shelf
from horarium.dashboard.ask import Unanswerable
from horarium.dashboard.audit import read_day
from horarium.dashboard.person import Role
from horarium.dashboard.rooms import alerts

CHANNEL = {"type": "webhook", "url": "https://hooks.example/s3cret"}


def test_without_the_setting_the_page_says_that_nobody_is_told_and_what_to_write(client: TestClient) -> None:
    page = client.get("/alerts")
    assert page.status_code == 200
    assert "Nobody is told of anything" in page.text
    assert "Nobody looks at the rules" in page.text


def test_what_fires_is_shown_as_text_with_its_rule_and_where_it_is(client: TestClient, shop: Horarium) -> None:
    shop.conf.alerts = {"channels": {"ops": CHANNEL}, "rules": {"queue_old": False}}
    put(shop)
    page = client.get("/alerts").text
    assert "Queue nobody reads" in page and "firing" in page
    assert "<img src=x" not in page and "&lt;img src=x" in page
    assert "s3cret" not in page and "hooks.example" not in page
    assert "Nobody watches" in page
    assert "Rules: 6 of 7 are on" in page


def test_the_first_page_says_that_alerts_fire(client: TestClient, shop: Horarium) -> None:
    assert "alert fires" not in client.get("/").text
    put(shop)
    page = client.get("/").text
    assert "1 alert fires" in page and "<img src=x" not in page
    put(shop, under="worker_lost")
    assert "alert fires" not in client.get("/").text


def test_the_live_block_stands_by_itself(client: TestClient, shop: Horarium) -> None:
    put(shop)
    block = client.get("/alerts", headers={"HX-Target": "live"})
    assert block.status_code == 200 and "firing" in block.text


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"phase": "grace"}, "stands by"),
        ({"under": "worker_lost"}, "because of worker lost"),
    ],
)
def test_what_is_not_told_says_why(client: TestClient, shop: Horarium, fields: dict[str, Any], word: str) -> None:
    put(shop, **fields)
    assert word in client.get("/alerts").text


def test_a_silence_is_made_shown_ended_and_audited(client: TestClient, shop: Horarium) -> None:
    form = {"rule": "queue_*", "about": "mail", "lasts": "4 hours", "reason": "moving house"}
    assert client.post("/alerts/silence", data=form).headers["location"] == "/alerts"
    now = shop.engine.now()
    [made] = shelf.read_silences(shop.engine, now=now)
    assert (made.rule, made.subject, made.reason) == ("queue_*", "mail", "moving house")
    assert abs(made.until - now - 4 * 3_600_000) < 60_000
    put(shop, subject="mail")
    page = client.get("/alerts").text
    assert "moving house" in page and "⊘</span> silenced" in page
    client.post("/alerts/silence/end", data={"id": made.id})
    assert shelf.read_silences(shop.engine, now=now) == []
    assert {entry.action for entry in read_day(shop.engine, now, now=now)[0]} == {
        "alerts.silence",
        "alerts.end_silence",
    }


@pytest.mark.parametrize(
    ("form", "why"),
    [
        ({"lasts": "4 hours", "reason": ""}, "expected a reason"),
        ({"lasts": "for ever", "reason": "x"}, "choose one of 1 hour"),
    ],
)
def test_a_silence_without_reason_or_end_is_refused(asker: Asker, form: dict[str, str], why: str) -> None:
    with pytest.raises(Unanswerable) as refused:
        alerts.silence(asker.ask(form=form))
    assert why in refused.value.hint


def test_a_test_message_says_why_it_was_not_taken(asker: Asker, shop: Horarium) -> None:
    shop.conf.alerts = {"channels": {"ops": {"type": "webhook", "url": "http://127.0.0.1/"}}}
    done = alerts.test(asker.ask(form={"channel": "ops"}))
    assert not done.is_good and "private address" in done.text
    with pytest.raises(Unanswerable, match="no such channel"):
        alerts.test(asker.ask(form={"channel": "pager"}))


def test_only_operators_silence_and_test() -> None:
    changes = [route for route in alerts.room.routes if route.is_change]
    assert len(changes) == 3
    assert {route.role for route in changes} == {Role.OPERATOR}
