"""What goes on, as a value: the runs that Horarium keeps, and what the example says its work has come to."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from horarium import Horarium
from horarium.engines.records import Page, RunFilter
from horarium.outcome import Attempt, ErrorRecord, Run

RUNS_SEEN = 60  # the newest runs, looked at each time
RETRIED = "retried"  # the outcome of an attempt after which the run is tried again


@dataclass(frozen=True, slots=True, kw_only=True)
class RunLine:
    """A run, or one attempt of it that was not the last, as a watcher wants to see it."""

    task: str
    state: str
    schedule: str | None  # that fired it
    at: datetime
    attempt: int
    seconds: float | None  # that the attempt took
    note: str  # what it returned, why it failed, or how far it is


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that is shown at one moment; ``runs`` newest first."""

    runs: tuple[RunLine, ...]
    facts: Mapping[str, str]
    endings: Counter[str]  # runs that ended since the watch began, by state
    retries: int


class Watch:
    """Looks at the runs made since it began. Remembers only those it looked at last, so it may run for weeks."""

    def __init__(self, app: Horarium, facts: Callable[[], Mapping[str, str]]) -> None:
        self._app = app
        self._facts = facts
        self._since = app.engine.now()
        self._known: dict[str, Run] = {}
        self._endings: Counter[str] = Counter()
        self._retries = 0

    def look(self) -> tuple[Snapshot, list[RunLine]]:
        """Return what there is now, and what ended or is to be tried again since the last look, in order of time."""
        runs = self._app.engine.results.search(RunFilter(since=self._since), Page(limit=RUNS_SEEN)).runs
        news = sorted((line for run in runs for line in self._news_of(run)), key=lambda line: line.at)
        self._known = {run.id: run for run in runs}
        shown = tuple(map(_line, runs))
        return Snapshot(shown, self._facts(), self._endings.copy(), self._retries), news

    def _news_of(self, run: Run) -> Iterator[RunLine]:
        known = self._known.get(run.id)
        # Told from the attempts, not from the state: a retry may have come and gone between two looks.
        seen = len(_retried(known)) if known is not None else 0
        for attempt in _retried(run)[seen:]:
            self._retries += 1
            yield _attempt_line(run, attempt)
        if run.has_ended and not (known is not None and known.has_ended):
            self._endings[run.state] += 1
            yield _line(run)


def _retried(run: Run) -> list[Attempt]:
    return [attempt for attempt in run.attempts if attempt.outcome == RETRIED]


def _line(run: Run) -> RunLine:
    last = run.attempts[-1] if run.attempts else None
    return RunLine(
        task=_task(run),
        state=run.state,
        schedule=run.message.schedule,
        at=_moment(run.changed),
        attempt=len(run.attempts),
        seconds=_seconds(last) if last is not None else None,
        note=_note(run),
    )


def _attempt_line(run: Run, attempt: Attempt) -> RunLine:
    return RunLine(
        task=_task(run),
        state="RETRY",
        schedule=run.message.schedule,
        at=_moment(attempt.ended or run.changed),
        attempt=attempt.number,
        seconds=_seconds(attempt),
        note=_trouble(attempt.error) if attempt.error is not None else "",
    )


def _task(run: Run) -> str:
    return run.message.task.rpartition(".")[2]


def _moment(instant: int) -> datetime:
    return datetime.fromtimestamp(instant / 1000, UTC)


def _seconds(attempt: Attempt) -> float | None:
    if attempt.started is None or attempt.ended is None:
        return None
    return (attempt.ended - attempt.started) / 1000


def _note(run: Run) -> str:
    if run.result is not None:
        return _said(json.loads(bytes(run.result)))
    if run.error is not None:
        return _trouble(run.error)
    if run.progress is not None:
        total = f"/{run.progress.total:g}" if run.progress.total is not None else ""
        return f"{run.progress.done:g}{total} {run.progress.note}"
    return ""


def _trouble(error: ErrorRecord) -> str:
    return f"{error.class_path.rpartition('.')[2]}: {error.text.partition(chr(10))[0]}"


def _said(result: Any) -> str:  # whatever the task returned
    if result is None:
        return ""
    if not isinstance(result, dict):
        return str(result)
    said = [f"{name} {value}" for name, value in result.items() if isinstance(value, int) and value]
    return ", ".join(said).replace("_", " ")
