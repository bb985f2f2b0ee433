"""What programs that know Flower ask: the same addresses, shapes and status codes. Row 118."""

from __future__ import annotations

import json
from typing import Any

import pytest
from shop_floor import ended, worker
from starlette.testclient import TestClient

from horarium import Horarium
from horarium.app.mailbox import Mailbox
from horarium.command import Reply
from horarium.dashboard import web
from horarium.dashboard.access import Door
from horarium.dashboard.flower import known
from horarium.dashboard.person import Open

# The fields of a task in the answers of Flower 2, which are those of Celery's event state.
FIELDS = set(
    "uuid name state received sent started rejected succeeded failed retried revoked args kwargs eta expires retries "
    "worker result exception timestamp runtime traceback exchange routing_key clock client root root_id parent "
    "parent_id children".split()
)
INSPECTED = {"active_queues", "registered", "active", "reserved", "scheduled", "revoked", "stats"}


def told(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.text


def test_a_task_is_sent_by_each_of_the_three_ways(client: TestClient, shop: Horarium) -> None:
    for way in ("async-apply", "send-task"):
        answer = client.post(f"/api/task/{way}/shop.add", json={"args": [1, 2], "kwargs": {}}).json()
        assert answer.keys() == {"task-id", "state"} and answer["state"] == "PENDING"
        assert shop.engine.results.read([answer["task-id"]])[0] is not None
    for way in ("apply", "async-apply", "send-task"):
        assert told(client.post(f"/api/task/{way}/not.here")) == (404, "Unknown task 'not.here'")


def test_send_task_sends_what_a_live_worker_knows_and_anything_only_where_that_is_allowed(
    client: TestClient, shop: Horarium
) -> None:
    """A name that nobody knows waits for ever, or for a worker that somebody else starts under that name."""
    asked = {"args": [1], "queue": "mail"}
    worker(shop, tasks=("other.app",))
    assert client.post("/api/task/send-task/other.app", json=asked).status_code == 200
    assert told(client.post("/api/task/send-task/not.here", json=asked)) == (404, "Unknown task 'not.here'")
    allowing = TestClient(web(shop, access=Open(), sends_unregistered=True), headers={"Sec-Fetch-Site": "same-origin"})
    assert allowing.post("/api/task/send-task/not.here", json=asked).status_code == 200


def test_apply_answers_with_the_result_that_the_task_comes_to(
    client: TestClient, shop: Horarium, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = shop.producer.send

    def run_at_once(*call: Any) -> Any:
        message, placed = send(*call)
        ended(shop, "quick")
        return type(message)(**{**{f: getattr(message, f) for f in message.__struct_fields__}, "id": "quick"}), placed

    monkeypatch.setattr(shop.producer, "send", run_at_once)
    answer = client.post("/api/task/apply/shop.add", json={"args": [1, 2]})
    assert answer.json() == {"task-id": "quick", "state": "SUCCESS", "result": 3}


@pytest.mark.parametrize(
    "body", ["[1]", "{", '{"args": 1}', '{"kwargs": []}', '{"eta": "soon"}', '{"expires": "x"}', '{"countdown": "x"}']
)
def test_a_body_that_flower_would_refuse_is_a_400(client: TestClient, body: str) -> None:
    assert client.post("/api/task/send-task/shop.add", content=body).status_code == 400


def test_options_are_read_as_flower_reads_them(client: TestClient, shop: Horarium) -> None:
    options = {"args": [1, 2], "eta": "2031-01-01 12:00:00.0", "expires": "3600", "queue": "mail", "priority": 9}
    id = client.post("/api/task/send-task/shop.add", json=options).json()["task-id"]
    [run] = shop.engine.results.read([id])
    assert run is not None and run.message.queue == "mail" and run.message.priority == 9
    assert run.message.eta == 1_925_031_600_000 and run.message.expires is not None  # 12:00 in the app's zone, Berlin


def test_tasks_are_listed_by_id_with_the_fields_of_celerys_events(client: TestClient, shop: Horarium) -> None:
    ended(shop, "good", ago=90_000)
    ended(shop, "bad", state="FAILURE")
    tasks = client.get("/api/tasks").json()
    assert list(tasks) == ["bad", "good"] and all(task.keys() == FIELDS for task in tasks.values())
    good, bad = tasks["good"], tasks["bad"]
    assert (good["state"], good["result"], good["runtime"], good["args"]) == ("SUCCESS", "3", 0.5, "(1, 2)")
    assert good["succeeded"] - good["started"] == pytest.approx(0.5) and good["worker"] == "w1@vm"
    assert bad["exception"] == "GatewayError('no answer')" and bad["failed"] and bad["result"] is None
    assert client.get("/api/task/info/good").json() == good
    assert told(client.get("/api/task/info/none")) == (404, "Unknown task 'none'")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("limit=1", ["c"]),
        ("limit=1&offset=1", ["b"]),
        ("sort_by=name", ["c", "b", "a"]),
        ("sort_by=-state&limit=2", ["a", "c"]),
        ("state=FAILURE", ["b"]),
        ("state=REVOKED", ["c"]),
        ("state=All&taskname=shop.charge", ["a"]),
        ("workername=w2@vm", []),
        ("search=name:charge", ["a"]),
        ('search=exception "no such"', []),
        ("search=args:1", ["c", "b", "a"]),
        ("received_start=2020-01-01 00:00", ["c", "b", "a"]),
        ("received_end=2020-01-01 00:00", []),
    ],
)
def test_tasks_are_filtered_and_sorted_as_in_flower(
    client: TestClient, shop: Horarium, query: str, expected: list[str]
) -> None:
    ended(shop, "a", ago=90_000, task="shop.charge")
    ended(shop, "b", ago=80_000, state="FAILURE")
    ended(shop, "c", ago=70_000, state="EXPIRED")
    assert list(client.get(f"/api/tasks?{query}").json()) == expected


