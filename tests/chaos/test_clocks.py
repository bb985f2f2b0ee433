"""Rows 11, 12 and 28 to 30 of the matrix: schedulers that die and disagree, and clocks that are wrong."""

from __future__ import annotations

import os
import shutil
import subprocess
from random import Random

import pytest
from firings import Editor, complaints
from ground import Ground, Program, wait_for
from mischief import Mischief
from scene import SCHEDULE, Scene, pause

ENGINES = pytest.mark.parametrize("site", ["sqlite", "redis", "postgres"], indirect=True)
HOUR, DAY = 3600, 86_400


def reckon_firings(scene: Scene, *, most_missed: int | None = None) -> None:
    """Each second since the schedule was made was fired once, or is known as missed."""
    editor = Editor(scene.ground.app, SCHEDULE)
    schedule = editor.schedule
    runs = scene.ground.schedule_runs(SCHEDULE)
    assert complaints(schedule, runs, []) == []
    assert len(runs) > 5, "not exercised"
    if most_missed is not None:
        assert schedule.missed <= most_missed
    scene.facts |= {"fired": len(runs), "missed": schedule.missed}


@ENGINES
def test_row_11_schedulers_killed_and_frozen_all_the_time_fire_each_instant_once(scene: Scene) -> None:
    """Whoever is frozen in the middle of a firing is overtaken by the others, and its late write changes nothing."""
    seed = int(os.environ.get("CHAOS_SEED", "0")) or Random().getrandbits(32)
    print(f"CHAOS_SEED={seed}")
    scene.play(beats=0, producers=0, flows=False)
    mischief = Mischief(scene.ground, seed, {"kill beat": 3, "freeze beat": 3}, pause=0.3)
    for number in range(3):
        mischief.keep("beat", lambda number=number: scene.ground.beat("-n", f"b{number}"))
    scene.await_firing()
    mischief.run(8.0)
    with scene.recovery("the last kill", fires=True):
        pass
    scene.beats = [place.program for place in mischief.places]
    assert mischief.deeds["kill beat"] > 2 and mischief.deeds["freeze beat"] > 2, "not exercised"
    stop_beats(scene)
    reckon_firings(scene)
    scene.reckon("11 schedulers killed and frozen", **mischief.deeds)


@ENGINES
def test_row_12_schedulers_that_all_believe_they_lead_fire_each_instant_once(scene: Scene) -> None:
    """None leads: all of them fire all the time, and the store decides."""
    scene.play(beats=4, producers=0, flows=False)
    wait_for(lambda: scene.firings() >= 8, "it fires")
    stop_beats(scene)
    reckon_firings(scene, most_missed=1)
    shares = [beat.text.count("Sending due task") for beat in scene.beats]
    assert sum(shares) == scene.firings()
    assert sum(share > 0 for share in shares) > 1, "not exercised"
    scene.reckon("12 four schedulers, no leader", shares=shares)


@ENGINES
def test_rows_28_and_29_clocks_that_step_by_hours_and_days_change_nothing(scene: Scene) -> None:
    """Workers, schedulers and producers whose host's clock is right, an hour behind, a day ahead, and so on, each for
    two seconds. The store's clock counts; a file's is the host's own, which is not moved here."""
    ground = scene.ground
    ground.environment["CRASH_CLOCK"] = f"0 -600 {DAY} -{HOUR} {HOUR}"
    scene.play(beats=2, pace=0.2)
    held = ground.send("nap", "held", 6.0)
    start = ground.sees(held)
    skews = set()
    for _ in range(12):
        pause(0.5)
        members = ground.app.engine.inspector.workers(now=ground.app.engine.now())
        skews |= {round(record.member.skew, -2) for record in members}
    assert len(skews) > 2, f"not exercised: {skews}"
    (run,) = ground.ends(held)
    assert [attempt.outcome for attempt in run.attempts] == ["succeeded"], "a lease was lost by the wrong clock"
    assert {event.fence for event in ground.events() if event.id == held} == {start.fence}
    with scene.recovery("clock steps", fires=True):
        pass
    stop_beats(scene)
    reckon_firings(scene, most_missed=1)
    scene.reckon("28, 29 clocks that step by -1 h, +1 h, +1 day, -10 min")


def can_shift_time() -> bool:
    if shutil.which("unshare") is None:
        return False
    tried = subprocess.run(["unshare", "--time", "--monotonic", "1000", "true"], capture_output=True, check=False)
    return tried.returncode == 0


@pytest.mark.skipif(not can_shift_time(), reason="no time namespace can be made here (it needs root)")
@ENGINES
def test_row_30_processes_whose_monotonic_clocks_began_at_different_times_work_together(scene: Scene) -> None:
    ground = scene.ground
    scene.play(workers=0, beats=0, producers=1, pace=0.2, flows=False)
    for name, offset in {"a": 0, "b": 10_000_000, "c": 77_777}.items():
        shifted(ground, offset, "worker", "-n", name, "-c", "1", "-l", "info", "--lease", "2", "--sweep", "1")
        scene.beats.append(shifted(ground, offset, "beat", "-n", name))
    scene.await_firing()
    workers = [program for program in ground.programs if program.role == "worker"]
    wait_for(lambda: all("succeeded" in worker.text for worker in workers), "each of them works", 20)
    victim = next(event for event in reversed(ground.events()) if event.kind == "start")
    os.kill(victim.pid, 9)
    pause(6.0)
    with scene.recovery("clocks of different origin", fires=True):
        pass
    stop_beats(scene)
    reckon_firings(scene, most_missed=1)
    scene.reckon("30 monotonic clocks of different origin")


def shifted(ground: Ground, offset: int, role: str, *arguments: str) -> Program:
    """Start a command in a time namespace of its own."""
    under = ["unshare", "--time", "--monotonic", str(offset)] if offset else []
    return ground.start(role, "-m", "horarium", "-A", "victims", role, *arguments, under=under)


def stop_beats(scene: Scene) -> None:
    for beat in scene.beats:
        beat.signal(15)
        assert beat.ends() == 0
