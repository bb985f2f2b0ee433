"""Shows what the watch sees: a live table in a terminal, plain lines where there is none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Protocol
from zoneinfo import ZoneInfo

from rich import box
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from live.watch import RunLine, Snapshot

RUNS_SHOWN = 14
COLOURS = {"SUCCESS": "green", "RETRY": "yellow", "FAILURE": "red", "DEAD": "red", "STARTED": "cyan"}


class View(Protocol):
    def show(self, snapshot: Snapshot, news: Sequence[RunLine]) -> None: ...


class PlainView:
    """One line for each run that ended or is tried again, and one for each fact that has changed."""

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone
        self._facts: Mapping[str, str] = {}

    def show(self, snapshot: Snapshot, news: Sequence[RunLine]) -> None:
        for run in news:
            print(plain_line(run, self._zone), flush=True)
        for name, fact in snapshot.facts.items():
            if self._facts.get(name) != fact:
                print(f"          {name}: {fact}", flush=True)
        self._facts = snapshot.facts


class TableView:
    """Two tables that stay in place: what the work has come to, and the newest runs."""

    def __init__(self, live: Live, heading: str, zone: ZoneInfo) -> None:
        self._live = live
        self._heading = heading
        self._zone = zone

    def show(self, snapshot: Snapshot, news: Sequence[RunLine]) -> None:
        tables = (_facts(snapshot.facts), _runs(snapshot, self._zone))
        self._live.update(Group(Text(self._heading), *tables), refresh=True)


@contextmanager
def open_view(heading: str, zone: ZoneInfo) -> Iterator[View]:
    """Give the view that suits where we are; the terminal is as it was when the block ends."""
    console = Console()
    if not console.is_terminal:
        print(heading, flush=True)
        yield PlainView(zone)
        return
    with Live(console=console, auto_refresh=False, transient=True) as live:
        yield TableView(live, heading, zone)


def plain_line(run: RunLine, zone: ZoneInfo) -> str:
    took = f"{run.seconds:.2f}s" if run.seconds is not None else ""
    fired = f"  [{run.schedule}]" if run.schedule else ""
    tries = f"  attempt {run.attempt}" if run.attempt > 1 else ""
    return f"{run.at.astimezone(zone):%H:%M:%S}  {run.task:<26} {run.state:<8} {took:>6}  {run.note}{tries}{fired}"


def print_summary(snapshot: Snapshot) -> None:
    """Say what was done since the start and what it has come to."""
    print(f"runs: {_counted(snapshot.endings) or 'no run ended'}; {snapshot.retries} retries")
    for name, fact in snapshot.facts.items():
        print(f"  {name}: {fact}")
    print(end="", flush=True)


def _counted(endings: Counter[str]) -> str:
    return ", ".join(f"{number} {state}" for state, number in sorted(endings.items()))


def _facts(facts: Mapping[str, str]) -> Table:
    table = _table("so far")
    table.show_header = False
    for fact in facts.items():
        table.add_row(*fact)
    return table


def _runs(snapshot: Snapshot, zone: ZoneInfo) -> Table:
    table = _table(f"runs: {_counted(snapshot.endings) or 'none yet'}; {snapshot.retries} retries")
    for column in ("at", "task", "state", "try", "took", "fired by"):
        table.add_column(column, no_wrap=True)
    table.add_column("what", ratio=1, no_wrap=True)
    for run in snapshot.runs[:RUNS_SHOWN]:
        table.add_row(
            f"{run.at.astimezone(zone):%H:%M:%S}",
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
