"""What workers answer, compared with what Celery 5.7 answered to the same questions (taken once, and frozen here)."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from yard import Worker, Yard, wait_for

TASK_INFO = {
    "id": str,
    "name": str,
    "args": list,
    "kwargs": dict,
    "type": str,
    "hostname": str,
    "time_start": float,
    "acknowledged": bool,
    "delivery_info": dict,
    "worker_pid": int,
}
QUEUE = {
    "alias": None,
    "auto_delete": False,
    "binding_arguments": None,
    "bindings": [],
    "consumer_arguments": None,
    "durable": True,
    "exchange": {
        "arguments": None,
        "auto_delete": False,
        "delivery_mode": None,
        "durable": True,
        "name": "celery",
        "no_declare": False,
        "passive": False,
        "type": "direct",
    },
    "exclusive": False,
    "expires": None,
    "max_length": None,
    "max_length_bytes": None,
    "max_priority": None,
    "message_ttl": None,
    "name": "celery",
    "no_ack": False,
    "no_declare": None,
    "queue_arguments": None,
    "routing_key": "celery",
}
STATS = set("total pid clock uptime pool broker prefetch_count rusage".split())
POOL = set(
    "implementation max-concurrency max-tasks-per-child processes put-guarded-by-semaphore timeouts writes".split()
)
BROKER = set(
    "alternates connect_timeout credential_provider failover_strategy heartbeat hostname insist login_method port ssl "
    "transport transport_options uri_prefix userid virtual_host".split()
)
RUSAGE = set(
    "idrss inblock isrss ixrss majflt maxrss minflt msgrcv msgsnd nivcsw nsignals nswap nvcsw oublock "
    "stime utime".split()
)
NODE = "w1@host"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Yard, Worker]]:
    yard = Yard(Path(tmp_path_factory.mktemp("answers")))
    yield yard, yard.start(name=NODE, concurrency=2, queues=["celery"])
    yard.close()


@pytest.fixture
def yard(shared: tuple[Yard, Worker]) -> Yard:
    return shared[0]


def ask(yard: Yard, question: str, *args: Any, **options: Any) -> Any:
    answer = getattr(yard.app.control.inspect(timeout=10.0), question)(*args, **options)
    assert set(answer) == {NODE}
    return answer[NODE]


def shape(info: dict[str, Any]) -> dict[str, type]:
    return {key: type(value) for key, value in info.items()}


def test_ping_is_answered_by_the_worker_at_once_row_109(yard: Yard) -> None:
    began = time.monotonic()
    assert yard.app.control.ping(timeout=10.0) == [{NODE: {"ok": "pong"}}]
    assert ask(yard, "ping") == {"ok": "pong"}
    assert time.monotonic() - began < 9  # not the whole timeout: all who live have answered


def test_active_tells_what_runs_in_celerys_shape_row_106(yard: Yard, shared: tuple[Yard, Worker]) -> None:
    id = yard.send("nap", "active", 2.0, queue="celery")
    yard.sees("start", "active")
    [info] = [info for info in ask(yard, "active") if info["id"] == id]
    assert shape(info) == TASK_INFO
    assert info["args"] == ["active", 2.0] and info["name"] == info["type"] == "nap" and info["hostname"] == NODE
    assert info["delivery_info"] == {"exchange": "", "routing_key": "celery", "priority": 5, "redelivered": False}
    assert info["worker_pid"] in shared[1].children()
    assert ask(yard, "query_task", id, "unknown")[id][0] == "active"
    [safe] = [info for info in ask(yard, "active", safe=True) if info["id"] == id]
    assert safe["args"] == "['active', 2.0]"
    yard.ends(id)
    assert ask(yard, "active") == []


def test_scheduled_tells_etas_as_iso_with_their_zone_row_107(yard: Yard) -> None:
    id = yard.send("add", 1, 2, countdown=1000, priority=6, queue="celery")
    [told] = ask(yard, "scheduled")
    assert set(told) == {"eta", "priority", "request"} and told["priority"] == 6
    assert told["eta"].endswith("+00:00") and datetime.fromisoformat(told["eta"]).tzinfo is not None
    assert shape(told["request"]) == {**TASK_INFO, "time_start": type(None), "worker_pid": type(None)}
    assert told["request"]["id"] == id and told["request"]["acknowledged"] is False
    assert ask(yard, "query_task", id) == {id: ["scheduled", told["request"]]}
    assert yard.app.control.revoke(id, reply=True, timeout=10.0) == [
        {NODE: {"ok": f"tasks { {id} } flagged as revoked"}}
    ]
    assert id in ask(yard, "revoked") and ask(yard, "scheduled") == []


def test_reserved_is_empty_when_nothing_is_held_back_row_110(yard: Yard) -> None:
    assert ask(yard, "reserved") == []


def test_active_queues_has_all_eighteen_keys(yard: Yard) -> None:
    assert ask(yard, "active_queues") == [QUEUE]


def test_registered_names_tasks_and_the_options_that_were_asked_for_row_108(yard: Yard) -> None:
    assert "add" in ask(yard, "registered")
    assert not any(name.startswith("celery.") for name in ask(yard, "registered"))
    assert "add [name=add]" in ask(yard, "registered", "name")
    assert "sway [max_retries=2]" in ask(yard, "registered", "max_retries", "_secret")


def test_an_unknown_id_is_left_out(yard: Yard) -> None:
    assert ask(yard, "query_task", "nobody", "knows") == {}


def test_stats_has_celerys_keys_and_counts_tasks_by_name(yard: Yard, shared: tuple[Yard, Worker]) -> None:
    before = ask(yard, "stats")["total"].get("mark", 0)
    yard.ends(*(yard.send("mark", "x", queue="celery") for _ in range(3)))
    stats = ask(yard, "stats")
    assert set(stats) == STATS
    assert (set(stats["pool"]), set(stats["broker"]), set(stats["rusage"])) == (POOL, BROKER, RUSAGE)
    assert stats["total"]["mark"] == before + 3
    assert stats["pid"] == shared[1].pid and stats["pool"]["processes"] == shared[1].children()
    assert (type(stats["clock"]), type(stats["uptime"]), stats["pool"]["timeouts"]) == (str, int, [0, 0])


def test_conf_tells_what_differs_and_masks_what_is_secret(yard: Yard) -> None:
    told = ask(yard, "conf")
    assert told["store"] == yard.store
    assert "task_default_queue" not in told and "task_default_queue" in ask(yard, "conf", with_defaults=True)


def test_clock_and_hello_have_celerys_shape(yard: Yard) -> None:
    assert ask(yard, "clock").keys() == {"clock"} and type(ask(yard, "clock")["clock"]) is int
    assert ask(yard, "hello", "me@host").keys() == {"clock", "revoked"}
    assert ask(yard, "hello", NODE) is None


def test_report_is_a_text(yard: Yard) -> None:
    text = ask(yard, "report")["ok"]
    assert "software -> horarium:" in text and "platform -> " in text


def test_memory_is_sampled_and_dumped(yard: Yard) -> None:
    sample = ask(yard, "memsample")
    assert re.fullmatch(r"\d+\.\d\dMB", sample)
    assert f"- rss: {sample}\n" in ask(yard, "memdump", 5)


def test_stacks_say_what_each_child_is_doing(yard: Yard) -> None:
    id = yard.send("nap", "stacks", 60.0, queue="celery")
    yard.sees("start", "stacks")
    for _ in range(2):  # the second time only the newest are told
        text = ask(yard, "stacks")["ok"]
        assert f" runs nap [{id}]" in text
        assert text.count(" in nap\n") == text.count("child 1 (pid ") == 1
    yard.app.control.terminate(id)
    yard.ends(id)


def test_objgraph_says_what_it_needs(yard: Yard) -> None:
    assert ask(yard, "objgraph") == {"error": "ImportError('Requires the objgraph library')"}


@pytest.mark.parametrize("alias", ["active", "reserved", "schedule", "revoked", "tasks", "conf"])
def test_celerys_old_names_are_understood(yard: Yard, alias: str) -> None:
    [reply] = yard.app.control.broadcast(f"dump_{alias}", reply=True, timeout=10.0)
    assert "error" not in reply[NODE]


@pytest.mark.parametrize(
    ("command", "arguments", "answer"),
    [
        ("nonsense", {}, {"error": "KeyError('nonsense')"}),
        ("__init__", {}, {"error": "KeyError('__init__')"}),
        ("os.system", {"command": "true"}, {"error": "KeyError('os.system')"}),
        ("ping", {"n": "x"}, {"ok": "pong"}),
        ("time_limit", {"task_name": "nope", "soft": 3, "hard": 5}, {"error": "unknown task"}),
        ("rate_limit", {"task_name": "nope", "rate_limit": "5/m"}, {"error": "unknown task"}),
        ("election", {"id": "1", "topic": "task"}, None),
        ("heartbeat", {}, None),
        ("disable_events", {}, {"ok": "task events already disabled"}),
        ("terminate", {"task_id": "nope", "signal": "SIGTERM"}, {"ok": "terminate: tasks unknown"}),
    ],
)
def test_a_reply_is_what_celery_replies(yard: Yard, command: str, arguments: dict[str, Any], answer: Any) -> None:
    assert yard.app.control.broadcast(command, arguments, reply=True, timeout=10.0) == [{NODE: answer}]


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        ("pool_grow", {"n": "x"}),
        ("pool_grow", {"n": -1}),
        ("pool_grow", {"n": 10**9}),
        ("pool_shrink", {"n": 2}),
        ("pool_restart", {"modules": ["os"]}),
        ("autoscale", {"max": 1, "min": 5}),
        ("add_consumer", {}),
        ("add_consumer", {"queue": ["a"]}),
        ("time_limit", {"task_name": "add", "soft": -3}),
        ("time_limit", {"task_name": ["add"]}),
        ("rate_limit", {}),
        ("rate_limit", {"task_name": "add", "rate_limit": "5/x"}),
        ("terminate", {"task_id": "x", "signal": "SIGNONSENSE"}),
        ("revoke_by_stamped_headers", {"headers": ["no equals sign"]}),
        ("memdump", {"samples": "many"}),
        ("ping", {"station": 1}),
    ],
)
def test_bad_arguments_are_answered_with_an_error_and_end_nobody(
    yard: Yard, shared: tuple[Yard, Worker], command: str, arguments: dict[str, Any]
) -> None:
    children = shared[1].children()
    [reply] = yard.app.control.broadcast(command, arguments, reply=True, timeout=10.0)
    assert set(reply[NODE]) == {"error"}
    assert ask(yard, "ping") == {"ok": "pong"} and shared[1].children() == children


def test_stamps_are_answered_with_celerys_sentences(yard: Yard) -> None:
    control = yard.app.control
    flagged, not_ended = (
        control.revoke_by_stamped_headers({"k": ["v"]}, terminate=terminate, reply=True, timeout=10.0)
        for terminate in (False, True)
    )
    assert flagged == [{NODE: {"ok": "headers {'k': ['v']} flagged as revoked, but not terminated"}}]
    assert not_ended == [{NODE: {"ok": "headers {'k': ['v']} were not terminated"}}]


def test_runs_are_revoked_by_their_stamps(yard: Yard) -> None:
    stamped = [
        yard.send("add", 1, 2, countdown=1000, queue="celery", headers={"stamps": {"batch": stamp}})
        for stamp in ("a", ["a", "b"], "c")
    ]
    assert sorted(yard.app.control.revoke_by_stamped_headers({"batch": "a"})) == sorted(stamped[:2])
    assert [yard.run(id).state for id in stamped] == ["REVOKED", "REVOKED", "PENDING"]
    yard.app.control.revoke(stamped[2])


def test_replies_can_be_limited_filtered_and_heard_one_by_one(yard: Yard) -> None:
    heard: list[dict[str, Any]] = []
    control = yard.app.control
    assert control.inspect(timeout=10.0, callback=heard.append, limit=1).ping() == {NODE: {"ok": "pong"}}
    assert heard == [{NODE: {"ok": "pong"}}]
    assert control.inspect(NODE, timeout=10.0).ping() == {"ok": "pong"}
    assert control.inspect([NODE], timeout=10.0).ping() == {NODE: {"ok": "pong"}}
    assert control.inspect(pattern="w*@*", timeout=10.0).ping() == {NODE: {"ok": "pong"}}
    assert control.inspect(pattern="w[0-9]@", matcher="pcre", timeout=10.0).ping() == {NODE: {"ok": "pong"}}
    assert control.inspect(pattern="x*", timeout=0.3).ping() is None
    assert control.inspect(["w2@host"], timeout=0.3).ping() is None


def test_two_commands_at_once_are_both_answered(yard: Yard) -> None:
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: yard.app.control.ping(timeout=10.0), range(24)))
    assert answers == [[{NODE: {"ok": "pong"}}]] * 24


def test_a_command_that_nobody_waits_for_is_carried_out_once(yard: Yard) -> None:
    before = ask(yard, "stats")["pool"]["max-concurrency"]
    assert yard.app.control.pool_grow(1) is None
    wait_for(lambda: ask(yard, "stats")["pool"]["max-concurrency"] == before + 1, "the pool has grown by one")
    assert ask(yard, "stats")["pool"]["max-concurrency"] == before + 1
    yard.app.control.pool_shrink(1, reply=True, timeout=10.0)
