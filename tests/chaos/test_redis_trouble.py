"""Rows 13 to 15 of the matrix: what a Redis server can do to those who rely on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from ground import wait_for
from scene import SCHEDULE, Scene, pause
from sites import RedisSite

from horarium.errors import EngineUnavailable
from servers import free_port


@pytest.fixture
def redis(request: pytest.FixtureRequest) -> Iterator[RedisSite]:
    site = RedisSite(appendfsync=getattr(request, "param", "everysec"))
    yield site
    site.close()


@pytest.fixture
def scene(redis: RedisSite, tmp_path: Path) -> Iterator[Scene]:
    scene = Scene(redis, tmp_path)
    yield scene
    scene.close()


@pytest.mark.parametrize("redis", ["always", "everysec"], indirect=True)
def test_row_13_a_redis_that_is_killed_and_started_again_has_lost_nothing(
    redis: RedisSite, scene: Scene, request: pytest.FixtureRequest
) -> None:
    scene.play()
    for turn in range(2):
        wait_for(scene.in_flight, "work in flight")
        with scene.recovery(f"kill {turn + 1}", fires=turn == 1):
            redis.server.kill()
            pause(1.0)
            redis.server.start()
    assert scene.troubles() >= 2, "not exercised"
    scene.reckon(f"13 kill -9 and restart, appendfsync {request.node.callspec.params['redis']}")


@pytest.mark.parametrize("redis", [None], indirect=True)
def test_row_13_a_redis_that_keeps_nothing_loses_what_it_had_and_nobody_hangs(redis: RedisSite, scene: Scene) -> None:
    scene.play()
    wait_for(scene.in_flight, "work in flight")
    with scene.recovery("kill"):
        redis.server.kill()
        pause(0.5)
        redis.server.start()
    scene.reckon("13 kill -9 and restart, nothing on disk", loses=True)


def test_row_14_connections_killed_scripts_flushed_and_a_server_that_sleeps(redis: RedisSite, scene: Scene) -> None:
    """Whoever waits for an answer waits for 5 s; here the server is silent for less, and for more."""

    def kill(kind: str) -> Callable[[], object]:
        return lambda: [(redis.tell("CLIENT", "KILL", "TYPE", kind), pause(0.2)) for _ in range(5)]

    deeds: dict[str, Callable[[], object]] = {
        "CLIENT KILL TYPE normal": kill("normal"),
        "CLIENT KILL TYPE pubsub": kill("pubsub"),
        "SCRIPT FLUSH": lambda: redis.tell("SCRIPT", "FLUSH"),
        "DEBUG SLEEP 2": lambda: redis.tell("DEBUG", "SLEEP", "2"),
        "CLIENT PAUSE 5500": lambda: (redis.tell("CLIENT", "PAUSE", "5500"), pause(5.5)),
    }
    scene.play()
    for name, deed in deeds.items():
        wait_for(scene.in_flight, "work in flight")
        with scene.recovery(name):
            answer = deed()
            assert "ERR" not in str(answer)
    assert scene.troubles() > 0, "not exercised"
    scene.reckon("14 connections killed, scripts flushed, server asleep")


def test_row_14_a_store_that_is_wiped_loses_what_it_had_and_nobody_dies(redis: RedisSite, scene: Scene) -> None:
    scene.play()
    wait_for(scene.in_flight, "work in flight")
    with scene.recovery("FLUSHALL"):
        redis.tell("FLUSHALL")
    assert all(program.is_running for program in scene.ground.programs)
    scene.reckon("14 FLUSHALL", loses=True)


def test_row_15_a_redis_without_memory_refuses_calls_and_nothing_else(redis: RedisSite, scene: Scene) -> None:
    scene.ground.environment["CRASH_PUBLISH_TIMEOUT"] = "1"
    scene.play()
    with scene.recovery("maxmemory raised", fires=True):
        redis.tell("CONFIG", "SET", "maxmemory", "1mb")
        with pytest.raises(EngineUnavailable, match="maxmemory"):
            scene.ground.app.send_task("short", ("refused",), retry=False)
        wait_for(scene.failed_calls, "calls are refused, with an error of ours")
        pause(2.0)
        redis.tell("CONFIG", "SET", "maxmemory", "0")
    assert scene.troubles() > 0, "not exercised"
    scene.reckon("15 maxmemory reached")


def test_row_15_a_master_that_becomes_a_replica_for_a_while_is_waited_for(redis: RedisSite, scene: Scene) -> None:
    scene.play()
    with scene.recovery("REPLICAOF NO ONE", fires=True):
        redis.tell("REPLICAOF", "127.0.0.1", str(free_port()))
        pause(2.0)
        assert redis.tell("SET", "x", "y").startswith("-READONLY")
        redis.tell("REPLICAOF", "NO", "ONE")
    assert scene.troubles() > 0, "not exercised"
    assert scene.ground.app.engine.schedules.get([SCHEDULE]) != [None]
    scene.reckon("15 a replica for two seconds")
