"""Horarium's engines by themselves: what a message costs by how much lies in the store. One process, no worker."""

from __future__ import annotations

import time
from collections.abc import Sequence

from msgspec import Raw

from horarium.engines.protocol import Engine
from horarium.engines.records import MaintenancePolicy, Member
from horarium.message import DEFAULT_QUEUE, Delivery, Message, new_id
from horarium.outcome import Settlement, Succeeded

BATCH = 100  # what is measured
LOAD_BATCH = 1_000  # what only fills
OWNER = "bench-owner"
FAR_MS = 30 * 86_400_000  # nothing of this comes due while it runs
CLAIMS = 300


class Load:
    """A store that is filled on purpose, and the owner that works some of it off."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._queued = 0
        member = Member(owner=OWNER, kind="child", name="bench@here")
        engine.queue.renew([member], now=engine.now(), lease=86_400.0)

    def fill(self, depth: int) -> None:
        """Let ``depth`` messages wait."""
        for start in range(self._queued, depth, LOAD_BATCH):
            self._put(self._messages(min(LOAD_BATCH, depth - start)))
        self._queued = max(depth, self._queued)

    def lap(self) -> tuple[float, float]:
        """Put a batch and work one off; return what a message cost in each: microseconds of working off, of putting."""
        messages = self._messages(BATCH)
        began = time.perf_counter()
        self._put(messages)
        put = time.perf_counter()
        self._settle(self._claim(BATCH))
        return (time.perf_counter() - put) / BATCH * 1e6, (put - began) / BATCH * 1e6

    def work_off(self) -> None:
        """Work off all that waits: a kept run remains of each."""
        while deliveries := self._claim(LOAD_BATCH):
            self._settle(deliveries)
        self._queued = 0

    def defer(self, number: int) -> None:
        """Let ``number`` messages wait for a time to come."""
        for start in range(0, number, LOAD_BATCH):
            self._put(self._messages(min(LOAD_BATCH, number - start), eta=self._engine.now() + FAR_MS))

    def claim_one(self) -> float:
        """Put one message and claim it; return the microseconds of the claim."""
        self._put(self._messages(1))
        began = time.perf_counter()
        deliveries = self._claim(1)
        took = time.perf_counter() - began
        self._settle(deliveries)
        return took * 1e6

    def _messages(self, number: int, eta: int | None = None) -> list[Message]:
        now = self._engine.now()
        return [Message(id=new_id(now), task="bench.noop", created=now, eta=eta) for _ in range(number)]

    def _put(self, messages: Sequence[Message]) -> None:
        self._engine.queue.put(messages, now=self._engine.now())

    def _claim(self, limit: int) -> list[Delivery]:
        return self._engine.queue.claim([DEFAULT_QUEUE], OWNER, limit, now=self._engine.now())

    def _settle(self, deliveries: Sequence[Delivery]) -> None:
        now = self._engine.now()
        settlements = [
            Settlement(
                id=delivery.message.id,
                owner=OWNER,
                fence=delivery.fence,
                outcome=Succeeded(result=Raw(b"null")),
                started=now,
                ended=now,
            )
            for delivery in deliveries
        ]
        self._engine.queue.settle(settlements, now=now, policy=MaintenancePolicy())


def scale(engine: Engine, depths: Sequence[int], laps: int, loads: Sequence[str]) -> dict[str, list[float]]:
    """Measure laps at each depth, and single claims beside nothing, kept runs, and future messages as well."""
    empty, kept, future = loads
    load = Load(engine)
    samples = {f"claim {empty}": [load.claim_one() for _ in range(CLAIMS)]}
    for depth in depths:
        load.fill(depth)
        taken = [load.lap() for _ in range(laps)]
        samples[f"work {depth}"] = [work for work, _ in taken]
        samples[f"put {depth}"] = [put for _, put in taken]
    load.work_off()
    samples[f"claim {kept}"] = [load.claim_one() for _ in range(CLAIMS)]
    load.defer(depths[-1])
    samples[f"claim {future}"] = [load.claim_one() for _ in range(CLAIMS)]
    return samples
