"""What schedules will do, told by the API: firings with their clock changes, counts by time, and what is wrong with one
that nobody has stored."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from api_desk import V1, audited, refused
from starlette.testclient import TestClient
from timed_shop import timed_shop

from horarium import Horarium, crontab
from horarium.clock import ManualClock, to_instant
from horarium.dashboard import web
from horarium.dashboard.person import Open

EVENING = {"name": "evening", "task": "shop.add", "args": [1, 2], "schedule": "30 18 * * *"}


def test_a_preview_shows_what_clock_changes_do_and_stores_nothing(client: TestClient) -> None:
    since = "2027-03-27T08:00:00Z"
    asked = {"schedule": "30 2 * * *", "timezone": "Europe/Berlin", "n": 2, "since": since}
    first, second = client.post(f"{V1}/schedules/preview", json=asked).json()["items"]
    assert first["local"] == "2027-03-28T03:00:00+02:00" and "clocks go forward" in first["remark"]
    assert second["local"] == "2027-03-29T02:30:00+02:00"
    assert client.get(f"{V1}/schedules").json()["items"] == [] and audited(client) == []
    refused(client.post(f"{V1}/schedules/preview", json={"schedule": "61 * * * *"}), 422, "invalid_schedule")


def lint(client: TestClient, **fields: Any) -> dict[str, Any]:
    answer = client.post(f"{V1}/schedules/lint", json={**EVENING, **fields})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_a_schedule_that_would_do_is_told_with_its_firings_and_its_clock_changes(
    client: TestClient, shop: Horarium
) -> None:
    told = lint(client, schedule="30 2 * * *", timezone="Europe/Berlin", n=3)
    assert (told["ok"], told["problems"], told["words"]) == (True, [], "At 02:30")
    assert len(told["firings"]) == 3 and {each["schedule"] for each in told["firings"]} == {"evening"}
    assert any("clocks go forward" in each["remark"] for each in told["changes"])
    assert list(shop.schedules.find()) == [] and audited(client) == []
    stored = client.post(f"{V1}/schedules", json={**EVENING, "schedule": "30 2 * * *", "timezone": "Europe/Berlin"})
    assert stored.json()["next_fire"] == told["firings"][0]["at"]


@pytest.mark.parametrize(
    ("fields", "codes", "is_timed"),
    [
        ({"schedule": "61 * * * *"}, ["invalid_schedule"], False),
        ({"schedule": "0 0 30 2 *"}, ["invalid_schedule"], False),  # it never fires
        ({"timezone": "Europe/Berlyn"}, ["invalid_schedule"], False),
        ({"task": "shop.ad"}, ["unknown_task"], True),
        ({"args": [1]}, ["invalid_arguments"], True),
        ({"options": {"priority": "high"}}, ["invalid_arguments"], True),
        ({"name": "hourly"}, ["conflict"], True),
        (
            {"name": "hourly", "schedule": "61 * * * *", "args": [1]},
            ["conflict", "invalid_schedule", "invalid_arguments"],
            False,
        ),
        (
            {"name": "hourly", "timezone": "nowhere", "task": "x"},
            ["conflict", "invalid_schedule", "unknown_task"],
            False,
        ),
    ],
)
def test_all_that_is_wrong_is_told_at_once_as_storing_it_would_tell(
    client: TestClient, shop: Horarium, fields: dict[str, Any], codes: list[str], is_timed: bool
) -> None:
    shop.schedules.create("hourly", "shop.add", crontab(minute=5), args=[1, 2])
    told = lint(client, **fields)
    assert (told["ok"], [each["code"] for each in told["problems"]]) == (False, codes)
    assert bool(told["firings"]) == is_timed and all(each["text"] for each in told["problems"])
    answer = client.post(f"{V1}/schedules", json={**EVENING, **fields})
    assert answer.json()["code"] in codes
    assert [each.name for each in shop.schedules.find()] == ["hourly"]


def test_a_definition_that_is_no_schedule_at_all_is_refused(client: TestClient) -> None:
    refused(client.post(f"{V1}/schedules/lint", json={"name": "x"}), 422, "invalid_request")
    refused(client.post(f"{V1}/schedules/lint", json={**EVENING, "colour": "red"}), 422, "invalid_request")


def test_the_next_firings_are_told_in_the_zone_that_is_asked_for(client: TestClient, shop: Horarium) -> None:
    shop.schedules.create("evening", "shop.add", crontab(30, 18), args=[1, 2], timezone="Europe/Berlin")
    own = client.get(f"{V1}/schedules/evening/next?n=2").json()["items"]
    there = client.get(f"{V1}/schedules/evening/next?n=2&tz=Asia/Tokyo").json()["items"]
    assert [each["at"] for each in own] == [each["at"] for each in there]
    assert "T18:30:00+0" in own[0]["local"] and there[0]["local"].endswith(":30:00+09:00")
    refused(client.get(f"{V1}/schedules/evening/next?tz=Asia/Tokio"), 422, "unknown_zone")
    refused(client.get(f"{V1}/schedules/evening/next?zone=UTC"), 422, "unknown_field")


def test_a_calendar_counts_by_hours_and_by_days() -> None:
    """Of 2027-03-27 06:20 to the 29th: whole buckets, however their ends lie."""
    clock = ManualClock(to_instant(datetime(2027, 3, 27, 5, tzinfo=UTC)))
    with timed_shop(clock) as app:
        app.schedules.create("each", "shop.charge", crontab(minute="*/20"), args=[1])
        app.schedules.create("noon", "shop.charge", crontab(0, 12), args=[1], timezone="UTC")
        client = TestClient(web(app, access=Open()), base_url="http://127.0.0.1")
        asked = {"since": "2027-03-27T06:20:00Z", "until": "2027-03-29T00:00:00Z"}
        hours = client.get(f"{V1}/schedules/calendar", params={**asked, "bucket": "1h"}).json()
        assert hours["items"] == [] and len(hours["buckets"]) == 42
        assert hours["buckets"][0] == {"at": "2027-03-27T06:00:00.000Z", "count": 3, "peak": 1}
        assert hours["buckets"][6] == {"at": "2027-03-27T12:00:00.000Z", "count": 4, "peak": 2}
        days = client.get(f"{V1}/schedules/calendar", params={**asked, "bucket": "1d"}).json()
        assert days["buckets"] == [
            {"at": "2027-03-27T00:00:00.000Z", "count": 73, "peak": 2},
            {"at": "2027-03-28T00:00:00.000Z", "count": 73, "peak": 2},
        ]
        assert (days["approx_total"], days["total_is_capped"]) == (146, False)
        refused(client.get(f"{V1}/schedules/calendar", params={**asked, "bucket": "1m"}), 422, "invalid_request")
        listed = client.get(f"{V1}/schedules/calendar", params={**asked, "tz": "Asia/Tokyo"}).json()
        assert listed["buckets"] is None and listed["items"][0]["local"] == "2027-03-27T15:20:00+09:00"
