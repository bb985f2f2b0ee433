"""Short words for what the tests of the PostgreSQL engine often do; their processes know them too."""

from __future__ import annotations

from typing import Any

import psycopg

from horarium.engines.postgres import PostgresEngine
from horarium.engines.protocol import MaintenancePolicy, Member
from horarium.message import Delivery, Message, new_id
from horarium.outcome import Settlement, Succeeded

POLICY = MaintenancePolicy()


def message(now: int, **fields: Any) -> Message:
    return Message(**{"id": new_id(now), "task": "t", "created": now, **fields})


def put_one(engine: PostgresEngine, **fields: Any) -> str:
    made = message(engine.now(), **fields)
    assert engine.queue.put([made], now=engine.now()) == [True]
    return made.id


def register(engine: PostgresEngine, owner: str = "o") -> None:
    engine.queue.renew([Member(owner=owner, kind="child", name="w")], now=engine.now(), lease=3600)


def claim(engine: PostgresEngine, owner: str = "o", limit: int = 100) -> list[Delivery]:
    register(engine, owner)
    return engine.queue.claim(["default"], owner, limit, now=engine.now())


def successes(engine: PostgresEngine, deliveries: list[Delivery], *follow_ups: Message) -> list[Settlement]:
    now = engine.now()
    return [
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


def settle(engine: PostgresEngine, settlements: list[Settlement]) -> list[str]:
    return [str(verdict) for verdict in engine.queue.settle(settlements, now=engine.now(), policy=POLICY)]


def connect(url: str) -> psycopg.Connection[Any]:
    """Return a connection of a program's own to the database of a store, looking into its schema."""
    address, _, schema = url.partition("?schema=")
    return psycopg.connect(address, autocommit=True, options=f"-c search_path={schema}")


def backends(url: str) -> list[int]:
    """Return the pids of the server's processes that work for Horarium in this store."""
    with connect(url) as connection:
        rows = connection.execute(
            "SELECT pid FROM pg_stat_activity WHERE application_name = 'horarium' AND query LIKE %s",
            (f'%{url.partition("?schema=")[2]}"%',),
        ).fetchall()
    return [pid for (pid,) in rows]
