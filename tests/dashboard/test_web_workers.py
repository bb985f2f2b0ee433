"""The pages of workers and of what happens."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from front_desk import Asker
from msgspec import Raw
from starlette.testclient import TestClient

from horarium import Horarium
from horarium.app.control import Control
from horarium.dashboard.ask import Done, Download, Unanswerable
from horarium.dashboard.person import Role
from horarium.dashboard.rooms import monitor, workers
from horarium.engines.records import Member, RunningNow


def enlist(shop: Horarium, *, lease: float = 60.0, owner: str = "o1", name: str = "w1@vm") -> None:
    now = shop.engine.now()
    common: dict[str, Any] = {"name": name, "host": "vm", "started": 5, "queues": ("default",), "version": "1.2"}
    running = (RunningNow(id="r1", task="shop.charge", started=now),)
    worker = Member(owner=owner, kind="worker", pid=7, pool="process", **common)
    child = Member(owner=f"{owner}c", kind="child", pid=8, slots=3, running=running, rss_bytes=5_000_000, **common)
    shop.engine.queue.renew([worker, child], now=now, lease=lease)


def answering(monkeypatch: pytest.MonkeyPatch, answer: list[dict[str, Any]] | None) -> list[tuple[str, dict[str, Any]]]:
    """Let workers answer so, and gather what they are told."""
    told: list[tuple[str, dict[str, Any]]] = []

    def broadcast(self: Control, command: str, arguments: Any = None, destination: Any = None, **options: Any) -> Any:
        told.append((command, dict(arguments or {}) | {"to": destination, **options}))
        return answer

    monkeypatch.setattr(Control, "broadcast", broadcast)
    return told


def test_all_workers_show_and_those_who_live_are_green_row_114(shop: Horarium, client: TestClient) -> None:
    enlist(shop)
    shop.engine.queue.renew([Member(owner="s1", kind="scheduler", name="beat@vm", pid=9)], now=1, lease=1.0)
    page = client.get("/workers").text
    assert '<span class="state good"><span aria-hidden="true">✔</span> alive</span>' in page
    assert '<meter min="0" max="3" value="1"' in page and "vm · pid 7" in page and "5 MB" in page
    assert "Gone within the last hour" in page and "beat@vm" in page  # schedulers, too
    one = client.get("/workers/w1%40vm").text
    assert "process pool" in one and "pid 8" in one and "/runs/r1" in one and "/queues/default" in one


def test_those_of_one_name_have_pages_of_their_own(shop: Horarium, client: TestClient) -> None:
    enlist(shop)
    enlist(shop, owner="o2")
    page = client.get("/workers").text
    assert 'href="/workers/o1"' in page and 'href="/workers/o2"' in page


COMMANDS: list[tuple[Callable[[Any], Done], dict[str, str], str, dict[str, Any]]] = [
    (workers.stop, {}, "shutdown", {}),
    (workers.quiet, {}, "cancel_consumer", {"queue": "default"}),
    (workers.restart, {}, "pool_restart", {"modules": None, "reload": False}),
    (workers.resize, {"slots": "5"}, "pool_grow", {"n": 2}),
    (workers.resize, {"slots": "1"}, "pool_shrink", {"n": 2}),
    (workers.autoscale, {"min": "2", "max": "9"}, "autoscale", {"max": 9, "min": 2}),
    (workers.read, {"queue": "mail"}, "add_consumer", {"queue": "mail"}),
    (workers.unread, {"queue": "default"}, "cancel_consumer", {"queue": "default"}),
]


@pytest.mark.parametrize(("act", "form", "command", "arguments"), COMMANDS)
def test_a_worker_is_told_and_has_two_seconds_to_answer_row_117(
    act: Callable[[Any], Done],
    form: dict[str, str],
    command: str,
    arguments: dict[str, Any],
    shop: Horarium,
    asker: Asker,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    enlist(shop)
    told = answering(monkeypatch, [{"w1@vm": {"ok": "done"}}])
    done = act(asker.ask(form={"owner": "o1", **form}))
    assert done.is_good and done.to == "/workers/w1%40vm"
    options = {"to": ["w1@vm"], "reply": True, "timeout": workers.ANSWERED_WITHIN}
    assert told == [(command, arguments | options)]


def test_one_that_refuses_or_is_silent_is_said_to(
    shop: Horarium, asker: Asker, monkeypatch: pytest.MonkeyPatch
) -> None:
    enlist(shop)
    answering(monkeypatch, [{"w1@vm": {"error": "pool_grow is not supported with autoscale."}}])
    refused = workers.resize(asker.ask(form={"owner": "o1", "slots": "9"}))
    assert not refused.is_good and "not supported with autoscale" in refused.text
    answering(monkeypatch, None)
    silent = workers.stop(asker.ask(form={"owner": "o1"}))
    assert not silent.is_good and "has not answered within 2 s" in silent.text


def test_nobody_waits_for_a_worker_that_only_looks_alive(
    shop: Horarium, asker: Asker, monkeypatch: pytest.MonkeyPatch
) -> None:
    enlist(shop)
    monkeypatch.setattr(workers, "ANSWERED_WITHIN", 0.0)  # its time is up at once
    done = workers.quiet(asker.ask(form={"owner": "o1"}))
    assert not done.is_good and "has not answered within 0 s" in done.text


@pytest.mark.parametrize("form", [{"owner": "nobody"}, {}, {"owner": "o1c"}, {"owner": "s1"}, {"owner": "o2"}])
def test_only_a_live_worker_can_be_told(form: dict[str, str], shop: Horarium, asker: Asker) -> None:
    enlist(shop)
    gone = Member(owner="o2", kind="worker", name="w2@vm", pid=7)
    shop.engine.queue.renew([gone], now=1, lease=1.0)
    scheduler = Member(owner="s1", kind="scheduler", name="beat@vm", pid=9)
    shop.engine.queue.renew([scheduler], now=shop.engine.now(), lease=60.0)
    with pytest.raises(Unanswerable, match="cannot be told"):
        workers.stop(asker.ask(form=form))


@pytest.mark.parametrize("slots", ["", "0", "-1", "many", "1e3", "9999999", "1000009999", "²"])
def test_a_number_of_slots_is_checked_at_the_door(slots: str, shop: Horarium, asker: Asker) -> None:
    enlist(shop)
    with pytest.raises(Unanswerable, match="whole number"):
        workers.resize(asker.ask(form={"owner": "o1", "slots": slots}))


def test_whatever_changes_a_worker_needs_an_admin() -> None:
    roles = {route.path: route.role for route in workers.room.routes if route.is_change}
    assert roles.pop("/workers/stacks") == Role.OPERATOR  # it only looks
    assert set(roles.values()) == {Role.ADMIN}


def test_stacks_are_shown_as_text(shop: Horarium, asker: Asker, monkeypatch: pytest.MonkeyPatch) -> None:
    enlist(shop)
    answering(monkeypatch, [{"w1@vm": {"ok": 'child 1\n  File "<shop>.py", line 3 in slow'}}])
    assert "in slow" in workers.stacks(asker.ask(form={"owner": "o1"})).context["stacks"]
    answering(monkeypatch, [])
    assert workers.stacks(asker.ask(form={"owner": "o1"})).context["stacks"] == ""


def test_the_monitor_goes_on_from_where_the_journal_ended_row_120(shop: Horarium, asker: Asker) -> None:
    def write(*entries: Any) -> None:
        shop.engine.journal.append([Raw(msgspec.json.encode(each)) for each in entries], now=shop.engine.now())

    def read(after: str, **query: str) -> Any:
        answer = monitor.events(asker.ask(query={"after": after, **query}, zone="Asia/Tokyo"))
        assert isinstance(answer, Download)
        return msgspec.json.decode(answer.body)

    write({"type": "task-sent", "uuid": "old"})
    place = monitor.monitor(asker.ask()).context["place"]
    started = {"type": "task-started", "uuid": "r1", "hostname": "w1@vm", "clock": 1_795_000_000_000}
    write(started, {"type": "worker-heartbeat", "hostname": "w1@vm"}, "nonsense", {"type": 3, "clock": 10**30})
    write({"type": "task-failed", "uuid": "r1", "exception": "E\x1b[2J", "kwargs": "{'password': 'hunter2'}"})
    told = read(place)
    assert [each["type"] for each in told["events"]] == ["task-started", "3", "task-failed"]
    assert told["events"][0]["at"].endswith("JST") and told["events"][1]["at"] == "–"
    assert told["events"][2]["detail"] == "exception E\\x1b[2J"  # and no argument, which may be secret
    assert read(told["next"])["events"] == []
    assert len(read(place, heartbeats="1")["events"]) == 4


def test_a_place_that_is_none_is_refused(asker: Asker) -> None:
    with pytest.raises(Unanswerable, match="no place in the journal"):
        monitor.events(asker.ask(query={"after": "x"}))


def test_events_are_asked_of_all_and_the_silent_are_named(
    shop: Horarium, asker: Asker, monkeypatch: pytest.MonkeyPatch
) -> None:
    enlist(shop)
    enlist(shop, owner="o2", name="w2@vm")
    answering(monkeypatch, [{"w1@vm": {"ok": "task events enabled"}}])
    done = monitor.begin(asker.ask())
    assert not done.is_good and "w2@vm" in done.text and "w1@vm" not in done.text
