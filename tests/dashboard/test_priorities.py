"""Another priority for a run that waits: by the API and on its page."""

from __future__ import annotations

import re
from typing import Any

import pytest
from api_desk import V1, audited, refused
from front_desk import Asker
from gate import asking, known_as
from shop_floor import ended
from starlette.testclient import TestClient

from horarium import Horarium
from horarium.dashboard.ask import Done, Unanswerable
from horarium.dashboard.person import Role
from horarium.dashboard.rooms import ALL
from horarium.dashboard.rooms.runs import acting
from horarium.engines.records import Member

OPERATOR_KEY = {"Idempotency-Key": "sooner"}


def start(shop: Horarium, count: int = 1) -> list[str]:
    """Let a worker take what is first in line; return the ids."""
    now = shop.engine.now()
    shop.engine.queue.renew([Member(owner="c", kind="child", name="w1@vm")], now=now, lease=60.0)
    return [each.message.id for each in shop.engine.queue.claim(["default"], "c", count, now=now)]


def priority(shop: Horarium, id: str) -> int:
    [run] = shop.engine.results.read([id])
    assert run is not None
    return run.message.priority


def ask(client: TestClient, id: str, priority: Any, **options: Any) -> Any:
    return client.post(f"{V1}/runs/{id}/priority", json={"priority": priority}, **options)


def test_a_waiting_run_is_given_a_priority_and_starts_by_it(client: TestClient, shop: Horarium) -> None:
    first, second = (shop.send_task("shop.add", (1, 2)).id for _ in range(2))
    answer = client.post(f"{V1}/runs/{second}/priority", json={"priority": 7, "reason": "the boss waits"})
    assert answer.status_code == 200
    assert (answer.json()["id"], answer.json()["priority"], answer.json()["state"]) == (second, 7, "PENDING")
    assert client.get(f"{V1}/runs/{second}").json()["priority"] == 7
    [entry] = client.get(f"{V1}/audit").json()["items"]
    assert (entry["action"], entry["about"], entry["reason"]) == ("runs.priority", second, "the boss waits")
    assert (entry["before"], entry["after"]) == ({"priority": 5}, {"priority": 7})
    assert start(shop, 2) == [second, first]


def test_what_runs_already_or_has_ended_or_is_not_there_is_refused(client: TestClient, shop: Horarium) -> None:
    id = shop.send_task("shop.add", (1, 2)).id
    assert start(shop) == [id]
    problem = refused(ask(client, id, 7), 409, "not_waiting")
    assert problem["title"] == "nothing was done: it is already running"
    ended(shop, "old")
    problem = refused(ask(client, "old", 7), 409, "not_waiting")
    assert problem["title"] == "nothing was done: it has ended: succeeded"
    refused(ask(client, "nothing", 7), 404, "not_found")
    assert (priority(shop, id), priority(shop, "old"), audited(client)) == (5, 5, [])


@pytest.mark.parametrize("wrong", [-1, 10, 2.5, "high", None, True])
def test_what_is_no_priority_is_refused(client: TestClient, shop: Horarium, wrong: Any) -> None:
    id = shop.send_task("shop.add", (1, 2)).id
    refused(ask(client, id, wrong), 422, "invalid_request")
    assert priority(shop, id) == 5


def test_the_same_priority_once_more_is_well_and_no_change(client: TestClient, shop: Horarium) -> None:
    id = shop.send_task("shop.add", (1, 2)).id
    assert [ask(client, id, 7).status_code for _ in range(2)] == [200, 200]
    assert audited(client) == ["runs.priority"]


