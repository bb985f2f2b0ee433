"""One run: scenario by scenario, round by round, each round through all peers in turn, the order shifted each time.

So a machine that grows slower or busier during the run does so for everyone.
"""

from __future__ import annotations

import datetime
import tempfile
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from msgspec import Struct, field

from bench import machine
from bench.peer import Peer
from bench.scenario import Figure, Samples, Scenario, Size, figure
from bench.venue import Venue

Say = Callable[[str], None]
SIDE_BY_SIDE = 16  # peers that wait together
ENTERED = 0o711  # mode of our directories: a server that runs as a user of its own must come through


class Entry(Struct, kw_only=True):
    """What one peer did in one scenario."""

    scenario: str
    peer: str
    label: str
    beside: str = ""  # the peer of ours that it is compared with
    figures: list[Figure] = field(default_factory=list)
    rounds: list[Samples] = field(default_factory=list)
    facts: dict[str, str] = field(default_factory=dict)


class Report(Struct, kw_only=True):
    """A whole run, as it is kept in results/."""

    begun: str
    machine: dict[str, str]
    size: Size
    scenarios: list[str]
    peers: list[str] = field(default_factory=list)  # who was to take part
    servers: dict[str, str] = field(default_factory=dict)
    pulses: dict[str, str]  # how busy the machine was, before and after each scenario
    entries: list[Entry] = field(default_factory=list)
    absent: dict[str, str] = field(default_factory=dict)  # peers that took no part, and why
    failures: list[str] = field(default_factory=list)

    def entry(self, scenario: str, peer: str) -> Entry | None:
        """Return what a peer did in a scenario, None if it did not take part."""
        return next((entry for entry in self.entries if (entry.scenario, entry.peer) == (scenario, peer)), None)

    def value(self, scenario: str, peer: str, metric: str) -> float | None:
        """Return a figure, None if it was not taken."""
        entry = self.entry(scenario, peer)
        figures = entry.figures if entry else []
        return next((figure.value for figure in figures if figure.metric == metric), None)


def run(
    scenarios: Sequence[Scenario], peers: Sequence[Peer], size: Size, venue: Venue, directory: Path, say: Say
) -> Report:
    """Measure; a peer that fails is reported and left out of what remains of that scenario."""
    directory.chmod(ENTERED)
    absent = {peer.name: reason for peer in peers if (reason := venue.missing(peer))}
    for name, reason in absent.items():
        say(f"{name} takes no part: {reason}")
    report = Report(
        begun=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        machine=machine.facts(directory),
        size=size,
        scenarios=[scenario.name for scenario in scenarios],
        peers=[peer.name for peer in peers],
        servers=venue.facts(),
        pulses={"before": machine.pulse(directory)},
        absent=absent,
    )
    present = [peer for peer in peers if peer.name not in absent]
    for scenario in scenarios:
        those = [peer for peer in present if scenario.name in peer.scenarios]
        _Trial(scenario, those, venue, directory, say).run(report)
        report.pulses[f"after {scenario.name}"] = machine.pulse(directory)
    return report


class _Trial:
    """One scenario, all its rounds."""

    def __init__(self, scenario: Scenario, peers: list[Peer], venue: Venue, directory: Path, say: Say) -> None:
        self._scenario = scenario
        self._peers = peers
        self._venue = venue
        self._directory = directory
        self._say = say
        self._entries = {
            peer.name: Entry(scenario=scenario.name, peer=peer.name, label=peer.label, beside=peer.beside or peer.name)
            for peer in peers
        }
        self._failures: dict[str, str] = {}

    def run(self, report: Report) -> None:
        rounds = min(report.size.rounds, self._scenario.rounds or report.size.rounds)
        for turn in range(rounds):
            shift = turn % len(self._peers) if self._peers else 0
            self._turn(f"round {turn + 1} of {rounds}", [*self._peers[shift:], *self._peers[:shift]], report.size)
        for name, entry in self._entries.items():
            if name not in self._failures:
                entry.figures = _figures(self._scenario, entry.rounds)
                report.entries.append(entry)
        report.failures += self._failures.values()

    def _turn(self, which: str, peers: list[Peer], size: Size) -> None:
        alone = [peer for peer in peers if not (self._scenario.side_by_side and peer.beside)]
        for peer in alone:
            self._measure(which, peer, size)
        together = [peer for peer in peers if peer not in alone]
        with ThreadPoolExecutor(SIDE_BY_SIDE) as threads:
            _all_done(threads.submit(self._measure, which, peer, size) for peer in together)

    def _measure(self, which: str, peer: Peer, size: Size) -> None:
        if peer.name in self._failures:
            return
        self._say(f"{self._scenario.name}, {which}: {peer.label}")
        entry = self._entries[peer.name]
        try:
            with tempfile.TemporaryDirectory(dir=self._directory) as place:
                Path(place).chmod(ENTERED)
                samples, entry.facts = self._scenario.measure(peer, self._venue, Path(place), size)
            entry.rounds.append(samples)
        except Exception as error:  # noqa: BLE001 - one peer's failure must not cost the others their figures
            self._failures[peer.name] = f"{self._scenario.name}, {peer.name}: {type(error).__name__}: {error}"


def _all_done(futures: Iterable[Future[None]]) -> None:
    for future in list(futures):
        future.result()


def _figures(scenario: Scenario, rounds: list[Samples]) -> list[Figure]:
    """Pool the samples of all rounds: a percentile of the pool hides no bad round."""
    figures = []
    for metric in scenario.metrics:
        if pool := [sample for samples in rounds for sample in samples.get(metric.samples, [])]:
            figures.append(figure(metric, pool))
    return figures
