"""Shows what the watch sees: a live table in a terminal, plain lines where there is none."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from rich import box
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from app.settings import ZONE
from app.watch import RunLine, Snapshot

RUNS_SHOWN = 14
COLOURS = {"SUCCESS": "green", "RETRY": "yellow", "FAILURE": "red", "DEAD": "red", "STARTED": "cyan"}


class View(Protocol):
    def show(self, snapshot: Snapshot, news: Sequence[RunLine]) -> None: ...


class PlainView:
    """One line for each run that ended or is tried again, and one when the number of events has changed."""

    def __init__(self) -> None:
        self._events: int | None = None

    def show(self, snapshot: Snapshot, news: Sequence[RunLine]) -> None:
        for run in news:
            print(plain_line(run), flush=True)
        if snapshot.events != self._events:
            self._events = snapshot.events
            per_source = ", ".join(f"{count.source.name} {count.events}" for count in snapshot.sources)
            print(f"          {snapshot.events} events stored: {per_source}", flush=True)


class TableView:
    """Two tables that stay in place: what is stored, and the newest runs."""

    def __init__(self, live: Live, heading: str) -> None:
        self._live = live
        self._heading = heading

    def show(self, snapshot: Snapshot, news: Sequence[RunLine]) -> None:
        self._live.update(Group(Text(self._heading), _stored(snapshot), _runs(snapshot)), refresh=True)


@contextmanager
def open_view(heading: str) -> Iterator[View]:
    """Give the view that suits where we are; the terminal is as it was when the block ends."""
    console = Console()
    if not console.is_terminal:
        print(heading, flush=True)
        yield PlainView()
        return
    with Live(console=console, auto_refresh=False, transient=True) as live:
        yield TableView(live, heading)


def plain_line(run: RunLine) -> str:
    took = f"{run.seconds:.2f}s" if run.seconds is not None else ""
    fired = f"  [{run.schedule}]" if run.schedule else ""
    tries = f"  attempt {run.attempt}" if run.attempt > 1 else ""
    return f"{run.at.astimezone(ZONE):%H:%M:%S}  {run.task:<18} {run.state:<8} {took:>6}  {run.note}{tries}{fired}"


def print_summary(snapshot: Snapshot) -> None:
    """Say what was done since the start and what is stored now."""
    endings = ", ".join(f"{number} {state}" for state, number in sorted(snapshot.endings.items())) or "no run ended"
    print(f"runs: {endings}; {snapshot.retries} retries")
    for count in snapshot.sources:
        print(f"  {count.source.name:<20} {count.listings:>4} listed, {count.events:>4} of them first here")
    print(f"{snapshot.events} events stored", flush=True)
    sys.stdout.flush()


def _stored(snapshot: Snapshot) -> Table:
    table = _table(f"{snapshot.events} events stored")
    for column in ("source", "feeds", "listed", "first here", "last seen"):
        table.add_column(column, justify="left" if column == "source" else "right")
    for count in snapshot.sources:
        seen = f"{count.seen.astimezone(ZONE):%H:%M:%S}" if count.seen else "never"
        table.add_row(count.source.name, str(count.feeds), str(count.listings), str(count.events), seen)
    return table


def _runs(snapshot: Snapshot) -> Table:
    endings = ", ".join(f"{number} {state}" for state, number in sorted(snapshot.endings.items()))
    table = _table(f"runs: {endings or 'none yet'}; {snapshot.retries} retries")
    for column in ("at", "task", "state", "try", "took", "fired by"):
        table.add_column(column, no_wrap=True)
    table.add_column("what", ratio=1, no_wrap=True)
    for run in snapshot.runs[:RUNS_SHOWN]:
        table.add_row(
            f"{run.at.astimezone(ZONE):%H:%M:%S}",
            run.task,
            Text(run.state, style=COLOURS.get(run.state, "")),
            str(run.attempt or ""),
            f"{run.seconds:.2f}s" if run.seconds is not None else "",
            run.schedule or "",
            Text(run.note),
        )
    return table


def _table(title: str) -> Table:
    return Table(title=title, title_style="bold", title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
