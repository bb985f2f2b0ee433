"""The last runs of a schedule as a row of bars: colour and height say how each ended, and how long it took.

Shapes and words only: how they are dressed is the page's business.
"""

from __future__ import annotations

from collections.abc import Sequence

from horarium.observe.looks import look_of
from horarium.outcome import Run, RunBrief, State
from horarium.schedules.record import FAILED, SUCCEEDED

BARS = 20
WIDTH, GAP, HEIGHT = 3, 1, 20
_LEAST = 6  # of a success: it must not look like a gap
_WAITING = frozenset({State.PENDING, State.RETRY})


def is_running(run: Run | RunBrief) -> bool:
    """Tell whether a worker has a run in its hands."""
    return not run.has_ended and run.state not in _WAITING


def kind_of(run: Run | RunBrief) -> str:
    """Return how a run ended, or stands, in a word; the same as on its own page, but that an end is one of few."""
    if run.state in SUCCEEDED:
        return "succeeded"
    if run.state in FAILED:
        return "failed"
    return "running" if is_running(run) else look_of(run.state).word


def bars_of(runs: Sequence[Run | RunBrief]) -> dict[str, str]:
    """Return the bars of runs, given newest first, as one path of SVG for each colour: ``succeeded failed other open``.

    A shape for each bar would be half of a page. The picture is BARS * (WIDTH + GAP) wide and HEIGHT high.
    """
    shown = list(reversed(runs[:BARS]))
    longest = max((run.took or 0.0 for run in shown), default=0.0)
    drawn: dict[str, str] = {}
    for place, run in enumerate(shown):
        height, colour = _height(run, longest), _colour(run)
        bar = f"M{place * (WIDTH + GAP)} {HEIGHT}v-{height}h{WIDTH}v{height}z"
        drawn[colour] = drawn.get(colour, "") + bar
    return drawn


def in_words(runs: Sequence[Run | RunBrief]) -> str:
    """Return how runs, given newest first, ended: "last 20 runs: 19 succeeded, 1 failed; the newest succeeded"."""
    counts: dict[str, int] = {}
    for run in runs:
        kind = kind_of(run)
        counts[kind] = counts.get(kind, 0) + 1
    counted = ", ".join(f"{number} {kind}" for kind, number in sorted(counts.items(), key=lambda each: -each[1]))
    number = "1 run" if len(runs) == 1 else f"last {len(runs)} runs"
    return f"{number}: {counted}; the newest: {kind_of(runs[0])}"


def _colour(run: Run | RunBrief) -> str:
    kind = kind_of(run)
    if kind in ("succeeded", "failed"):
        return kind
    return "other" if run.has_ended else "open"


def _height(run: Run | RunBrief, longest: float) -> int:
    """A failure is as high as can be; a success as it took long, of the longest one."""
    kind = _colour(run)
    if kind == "failed":
        return HEIGHT
    if kind != "succeeded":
        return HEIGHT // 2
    took = run.took or 0.0
    return _LEAST + round((HEIGHT - 4 - _LEAST) * (took / longest if longest else 0.0))