@pytest.mark.parametrize("query", ["limit=x", "sort_by=colour", "received_start=yesterday", "offset=99999999999"])
def test_what_cannot_be_read_in_a_query_is_a_400(client: TestClient, query: str) -> None:
    assert client.get(f"/api/tasks?{query}").status_code == 400


def test_a_result_is_told_when_it_is_there(client: TestClient, shop: Horarium) -> None:
    ended(shop, "good")
    ended(shop, "bad", state="FAILURE")
    waiting = shop.send_task("shop.add", (1, 2)).id
    assert client.get("/api/task/result/good?timeout=5").json() == {"task-id": "good", "state": "SUCCESS", "result": 3}
    assert client.get("/api/task/result/bad").json()["traceback"].startswith("Traceback")
    assert client.get(f"/api/task/result/{waiting}").json() == {"task-id": waiting, "state": "PENDING"}
    assert client.get("/api/task/result/none").json()["state"] == "PENDING"


def test_where_no_results_are_kept_flower_says_503() -> None:
    with Horarium("bare", store="memory://", result_backend="disabled://", set_as_current=False) as app:
        assert not app.connection.keeps_results
        client = TestClient(web(app, access=Open(), sends_unregistered=True), base_url="http://127.0.0.1")
        assert client.get("/api/task/result/x").status_code == 503
        assert client.post("/api/task/abort/x").status_code == 503
        assert client.post("/api/task/send-task/a.b").json().keys() == {"task-id"}


def test_runs_are_revoked_and_aborted(client: TestClient, shop: Horarium) -> None:
    first, second = shop.send_task("shop.add", (1, 2)).id, shop.send_task("shop.add", (1, 2)).id
    assert client.post(f"/api/task/revoke/{first}?terminate=true").json() == {"message": f"Revoked '{first}'"}
    assert client.post(f"/api/task/abort/{second}").json() == {"message": f"Aborted '{second}'"}
    assert {run.state for run in shop.engine.results.read([first, second]) if run} == {"REVOKED"}
    assert client.post(f"/api/task/revoke/{first}?terminate=1&signal=SIGNONE").status_code == 400
    actions = [entry["action"] for entry in client.get("/api/v1/audit").json()["items"]]
    assert actions == ["flower.abort", "flower.revoke"]


def test_workers_are_told_as_the_store_knows_them(client: TestClient, shop: Horarium) -> None:
    worker(shop, running="r1")
    workers = client.get("/api/workers").json()
    assert list(workers) == ["w1@vm"] and workers["w1@vm"].keys() == INSPECTED | {"timestamp"}
    assert [queue["name"] for queue in workers["w1@vm"]["active_queues"]] == ["default", "mail"]
    assert workers["w1@vm"]["registered"] == ["shop.add"] and workers["w1@vm"]["active"][0]["id"] == "r1"
    assert workers["w1@vm"]["stats"]["pool"] == {"max-concurrency": 4, "processes": [11]}
    assert client.get("/api/workers?status=1").json() == {"w1@vm": True}
    assert client.get("/api/workers?workername=w1@vm").json() == workers
    assert told(client.get("/api/workers?workername=w2")) == (404, "Unknown worker 'w2'")
    assert client.get("/api/task/types").json() == {"task-types": ["shop.add", "shop.charge"]}


