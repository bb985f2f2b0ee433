"""Row 26 of the matrix: a server's disk is full for a while. Calls are refused, what was accepted is done later."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from ground import wait_for
from scene import Scene, pause
from sites import PostgresSite, RedisSite, ServedSite

from horarium.errors import EngineUnavailable


@pytest.fixture
def disk() -> Iterator[Callable[[int], Path]]:
    """Return what mounts a small disk in memory."""
    folders: list[Path] = []

    def mount(mib: int) -> Path:
        # Not below pytest's own folder, which the server's user may not enter.
        folder = Path(tempfile.mkdtemp(prefix="horarium-disk-"))
        folders.append(folder)
        command = ["mount", "-t", "tmpfs", "-o", f"size={mib}m", "none", str(folder)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            tell = pytest.fail if os.environ.get("CI") and os.getuid() == 0 else pytest.skip
            tell(f"no disk can be mounted here (it needs root): {done.stderr.strip()}")
        return folder

    yield mount
    for folder in folders:
        subprocess.run(["umount", "--lazy", str(folder)], check=False, capture_output=True)
        folder.rmdir()


def fill(folder: Path) -> Path:
    """Leave no room on a disk."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (1 << 20, 1 << 12, 1):
            try:
                while file.write(b"\0" * size) == size:
                    pass
            except OSError:
                continue
    return filler


def play_out(scene: Scene, site: ServedSite, folder: Path) -> None:
    scene.ground.environment["CRASH_PUBLISH_TIMEOUT"] = "1"
    scene.play()
    with scene.recovery("room was made", fires=True):
        filler = fill(folder)
        wait_for(scene.failed_calls, lambda: f"calls are refused, with an error of ours:\n{scene.ground.logs()}")
        pause(2.0)
        assert all(program.is_running for program in scene.ground.programs)
        filler.unlink()
        if site.server.process is not None and site.server.process.poll() is not None:
            site.server.start()
            scene.facts["the server had to be started again"] = True
    assert scene.troubles() > 0, "not exercised"
    scene.reckon("26 disk full for two seconds")


def test_row_26_a_redis_that_cannot_write_its_log_is_waited_for(disk: Callable[[int], Path], tmp_path: Path) -> None:
    """With appendfsync always Redis itself ends instead, by its own design; then it is row 13."""
    folder = disk(8)
    site = RedisSite("--dir", str(folder), appendfsync="everysec")
    scene = Scene(site, tmp_path)
    try:
        play_out(scene, site, folder)
    finally:
        scene.close()
        site.close()


def test_row_26_a_postgres_without_room_is_waited_for(disk: Callable[[int], Path], tmp_path: Path) -> None:
    folder = disk(160)
    site = PostgresSite("max_wal_size=32MB", "min_wal_size=32MB", folder=folder)
    scene = Scene(site, tmp_path)
    try:
        play_out(scene, site, folder)
    finally:
        scene.close()
        site.server.kill()


def test_row_26_a_call_that_finds_the_disk_full_is_told_so(disk: Callable[[int], Path], tmp_path: Path) -> None:
    folder = disk(8)
    site = RedisSite("--dir", str(folder), appendfsync="everysec")
    scene = Scene(site, tmp_path)
    try:
        app = scene.ground.app
        app.send_task("short", ("first",))
        fill(folder)

        def is_refused() -> str:
            try:
                app.send_task("short", ("x" * 10_000,), retry=False)
            except EngineUnavailable as error:
                return str(error)
            return ""

        assert "disk" in wait_for(is_refused, "a call is refused")
    finally:
        scene.close()
        site.close()
