"""The real Celery on one side, Horarium on the other, a bridge between them: as somebody who moves would run them."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from sides import Sides, until

from servers import RabbitServer, RedisServer


@pytest.fixture
def on_redis(tmp_path: Path, redis_server: RedisServer) -> Iterator[Sides]:
    sides = Sides(tmp_path, redis_server.url, redis_server.url)
    yield sides
    sides.close()


@pytest.fixture
def on_rabbitmq(tmp_path: Path, rabbit_server: RabbitServer, redis_server: RedisServer) -> Iterator[Sides]:
    sides = Sides(tmp_path, rabbit_server.url, redis_server.url)
    yield sides
    sides.close()


def check_old_producer(sides: Sides) -> None:
    """An old producer, the bridge, a new worker, and the value comes back."""
    sides.start_horarium("worker", "-Q", "celery", "-P", "thread", "-c", "1")
    bridge = sides.start_horarium(
        "bridge", "in", "--from", sides.broker, "--queues", "celery", "--results", sides.results
    )
    assert sides.old("print(add.delay(2, 3).get(timeout=30))") == "5"
    assert sides.old("print(echo.delay(datetime(2026, 1, 2, 3)).get(timeout=30))") == "2026-01-02 03:00:00"
    failure = "try: fail.delay('no money').get(timeout=30)\nexcept ValueError as error: print('raised', error)"
    assert sides.old(failure) == "raised no money"
    links = "r = add.apply_async((1, 1), link=add.s(10)); r.get(timeout=30); print(r.children[0].get(timeout=30))"
    assert sides.old(links) == "12"
    assert sides.old("print((add.s(1, 2) | add.s(10) | add.s(100)).delay().get(timeout=30))") == "113"
    assert sides.old("print(group(add.s(n, n) for n in range(3))().get(timeout=30))") == "[0, 2, 4]"
    sides.old(
        "chord([add.s(1, 1)], add.s())()"
    )  # its members can only be counted by Celery: they are set aside, and told
    sides.await_said(bridge, "moved to celery.refused: expected a task that is not a member of a chord")
    assert sides.stop(bridge) == 0
    assert "taken 8, refused 1, told 11" in sides.said(bridge)


def check_new_producer(sides: Sides) -> None:
    """A new producer, the bridge, an old worker, and the value comes back."""
    sides.start_celery("legacy")
    bridge = sides.start_horarium(
        "bridge", "out", "--to", sides.broker, "--queues", "heavy=legacy", "--results", sides.results
    )
    assert sides.new("print(app.send_task('old.double', [21], queue='heavy').get(timeout=30))") == "42"
    day = "import datetime; sent = app.send_task('old.next_day', [datetime.date(2026, 1, 31)], queue='heavy')"
    assert sides.new(f"{day}; print(sent.get(timeout=30))") == "2026-02-01"
    assert sides.new("print(app.send_task('old.flaky', queue='heavy').get(timeout=30))") == "2"  # retried over there
    failure = (
        "try: app.send_task('old.fail', ['no money'], queue='heavy').get(timeout=30)\n"
        "except ValueError as error: print('raised', error)"
    )
    assert sides.new(failure) == "raised no money"
    assert sides.stop(bridge, signal.SIGINT) == 0
    assert "sent 4, returned 4" in sides.said(bridge)


def test_an_old_producer_gets_the_result_of_a_new_worker_by_way_of_redis(on_redis: Sides) -> None:
    check_old_producer(on_redis)


def test_an_old_producer_gets_the_result_of_a_new_worker_by_way_of_rabbitmq(on_rabbitmq: Sides) -> None:
    check_old_producer(on_rabbitmq)


def test_a_new_producer_gets_the_result_of_an_old_worker_by_way_of_redis(on_redis: Sides) -> None:
    check_new_producer(on_redis)


def test_a_new_producer_gets_the_result_of_an_old_worker_by_way_of_rabbitmq(on_rabbitmq: Sides) -> None:
    check_new_producer(on_rabbitmq)


def test_both_directions_run_in_one_process(on_redis: Sides) -> None:
    sides = on_redis
    sides.start_celery("legacy")
    sides.start_horarium("worker", "-Q", "celery", "-P", "thread", "-c", "1")
    ways = ["--celery", sides.broker, "--in", "celery", "--out", "legacy", "--results", sides.results]
    bridge = sides.start_horarium("bridge", "both", *ways)
    assert sides.new("print(app.send_task('old.double', [21], queue='legacy').get(timeout=30))") == "42"
    assert sides.old("print(add.delay(2, 3).get(timeout=30))") == "5"
    assert sides.stop(bridge) == 0


def test_a_bridge_that_is_killed_goes_on_where_it_was(on_redis: Sides) -> None:
    sides = on_redis
    ways = ["--celery", sides.broker, "--in", "celery", "--out", "legacy", "--results", sides.results]
    ids: list[str] = []
    sides.old("import pathlib; pathlib.Path('ids').write_text(' '.join(add.delay(n, n).id for n in range(50)))")
    for _ in range(3):
        # Anew each time: whoever is killed late has left nothing for the next one.
        ids += sides.new("for n in range(17): print(app.send_task('old.double', [n], queue='legacy').id)").split()
        bridge = sides.start_horarium("bridge", "both", *ways)
        sides.await_said(bridge, "Task ")
        bridge.kill()
        bridge.wait()
    sides.start_horarium("bridge", "both", *ways)
    worker = sides.start_celery("legacy")
    sides.start_horarium("worker", "-Q", "celery", "-P", "thread", "-c", "1")
    values = f"print(sum(app.AsyncResult(id).get(timeout=30) for id in {ids!r}))"
    assert sides.new(values) == str(3 * sum(2 * n for n in range(17)))
    gotten = "import pathlib; ids = pathlib.Path('ids').read_text().split()"
    assert sides.old(f"{gotten}; print(sum(app.AsyncResult(id).get(timeout=30) for id in ids))") == str(
        sum(2 * n for n in range(50))
    )
    until(lambda: sides.said(worker).count("received") >= 51)
    assert sides.said(worker).count("received") == 51  # none was given to Celery twice
