"""One run: scenario by scenario, round by round, each round through all peers in turn, the order shifted each time.

So a machine that grows slower or busier during the run does so for everyone.
"""

from __future__ import annotations

import datetime
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from msgspec import Struct, field

from bench import machine
from bench.peer import Peer
from bench.scenario import Figure, Samples, Scenario, Size, figure


class Entry(Struct, kw_only=True):
    """What one peer did in one scenario."""

    scenario: str
    peer: str
    label: str
    figures: list[Figure] = field(default_factory=list)
    rounds: list[Samples] = field(default_factory=list)
    facts: dict[str, str] = field(default_factory=dict)


class Report(Struct, kw_only=True):
    """A whole run, as it is kept in results/."""

    begun: str
    machine: dict[str, str]
    size: Size
    scenarios: list[str]
    pulses: dict[str, str]  # how busy the machine was, before and after each scenario
    entries: list[Entry] = field(default_factory=list)
    absent: dict[str, str] = field(default_factory=dict)  # peers that took no part, and why
    failures: list[str] = field(default_factory=list)

    def value(self, scenario: str, peer: str, metric: str) -> float | None:
        """Return a figure, None if it was not taken."""
        for entry in self.entries:
            if (entry.scenario, entry.peer) == (scenario, peer):
                return next((figure.value for figure in entry.figures if figure.metric == metric), None)
        return None


def run(
    scenarios: Sequence[Scenario], peers: Sequence[Peer], size: Size, directory: Path, say: Callable[[str], None]
) -> Report:
    """Measure; a peer that fails is reported and left out of what remains of that scenario."""
    absent = {peer.name: reason for peer in peers if (reason := peer.missing())}
    for name, reason in absent.items():
        say(f"{name} takes no part: {reason}")
    present = [peer for peer in peers if peer.name not in absent]
    report = Report(
        begun=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        machine=machine.facts(directory),
        size=size,
        scenarios=[scenario.name for scenario in scenarios],
        pulses={"before": machine.pulse(directory)},
        absent=absent,
    )
    for scenario in scenarios:
        _run_scenario(scenario, [peer for peer in present if scenario.name in peer.scenarios], report, directory, say)
        report.pulses[f"after {scenario.name}"] = machine.pulse(directory)
    return report


def _run_scenario(
    scenario: Scenario, peers: list[Peer], report: Report, directory: Path, say: Callable[[str], None]
) -> None:
    entries = {peer.name: Entry(scenario=scenario.name, peer=peer.name, label=peer.label) for peer in peers}
    failed: set[str] = set()
    for turn in range(report.size.rounds):
        shift = turn % len(peers) if peers else 0
        for peer in [*peers[shift:], *peers[:shift]]:
            if peer.name in failed:
                continue
            say(f"{scenario.name}, round {turn + 1} of {report.size.rounds}: {peer.label}")
            entry = entries[peer.name]
            try:
                with tempfile.TemporaryDirectory(dir=directory) as place:
                    samples, entry.facts = scenario.measure(peer, Path(place), report.size)
                entry.rounds.append(samples)
            except Exception as error:  # noqa: BLE001 - one peer's failure must not cost the others their figures
                report.failures.append(f"{scenario.name}, {peer.name}: {type(error).__name__}: {error}")
                failed.add(peer.name)
    for name, entry in entries.items():
        if name not in failed:
            entry.figures = _figures(scenario, entry.rounds)
            report.entries.append(entry)


def _figures(scenario: Scenario, rounds: list[Samples]) -> list[Figure]:
    """Pool the samples of all rounds: a percentile of the pool hides no bad round."""
    figures = []
    for metric in scenario.metrics:
        if pool := [sample for samples in rounds for sample in samples.get(metric.samples, [])]:
            figures.append(figure(metric, pool))
    return figures
