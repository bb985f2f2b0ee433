"""The API for programs: its answers, its refusals, and what it never does twice."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from api_desk import V1, audited, refused
from front_desk import in_a_loop
from msgspec import Raw
from shop_floor import ended, worker
from starlette.requests import HTTPConnection
from starlette.testclient import TestClient

from horarium import Horarium
from horarium.dashboard import web
from horarium.dashboard.access import Door, hashed
from horarium.dashboard.access.passwords import User
from horarium.dashboard.access.tokens import Tokens
from horarium.dashboard.api import routes
from horarium.dashboard.api.watch import told
from horarium.dashboard.person import Person, Role
from horarium.errors import EngineUnavailable
from horarium.message import Join
from horarium.tally import Tally

CALL = {"task": "shop.add", "args": [1, 2]}
EVENING = {"name": "tenants/evening", "task": "shop.add", "args": [1, 2], "schedule": "30 18 * * *"}
PATH = f"{V1}/schedules/tenants%2Fevening"


def test_a_call_is_sent_shown_and_audited_row_118(client: TestClient, shop: Horarium) -> None:
    made = client.post(f"{V1}/runs", json=CALL)
    assert made.status_code == 201 and made.json()["is_new"]
    shown = client.get(made.headers["location"]).json()
    assert (shown["task"], shown["args"], shown["state"], shown["word"]) == ("shop.add", [1, 2], "PENDING", "queued")
    assert shown["created"].endswith("Z") and shop.engine.results.read([shown["id"]])[0] is not None
    assert audited(client) == ["runs.call"]


def test_a_repeat_with_the_same_key_makes_no_second_run(client: TestClient, shop: Horarium) -> None:
    key = {"Idempotency-Key": "order-7"}
    first, second = (client.post(f"{V1}/runs", json=CALL, headers=key) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json()["id"] == second.json()["id"] and not second.json()["is_new"]
    assert len(client.get(f"{V1}/runs").json()["items"]) == 1
    other = client.post(f"{V1}/runs", json={**CALL, "args": [3, 4]}, headers=key)
    refused(other, 409, "key_was_used")


def test_only_known_tasks_are_sent_with_arguments_that_fit(client: TestClient) -> None:
    assert "'shop.add'" in refused(client.post(f"{V1}/runs", json={"task": "shop.ad"}), 422, "unknown_task")["title"]
    refused(client.post(f"{V1}/runs", json={**CALL, "args": [1]}), 422, "invalid_arguments")
    refused(client.post(f"{V1}/runs", json={**CALL, "arg": [1]}), 422, "invalid_request")
    half = '{"task": "shop.add", "args": ["\\ud800", 1]}'  # of a character
    answer = client.post(f"{V1}/runs", content=half, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422
    assert client.get(f"{V1}/runs").json()["items"] == []


def test_a_run_that_has_ended_is_sent_again_once_for_each_key(client: TestClient, shop: Horarium) -> None:
    ended(shop, "old", state="FAILURE")
    key = {"Idempotency-Key": "again"}
    ids = {client.post(f"{V1}/runs/old/retry", headers=key).json()["id"] for _ in range(2)}
    assert len(ids) == 1 and "old" not in ids
    [run] = shop.engine.results.read(list(ids))
    assert run is not None and run.message.headers["retry_of"] == "old"
    refused(client.post(f"{V1}/runs/{run.id}/retry"), 409, "cannot_run_again")


def test_a_waiting_run_is_cancelled_and_an_ended_one_is_not(client: TestClient, shop: Horarium) -> None:
    id = shop.send_task("shop.add", (1, 2)).id
    assert client.post(f"{V1}/runs/{id}/cancel", json={"reason": "a mistake"}).status_code == 200
    assert client.get(f"{V1}/runs/{id}").json()["state"] == "REVOKED"
    [entry] = client.get(f"{V1}/audit").json()["items"]
    assert (entry["action"], entry["about"], entry["reason"]) == ("runs.cancel", id, "a mistake")
    refused(client.post(f"{V1}/runs/{id}/cancel"), 409, "nothing_to_cancel")
    refused(client.post(f"{V1}/runs/nothing/cancel"), 404, "not_found")


def test_a_failed_run_tells_its_attempts_and_what_it_logged(client: TestClient, shop: Horarium) -> None:
    ended(shop, "bad", state="FAILURE", logs=("line 1", "line 2"))
    shown = client.get(f"{V1}/runs/bad").json()
    assert shown["ran_seconds"] == 0.5 and shown["error"]["text"] == "no answer"
    [attempt] = client.get(f"{V1}/runs/bad/attempts").json()["items"]
    assert attempt["outcome"] == "failed" and attempt["error"]["traceback"].startswith("Traceback")
    assert client.get(f"{V1}/runs/bad/logs").json()["items"] == ["line 1", "line 2"]


def test_a_result_that_is_too_long_is_told_as_such_and_had_as_a_part(client: TestClient, shop: Horarium) -> None:
    long = msgspec.json.encode([{"city": "Köln", "password": "hunter2"}] * 10_000)
    ended(shop, "big", result=Raw(long))
    shown = client.get(f"{V1}/runs/big").json()
    assert shown["result"] is None and shown["args"] == [1, 2] and list(shown["cut"]) == ["result"]
    assert shown["cut"]["result"]["size_bytes"] == len(long)
    assert shown["cut"]["result"]["beginning"].startswith('[{"city":"Köln"')
    part = client.get(f"{V1}/runs/big/parts/result")
    assert part.headers["content-type"] == "application/json" and len(part.json()) == 10_000
    assert "hunter2" not in part.text + str(shown)
    assert client.get(f"{V1}/runs/big/parts/args").json() == [1, 2]
    refused(client.get(f"{V1}/runs/big/parts/meta"), 404, "not_found")
    refused(client.get(f"{V1}/runs/big/parts/secret"), 422, "invalid_request")


def test_secrets_are_shown_by_neither_of_the_apis(client: TestClient, shop: Horarium) -> None:
    ended(shop, "paid", args=Raw(b"[]"), kwargs=Raw(b'{"password":"hunter2"}'), logs=("password=hunter2",))
    client.post(
        f"{V1}/schedules", json={**EVENING, "task": "shop.charge", "args": [1], "kwargs": {"card": "4111111111111111"}}
    )
    paths = (
        "runs",
        "runs/paid",
        "runs/paid/parts/kwargs",
        "runs/paid/logs",
        "runs/paid/attempts",
        "runs/paid/tree",
        "schedules/tenants%2Fevening",
    )
    told = [client.get(f"{V1}/{path}").text for path in paths]
    told += [client.get(path).text for path in ("/api/tasks", "/api/task/info/paid", "/api/tasks?search=hunter")]
    assert "hunter2" not in "".join(told) and "4111111111111111" not in "".join(told)
    assert told[-1] == "{}"  # what is not shown cannot be searched either


def test_pages_lead_forth_and_back_and_every_run_is_on_one(client: TestClient, shop: Horarium) -> None:
    ids = [ended(shop, f"run-{number}", ago=1000 * number + 5000).id for number in range(5)]
    first = client.get(f"{V1}/runs?limit=2&state=SUCCESS").json()
    assert (first["approx_total"], first["total_is_capped"], first["prev"]) == (5, False, None)
    second = client.get(f"{V1}/runs?limit=2&state=SUCCESS&cursor={first['next']}").json()
    third = client.get(f"{V1}/runs?limit=2&state=SUCCESS&cursor={second['next']}").json()
    assert [run["id"] for page in (first, second, third) for run in page["items"]] == ids
    assert third["next"] is None
    back = client.get(f"{V1}/runs?limit=2&state=SUCCESS&cursor={third['prev']}").json()
    assert back["items"] == second["items"]


def test_only_cursors_that_the_same_listing_gave_are_taken(client: TestClient, shop: Horarium) -> None:
    for number in range(3):
        ended(shop, f"run-{number}")
    cursor = client.get(f"{V1}/runs?limit=1").json()["next"]
    assert client.get(f"{V1}/runs?limit=1&cursor={cursor}").status_code == 200
    changed = ("A" if cursor[0] != "A" else "B") + cursor[1:]
    for query in (f"limit=1&cursor={changed}", f"limit=2&cursor={cursor}", f"limit=1&q=state:failed&cursor={cursor}"):
        refused(client.get(f"{V1}/runs?{query}"), 422, "invalid_cursor")
    refused(client.get(f"{V1}/schedules?limit=1&cursor={cursor}"), 422, "invalid_cursor")


def test_runs_are_found_by_the_question_that_pages_ask(client: TestClient, shop: Horarium) -> None:
    ended(shop, "good")
    ended(shop, "bad", state="FAILURE", args=Raw(b"[1115,2]"))
    found = client.get(f"{V1}/runs", params={"q": "state:failed args.a:1115"}).json()
    assert [run["id"] for run in found["items"]] == ["bad"] and found["approx_total"] == 1
    assert "at character" in refused(client.get(f"{V1}/runs?q=stat:x"), 422, "invalid_question")["title"]


@pytest.mark.parametrize(
    ("path", "word"), [("/runs?colour=red", "state"), ("/queues?limit=1", "none"), ("/runs/x?a=b", "none")]
)
def test_a_field_of_the_query_that_nobody_reads_is_refused(client: TestClient, path: str, word: str) -> None:
    assert word in refused(client.get(V1 + path), 422, "unknown_field")["hint"]


def test_a_workflow_is_told_as_runs_and_what_waits_for_what(client: TestClient, shop: Horarium) -> None:
    ended(shop, "one", root="one", joins=(Join(id="two"),))
    ended(shop, "two", root="one", state="FAILURE")
    flow = client.get(f"{V1}/workflows/one").json()
    assert flow == client.get(f"{V1}/runs/two/tree").json()
    assert (flow["state"], flow["total"], flow["is_whole"]) == ("failed", 2, True)
    assert flow["edges"] == [{"before": "one", "after": "two", "kind": "joins"}]
    refused(client.get(f"{V1}/workflows/none"), 404, "not_found")


def test_a_schedule_is_made_read_changed_and_removed(client: TestClient, shop: Horarium) -> None:
    made = client.post(f"{V1}/schedules", json={**EVENING, "timezone": "Europe/Berlin", "note": "for Ana"})
    assert made.status_code == 201 and made.headers["etag"] == '"1"'
    shown = client.get(PATH)
    assert shown.headers["etag"] == '"1"' and shown.json()["schedule"] == {"kind": "cron", "line": "30 18 * * *"}
    changed = client.patch(PATH, json={"schedule": 90, "overlap": "skip"}, headers={"If-Match": '"1"'})
    assert changed.headers["etag"] == '"2"' and changed.json()["schedule"]["milliseconds"] == 90_000
    assert changed.json()["choices"]["overlap"] == "skip"
    entry = client.get(f"{V1}/audit").json()["items"][0]
    assert (entry["before"]["overlap"], entry["after"]["overlap"]) == ("allow", "skip")
    assert client.delete(PATH, headers={"If-Match": '"2"'}).status_code == 200
    refused(client.get(PATH), 404, "not_found")
    assert audited(client) == ["schedules.delete", "schedules.edit", "schedules.create"]


def test_an_edit_of_a_version_that_has_moved_on_is_lost_for_nobody(client: TestClient, shop: Horarium) -> None:
    client.post(f"{V1}/schedules", json=EVENING)
    client.patch(PATH, json={"description": "theirs"})
    old = {"If-Match": '"1"'}
    refused(client.patch(PATH, json={"description": "mine"}, headers=old), 412, "version_moved_on")
    refused(client.post(f"{PATH}/pause", headers=old), 412, "version_moved_on")
    refused(client.delete(PATH, headers=old), 412, "version_moved_on")
    assert shop.schedules.get("tenants/evening").description == "theirs"
    refused(client.post(f"{V1}/schedules", json=EVENING), 409, "conflict")


def test_a_schedule_is_paused_resumed_run_and_looked_ahead(client: TestClient, shop: Horarium) -> None:
    client.post(f"{V1}/schedules", json=EVENING)
    assert client.post(f"{PATH}/pause", json={"note": "audit"}).json()["pause_note"] == "audit"
    assert client.post(f"{PATH}/resume").json()["paused_by"] is None
    run = client.post(f"{PATH}/run").json()
    history = client.get(f"{PATH}/history").json()
    assert [each["id"] for each in history["items"]] == [run["id"]] and history["failed"] == 0
    firings = client.get(f"{PATH}/next?n=3").json()["items"]
    assert len(firings) == 3 and firings[0]["local"].endswith("18:30:00+01:00")
    assert audited(client) == ["schedules.run", "schedules.resume", "schedules.pause", "schedules.create"]


def test_a_calendar_tells_all_firings_of_a_range_and_a_backfill_those_that_were_not(
    client: TestClient, shop: Horarium
) -> None:
    client.post(f"{V1}/schedules", json={**EVENING, "schedule": "0 * * * *"})
    begin = datetime.fromtimestamp(shop.engine.now() / 1000, UTC)
    query = {"since": begin.isoformat(), "until": (begin + timedelta(hours=3)).isoformat()}
    assert client.get(f"{V1}/schedules/calendar", params=query).json()["approx_total"] == 3
    far = {**query, "until": (begin + timedelta(days=90)).isoformat()}
    refused(client.get(f"{V1}/schedules/calendar", params=far), 422, "invalid_range")
    past = {"start": (begin - timedelta(hours=3)).isoformat(), "end": begin.isoformat()}
    plan = client.post(f"{PATH}/backfill", json={**past, "dry_run": True}).json()
    assert plan["count"] == 3 and plan["name"] is None and "schedules.backfill" not in audited(client)
    made = client.post(f"{PATH}/backfill", json=past).json()
    assert made["name"] == "tenants/evening/backfill-1" and made["instants"] == plan["instants"]


def test_queues_are_listed_paused_resumed_and_emptied(client: TestClient, shop: Horarium) -> None:
    worker(shop)
    shop.send_task("shop.add", (1, 2), queue="mail")
    queues = {each["name"]: each for each in client.get(f"{V1}/queues").json()["items"]}
    assert (queues["mail"]["ready"], queues["mail"]["read_by"], queues["default"]["ready"]) == (1, 1, 0)
    client.post(f"{V1}/queues/mail/pause", json={"reason": "flood"})
    assert client.get(f"{V1}/queues/mail").json()["paused"]["reason"] == "flood"
    assert client.post(f"{V1}/queues/mail/resume").status_code == 200
    refused(client.post(f"{V1}/queues/mail/resume"), 409, "not_paused")
    refused(client.post(f"{V1}/queues/mail/purge", json={"name": "other"}), 422, "not_confirmed")
    assert client.post(f"{V1}/queues/mail/purge", json={"name": "mail"}).json()["count"] == 1
    assert audited(client) == ["queues.purge", "queues.resume", "queues.pause"]


def test_workers_are_listed_and_told_what_to_do(client: TestClient, shop: Horarium) -> None:
    worker(shop, running="r1")
    [one] = client.get(f"{V1}/workers").json()["items"]
    assert (one["id"], one["slots"], one["processed"], one["children"]) == ("w1@vm", 4, 7, 1)
    assert one["running"][0]["id"] == "r1" and one == client.get(f"{V1}/workers/w1%40vm").json()
    assert client.post(f"{V1}/workers/w1@vm/drain").json()["count"] == 2
    assert client.post(f"{V1}/workers/w1@vm/stop").status_code == 200
    assert client.post(f"{V1}/workers/w1@vm/resize", json={"slots": 4}).json()["count"] == 0
    sent = [json.loads(bytes(note.text))["name"] for note in shop.engine.notes.read("command", now=shop.engine.now())]
    assert sorted(sent) == ["cancel_consumer", "cancel_consumer", "shutdown"]
    refused(client.post(f"{V1}/workers/w2@vm/stop"), 404, "not_found")
    assert [task["workers"] for task in client.get(f"{V1}/tasks").json()["items"]] == [1, 0]


def test_what_has_happened_is_read_from_counted_buckets(client: TestClient, shop: Horarium) -> None:
    now = shop.engine.now()
    tally = Tally(
        at=now, task="shop.add", queue="mail", counts={"succeeded": 3, "failed": 1}, ran=(0, 4), ran_sum=0.008
    )
    shop.engine.series.add([tally], now=now)
    series = client.get(f"{V1}/stats/timeseries").json()
    [point] = series["points"]
    assert series["width"] == "10s" and point["counts"] == {"succeeded": 3, "failed": 1}
    assert point["ran"]["count"] == 4 and point["ran"]["mean"] == 0.002 and 0.001 < point["ran"]["p50"] <= 0.002
    assert client.get(f"{V1}/stats/timeseries?task=other").json()["points"] == []
    assert client.get(f"{V1}/tasks/shop.add/stats").json()["counts"]["failed"] == 1
    refused(client.get(f"{V1}/stats/timeseries?width=10s&since=2020-01-01T00:00:00Z"), 422, "invalid_range")


def test_events_are_streamed_from_a_place_on_as_long_as_the_reader_may(shop: Horarium) -> None:
    journal, now = shop.engine.journal, shop.engine.now()
    start = journal.tail(None, 1).next
    kinds = ("task-sent", "worker-heartbeat", "task-started")
    journal.append([Raw(msgspec.json.encode({"type": kind, "uuid": "1"})) for kind in kinds], now=now)
    welcome = iter([True, False])

    async def read() -> list[tuple[str | None, bool]]:
        events = told(shop.engine, ("task",), start, lambda: next(welcome))
        return [(event.event, event.id is not None) async for event in events]

    assert in_a_loop(read()) == [("task-sent", False), ("task-started", True)]


def test_whoever_is_well_says_so_to_anybody_and_no_more(shop: Horarium, monkeypatch: pytest.MonkeyPatch) -> None:
    client = TestClient(web(shop, access=Door(shop)), base_url="http://127.0.0.1")
    assert client.get(f"{V1}/livez").json() == client.get(f"{V1}/readyz").json() == {"status": "ok"}

    def away() -> None:
        raise EngineUnavailable("redis://:secret@host is away")

    monkeypatch.setattr(shop.engine, "check", away)
    answer = client.get(f"{V1}/readyz")
    assert "secret" not in answer.text and "redis" not in answer.text
    refused(answer, 503, "not_ready")
    assert client.get(f"{V1}/livez").status_code == 200


def test_a_store_that_is_away_is_a_503_to_try_again(
    client: TestClient, shop: Horarium, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(ids: object) -> None:
        raise EngineUnavailable("the store is away")

    monkeypatch.setattr(shop.engine.results, "read", away)
    assert client.get(f"{V1}/runs/x").headers["retry-after"] == "1"


@pytest.mark.parametrize(
    ("path", "media"),
    [
        ("/api/v1/runs", "application/problem+json"),
        ("/api/v1/nothing", "application/problem+json"),
        ("/api/v1", "application/problem+json"),
        ("/api/v1/docs", "application/problem+json"),
        ("/api/tasks", "text/plain; charset=utf-8"),
        ("/api/nothing", "text/plain; charset=utf-8"),
        ("/flower/tasks", "text/plain; charset=utf-8"),
        ("/metrics", "text/plain; charset=utf-8"),
    ],
)
def test_no_program_is_answered_with_a_page_while_the_store_is_away(
    client: TestClient, shop: Horarium, monkeypatch: pytest.MonkeyPatch, path: str, media: str
) -> None:
    def away() -> None:
        raise EngineUnavailable("the store is away")

    monkeypatch.setattr(shop.engine, "now", away)
    monkeypatch.setattr(shop.engine.series, "tallies", away)
    for method in ("GET", "POST"):
        answer = client.request(method, path)
        assert answer.headers["content-type"] == media, answer.text
        assert answer.status_code in ((503, 404) if method == "GET" else (503, 404, 405))


def test_an_address_that_is_none_of_flowers_is_told_in_plain_words(client: TestClient) -> None:
    answer = client.get("/api/nothing")
    assert answer.status_code == 404 and "below /api/" in answer.text
    assert client.post("/api/workers").headers["allow"] == "GET"


def test_the_documents_page_leads_a_browser_to_the_login_and_a_program_to_a_token(shop: Horarium) -> None:
    from starlette.applications import Starlette

    outer = Starlette()
    outer.mount("/horarium", web(shop, access=Door(shop)))
    client = TestClient(outer, base_url="http://127.0.0.1", follow_redirects=False)
    browser = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    led = client.get(f"/horarium{V1}/docs", headers=browser)
    assert (led.status_code, led.headers["location"]) == (303, "/horarium/login?then=%2Fapi%2Fv1%2Fdocs")
    refused(client.get(f"/horarium{V1}/docs"), 401, "unknown_person")
    refused(client.get(f"/horarium{V1}/openapi.json", headers=browser), 401, "unknown_person")


def test_tokens_are_made_shown_once_and_removed(shop: Horarium, client: TestClient) -> None:
    made = client.post(f"{V1}/tokens", json={"name": "deploy", "role": "operator", "days": 30}).json()
    [shown] = client.get(f"{V1}/tokens").json()["items"]
    assert shown["name"] == "deploy" and "secret" not in shown and made["secret"].startswith("hor_")
    program = TestClient(web(shop, access=Door(shop)), base_url="http://127.0.0.1")
    bearer = {"Authorization": f"Bearer {made['secret']}"}
    assert program.post(f"{V1}/runs", json=CALL, headers=bearer).status_code == 201
    refused(program.post(f"{V1}/schedules", json=EVENING, headers=bearer), 403, "forbidden")
    assert client.delete(f"{V1}/tokens/{made['id']}").status_code == 200
    assert program.get(f"{V1}/runs", headers=bearer).headers["www-authenticate"].startswith("Bearer")


class Roles:
    """Lets in whoever says their role in a header; a browser's session has a proof."""

    challenge = "Test"

    def person(self, connection: HTTPConnection) -> Person | None:
        word = connection.headers.get("x-role")
        return None if word is None else Person(name=word, role=Role[word.upper()], via="session", csrf="proof")

    def login_url(self, base: str, then: str) -> str | None:
        return None


