"""The chart of a report: tasks worked off each second, and the time from call to start, by peer. SVG, by matplotlib."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib

from bench.peer import Peer
from bench.peers import PEERS
from bench.run import Report
from bench.scenario import Figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

matplotlib.use("svg")
matplotlib.rcParams |= {"svg.hashsalt": "horarium", "svg.fonttype": "none", "font.family": "sans-serif", "font.size": 9}

from matplotlib import pyplot  # noqa: E402 - after its settings

OURS, CAREFUL, CARELESS = "#0b6e4f", "#6b7fa3", "#c9b8a8"
LEGEND = {OURS: "Horarium", CAREFUL: "what a killed worker held runs again", CARELESS: "it does not, or not by itself"}


def draw(report: Report, path: Path) -> None:
    """Write the chart of a report."""
    drained = _taken(report, "drain", "tasks")
    started = _taken(report, "latency", "p50")
    height = 1.6 + 0.24 * max(len(drained), len(started))
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(12, height), layout="constrained")
    _bars(left, drained, "no-op tasks each second, 2 worker processes (median, lowest to highest)")
    _bars(right, started, "call to start on an idle worker, ms (p50; the tick: p99)")
    _ticks(right, [figure.value for _, figure in _taken(report, "latency", "p99")])
    handles = [pyplot.Rectangle((0, 0), 1, 1, color=colour) for colour in LEGEND]
    figure.legend(handles, LEGEND.values(), loc="outside lower center", ncols=len(LEGEND), frameon=False)
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)


def _taken(report: Report, scenario: str, metric: str) -> list[tuple[Peer, Figure]]:
    """Return the figures of a metric in the order of the peers."""
    entries = ((peer, report.entry(scenario, peer.name)) for peer in PEERS)
    return [(peer, figure) for peer, entry in entries if entry for figure in entry.figures if figure.metric == metric]


def _bars(axes: Axes, taken: list[tuple[Peer, Figure]], title: str) -> None:
    places = range(len(taken))
    values = [figure.value for _, figure in taken]
    axes.barh(places, values, color=[_colour(peer) for peer, _ in taken], height=0.7)
    if "lowest" in title:
        spread = [
            [figure.value - figure.low for _, figure in taken],
            [figure.high - figure.value for _, figure in taken],
        ]
        axes.errorbar(values, places, xerr=spread, fmt="none", ecolor="black", elinewidth=0.8)
    axes.set_yticks(places, [peer.label for peer, _ in taken])
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.set_title(title, fontsize=9)
    for place, value in zip(places, values, strict=True):
        axes.annotate(
            _number(value), (value, place), xytext=(4, 0), textcoords="offset points", va="center", fontsize=7
        )
    axes.margins(x=0.15)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _ticks(axes: Axes, values: list[float]) -> None:
    axes.scatter(values, range(len(values)), marker="|", color="black", s=40, linewidths=1.0)


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2g}"


def _colour(peer: Peer) -> str:
    if not peer.beside:
        return OURS
    return CAREFUL if peer.keeps else CARELESS
