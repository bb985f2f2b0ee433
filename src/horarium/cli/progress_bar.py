"""How far a run is, as a bar at the foot of the terminal; lines go above it. On stderr."""

from __future__ import annotations

from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

from horarium import outcome
from horarium.observe.text import one_line


class Bar:
    def __init__(self, *, color: bool) -> None:
        console = Console(stderr=True, no_color=not color, highlight=False)
        columns = SpinnerColumn(), BarColumn(), TaskProgressColumn(), TextColumn("{task.description}", markup=False)
        self._progress = Progress(*columns, TimeElapsedColumn(), console=console, transient=True)
        self._task = self._progress.add_task("", total=None)

    def line(self, text: str) -> None:
        self._progress.console.print(Text(text))

    def progress(self, progress: outcome.Progress) -> None:
        note = one_line(progress.note, 80)
        self._progress.update(self._task, completed=progress.done, total=progress.total, description=note)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()
