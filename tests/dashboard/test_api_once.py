"""A POST that is sent again under its Idempotency-Key does nothing twice: asked of each route that changes things."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from api_desk import V1, audited, refused
from shop_floor import ended, worker
from starlette.testclient import TestClient

from horarium import Horarium, crontab
from horarium.app.mailbox import Mailbox
from horarium.app.switches import Switches
from horarium.command import Reply
from horarium.dashboard.api.application import PREFIX, document, known_routes
from horarium.dashboard.api.cursors import KEYS
from horarium.dashboard.api.door import KEY, REPEATED
from horarium.dashboard.carrier import carrier_of
from horarium.engines.protocol import Engine
from horarium.errors import EngineUnavailable
from horarium.observe import bulk
from horarium.observe.bulk import Order

KEYED = {"Idempotency-Key": "the same"}
ASKS = ("/schedules/preview", "/schedules/lint")  # they change nothing
CHANGES = [route.path for route in known_routes() if "POST" in (route.methods or ()) and route.path not in ASKS]
RESIZE = {"slots": 6}
EVENING = {"name": "evening", "task": "shop.add", "args": [1, 2], "schedule": "30 18 * * *"}


def past_hours(shop: Horarium) -> dict[str, Any]:
    now = datetime.fromtimestamp(shop.engine.now() / 1000, UTC)
    return {"start": (now - timedelta(hours=3)).isoformat(), "end": now.isoformat(), "which": "all"}


def silencing(shop: Horarium) -> dict[str, Any]:
    until = datetime.fromtimestamp(shop.engine.now() / 1000, UTC) + timedelta(hours=4)
    return {"until": until.isoformat(), "reason": "the move"}


# What is sent to each, such that it changes something; {run} is a run that waits, {order} an order that was left.
BODIES: dict[str, Callable[[Horarium], dict[str, Any] | None]] = {
    "/runs": lambda _: {"task": "shop.add", "args": [1, 2]},
    "/runs/{run}/cancel": lambda _: None,
    "/runs/{run}/priority": lambda _: {"priority": 7},
    "/runs/failed/retry": lambda _: None,
    "/bulk": lambda _: {"action": "retry", "q": "state:failed"},
    "/bulk/{order}/continue": lambda _: None,
    "/schedules": lambda _: EVENING,
    "/schedules/hourly/pause": lambda _: {"note": "the move"},
    "/schedules/paused/resume": lambda _: None,
    "/schedules/hourly/run": lambda _: None,
    "/schedules/hourly/backfill": past_hours,
    "/queues/default/pause": lambda _: None,
    "/queues/mail/resume": lambda _: None,
    "/queues/default/purge": lambda _: {"name": "default"},
    "/workers/w1@vm/drain": lambda _: None,
    "/workers/w1@vm/stop": lambda _: None,
    "/workers/w1@vm/resize": lambda _: RESIZE,
    "/silences": silencing,
    "/channels/ops/test": lambda _: None,
    "/tokens": lambda _: {"name": "ci", "role": "viewer"},
}


@pytest.fixture
def stocked(shop: Horarium, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Let there be something to change of each kind; return the ids that the paths name."""
    ended(shop, "failed", state="FAILURE")
    worker(shop)
    shop.schedules.create("hourly", "shop.add", crontab(minute=5), args=[1, 2])
    shop.schedules.create("paused", "shop.add", crontab(minute=5), args=[1, 2], paused=True)
    Switches(shop.connection).pause_queue("mail", reason="the move", by="ana")
    private = {"type": "webhook", "url": "https://127.0.0.1/"}  # which is not allowed: it is given up at once
    shop.conf.alerts = {"channels": {"ops": private}}
    order = bulk.place(shop, Order(id="", act="retry", at=shop.engine.now(), q="state:failed", matched=1))

    def answer(self: Mailbox, *_: Any, **__: Any) -> Any:
        yield Reply(node="w1@vm", owner="w", pid=10, answer={"ok": "done"})

    monkeypatch.setattr(Mailbox, "ask", answer)
    return {"run": shop.send_task("shop.add", (1, 2)).id, "order": order.id}


def test_each_route_that_changes_something_is_asked_here_and_takes_a_key() -> None:
    fitting = {path: [known for known in CHANGES if _fits(known, path)] for path in BODIES}
    assert sorted(path for paths in fitting.values() for path in paths) == sorted(CHANGES)
    for path in CHANGES:
        names = [each["name"] for each in document()["paths"][path]["post"]["parameters"]]
        assert KEY.replace("_", "-") in names, path


