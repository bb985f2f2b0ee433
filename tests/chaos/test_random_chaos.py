"""Everything at once, at random: processes killed and frozen, servers killed, connections cut, replies swallowed, on
the stores that servers keep. From one seed, which is printed; then all heals, and the whole account must be right."""

from __future__ import annotations

import os
from collections.abc import Callable
from random import Random

import pytest
from ground import wait_for
from history import gaps
from mischief import Mischief
from proxy import SwallowedReply
from scene import Scene, pause
from sites import PostgresSite, ServedSite

SERVERS = pytest.mark.parametrize("site", ["redis", "postgres"], indirect=True)
WEIGHTS = {
    "kill child": 10,
    "kill worker": 4,
    "kill zygote": 3,
    "kill producer": 4,
    "kill beat": 4,
    "freeze child": 2,
    "freeze tree": 2,
    "freeze beat": 2,
    "kill server": 3,
    "freeze server": 2,
    "cut": 6,
    "swallow": 10,
    "silence": 2,
}


def network(scene: Scene, chance: Random) -> dict[str, Callable[[], object]]:
    """What can be done to the server and to the way there."""
    site, proxy = scene.site, scene.proxy
    assert isinstance(site, ServedSite)
    server = site.server
    is_postgres = isinstance(site, PostgresSite)

    def kill() -> None:
        with scene.crash():
            server.kill()
            pause(chance.uniform(0.1, 1.5))
            server.start()

    def freeze() -> None:
        server.freeze()  # of PostgreSQL only who lets others in
        pause(chance.uniform(0.3, 3.0))
        server.thaw()

    def swallow() -> None:
        then = "silence" if chance.random() < 0.2 else "reset"
        anything = b"Q" if is_postgres and chance.random() < 0.3 else b"B" if is_postgres else b"EVALSHA"
        proxy.rules = [SwallowedReply(anything, nth=chance.randrange(1, 30), then=then)]  # type: ignore[arg-type]

    return {
        "kill server": kill,
        "freeze server": freeze,
        "cut": proxy.reset_all,
        "swallow": swallow,
        "silence": proxy.silence_all,
    }


def storm(scene: Scene, seed: int, seconds: float, pace: float) -> None:
    print(f"CHAOS_SEED={seed}")
    chance = Random(seed)
    mischief = Mischief(scene.ground, seed, WEIGHTS, pause=pace, own=network(scene, chance))
    mischief.keep("worker", lambda: scene.ground.worker("-n", "one", "-B", ready=False))
    mischief.keep("worker", lambda: scene.ground.worker("-n", "two", ready=False))
    mischief.keep("beat", scene.ground.beat)
    for number in range(2):
        mischief.keep("producer", lambda number=number: scene.ground.producer(f"p{number}", chance.getrandbits(32)))
    wait_for(lambda: len(scene.ground.events()) > 20, lambda: f"the system runs:\n{scene.ground.logs()}")
    mischief.run(seconds)
    # The crash delays of a message that was hit twice or three times are 10 and 60 s; the bound here is theirs.
    with mischief.tended(), scene.recovery("all of it", within=15.0, fires=True):
        scene.proxy.heal()
    scene.producers = [place.program for place in mischief.places if place.role == "producer"]
    scene.beats = [place.program for place in mischief.places if place.role == "beat"]
    deeds = dict(mischief.deeds)
    account = scene.reckon(f"all at random, for {seconds:g} s", quiet_within=150.0, seed=seed, deeds=deeds)
    assert len(deeds) > 1 or sum(deeds.values()) > seconds / pace / 3, "not exercised"  # few, where the machine is busy
    if seconds > 60:
        assert gaps(account) == []


@pytest.mark.timeout(300)
@SERVERS
def test_some_seconds_of_everything_at_random_lose_and_double_nothing(proxied: Scene) -> None:
    storm(proxied, int(os.environ.get("CHAOS_SEED", "0")) or Random().getrandbits(32), 8.0, 0.6)


@pytest.mark.soak
@pytest.mark.timeout(1800)
@SERVERS
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_five_minutes_of_everything_at_random_lose_and_double_nothing(proxied: Scene, seed: int) -> None:
    storm(proxied, seed, 300.0, 0.5)
