"""A bridge on RabbitMQ is killed again and again: then everything is counted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sides import Sides, until

from servers import RabbitServer, RedisServer

SENT = 300
KILLS = 5


@pytest.fixture
def sides(tmp_path: Path, rabbit_server: RabbitServer, redis_server: RedisServer) -> Iterator[Sides]:
    sides = Sides(tmp_path, rabbit_server.url, redis_server.url)
    yield sides
    sides.close()


def test_killed_in_the_middle_it_loses_no_message_of_rabbitmqs_and_stores_none_twice(sides: Sides) -> None:
    sides.old(f"for n in range({SENT}): add.apply_async((n, n), queue='busy', task_id=f'id-{{n}}')")
    ways = ["in", "--from", sides.broker, "--queues", "busy"]
    for kill in range(KILLS):
        bridge = sides.start_horarium("bridge", *ways)
        sides.await_said(bridge, "Task ")
        bridge.kill()
        bridge.wait()
        sides.old(f"for n in range({SENT}): add.apply_async((n, n), queue='busy', task_id=f'id-{kill}-{{n}}')")
    last = sides.start_horarium("bridge", *ways)
    counted = (
        "from horarium.engines.records import Page, RunFilter\n"
        "page, ids = Page(limit=1000), []\n"
        "while page is not None:\n"
        "    found = app.engine.results.search(RunFilter(), page)\n"
        "    ids += [run.id for run in found.runs]\n"
        "    page = Page(limit=1000, after=found.next) if found.next else None\n"
        "print(len(ids), len(set(ids)))"
    )
    wanted = SENT * (KILLS + 1)
    until(lambda: sides.new(counted) == f"{wanted} {wanted}", lambda: sides.said(last)[-2000:])
