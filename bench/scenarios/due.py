"""Many schedules come due at one instant: how long until all are enqueued, and how many is that a second?

One scheduler, no worker. The entries are stored before, the scheduler has come to rest before, and from the instant on
what lies in the queue is counted. Entries are the same for all: see bench/apps/plan.py. Those that fire some tens a
second are given fewer (Peer.at_once); who is not done after ``due_seconds`` is stopped, its rate is known then.
"""

from __future__ import annotations

import time
from pathlib import Path

from bench.peer import Peer
from bench.processes import Running, cpu_seconds
from bench.scenario import Metric, Samples, Scenario, Size
from bench.stage import Stage, pause, staged
from bench.venue import Venue

LEADS = (10.0, 30.0, 90.0, 270.0)  # seconds to store the entries and come to rest; the next one where that was too few
MARGIN = 1.0  # of them, to be left before the instant
CALM = 0.05  # of a core in a second: a scheduler that uses less has come to rest


class TooLateError(Exception):
    """The instant has come before the scheduler was at rest."""


def measure(peer: Peer, venue: Venue, directory: Path, size: Size) -> tuple[Samples, dict[str, str]]:
    samples: Samples = {}
    facts: dict[str, str] = {}
    for due, entries in size.due_cases:
        if due <= peer.at_once:
            case = name_of(due, entries)
            took, fired, told = _patiently(peer, venue, directory, size, due, entries)
            facts |= told
            samples[f"rate, {case}"] = [fired / took]
            if fired >= due:
                samples[f"seconds, {case}"] = [took]
            else:
                facts[f"until enqueued, {case}"] = f"not within {size.due_seconds:g} s"
    return samples, facts


def name_of(due: int, entries: int) -> str:
    return f"{due:,} of {entries:,} due"


def _patiently(
    peer: Peer, venue: Venue, directory: Path, size: Size, due: int, entries: int
) -> tuple[float, int, dict[str, str]]:
    """Return the seconds, how many were enqueued in them, and facts; with more time to prepare where there is need."""
    for lead in LEADS:
        place = directory / f"{due}-of-{entries}-{lead:g}"
        place.mkdir()
        try:
            with staged(peer, venue, place) as stage:
                return *_seen(stage, size, due, entries, lead), stage.facts
        except TooLateError:
            continue
    raise RuntimeError(f"{peer.name}: not at rest {LEADS[-1]:g} s after it was given {entries} entries")


def _seen(stage: Stage, size: Size, due: int, entries: int, lead: float) -> tuple[float, int]:
    instant = time.time() + lead  # what all schedulers go by; nobody sets the clock meanwhile
    stage.caller.ask("plan", entries=entries, due=due, instant=instant)
    scheduler = stage.start_scheduler()
    if scheduler is None:
        raise RuntimeError(f"{stage.peer.name}: expected a scheduler of its own, found none; give it a command")
    _await_rest(scheduler, until=instant - MARGIN)
    if early := stage.caller.ask("enqueued"):
        raise RuntimeError(f"{stage.peer.name}: {early} were enqueued before their time")
    time.sleep(max(0.0, instant - time.time()))
    seen: list[tuple[float, int]] = []
    while True:
        count = stage.caller.ask("enqueued")
        took = time.time() - instant
        if count >= due or took > size.due_seconds:
            return took, count
        scheduler.check()
        if count:
            seen.append((took, count))
        time.sleep(pause(seen, due))


def _await_rest(scheduler: Running, until: float) -> None:
    """Wait until the scheduler has done something, and then hardly anything for a second.

    Raises: TooLateError when that is not so in time."""
    before = 0.0
    while time.time() + 1.0 < until:
        time.sleep(1.0)  # the stretch over which its use is measured
        scheduler.check()
        used = cpu_seconds(scheduler.tree())
        if before and used - before < CALM:
            return
        before = used
    raise TooLateError


def _metrics() -> tuple[Metric, ...]:
    cases = [name_of(*case) for case in Size().due_cases]
    return (
        *(Metric(name=f"until enqueued, {case}", unit="s", samples=f"seconds, {case}") for case in cases),
        *(Metric(name=f"rate, {case}", unit="/s", samples=f"rate, {case}", more_is_better=True) for case in cases),
    )


SCENARIO = Scenario(
    name="due",
    question="many schedules due at one instant: until all are enqueued by one scheduler",
    metrics=_metrics(),
    measure=measure,
    rounds=1,
    by_default=False,
)
