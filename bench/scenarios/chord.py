"""How many tasks a second does a workflow get through: a chord of n members and its body, and a chain?

A worker with two children is idle when the workflow is sent. Counted from the call that sends it until its caller has
read the result: sending, running, joining and the way back are all in it. Members return nothing; the body counts what
it is given, and leaves a mark that is counted, too. One small chord goes before, so that starting up is left out.
"""

from __future__ import annotations

from pathlib import Path

from bench.peer import Peer
from bench.scenario import Metric, Samples, Scenario, Size
from bench.stage import staged
from bench.venue import Venue

WARM_UP = 10  # members


def measure(peer: Peer, venue: Venue, directory: Path, size: Size) -> tuple[Samples, dict[str, str]]:
    samples: Samples = {}
    with staged(peer, venue, directory) as stage:
        worker = stage.start_worker()
        stage.caller.ask("chord", members=WARM_UP)
        for members in size.chord_members:
            seconds, bodies = stage.caller.ask("chord", members=members)
            worker.check()
            if bodies != 1:
                raise RuntimeError(f"{peer.name}: the body of a chord of {members} ran {bodies} times")
            samples[f"chord {members}"] = [members / seconds]
        seconds = stage.caller.ask("chain", length=size.chain_length, within=size.chain_seconds)
        if seconds is None:
            told = f"not done within {size.chain_seconds:g} s"
            return samples, {**stage.facts, f"chain of {size.chain_length:,}": told}
        samples["chain"] = [size.chain_length / seconds]
        return samples, stage.facts


def _metrics() -> tuple[Metric, ...]:
    size = Size()
    chords = [
        Metric(name=f"chord of {members:,}", unit="/s", samples=f"chord {members}", more_is_better=True)
        for members in size.chord_members
    ]
    return (*chords, Metric(name=f"chain of {size.chain_length:,}", unit="/s", samples="chain", more_is_better=True))


SCENARIO = Scenario(
    name="chord",
    question="tasks a second in a workflow, from the call that sends it to its result",
    metrics=_metrics(),
    measure=measure,
)
