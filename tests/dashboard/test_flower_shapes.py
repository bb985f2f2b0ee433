"""What Flower's documentation shows of each answer, field by field, against ours: a program that reads one of these
fields finds it here, of the same kind.

The shapes are Flower 2's: of a dict the keys that it documents, of a list what each item is. Ours may have more.
"""

from __future__ import annotations

from typing import Any

import pytest
from shop_floor import ended, worker
from starlette.testclient import TestClient

from horarium import Horarium
from horarium.app.mailbox import Mailbox
from horarium.command import Reply
from horarium.dashboard.flower import known
from horarium.testing import drain
from horarium.worker.answers import ANSWERS

MOMENT = (float, int, type(None))
TEXT = (str, type(None))
TASK: dict[str, Any] = {
    **dict.fromkeys(("uuid", "name", "state", "args", "kwargs"), str),
    **dict.fromkeys(("received", "sent", "started", "succeeded", "failed", "retried", "revoked"), MOMENT),
    **dict.fromkeys(("client", "exception", "exchange", "result", "routing_key", "traceback", "worker"), TEXT),
    **dict.fromkeys(("eta", "expires"), (*MOMENT, str)),
    "retries": int,
    "runtime": MOMENT,
    "timestamp": float,
    "clock": int,
}
EXCHANGE: dict[str, Any] = {
    "name": str,
    "type": str,
    "arguments": (dict, type(None)),
    "auto_delete": bool,
    "delivery_mode": (int, type(None)),
    "durable": bool,
    "passive": bool,
}
QUEUE: dict[str, Any] = {
    "name": str,
    "routing_key": str,
    "exchange": EXCHANGE,
    "alias": TEXT,
    **dict.fromkeys(("auto_delete", "durable", "exclusive", "no_ack"), bool),
    **dict.fromkeys(("binding_arguments", "queue_arguments"), (dict, type(None))),
    "bindings": list,
}
POOL: dict[str, Any] = {
    "max-concurrency": int,
    "max-tasks-per-child": (int, str),
    "processes": [int],
    "put-guarded-by-semaphore": bool,
    "timeouts": [(int, float)],
    "writes": (dict, str),
}
STATS: dict[str, Any] = {
    "broker": {"hostname": TEXT, "port": (int, type(None)), "transport": str, "userid": TEXT, "virtual_host": str},
    "clock": str,
    "pid": int,
    "pool": POOL,
    "prefetch_count": int,
    "rusage": {"maxrss": int, "stime": float, "utime": float},
    "total": dict,
}
# What a worker alone knows, and is told with refresh=1 only; test_remote_answers asks a worker itself.
UNTOLD = {"broker", "rusage", "total", "max-tasks-per-child", "put-guarded-by-semaphore", "timeouts", "writes"}
TOLD = {
    "active_queues": [QUEUE],
    "registered": [str],
    "stats": {name: shape for name, shape in STATS.items() if name not in UNTOLD}
    | {"pool": {name: shape for name, shape in POOL.items() if name not in UNTOLD}},
    "timestamp": float,
}
SENT = {"task-id": str, "state": str}
MESSAGE = {"message": str}
SHAPES: dict[str, Any] = {
    "GET /api/workers": {"w1@vm": TOLD},
    "GET /api/workers?workername=w1@vm": {"w1@vm": TOLD},
    "GET /api/workers?status=1": {"w1@vm": bool},
    "GET /api/tasks": {"good": TASK, "bad": TASK},
    "GET /api/task/types": {"task-types": [str]},
    "GET /api/task/info/good": TASK,
    "GET /api/task/result/good": {**SENT, "result": int},
    "GET /api/task/result/bad": {**SENT, "result": str, "traceback": str},
    "GET /api/queues/length": {"active_queues": [{"name": str, "messages": int}]},
    "POST /api/task/apply/shop.add": {**SENT, "result": int},
    "POST /api/task/async-apply/shop.add": SENT,
    "POST /api/task/send-task/shop.add": SENT,
    "POST /api/task/revoke/good": MESSAGE,
    "POST /api/task/abort/good": MESSAGE,
    "POST /api/task/timeout/shop.add?workername=w1@vm&hard=30": MESSAGE,
    "POST /api/task/rate-limit/shop.add?workername=w1@vm&ratelimit=10/m": MESSAGE,
    "POST /api/worker/shutdown/w1@vm": MESSAGE,
    "POST /api/worker/pool/restart/w1@vm": MESSAGE,
    "POST /api/worker/pool/grow/w1@vm?n=1": MESSAGE,
    "POST /api/worker/pool/shrink/w1@vm?n=1": MESSAGE,
    "POST /api/worker/pool/autoscale/w1@vm?min=3&max=10": MESSAGE,
    "POST /api/worker/queue/add-consumer/w1@vm?queue=q": MESSAGE,
    "POST /api/worker/queue/cancel-consumer/w1@vm?queue=q": MESSAGE,
}


@pytest.fixture
def stocked(shop: Horarium, monkeypatch: pytest.MonkeyPatch) -> Horarium:
    """Let there be a worker that does what it is told, and works off what is sent before anybody waits for it."""
    ended(shop, "good")
    ended(shop, "bad", state="FAILURE")
    worker(shop)

    def answer(self: Mailbox, *_: Any, **__: Any) -> Any:
        yield Reply(node="w1@vm", owner="w", pid=10, answer={"ok": "done"})

    monkeypatch.setattr(Mailbox, "ask", answer)
    send = shop.producer.send

    def send_and_work(*call: Any) -> Any:
        sent = send(*call)
        drain(shop)
        return sent

    monkeypatch.setattr(shop.producer, "send", send_and_work)
    return shop


@pytest.mark.parametrize("asked", SHAPES)
def test_each_answer_has_what_flower_documents(client: TestClient, stocked: Horarium, asked: str) -> None:
    method, address = asked.split()
    content = '{"args": [1, 2]}' if "shop.add" in address and "?" not in address else None
    answer = client.request(method, address, content=content)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("application/json")
    assert list(differing(answer.json(), SHAPES[asked])) == []


def test_each_of_flowers_routes_is_among_them() -> None:
    asked = [each.split("?")[0] for each in SHAPES]
    for method, path, _ in known():
        if path.startswith("/api/"):
            beginning = f"{method} {path.removesuffix('{part:path}')}"
            assert any(each.startswith(beginning) for each in asked), path


def test_what_is_left_out_without_a_refresh_is_what_is_said_of_it(client: TestClient, stocked: Horarium) -> None:
    stats = client.get("/api/workers").json()["w1@vm"]["stats"]
    missing = {what.partition(":")[0].rpartition(".")[2] for what in differing(stats, STATS)}
    assert missing == UNTOLD
    assert {"stats", "active_queues", "registered", "conf", "active", "reserved", "scheduled", "revoked"} <= set(
        ANSWERS
    )


def differing(found: Any, shape: Any, where: str = "") -> Any:
    """Yield what an answer does not have as the shape has it."""
    match shape:
        case dict():
            if not isinstance(found, dict):
                yield f"{where}: {found!r}"
                return
            for name, inner in shape.items():
                if name not in found:
                    yield f"{where}.{name}: missing"
                else:
                    yield from differing(found[name], inner, f"{where}.{name}")
        case [inner]:
            if not isinstance(found, list) or not found:
                yield f"{where}: {found!r}"
                return
            for each in found:
                yield from differing(each, inner, f"{where}[]")
        case _:
            if not isinstance(found, shape):
                yield f"{where}: {found!r}"
