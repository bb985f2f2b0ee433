"""The judge of real processes is put to the test: workers whose store is broken on purpose are found out."""

from __future__ import annotations

import os
import signal

import pytest
from ground import is_alive, wait_for
from history import complaints
from scene import Scene

ENGINES = pytest.mark.parametrize("site", ["sqlite", "redis"], indirect=True)


def what_is_wrong(scene: Scene, breakage: str | None) -> list[str]:
    """Kill a child in the middle of a task; freeze a worker until its task runs elsewhere, and thaw it then."""
    ground = scene.ground
    if breakage is not None:
        ground.environment["CRASH_BREAK"] = breakage
    frozen = ground.worker("-n", "frozen", "-c", "1")
    hit = ground.send("nap", "hit", 0.5)
    os.kill(ground.sees(hit).pid, signal.SIGKILL)
    wait_for(ground.is_quiet, "all is done", 15)
    # When it is thawed it has slept for long enough, and the one who runs it again has most of three seconds to go.
    late = ground.send("nap", "late", 3.0)
    ground.sees(late)
    tree = frozen.tree()
    for pid in tree:
        os.kill(pid, signal.SIGSTOP)
    ground.worker("-n", "other", "-c", "1")
    if breakage != "early acknowledgement":  # there it has ended, as far as the store knows
        ground.sees(late, times=2)
    for pid in (*tree[2:], *tree[:2]):  # the child first: it comes to its end before anybody can end it
        if is_alive(pid):
            os.kill(pid, signal.SIGCONT)
        if pid == tree[2]:
            ground.sees(late, "end", timeout=5)
    wait_for(ground.is_quiet, "all is done", 15)
    ground.stop()
    wait_for(ground.owners_are_gone, "no owner is left")
    return complaints(ground.history())


@ENGINES
@pytest.mark.parametrize(
    ("breakage", "complaint"), [("early acknowledgement", "made up"), ("settle without fence", "superseded")]
)
def test_workers_of_a_store_that_is_broken_on_purpose_are_found_out(
    scene: Scene, breakage: str, complaint: str
) -> None:
    found = what_is_wrong(scene, breakage)
    print(found)
    assert [each for each in found if each.startswith(complaint)]


@ENGINES
def test_the_same_is_right_with_a_store_that_is_right(scene: Scene) -> None:
    assert what_is_wrong(scene, None) == []
