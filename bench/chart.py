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

OURS, CAREFUL, CARELESS, BARE = "#0b6e4f", "#6b7fa3", "#c9b8a8", "#888888"
LEGEND = {OURS: "Horarium", CAREFUL: "what a killed worker held runs again", CARELESS: "it does not, or not by itself"}


def draw(report: Report, path: Path) -> None:
    """Write the chart of a report."""
    drained = _taken(report, "drain", "tasks")
    usual, worst = _taken(report, "latency", "p50"), _taken(report, "latency", "p99")
    height = 1.6 + 0.24 * max(len(drained), len(usual))
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(12, height), layout="constrained")
    _rates(left, drained)
    _spans(right, usual, worst)
    handles = [pyplot.Rectangle((0, 0), 1, 1, color=colour) for colour in LEGEND]
    figure.legend(handles, LEGEND.values(), loc="outside lower center", ncols=len(LEGEND), frameon=False)
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)


def _taken(report: Report, scenario: str, metric: str) -> list[tuple[Peer, Figure]]:
    """Return the figures of a metric in the order of the peers."""
    entries = ((peer, report.entry(scenario, peer.name)) for peer in PEERS)
    return [(peer, figure) for peer, entry in entries if entry for figure in entry.figures if figure.metric == metric]


def _rates(axes: Axes, taken: list[tuple[Peer, Figure]]) -> None:
    places, values = range(len(taken)), [figure.value for _, figure in taken]
    axes.barh(places, values, color=[_colour(peer) for peer, _ in taken], height=0.7)
    spread = [
        [figure.value - figure.low for _, figure in taken],
        [figure.high - figure.value for _, figure in taken],
    ]
    axes.errorbar(values, places, xerr=spread, fmt="none", ecolor="black", elinewidth=0.8)
    for place, (_, figure) in zip(places, taken, strict=True):
        _label(axes, figure.high, place, _number(figure.value))
    axes.set_title("no-op tasks each second, 2 worker processes: median, lowest to highest", fontsize=9)
    _frame(axes, [peer for peer, _ in taken])


def _spans(axes: Axes, usual: list[tuple[Peer, Figure]], worst: list[tuple[Peer, Figure]]) -> None:
    """Draw lines from p50 to p99: on a logarithmic axis a bar would have no beginning."""
    for place, ((peer, low), (_, high)) in enumerate(zip(usual, worst, strict=True)):
        axes.plot([low.value, high.value], [place, place], color=_colour(peer), linewidth=2.5)
        axes.plot([low.value], [place], "o", color=_colour(peer), markersize=6)
        _label(axes, max(low.value, high.value), place, f"{_number(low.value)} / {_number(high.value)}")
    axes.set_xscale("log")
    axes.set_title("call to start, idle worker, ms, logarithmic: p50 to p99", fontsize=9)
    _frame(axes, [peer for peer, _ in usual])


def _label(axes: Axes, value: float, place: float, text: str) -> None:
    axes.annotate(text, (value, place), xytext=(5, 0), textcoords="offset points", va="center", fontsize=7)


def _frame(axes: Axes, peers: list[Peer]) -> None:
    axes.set_yticks(range(len(peers)), [peer.label for peer in peers])
    axes.invert_yaxis()
    axes.margins(x=0.15)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2g}"


def _colour(peer: Peer) -> str:
    if not peer.worker:
        return BARE
    if not peer.beside:
        return OURS
    return CAREFUL if peer.keeps else CARELESS
