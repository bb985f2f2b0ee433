"""From the store to Celery's lists in Redis, and its results back: turn by turn, in time that stands still."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from bridge_words import Ear, Redis, parts_of

from horarium.app.app import Horarium
from horarium.bridge.carrier import BrokerAway
from horarium.bridge.part import Part
from horarium.bridge.plan import Plan
from horarium.clock import ManualClock
from horarium.errors import RemoteError, TaskError, TaskRevokedError
from servers import RedisServer


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def app(clock: ManualClock) -> Iterator[Horarium]:
    from horarium.engines.memory import MemoryEngine

    app = Horarium("shop", engine=MemoryEngine(clock=clock), clock=clock, set_as_current=False)
    yield app
    app.close()


@pytest.fixture
def redis(redis_server: RedisServer) -> Redis:
    return Redis(redis_server)


class Way:
    """A way out, turned by hand."""

    def __init__(self, app: Horarium, url: str, **options: Any) -> None:
        self._part: Part = parts_of(app, Plan(target=url, outwards={"heavy": "legacy"}, **options), Ear())["bridge out"]

    def turn(self) -> bool:
        return self._part.turn(0)

    def close(self) -> None:
        self._part.close()


@pytest.fixture
def way(app: Horarium, redis_server: RedisServer) -> Iterator[Way]:
    way = Way(app, redis_server.url, results=redis_server.url)
    yield way
    way.close()


def send(app: Horarium, task: str = "old.double", *args: Any, **options: Any) -> str:
    return app.send_task(task, args or (21,), queue="heavy", **options).id


def keep(redis: Redis, id: str, status: str, result: Any = None, **more: Any) -> None:
    redis("SET", f"celery-task-meta-{id}", json.dumps({"status": status, "result": result, "traceback": None, **more}))


def test_a_message_stands_in_celerys_queue_and_its_run_waits(app: Horarium, redis: Redis, way: Way) -> None:
    id = send(app)
    assert way.turn()
    (raw,) = redis("LRANGE", "legacy", "0", "-1")
    headers = json.loads(raw)["headers"]
    assert (headers["id"], headers["task"], headers["lang"]) == (id, "old.double", "py")
    assert app.AsyncResult(id).state == "RETRY"
    (attempt,) = app.engine.results.read([id])[0].attempts  # type: ignore[union-attr]
    assert "given to Celery's queue legacy" in attempt.error.text


def test_a_result_that_celery_keeps_settles_the_run(app: Horarium, redis: Redis, way: Way, clock: ManualClock) -> None:
    id = send(app)
    way.turn()
    keep(redis, id, "SUCCESS", {"__type__": "decimal", "__value__": "4.2"})
    clock.advance(0.2)
    assert way.turn()
    assert str(app.AsyncResult(id).get()) == "4.2"


def test_while_celery_tells_no_end_the_run_waits_and_is_charged_with_nothing(
    app: Horarium, redis: Redis, way: Way, clock: ManualClock
) -> None:
    id = send(app)
    way.turn()
    keep(redis, id, "STARTED")
    for _ in range(20):
        clock.advance(1)
        way.turn()
    run = app.engine.results.read([id])[0]
    assert run is not None
    assert (len(run.attempts), run.state) == (1, "PENDING")
    assert redis("LLEN", "legacy") == 1


def test_a_failure_of_celerys_is_raised_with_its_class_and_traceback(
    app: Horarium, redis: Redis, way: Way, clock: ManualClock
) -> None:
    id, other = send(app), send(app)
    way.turn()
    failure = {"exc_type": "ValueError", "exc_message": ["no money"], "exc_module": "builtins"}
    keep(redis, id, "FAILURE", failure, traceback="Traceback ...")
    keep(redis, other, "FAILURE", {"exc_type": "OutOfStock", "exc_message": ["7"], "exc_module": "old.errors"})
    clock.advance(0.2)
    way.turn()
    with pytest.raises(ValueError, match="no money"):
        app.AsyncResult(id).get()
    assert app.AsyncResult(id).traceback == "Traceback ..."
    with pytest.raises(RemoteError, match=r"old\.errors\.OutOfStock: 7"):
        app.AsyncResult(other).get()


def test_a_task_revoked_in_celery_is_revoked_here(app: Horarium, redis: Redis, way: Way, clock: ManualClock) -> None:
    id = send(app)
    way.turn()
    keep(redis, id, "REVOKED", {"exc_type": "TaskRevokedError", "exc_message": ["expired"], "exc_module": "celery"})
    clock.advance(0.2)
    way.turn()
    with pytest.raises(TaskRevokedError, match="expired"):
        app.AsyncResult(id).get()


def test_a_record_that_is_no_json_fails_the_run_with_the_remedy(
    app: Horarium, redis: Redis, way: Way, clock: ManualClock
) -> None:
    id = send(app)
    way.turn()
    redis("SET", f"celery-task-meta-{id}", "\x02.pickle")
    clock.advance(0.2)
    way.turn()
    with pytest.raises(Exception, match="result_serializer = 'json'"):
        app.AsyncResult(id).get()


def test_a_run_of_which_celery_tells_nothing_fails_when_patience_ends(
    app: Horarium, redis_server: RedisServer, clock: ManualClock
) -> None:
    way = Way(app, redis_server.url, results=redis_server.url, patience=60.0)
    id = send(app)
    way.turn()
    for _ in range(70):
        clock.advance(1)
        way.turn()
    way.close()
    with pytest.raises(TaskError, match=r"within 60 s, got none: what became of old\.double"):
        app.AsyncResult(id).get()


def test_links_are_sent_from_here_when_the_result_is_known(
    app: Horarium, redis: Redis, way: Way, clock: ManualClock
) -> None:
    send(app, link=app.signature("old.double", (1,), queue="heavy"))
    way.turn()
    sent = json.loads(redis("RPOP", "legacy"))
    keep(redis, sent["headers"]["id"], "SUCCESS", 42)
    clock.advance(0.2)
    way.turn()
    way.turn()
    import base64

    follow = json.loads(redis("RPOP", "legacy"))
    assert json.loads(base64.b64decode(follow["body"]))[0] == [42, 1]
    assert follow["headers"]["parent_id"] == sent["headers"]["id"]


def test_without_a_store_of_results_the_run_ends_as_ignored_and_its_links_went_along(
    app: Horarium, redis: Redis, redis_server: RedisServer
) -> None:
    import base64

    way = Way(app, redis_server.url)
    id = send(app, link=app.signature("shop.next", (1,)))
    way.turn()
    way.close()
    assert app.AsyncResult(id).state == "IGNORED"
    body = json.loads(base64.b64decode(json.loads(redis("RPOP", "legacy"))["body"]))
    assert [callback["task"] for callback in body[2]["callbacks"]] == ["shop.next"]
    assert app.engine.inspector.counts().queues == {}  # nothing was sent from here


def test_only_tasks_that_a_pattern_means_go_out(app: Horarium, redis: Redis, redis_server: RedisServer) -> None:
    way = Way(app, redis_server.url, tasks=("old.*",))
    send(app, "new.thing")
    id = send(app)
    way.turn()
    way.close()
    assert [json.loads(raw)["headers"]["id"] for raw in redis("LRANGE", "legacy", "0", "-1")] == [id]
    assert app.engine.inspector.counts().queues["heavy"].tasks == {"new.thing": 1}


def test_tasks_given_by_name_count_as_known_so_that_schedules_fire_them(
    app: Horarium, redis_server: RedisServer, clock: ManualClock
) -> None:
    way = Way(app, redis_server.url, tasks=("old.clean", "other.*"))
    send(app, "other.thing")
    way.turn()
    clock.advance(10)
    way.turn()
    alive = [record.member for record in app.engine.inspector.workers(now=clock.now()) if record.alive]
    assert [member.tasks for member in alive] == [("old.clean", "other.thing")]
    way.close()


def test_a_message_is_put_into_celerys_queue_once_whoever_dies_after_it(
    app: Horarium, redis: Redis, way: Way, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = send(app)

    def died(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(app.engine.queue, "settle", died)
        with pytest.raises(KeyboardInterrupt):
            way.turn()
    way.close()  # signs off: what it held goes back
    assert way.turn()
    assert redis("LLEN", "legacy") == 1
    keep(redis, id, "SUCCESS", 42)
    clock.advance(0.2)
    way.turn()
    assert app.AsyncResult(id).get() == 42


def test_arguments_that_celerys_json_cannot_say_fail_their_run_and_no_other(
    app: Horarium, redis: Redis, way: Way
) -> None:
    bad, good = send(app, "old.double", {1, 2}), send(app)
    way.turn()
    with pytest.raises(TypeError, match=r"args\[0\].*set"):
        app.AsyncResult(bad).get()
    assert [json.loads(raw)["headers"]["id"] for raw in redis("LRANGE", "legacy", "0", "-1")] == [good]


@pytest.mark.parametrize("headers", [{"celery": "mine"}, {"handed_over": {}}, {"handed_over": "mine"}])
def test_headers_of_the_users_own_with_names_of_the_bridges_cross_as_well(
    app: Horarium, redis: Redis, way: Way, headers: dict[str, Any]
) -> None:
    send(app, headers=headers)
    way.turn()
    assert redis("LLEN", "legacy") == 1


def test_a_run_made_anew_from_one_that_was_out_goes_out_itself(
    app: Horarium, redis: Redis, way: Way, clock: ManualClock
) -> None:
    from msgspec.structs import replace

    id = send(app)
    way.turn()
    run = app.engine.results.read([id])[0]
    assert run is not None
    anew = replace(run.message, id="anew", eta=None)
    app.engine.queue.put([anew], now=clock.now())
    way.turn()
    way.turn()
    assert [json.loads(raw)["headers"]["id"] for raw in redis("LRANGE", "legacy", "0", "-1")] == ["anew", id]


def test_when_the_broker_goes_away_what_was_not_sent_waits_uncharged(
    app: Horarium, redis_server: RedisServer, way: Way
) -> None:
    way.turn()
    redis_server.kill()
    id = send(app)
    with pytest.raises(BrokerAway):
        way.turn()
    run = app.engine.results.read([id])[0]
    assert run is not None
    assert (run.state, run.attempts) == ("PENDING", ())
    redis_server.start()
    way.close()
    assert way.turn()
    assert app.AsyncResult(id).state == "RETRY"