@pytest.fixture
def guarded(shop: Horarium) -> Iterator[TestClient]:
    with TestClient(web(shop, access=Roles()), base_url="http://127.0.0.1") as found:
        yield found


def test_every_route_asks_for_its_role_and_a_change_for_the_proof_of_its_session(guarded: TestClient) -> None:
    found = list(routes())
    assert len(found) > 40 and len(set(found)) == len(found)
    for method, path, role in found:
        address = path.replace("{name}", "x").replace("{id}", "x")
        proof = {"horarium-csrf": "proof"}
        if role > Role.NOBODY:
            refused(guarded.request(method, address), 401, "unknown_person")
            below = Role(role - 1)
            if below > Role.NOBODY:
                lower = {"x-role": below.word, **proof}
                refused(guarded.request(method, address, headers=lower), 403, "forbidden")
        if method != "GET":
            refused(guarded.request(method, address, headers={"x-role": "admin"}), 403, "csrf")
        if path.endswith("/events"):
            continue  # it would go on for ever
        answer = guarded.request(method, address, headers={"x-role": role.word, **proof})
        assert answer.status_code not in (401, 403, 405, 500), (method, path, answer.text)
        assert answer.status_code != 404 or answer.json()["hint"], (method, path)


def test_programs_with_a_password_need_no_proof_but_browsers_do(shop: Horarium) -> None:
    door = Door(shop, users={"ana": User("ana", Role.ADMIN, hashed("secret"))})
    program = TestClient(web(shop, access=door), base_url="http://127.0.0.1")
    program.auth = ("ana", "secret")  # type: ignore[assignment]  # httpx takes a pair
    assert program.post(f"{V1}/queues/default/pause").status_code == 200
    for header in ({"Origin": "http://127.0.0.1"}, {"Sec-Fetch-Site": "same-origin"}):
        refused(program.post(f"{V1}/queues/default/resume", headers=header), 403, "csrf")
    for header in ({"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        assert program.post(f"{V1}/queues/default/resume", headers=header).status_code == 403


def test_what_is_not_there_or_too_large_is_a_problem_too(client: TestClient) -> None:
    refused(client.get(f"{V1}/nothing"), 404, "http_404")
    refused(client.get(V1), 404, "http_404")
    other = client.put(f"{V1}/runs")
    assert "GET, POST" in refused(other, 405, "http_405")["hint"] and other.headers["allow"] == "GET, POST"
    huge = client.post(f"{V1}/runs", content=b"x" * 1_000_001, headers={"Content-Type": "application/json"})
    assert huge.status_code == 413


def test_the_document_is_openapi_and_its_page_names_every_route(client: TestClient) -> None:
    document = client.get(f"{V1}/openapi.json").json()
    assert document["openapi"].startswith("3.1") and document["servers"] == [{"url": V1}]
    page = client.get(f"{V1}/docs")
    assert page.headers["content-security-policy"].startswith("default-src 'none'") and "https://" not in page.text
    for path in document["paths"]:
        assert f"<code>{path}</code>" in page.text
    assert document["paths"]["/queues/{name}/purge"]["post"]["x-role"] == "admin"


def test_mounted_below_a_prefix_its_addresses_have_the_prefix(shop: Horarium) -> None:
    from starlette.applications import Starlette

    from horarium.dashboard.person import Open

    outer = Starlette()
    outer.mount("/horarium", web(shop, access=Open()))
    client = TestClient(outer, base_url="http://127.0.0.1", headers={"Sec-Fetch-Site": "same-origin"})
    made = client.post(f"/horarium{V1}/runs", json=CALL)
    assert made.headers["location"].startswith(f"/horarium{V1}/runs/")
    assert client.get(made.headers["location"]).status_code == 200
    assert client.get(f"/horarium{V1}/openapi.json").json()["servers"] == [{"url": f"/horarium{V1}"}]
    assert client.get("/horarium/task/abc", follow_redirects=False).headers["location"] == "/horarium/runs/abc"


def test_the_last_use_of_a_token_is_noted_for_the_api_too(shop: Horarium) -> None:
    secret, _ = Tokens(shop).add("t", Role.VIEWER, by="ana", now=shop.engine.now())
    program = TestClient(web(shop, access=Door(shop)), base_url="http://127.0.0.1")
    assert program.get(f"{V1}/runs", headers={"Authorization": f"Bearer {secret}"}).status_code == 200
    assert Tokens(shop).all(now=shop.engine.now())[0].used is not None
