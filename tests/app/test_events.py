"""What is told, heard and added up: the journal as ``app.events`` shows it."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Thread
from typing import Any

import msgspec
import pytest
from msgspec import Raw

from horarium import Horarium
from horarium.app.camera import Polaroid
from horarium.app.dumper import Dumper
from horarium.app.event_state import State, Task, Worker
from horarium.clock import SystemClock
from horarium.engines.records import JOURNAL_KEPT

TASK_FIELDS = set(
    "uuid name state received sent started rejected succeeded failed retried revoked args kwargs eta expires retries "
    "worker result exception timestamp runtime traceback exchange routing_key clock client root root_id parent "
    "parent_id children".split()
)
WORKER_FIELDS = set("hostname pid freq heartbeats clock active processed loadavg sw_ident sw_ver sw_sys".split())
# The keys that Celery 5.7 sent for task-sent, taken once.
SENT = set(
    "args clock eta exchange expires hostname kwargs name parent_id pid queue retries root_id routing_key timestamp "
    "type utcoffset uuid local_received".split()
)


@pytest.fixture
def app() -> Iterator[Horarium]:
    app = Horarium("events", store="memory://", set_as_current=False)
    yield app
    app.close()


def told(type: str, uuid: str = "1", at: float = 1.0, **fields: Any) -> dict[str, Any]:
    hostname = "gen1@h" if type == "task-sent" else "w@h"
    common = {"type": type, "hostname": hostname, "pid": 1, "clock": int(at), "timestamp": at, "local_received": at}
    return {**common, **({"uuid": uuid} if type.startswith("task-") else {}), **fields}


def test_a_receiver_is_used_as_in_celerys_docs(app: Horarium) -> None:
    state = app.events.State()
    failures: list[str] = []

    def on_failure(event: dict[str, Any]) -> None:
        state.event(event)
        failures.append(state.tasks[event["uuid"]].name)

    with app.connection() as connection:
        receiver = app.events.Receiver(connection, handlers={"task-failed": on_failure, "*": state.event})
        events = receiver.itercapture(limit=2, timeout=10.0, wakeup=True)

        def tell() -> None:
            with app.events.Dispatcher(connection, hostname="w@h") as dispatcher:
                dispatcher.send("task-received", uuid="1", name="add", args="(1,)", kwargs="{}")
                dispatcher.send("task-failed", uuid="1", exception="ValueError('x')", traceback="...")

        Thread(target=_when_heard(app, tell)).start()
        assert [None for _ in events] == [None, None]
    assert failures == ["add"] and state.tasks["1"].state == "FAILURE"


def _when_heard(app: Horarium, tell: Any) -> Any:
    """Tell when somebody has begun to listen: the receiver asks for heartbeats then."""

    def run() -> None:
        listener = app.engine.notifier.listen(["commands"])
        while not app.engine.notes.read("command/", now=app.engine.now()):
            listener.wait(0.05)
        tell()

    return run


def test_callers_tell_what_they_send_if_they_are_asked_to() -> None:
    app = Horarium("events", store="memory://", task_send_sent_event=True, set_as_current=False)
    place = app.engine.journal.tail(None, 1).next
    result = app.send_task("add", (1,), {"y": 2}, queue="q")
    app.producer.sent.close()
    [event] = [msgspec.json.decode(entry) for entry in app.engine.journal.tail(place, 10).entries]
    assert {*event, "local_received"} == SENT
    assert (event["type"], event["uuid"], event["args"], event["kwargs"]) == (
        "task-sent",
        result.id,
        "(1,)",
        "{'y': 2}",
    )
    assert (event["queue"], event["routing_key"], event["exchange"]) == ("q", "q", "")
    app.close()


def test_nothing_is_told_unless_somebody_asks(app: Horarium) -> None:
    place = app.engine.journal.tail(None, 1).next
    app.send_task("add", (1,))
    app.close()
    assert not app.engine.journal.tail(place, 10).entries


def test_a_receiver_gives_up_when_nothing_comes(app: Horarium) -> None:
    with pytest.raises(TimeoutError, match="expected an event within"):
        app.events.Receiver().capture(timeout=0.05)


def test_events_of_a_programs_own_have_their_fields(app: Horarium) -> None:
    def tell() -> None:
        dispatcher = app.events.Dispatcher(hostname="me@here")
        dispatcher.send("custom-thing", depth=3)
        dispatcher.flush()
        dispatcher.disable()
        dispatcher.send("custom-thing", depth=4)
        dispatcher.close()

    place = app.engine.journal.tail(None, 1).next
    tell()
    entries = app.engine.journal.tail(place, 10).entries
    assert len(entries) == 1 and b'"depth":3' in bytes(entries[0]) and b"me@here" in bytes(entries[0])


def test_what_cannot_be_told_is_refused_at_the_call(app: Horarium) -> None:
    with pytest.raises(TypeError):
        app.events.Dispatcher().send("custom-thing", thing=object())


def test_a_receiver_that_is_too_slow_is_told_what_it_missed(app: Horarium) -> None:
    receiver = app.events.Receiver()
    place = app.engine.journal.tail(None, 1).next
    for _ in range(JOURNAL_KEPT // 1000 + 2):
        app.engine.journal.append([Raw(b'{"type":"x-y"}')] * 1000, now=app.engine.now())
    receiver._next(app.engine, place)
    assert receiver.missed == 1


def test_a_task_has_celerys_fields() -> None:
    assert set(Task("1").as_dict()) == TASK_FIELDS
    assert set(vars(Worker("w@h"))) >= WORKER_FIELDS


def test_state_adds_up_a_tasks_life() -> None:
    state = State()
    for event in (
        told("task-sent", at=1.0, name="add", args="(1,)", queue="q"),
        told("task-received", at=2.0, name="add", args="(1,)", root_id="1"),
        told("task-started", at=3.0),
        told("task-succeeded", at=4.0, result="3", runtime=1.0),
    ):
        state.event(event)
    task = state.tasks["1"]
    assert (task.state, task.ready, task.result, task.runtime) == ("SUCCESS", True, "3", 1.0)
    assert (task.sent, task.received, task.started, task.succeeded) == (1.0, 2.0, 3.0, 4.0)
    assert (task.client, task.worker.hostname, task.origin) == ("gen1@h", "w@h", "w@h.None")
    assert (state.event_count, state.task_count, state.task_types()) == (4, 1, ["add"])
    assert [uuid for uuid, _ in state.tasks_by_type("add")] == ["1"]
    assert [uuid for uuid, _ in state.tasks_by_worker("w@h")] == ["1"]
    assert task.info()["runtime"] == 1.0


def test_events_out_of_order_fill_in_and_take_nothing_back() -> None:
    state = State()
    state.event(told("task-succeeded", at=4.0, result="3"))
    state.event(told("task-received", at=2.0, name="add", args="(1,)"))
    task = state.tasks["1"]
    assert (task.state, task.name, task.result, task.received, task.timestamp) == ("SUCCESS", "add", "3", 2.0, 4.0)


def test_a_retried_task_starts_anew() -> None:
    state = State()
    for at, type in enumerate(("received", "started", "retried", "received", "started", "succeeded"), 1):
        state.event(told(f"task-{type}", at=float(at), name="add"))
        assert state.tasks["1"].state != "PENDING"
    assert state.tasks["1"].state == "SUCCESS" and state.tasks["1"].retried == 3.0


def test_families_are_linked() -> None:
    state = State()
    state.event(told("task-received", uuid="root", name="a"))
    state.event(told("task-received", uuid="child", name="b", root_id="root", parent_id="root"))
    child = state.tasks["child"]
    assert child.parent is child.root is state.tasks["root"]
    assert state.tasks["root"].children == [child] and child.as_dict()["root"] == "root"


def test_workers_come_and_go() -> None:
    joined: list[str] = []
    left: list[str] = []
    state = State(
        on_node_join=lambda worker: joined.append(worker.hostname or ""),
        on_node_leave=lambda worker: left.append(worker.hostname or ""),
    )
    now = SystemClock().now() / 1000
    state.event(told("worker-online", at=now, freq=2.0, active=1, sw_ident="horarium"))
    worker = state.workers["w@h"]
    assert worker.alive and worker.status_string == "ONLINE" and [w.hostname for w in state.alive_workers()] == ["w@h"]
    state.event(told("worker-heartbeat", at=now - 100, freq=2.0, active=3))
    assert worker.active == 3 and worker.alive
    state.event(told("worker-offline", at=now))
    assert not worker.alive and (joined, left) == (["w@h"], ["w@h"]) and not state.workers


def test_memory_is_bounded() -> None:
    state = State(max_tasks_in_memory=10)
    for number in range(50):
        state.event(told("task-received", uuid=str(number), name="add"))
    assert len(state.tasks) == 10 and "49" in state.tasks
    state.event(told("task-succeeded", uuid="49"))
    state.clear_tasks()
    assert len(state.tasks) == 9
    state.clear(ready=False)
    assert not state.tasks and not state.workers


def test_the_dumper_calls_tasks_by_their_names() -> None:
    lines: list[str] = []
    dumper = Dumper(lines.append)
    dumper.on_event(told("task-received", name="add", args="(1,)", kwargs="{}"))
    dumper.on_event(told("task-succeeded", result="3"))
    dumper.on_event(told("worker-heartbeat", active=1))
    assert lines[0].startswith("w@h [1970-01-01 00:00:01+00:00] task received: add(1) args=(1,) kwargs={} clock=1")
    assert "task succeeded: add(1) args=(1,) kwargs={} " in lines[1] and "result=3" in lines[1]
    assert "] heartbeat: active=1" in lines[2]


def test_a_camera_takes_its_last_picture_at_the_end() -> None:
    seen: list[int] = []

    class Camera(Polaroid):
        clear_after = True

        def on_shutter(self, state: State) -> None:
            seen.append(state.event_count)

    state = State()
    with Camera(state, freq=1000.0):
        state.event(told("task-received", name="add"))
    assert seen == [1] and state.event_count == 0