def test_queues_tell_what_is_ready_in_them(client: TestClient, shop: Horarium) -> None:
    worker(shop)
    shop.send_task("shop.add", (1, 2), queue="mail")
    assert client.get("/api/queues/length").json() == {
        "active_queues": [{"name": "default", "messages": 0}, {"name": "mail", "messages": 1}]
    }


CONTROLS = [
    ("worker/pool/restart/w1@vm", "pool_restart", "Restarting 'w1@vm' worker's pool"),
    ("worker/pool/grow/w1@vm?n=2", "pool_grow", "Growing 'w1@vm' worker's pool by 2"),
    ("worker/pool/shrink/w1@vm", "pool_shrink", "Shrinking 'w1@vm' worker's pool by 1"),
    ("worker/pool/autoscale/w1@vm?min=3&max=10", "autoscale", "Autoscaling 'w1@vm' worker (min=3, max=10)"),
    ("worker/queue/add-consumer/w1@vm?queue=q", "add_consumer", "done"),
    ("worker/queue/cancel-consumer/w1@vm?queue=q", "cancel_consumer", "done"),
    ("task/timeout/shop.add?workername=w1@vm&hard=30&soft=10.5", "time_limit", "done"),
    ("task/rate-limit/shop.add?workername=w1@vm&ratelimit=10/m", "rate_limit", "done"),
]


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Let the worker answer what the last entry says; the commands that it was given are gathered."""
    given: list[tuple[str, dict[str, Any], dict[str, Any]]] = [("", {}, {"ok": "done"})]

    def ask(self: Mailbox, name: str, arguments: dict[str, Any], audience: Any, **_: Any) -> Any:
        given.append((name, arguments, given[-1][2]))
        yield Reply(node="w1@vm", owner="w", pid=10, answer=given[-1][2])

    monkeypatch.setattr(Mailbox, "ask", ask)
    return given


@pytest.mark.parametrize(("path", "command", "message"), CONTROLS)
def test_a_worker_is_told_and_its_answer_is_flowers(
    client: TestClient, shop: Horarium, answers: list[Any], path: str, command: str, message: str
) -> None:
    worker(shop)
    address, _, form = path.partition("?")
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = client.post(f"/api/{address}", content=form, headers=kind)  # as clients of Flower send it
    assert answer.json() == {"message": message} and answers[-1][0] == command
    assert client.post(f"/api/{path}").json() == {"message": message}
    answers.append(("", {}, {"error": "not now"}))
    refused = client.post(f"/api/{path}")
    assert refused.status_code == 403 and refused.text.endswith("not now")
    for known_name in ("w1@vm", "w1%40vm"):
        path = path.replace(known_name, "w9")
    assert told(client.post(f"/api/{path}")) == (404, "Unknown worker 'w9'")


def test_what_is_left_out_is_named(client: TestClient, shop: Horarium, answers: list[Any]) -> None:
    worker(shop)
    assert told(client.post("/api/worker/queue/add-consumer/w1@vm")) == (400, "Missing argument queue")
    assert told(client.post("/api/task/timeout/shop.add")) == (400, "Missing argument workername")
    assert client.post("/api/worker/pool/grow/w1@vm?n=many").status_code == 400
    assert told(client.post("/api/task/timeout/none?workername=w1@vm")) == (404, "Unknown task 'none'")


def test_a_worker_is_shut_down_without_waiting_for_it(client: TestClient, shop: Horarium) -> None:
    worker(shop)
    assert client.post("/api/worker/shutdown/w1@vm").json() == {"message": "Shutting down!"}
    [note] = shop.engine.notes.read("command", now=shop.engine.now())
    assert json.loads(bytes(note.text))["name"] == "shutdown"


def test_old_addresses_of_pages_lead_to_ours(client: TestClient) -> None:
    expected = {
        "/task/a.b": "/runs/a.b",
        "/worker/w1@vm": "/workers/w1%40vm",
        "/broker": "/queues",
        "/task/a%2Fb%25": "/runs/a%2Fb%25",
    }
    for old, new in expected.items():
        answer = client.get(old)
        assert (answer.status_code, answer.headers["location"]) == (302, new)
    assert told(client.get("/healthcheck")) == (200, "OK")


def test_nobody_unknown_gets_beyond_the_healthcheck(shop: Horarium) -> None:
    stranger = TestClient(web(shop, access=Door(shop)), base_url="http://127.0.0.1", follow_redirects=False)
    for method, path, role in known():
        answer = stranger.request(method, path.replace("{part:path}", "x"))
        assert (answer.status_code == 401) == (role > 0), path
