"""Schedules whose runs may not overlap and a backfill, while schedulers and workers are killed and frozen at random."""

from __future__ import annotations

import os
from random import Random

import overlaps
import pytest
import report
from firings import Editor
from ground import wait_for
from mischief import Mischief
from scene import Scene

ENGINES = pytest.mark.parametrize("site", ["sqlite", "redis", "postgres"], indirect=True)
DEEDS = {"kill beat": 3, "freeze beat": 2, "kill child": 4, "freeze child": 1, "kill tree": 1, "freeze tree": 1}


def harass(scene: Scene, seed: int, seconds: float) -> None:
    print(f"CHAOS_SEED={seed}")
    ground = scene.ground
    mischief = Mischief(ground, seed, DEEDS)
    overlaps.create(ground)
    for name in ("one", "two"):
        mischief.keep("beat", lambda name=name: ground.beat("-n", name))
        mischief.keep("worker", lambda name=name: ground.worker("-n", name, "-c", "4", ready=False))
    wait_for(lambda: len(ground.events()) > 10, lambda: f"the schedules run:\n{ground.logs()}")
    mischief.run(seconds)
    before = overlaps.stored(ground)
    wait_for(lambda: overlaps.has_gone_on(ground, before), lambda: f"all go on: {before}\n{ground.logs()}", 60)
    snapshot = overlaps.stored(ground)
    for name in overlaps.FIRING:
        Editor(ground.app, name).pause()
    wait_for(ground.is_quiet, lambda: f"quiet:\n{ground.logs()}", 60)
    found = overlaps.complaints(ground, snapshot)
    ground.stop()
    wait_for(ground.owners_are_gone, "the leases of the killed lapse")
    counts = {name: each.total_runs for name, each in snapshot.items()}
    print(f"{counts}, {dict(mischief.deeds)}")
    report.note("runs that may not overlap", scene.site.name, {"runs": sum(counts.values())})
    assert found == [], f"seed {seed}"
    assert mischief.deeds["kill beat"] and mischief.deeds.total() > 5, "not exercised"


@pytest.mark.timeout(240)
@ENGINES
def test_runs_never_overlap_and_nothing_stays_held_whoever_is_killed_or_frozen(scene: Scene) -> None:
    harass(scene, int(os.environ.get("CHAOS_SEED", "0")) or Random().getrandbits(32), 10.0)


@pytest.mark.soak
@pytest.mark.timeout(900)
@ENGINES
@pytest.mark.parametrize("seed", [1, 2])
def test_runs_never_overlap_in_a_minute_of_kills(scene: Scene, seed: int) -> None:
    harass(scene, seed, 60.0)
