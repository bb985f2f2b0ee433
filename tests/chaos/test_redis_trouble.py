"""Rows 13 to 15 of the matrix: what a Redis server can do to those who rely on it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from ground import wait_for
from scene import Scene, pause
from sites import RedisSite


@pytest.fixture
def scene(site: RedisSite, tmp_path: Path) -> Iterator[Scene]:
    scene = Scene(site, tmp_path)
    yield scene
    scene.close()


@pytest.mark.parametrize("fsync", ["always", "everysec"])
def test_row_13_a_redis_that_is_killed_and_started_again_has_lost_nothing(tmp_path: Path, fsync: str) -> None:
    site = RedisSite(appendfsync=fsync)
    scene = Scene(site, tmp_path)
    try:
        scene.play()
        for turn in range(3):
            wait_for(scene.in_flight, "work in flight")
            with scene.recovery(f"kill {turn + 1}", fires=turn == 2):
                site.server.kill()
                pause(0.7)
                site.server.start()
        scene.reckon(f"13 kill -9 and restart, appendfsync {fsync}")
        assert scene.failed_calls() > 0, "not exercised"
    finally:
        scene.close()
        site.close()
