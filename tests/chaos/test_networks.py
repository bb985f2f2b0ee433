"""Rows 22 to 25 of the matrix: what a network does between those who work and their store, played by a proxy."""

from __future__ import annotations

import os
import re
from pathlib import Path
from random import Random

import pytest
from cast import Play
from faults import Fair
from ground import Program, is_alive, wait_for
from history import boot_ns
from proxy import CutAfter, Proxy, SwallowedReply, Way
from scene import LEASE, Scene, pause
from sites import ServedSite

from horarium.engines.connect import connect

SERVERS = pytest.mark.parametrize("site", ["redis", "postgres"], indirect=True)


def requests(site: ServedSite) -> dict[str, bytes]:
    """What tells each request from the others, in the bytes on the wire."""
    if site.name == "redis":
        from horarium.engines.redis.lua import SCRIPTS

        return {name: SCRIPTS[name].digest.encode() for name in ("put", "claim", "renew", "settle", "fire", "chores")}
    from horarium.engines.postgres.sql import statements

    sql = statements("horarium")
    named = ("insert", "claim", "renew", "settle_success", "insert_firings", "chores")
    return {name: _only_in(sql, name) for name in named} | {"commit": b"COMMIT"}


def _only_in(sql: dict[str, str], name: str) -> bytes:
    """Return the longest piece of a statement that is sent as it is written and stands in no other one."""
    pieces = sorted(re.split(r"%\(\w+\)s|%%", sql[name]), key=len, reverse=True)
    return next(
        piece.encode() for piece in pieces if not any(piece in text for other, text in sql.items() if other != name)
    )


def works(scene: Scene, worker: Program, since: int) -> bool:
    children = worker.children()
    return any(event.at > since and event.pid in children for event in scene.ground.events()[-300:])


@SERVERS
def test_row_22_a_worker_cut_off_for_three_leases_stops_and_others_take_over(proxied: Scene) -> None:
    scene = proxied
    ground = scene.ground
    cut = ground.worker("-n", "cut", "-c", "1")
    ground.environment["CRASH_STORE"] = scene.site.url  # for the others the way is free
    id = ground.send("nap", "held", 3 * LEASE)
    first = ground.sees(id)
    began = boot_ns()
    scene.proxy.hold()
    scene.play(workers=1)
    wait_for(lambda: not is_alive(first.pid), "the child is ended at its deadline", LEASE)
    again = ground.sees(id, times=2)
    pause(max(0.0, 3 * LEASE - (boot_ns() - began) / 1e9))
    scene.facts["recovered"] = {"taken over": round((again.at - began) / 1e9, 2)}
    with scene.recovery("healing"):
        healed = boot_ns()
        scene.proxy.heal()
        wait_for(lambda: works(scene, cut, healed), lambda: f"it works again:\n{cut.text[-3000:]}", 10)
    scene.reckon("22 a worker cut off for three leases")


@SERVERS
@pytest.mark.parametrize("then", ["reset", "silence"])
def test_row_23_replies_that_never_arrive_lose_and_double_nothing(proxied: Scene, then: str) -> None:
    """Each was carried out; the connection breaks, or says nothing more. The second of each kind, and the third."""
    scene = proxied
    site = scene.site
    assert isinstance(site, ServedSite)
    scene.play(beats=2, producers=2)
    rules = [
        scene.proxy.add(SwallowedReply(pattern, nth=2, times=2, then=then))  # type: ignore[arg-type]
        for pattern in requests(site).values()
    ]
    wait_for(lambda: all(rule.hits for rule in rules), lambda: f"all were hit: {rules}", 40)
    with scene.recovery("the last swallowed reply", within=6.0, fires=True):
        scene.proxy.heal()
    scene.reckon(f"23 replies swallowed, then {then}", swallowed=sum(rule.hits for rule in rules))


@SERVERS
def test_row_24_silent_connections_are_noticed_and_left(proxied: Scene) -> None:
    """Every connection falls silent without a word, and new ones are taken and not answered for three seconds."""
    scene = proxied
    scene.play()
    wait_for(scene.in_flight, "work in flight")
    scene.proxy.accepts = False
    silent = scene.proxy.silence_all()
    pause(3.0)
    with scene.recovery("half-open connections", within=10.0, fires=True):
        scene.proxy.accepts = True
    assert silent > 4 and scene.troubles() > 0, "not exercised"
    scene.reckon("24 half-open connections", silent=silent)


@SERVERS
def test_row_24_connections_that_end_in_the_middle_are_made_anew(proxied: Scene) -> None:
    scene = proxied
    scene.play()
    for name, deed in {"half-close": scene.proxy.half_close_all, "reset": scene.proxy.reset_all}.items():
        wait_for(scene.in_flight, "work in flight")
        with scene.recovery(name):
            assert deed() > 4, "not exercised"
    scene.reckon("24 connections half-closed, connections reset")


@SERVERS
def test_row_25_a_slow_and_narrow_network_makes_it_slow_and_nothing_else(proxied: Scene) -> None:
    scene = proxied
    scene.play(pace=0.1)
    scene.proxy.delay, scene.proxy.rate = 0.2, 32_000
    before, forwarded = len(scene.ground.events()), scene.proxy.forwarded
    pause(3 * LEASE)
    assert len(scene.ground.events()) > before, "expected work to go on, if slowly"
    assert scene.proxy.forwarded > forwarded, "not exercised"
    with scene.recovery("200 ms and 256 kbit/s", fires=True):
        scene.proxy.heal()
    scene.reckon("25 200 ms of latency, 256 kbit/s")


def cut_at_random(site: ServedSite, chance: Random, plays: int) -> int:
    """Play with connections that are cut after so many bytes, which are drawn so that each decade is as likely."""
    hits = 0
    with Proxy(site.server.port) as proxy:
        for number in range(plays):
            namespace = f"cut{number}"
            engine = connect(site.named(proxy, namespace), patience=2.0)
            way: Way = chance.choice(["to server", "to client"])
            rule = CutAfter(int(10 ** chance.uniform(0.5, 5)), way, times=chance.randrange(1, 4))
            play = Play(engine, Fair())
            proxy.add(rule)
            try:
                assert play.perform() == [], rule
            finally:
                proxy.heal()
                engine.close()
            hits += rule.hits
    return hits


@SERVERS
def test_row_25_connections_cut_after_any_number_of_bytes_change_nothing(site: ServedSite, tmp_path: Path) -> None:
    seed = int(os.environ.get("CHAOS_SEED", "0")) or Random().getrandbits(32)
    print(f"CHAOS_SEED={seed}")
    hits = cut_at_random(site, Random(seed), 15)
    print(f"{hits} connections cut")
    assert hits > 15, "not exercised"


@pytest.mark.soak
@SERVERS
@pytest.mark.parametrize("seed", range(5))
def test_row_25_hundreds_of_plays_with_cut_connections_change_nothing(site: ServedSite, seed: int) -> None:
    assert cut_at_random(site, Random(seed), 150) > 150, "not exercised"