@pytest.mark.parametrize("path", BODIES)
def test_a_repeat_is_answered_and_does_nothing(
    client: TestClient, shop: Horarium, stocked: dict[str, str], monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    if path == "/bulk/{order}/continue":
        monkeypatch.setattr(bulk, "SILENT", -1.0)  # as if nobody had carried it on for that long
    url, body = V1 + path.format_map(stocked), BODIES[path](shop)
    first = client.post(url, json=body, headers=KEYED)
    assert first.status_code < 300, first.text
    assert carrier_of(shop).wait(20.0)
    before, done = state_of(shop), audited(client)
    second = client.post(url, json=body, headers=KEYED)
    assert (state_of(shop), audited(client), len(done)) == (before, done, 1)
    if path == "/tokens":
        refused(second, 409, "key_was_used")  # its secret is told once
    elif second.headers.get(REPEATED):
        assert (second.status_code, second.content) == (first.status_code, first.content)
        assert second.headers.get("location") == first.headers.get("location")
        assert second.headers.get("etag") == first.headers.get("etag")
    else:  # what it made has the key in its id, and is shown as it is
        assert second.status_code < 300 and second.json().get("id") == first.json().get("id"), second.text
    fresh = client.post(url, json=body, headers={"Idempotency-Key": "another"})
    assert fresh.headers.get(REPEATED) is None


def test_the_same_key_for_another_change_is_refused_and_for_another_route_is_another_key(
    client: TestClient, shop: Horarium, stocked: dict[str, str]
) -> None:
    assert client.post(f"{V1}/schedules/hourly/run", headers=KEYED).status_code == 201
    refused(client.post(f"{V1}/schedules/paused/run", headers=KEYED), 409, "key_was_used")
    refused(client.post(f"{V1}/schedules/hourly/run", json={"note": "x"}, headers=KEYED), 409, "key_was_used")
    assert client.post(f"{V1}/schedules/hourly/pause", headers=KEYED).status_code == 200
    assert len(shop.schedules.history("hourly").runs) == 1


def test_a_key_that_changed_nothing_can_be_used_again(client: TestClient, shop: Horarium) -> None:
    refused(client.post(f"{V1}/schedules/hourly/run", headers=KEYED), 404, "not_found")
    shop.schedules.create("hourly", "shop.add", crontab(minute=5), args=[1, 2])
    dry = {**past_hours(shop), "dry_run": True}
    url = f"{V1}/schedules/hourly"
    assert client.post(f"{url}/backfill", json=dry, headers=KEYED).json()["name"] is None
    assert client.post(f"{url}/backfill", json=past_hours(shop), headers=KEYED).json()["name"] == "hourly/backfill-1"
    assert client.post(f"{url}/run", headers=KEYED).status_code == 201


def test_what_was_cut_off_is_not_done_again(
    client: TestClient, shop: Horarium, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store has done it, and has gone before it could say so: a repeat would do it twice."""
    shop.schedules.create("hourly", "shop.add", crontab(minute=5), args=[1, 2])
    fire = shop.engine.schedules.fire

    def fire_and_go(*given: Any, **more: Any) -> None:
        fire(*given, **more)
        raise EngineUnavailable("the connection was lost")

    with monkeypatch.context() as patch:
        patch.setattr(shop.engine.schedules, "fire", fire_and_go)
        refused(client.post(f"{V1}/schedules/hourly/run", headers=KEYED), 503, "store_unavailable")
    refused(client.post(f"{V1}/schedules/hourly/run", headers=KEYED), 409, "key_in_use")
    assert len(shop.schedules.history("hourly").runs) == 1


def test_of_requests_at_the_same_time_at_most_one_is_done(
    client: TestClient, shop: Horarium, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.schedules.create("hourly", "shop.add", crontab(minute=5), args=[1, 2])
    both, read = threading.Barrier(2, timeout=20.0), type(shop.engine.notes).read
    met = threading.local()

    def read_together(self: Engine, prefix: str, **more: Any) -> Any:
        found = read(self, prefix, **more)  # type: ignore[arg-type]
        if prefix.startswith("once/") and not getattr(met, "once", False):
            met.once = True
            both.wait()  # neither has seen anything of the other
        return found

    monkeypatch.setattr(type(shop.engine.notes), "read", read_together)
    answers: list[Any] = []
    url = f"{V1}/schedules/hourly/run"
    asking = [threading.Thread(target=lambda: answers.append(client.post(url, headers=KEYED))) for _ in range(2)]
    for each in asking:
        each.start()
    for each in asking:
        each.join(30.0)
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses in ([201, 409], [201, 201], [409, 409])
    assert len(shop.schedules.history("hourly").runs) == (201 in statuses)


def test_keys_are_known_for_a_day(client: TestClient, shop: Horarium) -> None:
    shop.schedules.create("hourly", "shop.add", crontab(minute=5), args=[1, 2])
    client.post(f"{V1}/schedules/hourly/run", headers=KEYED)
    tomorrow = shop.engine.now() + 86_400_000
    assert len(shop.engine.notes.read("once/", now=tomorrow - 60_000)) == 1
    assert shop.engine.notes.read("once/", now=tomorrow + 1) == []


def test_what_is_told_once_is_not_kept(client: TestClient, shop: Horarium) -> None:
    secret = client.post(f"{V1}/tokens", json={"name": "ci", "role": "viewer"}, headers=KEYED).json()["secret"]
    assert secret.startswith("hor_")
    assert secret not in "".join(bytes(note.text).decode() for note in shop.engine.notes.read("", now=0))


def state_of(shop: Horarium) -> Any:
    """Return what a change could have changed: runs, schedules, and whatever processes have left for one another."""
    engine, now = shop.engine, shop.engine.now()
    notes = [(note.key, bytes(note.text)) for note in engine.notes.read("", now=now) if not note.key.startswith(KEYS)]
    schedules = [(each.name, each.version, each.next_fire) for each in shop.schedules.find()]
    return engine.inspector.counts().states, schedules, notes


def _fits(route: str, path: str) -> bool:
    parts = list(zip(route.split("/"), path.split("/"), strict=False))
    return route.count("/") == path.count("/") and all(each.startswith("{") or each == given for each, given in parts)


assert PREFIX == V1
