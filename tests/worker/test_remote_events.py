"""What real workers tell of tasks and of themselves, once somebody wants to know."""

from __future__ import annotations

from threading import Event, Thread
from typing import Any

import msgspec
import pytest
from yard import Yard, wait_for

NODE = "w1@host"
# The keys that Celery 5.7 sent, taken once (local_received is the receiver's).
COMMON = set("clock hostname pid timestamp type utcoffset".split())
KEYS = {
    "task-received": COMMON | set("args eta expires kwargs name parent_id retries root_id uuid".split()),
    "task-started": COMMON | {"uuid"},
    "task-succeeded": COMMON | set("result runtime uuid".split()),
    "task-failed": COMMON | set("exception traceback uuid".split()),
    "task-retried": COMMON | set("exception traceback uuid".split()),
    "task-revoked": COMMON | set("expired signum terminated uuid".split()),
    "worker-heartbeat": COMMON | set("active freq loadavg processed sw_ident sw_sys sw_ver".split()),
}
KEYS["worker-online"] = KEYS["worker-offline"] = KEYS["worker-heartbeat"]


class Journal:
    """Everything that was told from now on."""

    def __init__(self, yard: Yard) -> None:
        self._journal = yard.app.engine.journal
        self._place = self._journal.tail(None, 1).next

    def read(self) -> list[dict[str, Any]]:
        return [msgspec.json.decode(entry) for entry in self._journal.tail(self._place, 1000).entries]

    def of(self, uuid: str) -> list[str]:
        return [event["type"] for event in self.read() if event.get("uuid") == uuid]

    def types(self) -> set[str]:
        return {event["type"] for event in self.read()}


@pytest.mark.parametrize("pool", ["process", "thread", "async"])
def test_a_worker_with_events_tells_every_step(yard: Yard, pool: str) -> None:
    journal = Journal(yard)
    worker = yard.start(name=NODE, events=True, pool=pool, concurrency=2)
    good, retried = yard.send("add", 1, 2), yard.send("sway", "x")
    bad = yard.send("add", 1, "x")
    revoked = yard.send("anap" if pool == "async" else "nap", "long", 30.0)
    yard.sees("start", "long")
    yard.app.control.terminate(revoked)
    yard.ends(good, retried, bad, revoked)
    wait_for(lambda: "task-revoked" in journal.of(revoked), "the revocation is told")
    worker.signal(15)
    worker.ends()
    assert journal.of(good) == ["task-received", "task-started", "task-succeeded"]
    assert journal.of(bad) == ["task-received", "task-started", "task-failed"]
    assert journal.of(retried) == ["task-received", "task-started", "task-retried"] * 2 + [
        "task-received",
        "task-started",
        "task-succeeded",
    ]
    assert journal.of(revoked) == ["task-received", "task-started", "task-revoked"]
    for event in journal.read():
        assert set(event) == KEYS[event["type"]], event["type"]
        assert event["hostname"] == NODE
    assert journal.types() == KEYS.keys()
    [succeeded] = [event for event in journal.read() if event.get("uuid") == good and "runtime" in event]
    assert succeeded["result"] == "3" and type(succeeded["runtime"]) is float


def test_events_are_switched_on_and_off_while_it_runs(yard: Yard) -> None:
    yard.start(name=NODE)
    journal = Journal(yard)
    yard.ends(yard.send("add", 1, 2))
    control = yard.app.control
    assert control.enable_events(reply=True, timeout=10.0) == [{NODE: {"ok": "task events enabled"}}]
    assert control.enable_events(reply=True, timeout=10.0) == [{NODE: {"ok": "task events already enabled"}}]
    assert "task-received" not in journal.types()

    def is_told() -> bool:
        yard.ends(yard.send("add", 1, 2))
        return "task-succeeded" in journal.types()

    wait_for(is_told, "events of tasks")
    assert control.disable_events(reply=True, timeout=10.0) == [{NODE: {"ok": "task events disabled"}}]
    assert control.disable_events(reply=True, timeout=10.0) == [{NODE: {"ok": "task events already disabled"}}]


def test_children_that_are_born_later_tell_events_too(yard: Yard) -> None:
    yard.start(name=NODE, concurrency=1)
    journal = Journal(yard)
    yard.app.control.enable_events(reply=True, timeout=10.0)
    yard.app.control.pool_restart(reply=True, timeout=10.0)
    id = yard.send("add", 1, 2)
    yard.ends(id)
    wait_for(lambda: "task-succeeded" in journal.of(id), "the run is told")


def test_whoever_listens_hears_of_all_workers_and_follows_their_tasks(yard: Yard) -> None:
    yard.start(name=NODE, events=True)
    state = yard.app.events.State()
    is_known = Event()

    def on_success(event: dict[str, Any]) -> None:
        state.event(event)
        is_known.set()

    receiver = yard.app.events.Receiver(handlers={"task-succeeded": on_success, "*": state.event})
    listening = Thread(target=receiver.capture)
    listening.start()
    wait_for(lambda: NODE in state.workers, "the worker is known by its heartbeat")
    id = yard.send("add", 1, 2)
    assert is_known.wait(20.0)
    receiver.should_stop = True
    listening.join(20.0)
    assert not listening.is_alive()
    task = state.tasks[id]
    assert (task.name, task.state, task.args, task.result) == ("add", "SUCCESS", "(1, 2)", "3")
    assert task.worker.alive and task.worker.sw_ident == "horarium"
