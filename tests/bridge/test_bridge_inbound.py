"""From Celery's lists in Redis into the store, and the ends back: turn by turn."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from bridge_words import Ear, Redis, celery_signature, on_the_wire, parts_of

from horarium.app.app import Horarium
from horarium.bridge.part import Part
from horarium.bridge.plan import Plan
from horarium.errors import EngineUnavailable
from horarium.event import BridgeRefused, BridgeTook
from horarium.testing.drain import drain
from servers import RedisServer


@pytest.fixture
def app() -> Iterator[Horarium]:
    app = Horarium("shop", store="memory://", set_as_current=False)

    @app.task(name="shop.add", max_retries=0)
    def add(x: int, y: int) -> int:
        if y == 0:
            raise ValueError("no money", y)
        return x + y

    yield app
    app.close()


@pytest.fixture
def redis(redis_server: RedisServer) -> Redis:
    return Redis(redis_server)


@pytest.fixture
def ear() -> Ear:
    return Ear()


@pytest.fixture
def parts(app: Horarium, redis_server: RedisServer, ear: Ear) -> Iterator[dict[str, Part]]:
    url = redis_server.url
    parts = parts_of(app, Plan(source=url, inwards={"celery": "new", "heavy": "heavy"}, results=url), ear)
    yield parts
    for part in parts.values():
        part.close()


def turn_all(parts: dict[str, Part]) -> None:
    for part in parts.values():
        while part.turn(0):
            pass


def ids_in(app: Horarium, *queues: str) -> list[str]:
    from horarium.engines.records import Page, RunFilter

    return [held.message.id for held in app.engine.inspector.find(RunFilter(queues=queues), Page()).held]


def test_a_message_is_in_the_store_and_gone_from_the_broker(
    app: Horarium, redis: Redis, parts: dict[str, Part], ear: Ear
) -> None:
    redis("LPUSH", "celery", on_the_wire("a"))
    redis("LPUSH", "heavy", on_the_wire("b"))
    assert parts["bridge in"].turn(0)
    assert (ids_in(app, "new"), ids_in(app, "heavy")) == (["a"], ["b"])
    assert redis("KEYS", "*") == ["horarium-bridge:awaited"]
    assert [(told.id, told.is_new) for told in ear.of(BridgeTook)] == [("a", True), ("b", True)]


def test_those_with_priority_are_taken_first_and_stay_first(
    app: Horarium, redis: Redis, parts: dict[str, Part]
) -> None:
    for step, suffix in ((9, "\x06\x169"), (3, "\x06\x163"), (0, "")):
        redis("LPUSH", f"celery{suffix}", on_the_wire(f"p{step}", priority=step))
    parts["bridge in"].turn(0)
    assert ids_in(app, "new") == ["p0", "p3", "p9"]


def test_a_compressed_body_is_opened(app: Horarium, redis: Redis, parts: dict[str, Part]) -> None:
    redis("LPUSH", "celery", on_the_wire("a", compressed=True))
    parts["bridge in"].turn(0)
    drain(app)
    assert app.AsyncResult("a").get() == 5


def test_a_message_that_a_dead_bridge_had_in_hand_is_taken_by_the_next(
    app: Horarium, redis: Redis, parts: dict[str, Part]
) -> None:
    redis("LPUSH", "horarium-bridge:hold:celery", on_the_wire("a"))
    parts["bridge in"].turn(0)
    assert ids_in(app, "new") == ["a"]
    assert redis("EXISTS", "horarium-bridge:hold:celery") == 0


def test_a_message_that_was_stored_and_not_let_go_is_not_stored_twice(
    app: Horarium, redis: Redis, parts: dict[str, Part], ear: Ear
) -> None:
    redis("LPUSH", "celery", on_the_wire("a"))
    parts["bridge in"].turn(0)
    redis("LPUSH", "horarium-bridge:hold:heavy", on_the_wire("a"))
    parts["bridge in"].close()
    parts["bridge in"].turn(0)
    assert ids_in(app, "new", "heavy") == ["a"]
    assert [told.is_new for told in ear.of(BridgeTook)] == [True, False]
    assert redis("EXISTS", "horarium-bridge:hold:heavy") == 0


def test_while_the_store_is_away_messages_stay_with_the_broker(
    app: Horarium, redis: Redis, parts: dict[str, Part], monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: Any, **__: Any) -> None:
        raise EngineUnavailable("the store is away")

    redis("LPUSH", "celery", on_the_wire("a"))
    with monkeypatch.context() as patched:
        patched.setattr(app.engine.queue, "put", away)
        with pytest.raises(EngineUnavailable):
            parts["bridge in"].turn(0)
    assert redis("LLEN", "horarium-bridge:hold:celery") == 1
    assert redis("ZRANGE", "horarium-bridge:awaited", "0", "-1") == ["a"]  # no caller can be forgotten
    parts["bridge in"].close()
    parts["bridge in"].turn(0)
    assert ids_in(app, "new") == ["a"]


def test_one_that_no_store_can_hold_stops_none_of_the_others(
    app: Horarium, redis: Redis, parts: dict[str, Part], monkeypatch: pytest.MonkeyPatch
) -> None:
    put = app.engine.queue.put

    def fussy(messages: Any, **options: Any) -> Any:
        if any(message.id == "bad" for message in messages):
            raise ValueError("it does not fit")
        return put(messages, **options)

    monkeypatch.setattr(app.engine.queue, "put", fussy)
    for id in ("a", "bad", "b"):
        redis("LPUSH", "celery", on_the_wire(id))
    parts["bridge in"].turn(0)
    assert ids_in(app, "new") == ["a", "b"]
    assert (
        "it does not fit"
        in json.loads(redis("LRANGE", "celery.refused", "0", "-1")[0])["headers"]["x-horarium-refused"]
    )


BAD = {
    "pickle": on_the_wire("bad", content_type="application/x-python-serialize"),
    "no JSON at all": "\x01\x02",
    "a list": "[1, 2]",
    "no properties": '{"body": "", "headers": {}}',
    "a bomb that is none": on_the_wire("bad", body=b"x", compression="application/x-gzip"),
    "an unknown compression": on_the_wire("bad", compression="application/x-none"),
    "options that are none": on_the_wire("bad", body=b'[[], {}, {"callbacks": [{"task": "a", "options": [1]}]}]'),
    "a body that is no base64": on_the_wire("bad").replace('"body": "', '"body": "x'),
}


@pytest.mark.parametrize("raw", BAD.values(), ids=list(BAD))
def test_what_cannot_cross_is_set_aside_whole_with_the_reason_and_told(
    app: Horarium, redis: Redis, parts: dict[str, Part], ear: Ear, raw: str
) -> None:
    for each in (on_the_wire("a"), raw, on_the_wire("b")):
        redis("LPUSH", "celery", each)
    turn_all(parts)
    assert ids_in(app, "new") == ["a", "b"]
    (refused,) = redis("LRANGE", "celery.refused", "0", "-1")
    assert "expected" in json.loads(refused)["headers"]["x-horarium-refused"]
    assert len(ear.of(BridgeRefused)) == 1
    assert redis("EXISTS", "horarium-bridge:hold:celery") == 0


def test_a_refused_message_can_be_sent_again_as_it_was(app: Horarium, redis: Redis, parts: dict[str, Part]) -> None:
    redis("LPUSH", "celery", on_the_wire("a", eta="soon"))
    parts["bridge in"].turn(0)
    mended = redis("RPOP", "celery.refused").replace('"soon"', "null")
    redis("LPUSH", "celery", mended)
    parts["bridge in"].turn(0)
    assert ids_in(app, "new") == ["a"]


def test_an_end_is_kept_where_celerys_callers_look(app: Horarium, redis: Redis, parts: dict[str, Part]) -> None:
    redis("LPUSH", "celery", on_the_wire("a", group="g-1", parent_id="p-1"))
    turn_all(parts)
    assert redis("GET", "celery-task-meta-a") is None
    drain(app)
    turn_all(parts)
    record = json.loads(redis("GET", "celery-task-meta-a"))
    assert record.pop("date_done")
    assert record == {
        "status": "SUCCESS",
        "result": 5,
        "traceback": None,
        "children": [],
        "task_id": "a",
        "group_id": "g-1",
        "parent_id": "p-1",
    }
    assert 86_000 < redis("TTL", "celery-task-meta-a") <= 86_400
    assert redis("EXISTS", "horarium-bridge:awaited") == 0


def test_a_failure_is_told_with_its_class_and_its_arguments(
    app: Horarium, redis: Redis, parts: dict[str, Part]
) -> None:
    redis("LPUSH", "celery", on_the_wire("a", (1, 0)))
    turn_all(parts)
    drain(app)
    turn_all(parts)
    record = json.loads(redis("GET", "celery-task-meta-a"))
    assert record["status"] == "FAILURE"
    assert record["result"] == {"exc_type": "ValueError", "exc_message": ["no money", 0], "exc_module": "builtins"}
    assert "no money" in record["traceback"]


def test_a_cancelled_run_is_revoked_to_celerys_callers_too(app: Horarium, redis: Redis, parts: dict[str, Part]) -> None:
    redis("LPUSH", "celery", on_the_wire("a"))
    turn_all(parts)
    app.control.revoke("a")
    turn_all(parts)
    record = json.loads(redis("GET", "celery-task-meta-a"))
    assert (record["status"], record["result"]["exc_type"]) == ("REVOKED", "TaskRevokedError")
    assert record["result"]["exc_module"] == "celery.exceptions"


def test_the_ends_of_links_are_told_as_well_and_named_as_children(
    app: Horarium, redis: Redis, parts: dict[str, Part]
) -> None:
    body = json.dumps([[1, 1], {}, {"callbacks": [celery_signature("shop.add", 10, task_id="child")]}]).encode()
    redis("LPUSH", "celery", on_the_wire("a", body=body))
    turn_all(parts)
    drain(app)
    turn_all(parts)
    turn_all(parts)
    assert json.loads(redis("GET", "celery-task-meta-a"))["children"] == [[["child", None], None]]
    assert json.loads(redis("GET", "celery-task-meta-child"))["result"] == 12


def test_the_end_of_one_whose_result_nobody_wants_is_not_kept(
    app: Horarium, redis: Redis, parts: dict[str, Part]
) -> None:
    redis("LPUSH", "celery", on_the_wire("a", ignore_result=True))
    turn_all(parts)
    drain(app)
    turn_all(parts)
    assert redis("KEYS", "*") == []


def test_keys_with_a_prefix_are_found(app: Horarium, redis_server: RedisServer, redis: Redis, ear: Ear) -> None:
    url = f"{redis_server.url}?global_keyprefix=shop:"
    parts = parts_of(app, Plan(source=url, inwards={"celery": "new"}, results=url), ear)
    redis("LPUSH", "shop:celery", on_the_wire("a"))
    turn_all(parts)
    drain(app)
    turn_all(parts)
    for part in parts.values():
        part.close()
    assert redis("KEYS", "*") == ["shop:celery-task-meta-a"]