def test_a_repeat_with_the_same_key_undoes_nothing(client: TestClient, shop: Horarium) -> None:
    id, other = (shop.send_task("shop.add", (1, 2)).id for _ in range(2))
    assert ask(client, id, 7, headers=OPERATOR_KEY).json()["priority"] == 7
    shop.control.set_priority(id, 2)
    assert ask(client, id, 7, headers=OPERATOR_KEY).json()["priority"] == 2
    assert start(shop, 2) == [other, id]
    assert ask(client, id, 7, headers=OPERATOR_KEY).status_code == 200  # it was done, when it could be
    refused(ask(client, id, 8, headers=OPERATOR_KEY), 409, "key_was_used")
    refused(ask(client, other, 7, headers=OPERATOR_KEY), 409, "key_was_used")
    assert audited(client) == ["runs.priority"]
    tomorrow = shop.engine.now() + 86_400_001
    assert shop.engine.notes.read("idempotency:", now=tomorrow) == []
    [note] = shop.engine.notes.read("idempotency:", now=tomorrow - 60_000)
    shop.engine.notes.erase([note.key])
    refused(ask(client, id, 7, headers=OPERATOR_KEY), 409, "not_waiting")


def test_a_key_that_changed_nothing_can_be_used_again(client: TestClient, shop: Horarium) -> None:
    id = shop.send_task("shop.add", (1, 2)).id
    start(shop)
    refused(ask(client, id, 7, headers=OPERATOR_KEY), 409, "not_waiting")
    shop.engine.inspector.leave(["c"], now=shop.engine.now())
    assert ask(client, id, 7, headers=OPERATOR_KEY).json()["priority"] == 7


@pytest.mark.parametrize(("role", "status"), [(Role.VIEWER, 403), (Role.OPERATOR, 200)])
def test_operators_may_and_viewers_may_not(shop: Horarium, role: Role, status: int) -> None:
    id = shop.send_task("shop.add", (1, 2)).id
    client = asking(shop, known_as(role), rooms=ALL)
    assert ask(client, id, 7, headers={"horarium-csrf": "the proof"}).status_code == status
    assert priority(shop, id) == (7 if status == 200 else 5)


def form(page: str) -> str:
    found = re.search(r'<form id="act-priority".*?</form>', page, re.DOTALL)
    return "" if found is None else found[0]


def test_the_page_of_a_waiting_run_has_a_form_and_that_of_another_has_none(client: TestClient, shop: Horarium) -> None:
    id = shop.send_task("shop.add", (1, 2), priority=3).id
    page = client.get(f"/runs/{id}").text
    assert '<option value="3" selected>3</option>' in form(page) and "disabled" not in form(page)
    assert len(re.findall("<option", form(page))) == 10
    assert ", priority 3" in page
    start(shop)
    assert not form(client.get(f"/runs/{id}").text)
    ended(shop, "old")
    assert not form(client.get("/runs/old").text)


def test_a_viewer_sees_the_form_and_cannot_send_it(shop: Horarium) -> None:
    id = shop.send_task("shop.add", (1, 2)).id
    page = asking(shop, known_as(Role.VIEWER), rooms=ALL).get(f"/runs/{id}").text
    assert form(page).count("disabled") == 2 and "needs the right of an operator" in form(page)


def test_the_form_gives_the_run_its_priority(client: TestClient, shop: Horarium) -> None:
    id = shop.send_task("shop.add", (1, 2)).id
    answer = client.post(f"/runs/{id}/priority", data={"priority": "9"})
    assert (answer.status_code, answer.headers["location"]) == (303, f"/runs/{id}")
    assert '<option value="9" selected>9 (first)</option>' in form(client.get(f"/runs/{id}").text)
    assert audited(client) == ["runs.priority"]


def test_the_form_tells_what_became_of_it(shop: Horarium, asker: Asker) -> None:
    id = shop.send_task("shop.add", (1, 2)).id

    def send(priority: str) -> Done:
        answer = acting.priority(asker.ask(parts={"id": id}, form={"priority": priority}))
        assert isinstance(answer, Done)
        return answer

    assert send("8").text == "It has priority 8 now"
    assert send("8").text == "It has priority 8 already"
    for wrong in ("", "10", "-1", "high", "²"):
        with pytest.raises(Unanswerable, match="0 to 9"):
            send(wrong)
    start(shop)
    with pytest.raises(Unanswerable, match="Nothing was done: it is already running") as caught:
        send("9")
    assert caught.value.status == 409 and priority(shop, id) == 8
