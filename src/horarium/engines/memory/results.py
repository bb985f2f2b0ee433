"""Runs, in memory."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from horarium.clock import Instant, Seconds
from horarium.engines.memory.store import Store, matches
from horarium.engines.records import Page, RunFilter, RunPage
from horarium.outcome import Run, RunBrief


class MemoryResults:
    def __init__(self, store: Store) -> None:
        self._store = store

    def read(self, ids: Sequence[str]) -> list[Run | None]:
        with self._store.lock:
            entries = [self._store.entries.get(id) for id in ids]
            return [entry.run if entry is not None else None for entry in entries]

    def forget(self, ids: Sequence[str]) -> int:
        with self._store.lock:
            entries = [self._store.entries[id] for id in dict.fromkeys(ids) if id in self._store.entries]
            ended = [entry for entry in entries if entry.run.has_ended]
            for entry in ended:
                self._store.forget(entry)
            return len(ended)

    def search(self, filter: RunFilter, page: Page) -> RunPage:
        with self._store.lock:
            runs = [entry.run for entry in self._store.entries.values() if matches(entry.run, filter)]
        runs.sort(key=_age, reverse=True)
        if page.after is not None:
            after = msgspec.json.decode(page.after, type=tuple[Instant, str])
            runs = [run for run in runs if _age(run) < after]
        shown = runs[: page.limit]
        more = len(runs) > len(shown) > 0
        return RunPage(runs=tuple(shown), next=msgspec.json.encode(_age(shown[-1])).decode() if more else None)

    def briefs(self, schedules: Sequence[str], most: int) -> list[tuple[RunBrief, ...]]:
        found = [self.search(RunFilter(schedule=schedule), Page(limit=most)).runs for schedule in schedules]
        return [tuple(map(RunBrief.of, runs)) for runs in found]

    def record(self, runs: Sequence[Run], *, keep: Seconds, now: Instant) -> None:
        for run in runs:
            if not run.has_ended:
                raise ValueError(f"expected a run that has ended, got {run.id} in state {run.state}")
        with self._store.lock:
            for run in runs:
                self._store.record(run, keep + (now - run.changed) / 1000)


def _age(run: Run) -> tuple[Instant, str]:
    return run.message.created, run.id
