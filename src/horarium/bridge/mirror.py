"""Mirror: keeps the ends of what came from Celery where Celery's callers look, so that their ``get()`` returns.

Which ends are awaited stands in Celery's own Redis, written before the message was stored here: a bridge that dies
forgets none, and several may do it at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from threading import Event

from horarium.bridge.celery_results import CeleryResults, check_results
from horarium.bridge.endings import children, meta_of
from horarium.bridge.part import Surroundings
from horarium.clock import Instant, Seconds
from horarium.engines.protocol import Engine, Listener
from horarium.engines.records import RESULT_TOPIC
from horarium.event import BridgeReturned

CHUNK = 500  # runs read at once
SHORTEST_GAP: Seconds = (
    0.02  # between two looks; longer where a look takes long, so that it takes half the time at most
)
UNKNOWN_KEEP: Seconds = 86_400.0  # how long an end is awaited of which the store knows nothing (yet, or no more)


class Mirror:
    """From the store's results to one Redis."""

    name = "bridge results"

    def __init__(self, around: Surroundings, url: str, *, keep: Seconds) -> None:
        check_results(url)
        self._around = around
        self._url = url
        self._keep = keep
        self._results: CeleryResults | None = None
        self._listener: Listener | None = None

    def turn(self, wait: Seconds) -> bool:
        engine, clock = self._around.app.engine, self._around.app.clock
        if self._results is None:
            self._results = CeleryResults(self._url)
        if self._listener is None:
            self._listener = engine.notifier.listen([RESULT_TOPIC])
        began = clock.monotonic()
        awaited = self._results.awaited()
        told = sum(
            self._tell(engine, self._results, awaited[start : start + CHUNK]) for start in range(0, len(awaited), CHUNK)
        )
        took = clock.monotonic() - began
        if wait > 0 and not told:
            self._listener.wait(wait)
            Event().wait(min(wait, max(SHORTEST_GAP, took)))  # one look for many that end together
        return told > 0

    def close(self) -> None:
        results, listener, self._results, self._listener = self._results, self._listener, None, None
        for each in (results, listener):
            if each is not None:
                each.close()

    def _tell(self, engine: Engine, results: CeleryResults, awaited: Sequence[tuple[str, Instant]]) -> int:
        now, told = engine.now(), 0
        forgotten = []
        for (id, since), run in zip(awaited, engine.results.read([id for id, _ in awaited]), strict=True):
            if run is None and now - since >= UNKNOWN_KEEP * 1000:
                forgotten.append(id)
            if run is None or not run.has_ended:
                continue
            results.tell(id, meta_of(run), keep=self._keep, now=now, following=children(run))
            told += 1
            self._around.counts.told += 1
            self._around.observer.tell(
                BridgeReturned(task=run.message.task, id=id, text=run.state.lower(), to="Celery")
            )
        results.give_up(forgotten)
        return told
