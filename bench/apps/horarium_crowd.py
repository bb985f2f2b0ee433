"""Horarium's engines by themselves: many owners, each with a connection of its own, work off one queue."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from msgspec import Raw

from horarium.engines.protocol import Engine
from horarium.engines.records import MaintenancePolicy, Member
from horarium.message import DEFAULT_QUEUE, Message, new_id
from horarium.outcome import Settlement, Succeeded

BATCH = 50  # what one claim takes
LOAD_BATCH = 1_000


class Crowd:
    """So many workers, as the store sees them. They are threads of one process: what is measured is the store."""

    def __init__(self, open_engine: Callable[[], Engine], owners: int) -> None:
        self._engines = [open_engine() for _ in range(owners)]
        for engine in self._engines:
            engine.now()  # connects

    def fill(self, count: int) -> None:
        engine = self._engines[0]
        for start in range(0, count, LOAD_BATCH):
            now = engine.now()
            batch = range(min(LOAD_BATCH, count - start))
            engine.queue.put([Message(id=new_id(now), task="bench.noop", created=now) for _ in batch], now=now)

    def work_off(self) -> float:
        """Let all of them claim and settle until nothing is left; return the seconds that took."""
        names = [f"owner {number}" for number in range(len(self._engines))]
        members = [Member(owner=name, kind="child", name=f"{name}@here") for name in names]
        self._engines[0].queue.renew(members, now=self._engines[0].now(), lease=86_400.0)
        together = threading.Barrier(len(names) + 1)
        threads = [
            threading.Thread(target=self._work, args=(engine, name, together))
            for engine, name in zip(self._engines, names, strict=True)
        ]
        for thread in threads:
            thread.start()
        together.wait()
        began = time.perf_counter()
        for thread in threads:
            thread.join()
        return time.perf_counter() - began

    def _work(self, engine: Engine, owner: str, together: threading.Barrier) -> None:
        together.wait()
        while deliveries := engine.queue.claim([DEFAULT_QUEUE], owner, BATCH, now=engine.now()):
            now = engine.now()
            settlements = [
                Settlement(
                    id=delivery.message.id,
                    owner=owner,
                    fence=delivery.fence,
                    outcome=Succeeded(result=Raw(b"null")),
                    started=now,
                    ended=now,
                )
                for delivery in deliveries
            ]
            engine.queue.settle(settlements, now=now, policy=MaintenancePolicy())
