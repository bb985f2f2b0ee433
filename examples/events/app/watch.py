"""What goes on, as a value: the runs that Horarium keeps, and what is in the example's own database."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

from app.settings import Settings
from app.store import SourceCount, open_store
from horarium import Horarium
from horarium.engines.protocol import Page, RunFilter
from horarium.outcome import Attempt, Run

RUNS_SEEN = 60  # the newest runs, looked at each time


@dataclass(frozen=True, slots=True)
class RunLine:
    """A run as a watcher wants to see it."""

    id: str
    task: str
    state: str
    schedule: str | None
    at: datetime
    attempts: int
    seconds: float | None  # that the last attempt took
    note: str  # what it returned, why it failed, or how far it is
    ended: bool

    @classmethod
    def of(cls, run: Run) -> Self:
        last = run.attempts[-1] if run.attempts else None
        return cls(
            id=run.id,
            task=run.message.task.removeprefix("app.tasks."),
            state=run.state,
            schedule=run.message.schedule,
            at=datetime.fromtimestamp(run.changed / 1000, UTC),
            attempts=len(run.attempts),
            seconds=_seconds(last) if last is not None else None,
            note=_note(run),
            ended=run.has_ended,
        )


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that is shown at one moment; ``runs`` newest first."""

    runs: tuple[RunLine, ...]
    sources: tuple[SourceCount, ...]
    events: int
    endings: Counter[str]  # runs that ended since the watch began, by state
    retries: int


class Watch:
    """Looks at the runs made since it began. Remembers only those that it looks at, so it may run for weeks."""

    def __init__(self, app: Horarium, settings: Settings) -> None:
        self._app = app
        self._settings = settings
        self._since = app.engine.now()
        self._known: dict[str, RunLine] = {}
        self._endings: Counter[str] = Counter()
        self._retries = 0

    def look(self) -> tuple[Snapshot, list[RunLine]]:
        """Return what there is now, and the runs that ended or were put off since the last look, the oldest first."""
        found = self._app.engine.results.search(RunFilter(since=self._since), Page(limit=RUNS_SEEN)).runs
        runs = {run.id: RunLine.of(run) for run in found}
        news = [run for run in reversed(runs.values()) if self._is_news(run)]
        self._endings.update(run.state for run in news if run.ended)
        self._retries += sum(run.state == "RETRY" for run in news)
        self._known = runs
        with open_store(self._settings.database) as store:
            snapshot = Snapshot(
                runs=tuple(runs.values()),
                sources=tuple(store.count_by_source()),
                events=store.count_events(),
                endings=self._endings.copy(),
                retries=self._retries,
            )
        return snapshot, news

    def _is_news(self, run: RunLine) -> bool:
        known = self._known.get(run.id)
        seen = known is not None and (known.state, known.attempts) == (run.state, run.attempts)
        return not seen and (run.ended or run.state == "RETRY")


def _seconds(attempt: Attempt) -> float | None:
    if attempt.started is None or attempt.ended is None:
        return None
    return (attempt.ended - attempt.started) / 1000


def _note(run: Run) -> str:
    if run.error is not None:
        said = run.error.text.partition("\n")[0]
        return f"{run.error.class_path.rpartition('.')[2]}: {said}"
    if run.result is not None:
        return _said(json.loads(bytes(run.result)))
    if run.progress is not None:
        total = f"/{run.progress.total:g}" if run.progress.total is not None else ""
        return f"{run.progress.done:g}{total} {run.progress.note}"
    return ""


def _said(result: Any) -> str:  # whatever the task returned
    if not isinstance(result, dict):
        return str(result)
    return ", ".join(f"{key} {value}" for key, value in result.items() if isinstance(value, int) and value)
