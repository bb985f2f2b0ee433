"""Horarium's engines by themselves: what working, looking and forgetting cost by how many runs are kept."""

from __future__ import annotations

import time
from collections.abc import Callable

from msgspec import Raw

from bench.apps.horarium_scale import OWNER, Load
from horarium.engines.protocol import Engine
from horarium.engines.records import MaintenancePolicy, Page, RunFilter
from horarium.message import DEFAULT_QUEUE, Delivery, Message, new_id
from horarium.outcome import Failed, Settlement, Succeeded, told

BATCH = 1_000
TASKS = 20  # the runs are of so many tasks, in turn
FAILURES = 1_000  # one run of so many failed
FURTHER = 5_000
MICRO, MILLI = 1e6, 1e3
ONE_TASK, FAILED = RunFilter(tasks=("bench.task1",)), RunFilter(states=("FAILURE",))


class History:
    """A store in which runs are kept, and grow in number on demand."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._load = Load(engine)
        self._kept = 0
        self._latest = ""

    def grow(self, length: int) -> None:
        """Let ``length`` runs be kept."""
        for start in range(self._kept, length, BATCH):
            self._run(min(BATCH, length - start))
        self._kept = max(length, self._kept)

    def ask(self, laps: int) -> dict[str, list[float]]:
        """Ask each question so often; return what it took, in the units that the scenario names."""
        engine, search = self._engine, self._engine.results.search
        further = Page(after=search(ONE_TASK, Page(limit=FURTHER)).next)
        policy = MaintenancePolicy(keep=0.0, batch=BATCH)
        return {
            "claim": [self._load.claim_one() for _ in range(laps)],
            "work": [self._load.lap()[0] for _ in range(laps)],
            "find": _times(laps, MICRO, lambda: engine.results.read([self._latest])),
            "page": _times(laps, MILLI, lambda: search(ONE_TASK, Page())),
            "deep": _times(laps, MILLI, lambda: search(ONE_TASK, further)),
            "failed": _times(laps, MILLI, lambda: search(FAILED, Page())),
            "counts": _times(3, MILLI, engine.inspector.counts),
            "forget": _times(laps, MILLI, lambda: engine.queue.maintain(now=engine.now(), policy=policy)),
        }

    def _run(self, number: int) -> None:
        engine, now = self._engine, self._engine.now()
        tasks = [f"bench.task{which % TASKS}" for which in range(number)]
        messages = [Message(id=new_id(now), task=task, created=now) for task in tasks]
        engine.queue.put(messages, now=now)
        deliveries = engine.queue.claim([DEFAULT_QUEUE], OWNER, number, now=now)
        settlements = [self._settlement(delivery, which) for which, delivery in enumerate(deliveries)]
        engine.queue.settle(settlements, now=now, policy=MaintenancePolicy())
        self._latest = messages[0].id

    def _settlement(self, delivery: Delivery, which: int) -> Settlement:
        ok = Succeeded(result=Raw(b"null"))
        outcome = Failed(error=told("HorariumError", "a failure")) if which % FAILURES == 0 else ok
        now = self._engine.now()
        return Settlement(
            id=delivery.message.id, owner=OWNER, fence=delivery.fence, outcome=outcome, started=now, ended=now
        )


def _times(laps: int, unit: float, ask: Callable[[], object]) -> list[float]:
    taken = []
    for _ in range(laps):
        began = time.perf_counter()
        ask()
        taken.append((time.perf_counter() - began) * unit)
    return taken
