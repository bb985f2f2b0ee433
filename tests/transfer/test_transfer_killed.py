"""``horarium migrate`` as a process that is killed at moments of chance, between all kinds of stores.

Run again it ends, and everything stands in the target once.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from itertools import count, product
from pathlib import Path

import pytest
from crossing import put, waiting

from horarium.engines.connect import connect
from postgres_stores import drop, fresh_url, shared_server
from servers import RedisServer

KINDS = ("sqlite", "redis", "postgres")
MESSAGES = 5000
KILLS = 4
WITHIN = 60.0
# Each kind is left once and reached once; a way takes 5 s of CPU, and `make soak` goes all nine.
ALWAYS = {("sqlite", "redis"), ("redis", "postgres"), ("postgres", "sqlite")}
WAYS = [
    pytest.param(way, id="-".join(way), marks=() if way in ALWAYS else pytest.mark.soak)
    for way in product(KINDS, repeat=2)
]

_numbers = count()


def url_of(kind: str, folder: Path, request: pytest.FixtureRequest) -> str:
    match kind:
        case "sqlite":
            return f"sqlite:///{folder}/store{next(_numbers)}.db"
        case "redis":
            server: RedisServer = request.getfixturevalue("redis_server")
            return f"{server.url}?namespace=move{next(_numbers)}"
        case _:
            url = fresh_url(shared_server())
            request.addfinalizer(lambda: drop(url))
            return url


def migrate(source: str, target: str, *options: str) -> subprocess.Popen[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("HORARIUM_", "CELERY_"))}
    return subprocess.Popen(
        [sys.executable, "-m", "horarium", "migrate", source, target, *options],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )


@pytest.mark.parametrize("kinds", WAYS)
def test_a_move_that_is_killed_loses_nothing_and_ends_when_it_is_run_again(
    kinds: tuple[str, str], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    source_url, target_url = (url_of(kind, tmp_path, request) for kind in kinds)
    source, target = connect(source_url, durability="relaxed"), connect(target_url, durability="relaxed")
    try:
        target.check()
        half = MESSAGES // 2
        ids = put(source, range(half)) | put(source, range(half, MESSAGES), eta=source.now() + 3_600_000)
        chance = random.Random(repr(kinds))
        deaths = 0
        for _ in range(KILLS):
            before = len(waiting(target))
            process = migrate(source_url, target_url)
            _await_growth(target, before, process)
            time.sleep(chance.uniform(0.0, 0.05))  # where it is killed is chance's choice
            process.kill()
            process.communicate(timeout=WITHIN)
            there = waiting(target).keys()
            deaths += process.returncode < 0 and before < len(there) < MESSAGES
            assert there <= ids
            known = source.results.read(sorted(ids - there))
            assert all(run is not None and not run.has_ended for run in known), "a message is in neither store"
        assert deaths  # at least one came in the middle
        process = migrate(source_url, target_url, "--json")
        said, complained = process.communicate(timeout=WITHIN)
        assert process.returncode == 0, complained
        assert waiting(target).keys() == ids
        progress = json.loads(said)
        assert waiting(source) == {} and (progress["waiting"], progress["in_hand"]) == (0, 0)
    finally:
        source.close()
        target.close()


def _await_growth(target: object, before: int, process: subprocess.Popen[str]) -> None:
    """Wait until the move has put something, or has ended."""
    end = time.monotonic() + WITHIN
    while len(waiting(target)) == before and process.poll() is None:  # type: ignore[arg-type]
        assert time.monotonic() < end
        time.sleep(0.005)  # between two looks at a fact
