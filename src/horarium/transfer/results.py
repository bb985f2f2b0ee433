"""Copy kept runs from one store to another. Idempotent; what the target knows of an id stays."""

from __future__ import annotations

from collections.abc import Iterator

from horarium.clock import Seconds
from horarium.engines.protocol import Engine
from horarium.engines.records import Page, RunFilter
from horarium.outcome import ENDED

BATCH = 200


def copy_results(source: Engine, target: Engine, *, keep: Seconds) -> Iterator[int]:
    """Copy ended runs, the newest first; yield how many were new in the target, page by page. They are forgotten there
    ``keep`` from now."""
    after: str | None = None
    while True:
        page = source.results.search(RunFilter(states=tuple(sorted(ENDED))), Page(limit=BATCH, after=after))
        runs = [run for run in page.runs if run.has_ended]
        known = target.results.read([run.id for run in runs])
        fresh = [run for run, twin in zip(runs, known, strict=True) if twin is None]
        if fresh:
            target.results.record(fresh, keep=keep, now=target.now())
        yield len(fresh)
        after = page.next
        if after is None:
            return
