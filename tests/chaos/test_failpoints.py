"""Every verb of the seam, struck before and after it was carried out, by an error, the caller's death and a long sleep:
whoever makes the same call again is right to. And the judge is put to the test: engines broken on purpose are found."""

from __future__ import annotations

import os
from collections.abc import Callable
from itertools import product
from random import Random
from typing import TypeAlias

import pytest
from breakages import BREAKAGES
from cast import Play
from faults import HINTS, VERBS, Died, Fair, Odds, Once, When, die, refuse

from horarium.engines.memory import MemoryEngine
from horarium.engines.protocol import Engine

Breakage: TypeAlias = Callable[[Engine], Engine]
STRUCK = [verb for verb in VERBS if verb not in HINTS]
MOMENTS: tuple[When, ...] = ("before", "after")
ACTS = ("refuse", "die", "hang")
HOT = ["queue.put", "queue.claim", "queue.renew", "queue.settle", "schedules.fire"]
FIRST_FEW = (1, 2, 7)  # which call of a verb is struck: the first meets an empty store


def strike(
    engine: Engine, script: tuple[str, When, str, int], breakage: Breakage | None = None
) -> tuple[bool, list[str]]:
    """Play with one fault; return whether it struck, and the complaints."""
    verb, when, act, nth = script
    play: list[Play] = []
    acts = {"refuse": refuse, "die": die, "hang": lambda: play[0].hang()}
    once = Once(verb, when, acts[act], nth)
    play.append(Play(engine, once, breakage))
    complaints = play[0].perform()
    return once.has_hit, complaints


@pytest.mark.parametrize("verb", STRUCK)
def test_a_call_that_was_struck_can_be_made_again(
    make_engine: Callable[[], Engine], verb: str, request: pytest.FixtureRequest
) -> None:
    scripts: dict[str, list[tuple[When, str, int]]] = {
        "memory": list(product(MOMENTS, ACTS, FIRST_FEW)),
        "postgres": [("after", "refuse", 2)],  # a play takes it a second; make soak plays all
    }
    kind = request.node.callspec.params["make_engine"]
    strike_all(make_engine, verb, scripts.get(kind, list(product(MOMENTS, ACTS, (2,)))))


@pytest.mark.soak
@pytest.mark.parametrize("verb", STRUCK)
def test_each_of_the_first_calls_that_was_struck_can_be_made_again(
    make_engine: Callable[[], Engine], verb: str
) -> None:
    strike_all(make_engine, verb, list(product(MOMENTS, ACTS, FIRST_FEW)))


def strike_all(make_engine: Callable[[], Engine], verb: str, scripts: list[tuple[When, str, int]]) -> None:
    hits = 0
    wrong = {}
    for when, act, nth in scripts:
        has_hit, complaints = strike(make_engine(), (verb, when, act, nth))
        hits += has_hit
        if complaints:
            wrong[when, act, nth] = complaints
    assert wrong == {}
    assert hits >= len(scripts) // len(FIRST_FEW) and hits > 0, "not exercised"


def test_many_faults_at_once_change_nothing(make_engine: Callable[[], Engine]) -> None:
    storm(make_engine, int(os.environ.get("CHAOS_SEED", "0")) or Random().getrandbits(32))


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(300))
def test_three_hundred_storms_change_nothing(make_engine: Callable[[], Engine], seed: int) -> None:
    storm(make_engine, seed)


def storm(make_engine: Callable[[], Engine], seed: int) -> None:
    print(f"CHAOS_SEED={seed}")
    play: list[Play] = []
    odds = Odds(Random(seed), 0.15, [refuse, refuse, refuse, die, lambda: play[0].hang()])
    play.append(Play(make_engine(), odds))
    assert play[0].perform() == []
    assert len(odds.hits) > 15, "not exercised"


@pytest.mark.parametrize("name", BREAKAGES)
def test_an_engine_that_is_broken_on_purpose_is_found_out(name: str) -> None:
    breakage, expected = BREAKAGES[name]
    found = {}
    for verb, nth in product(HOT, range(2, 60, 9)):
        for when, act in product(MOMENTS, ACTS):
            try:
                _, complaints = strike(MemoryEngine(), (verb, when, act, nth), breakage)
            except (AssertionError, Died) as error:
                complaints = [repr(error)]
            if any(complaint.startswith(expected) for complaint in complaints):
                found[verb, when, act, nth] = complaints
        if found:
            break
    print(f"{name}: found by {len(found)} scripts, such as {next(iter(found.items()), None)}")
    assert found


@pytest.mark.parametrize("name", ["settle without fence", "follow-ups outside the transaction"])
def test_what_is_broken_does_not_show_without_a_fault(name: str) -> None:
    """Else the faults would have nothing to do with it."""
    breakage, _ = BREAKAGES[name]
    assert Play(MemoryEngine(), Fair(), breakage).perform() == []


def test_every_verb_of_the_seam_is_among_those_struck() -> None:
    assert len(STRUCK) >= 20
    assert {"queue.settle", "schedules.fire", "inspector.leave", "results.forget"} <= set(STRUCK)
