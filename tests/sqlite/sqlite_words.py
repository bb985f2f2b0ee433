"""Short words for what the tests of the SQLite engine often do; their processes know them too."""

from __future__ import annotations

from horarium.engines.records import MaintenancePolicy, Member
from horarium.engines.sqlite import SqliteEngine
from horarium.message import Delivery, Message, new_id
from horarium.outcome import Settlement, Succeeded

POLICY = MaintenancePolicy()


def message(now: int, **fields: object) -> Message:
    return Message(**{"id": new_id(now), "task": "t", "created": now, **fields})


def put_one(engine: SqliteEngine, **fields: object) -> str:
    made = message(engine.now(), **fields)
    assert engine.queue.put([made], now=engine.now()) == [True]
    return made.id


def claim(engine: SqliteEngine, owner: str = "o", limit: int = 100) -> list[Delivery]:
    engine.queue.renew([Member(owner=owner, kind="child", name="w")], now=engine.now(), lease=3600)
    return engine.queue.claim(["default"], owner, limit, now=engine.now())


def succeed(engine: SqliteEngine, deliveries: list[Delivery], *follow_ups: Message) -> list[str]:
    now = engine.now()
    settlements = [
        Settlement(
            id=delivery.message.id,
            owner=delivery.owner,
            fence=delivery.fence,
            outcome=Succeeded(result=None),
            started=now,
            ended=now,
            follow_ups=follow_ups,
        )
        for delivery in deliveries
    ]
    return [str(verdict) for verdict in engine.queue.settle(settlements, now=now, policy=POLICY)]
