"""Works messages off here and now, by the same road as workers do: in a store of its own in memory they are claimed,
performed and settled, until nothing waits any more. Delays are not waited for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from horarium.app.perform import perform, settlement_of
from horarium.app.task import Task
from horarium.clock import FOREVER
from horarium.engines.memory import MemoryEngine
from horarium.engines.records import MaintenancePolicy, Member
from horarium.errors import NotRegistered
from horarium.message import Delivery, Message
from horarium.outcome import Outcome, Replaced, Reported, Retried, Settlement

OWNER = "eager"
AT_ONCE = 100


def run_messages(app: Any, messages: Sequence[Message]) -> MemoryEngine:
    """Run messages and all that they set off; return the store in which they ended."""
    engine = MemoryEngine(app.clock)
    engine.queue.put([_at_once(message) for message in messages], now=engine.now())
    engine.queue.renew([Member(owner=OWNER, kind="child", name=OWNER)], now=engine.now(), lease=FOREVER)
    while True:
        queues = list(engine.inspector.counts(most=0).queues)
        deliveries = engine.queue.claim(queues, OWNER, AT_ONCE, now=engine.now())
        if not deliveries:
            return engine
        for delivery in deliveries:
            _run(app, engine, delivery)


def _run(app: Any, engine: MemoryEngine, delivery: Delivery) -> None:
    task = app.known_task(delivery.message.task)
    if not isinstance(task, Task):
        raise NotRegistered(delivery.message.task)

    def settle(settlement: Settlement) -> None:
        engine.queue.settle([settlement], now=engine.now(), policy=MaintenancePolicy())

    def report(reported: Reported) -> None:
        settle(Settlement(id=delivery.message.id, owner=OWNER, fence=delivery.fence, outcome=reported, worker=OWNER))

    done = perform(task, delivery, clock=app.clock, worker=OWNER, report=report, is_eager=True)
    settlement = settlement_of(delivery, done, worker=OWNER)
    outcome: Outcome = settlement.outcome
    if isinstance(outcome, Retried | Replaced):
        outcome = replace(outcome, message=_at_once(outcome.message))
    settle(replace(settlement, outcome=outcome, follow_ups=tuple(map(_at_once, settlement.follow_ups))))


def _at_once(message: Message) -> Message:
    gate = replace(message.gate, countdown=0.0) if message.gate is not None else None
    return replace(message, eta=None, gate=gate)
