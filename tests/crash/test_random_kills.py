"""Any process may be killed at any moment: nothing is lost, nothing ends twice, nothing starts after its end."""

from __future__ import annotations

import os
import time
from pathlib import Path
from random import Random

import pytest
from firings import Editor
from ground import Ground, wait_for
from history import broken_off, complaints, gaps
from mischief import Mischief

from servers import RedisServer

# A message that was hit twice waits 10 s before it is tried again, one hit three times or more 60 s.
QUIET_WITHIN = 150.0
EXTENSION = 10.0
WEIGHTS = {
    "kill child": 40,
    "kill worker": 10,
    "kill zygote": 8,
    "kill producer": 10,
    "kill beat": 10,
    "freeze child": 6,
    "freeze worker": 4,
    "freeze zygote": 2,
    "freeze tree": 6,
    "freeze beat": 4,
}


def undone(mischief: Mischief) -> list[str]:
    """Return which deeds of the play have not been done yet."""
    return [deed for deed in ("kill child", "kill worker", "kill zygote", "kill producer") if not mischief.deeds[deed]]


def mangle(ground: Ground, seed: int, seconds: float) -> None:
    """Kill at random under load, heal, wait until all is done, stop, and count."""
    ground.environment["CRASH_SCHEDULES"] = "tick"
    mischief = Mischief(ground, seed, WEIGHTS)
    mischief.keep("worker", lambda: ground.worker("-n", "one", "-B", ready=False))
    mischief.keep("worker", lambda: ground.worker("-n", "two", ready=False))
    mischief.keep("beat", ground.beat)
    chance = Random(seed)
    producers = [
        mischief.keep("producer", lambda n=number: ground.producer(f"p{n}", chance.getrandbits(32)))
        for number in range(3)
    ]
    wait_for(lambda: len(ground.events()) > 20, lambda: f"the system runs:\n{ground.logs()}")

    mischief.run(seconds)
    for _ in range(5):  # deeds are drawn: half a minute may pass without one that is rare
        if not undone(mischief):
            break
        mischief.run(EXTENSION)
    ended = time.monotonic()
    for place in producers:
        place.program.process.terminate()
        place.program.ends()
    Editor(ground.app, "tick").pause()
    wait_for(ground.is_quiet, lambda: f"quiet:\n{ground.logs()}", QUIET_WITHIN)
    healed = time.monotonic() - ended
    codes = ground.stop()
    wait_for(ground.owners_are_gone, "the leases of the killed lapse")

    history = ground.history()
    outcomes = [outcome for run in history.runs for outcome in run.attempts]
    print(
        f"seed {seed}: {len(history.accepted)} accepted of {len(history.invoked)} invoked, {len(history.runs)} runs, "
        f"{outcomes.count('crashed')} crashes, {outcomes.count('retried')} retries, {len(broken_off(history))} starts "
        f"broken off, quiet {healed:.1f} s after healing; {dict(mischief.deeds)}"
    )
    assert complaints(history) == [], f"seed {seed}"
    assert gaps(history) == [], f"seed {seed}"
    assert undone(mischief) == [], f"seed {seed}"
    assert set(codes.values()) <= {0}, f"seed {seed}: {codes}"
    ground.check_file()


@pytest.mark.timeout(300)
def test_half_a_minute_of_random_kills_under_load_loses_nothing(ground: Ground) -> None:
    seed = int(os.environ.get("CRASH_SEED", "0")) or Random().getrandbits(32)
    print(f"CRASH_SEED={seed}")
    mangle(ground, seed, 30.0)


@pytest.mark.timeout(300)
def test_random_kills_lose_nothing_when_one_store_carries_and_another_remembers(tmp_path: Path) -> None:
    seed = int(os.environ.get("CRASH_SEED", "0")) or Random().getrandbits(32)
    print(f"CRASH_SEED={seed}")
    with RedisServer() as server:
        ground = Ground(tmp_path, url=server.url, CRASH_RESULTS=f"sqlite:///{tmp_path}/results.db")
        try:
            mangle(ground, seed, 12.0)
        finally:
            ground.close()
        assert ground.left_over() == []


@pytest.mark.soak
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_five_minutes_of_random_kills_under_load_lose_nothing(ground: Ground, seed: int) -> None:
    mangle(ground, seed, 300.0)
