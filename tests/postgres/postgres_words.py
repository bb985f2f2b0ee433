"""Short words for what the tests of the PostgreSQL engine often do; their processes know them too."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import psycopg

from horarium.engines.postgres import PostgresEngine
from horarium.engines.protocol import Engine
from horarium.engines.records import MaintenancePolicy, Member
from horarium.message import Delivery, Message, new_id
from horarium.outcome import Settlement, Succeeded
from horarium.schedules.record import Fate, Firing, Schedule

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


def schedule(engine: Engine, name: str = "s", **fields: Any) -> Schedule:
    now = engine.now()
    given: dict[str, Any] = {"id": f"id of {name}", "name": name, "task": "t", "spec": {"type": "every", "seconds": 60}}
    return Schedule(**given | {"anchor": now, "created": now, "changed": now, "next_fire": now} | fields)


def save(engine: PostgresEngine, name: str = "s", **fields: Any) -> Schedule:
    """Create a schedule that is due."""
    (saved,) = engine.schedules.save([schedule(engine, name, **fields)], now=engine.now())
    return saved


def stored(engine: PostgresEngine, name: str = "s") -> Schedule:
    (found,) = engine.schedules.get([name])
    assert found is not None
    return found


def firing(schedule: Schedule, **fields: Any) -> Firing:
    """Return the firing of a schedule's next instant, with one message."""
    due = schedule.next_fire or 0
    kind = fields.get("kind", "auto")
    sent = Message(id=f"{schedule.name} {due} {kind}", task="t", created=due, schedule=schedule.name, nominal=due)
    given: dict[str, Any] = {
        "schedule": schedule.name,
        "version": schedule.version,
        "expected": due,
        "messages": (sent,),
        "next_fire": due + 60_000,
    }
    return Firing(**given | fields)


def fire(engine: PostgresEngine, *firings: Firing) -> list[Fate]:
    return engine.schedules.fire(firings, now=engine.now())


def until(fact: Callable[[], object], patience: float = 20.0) -> None:
    """Wait for a fact that nobody tells of."""
    give_up = time.monotonic() + patience
    while not fact():
        assert time.monotonic() < give_up, "expected a fact that did not come about"
        time.sleep(0.005)  # between two looks


def waits_for_a_lock(url: str, statement: str) -> bool:
    """Tell whether a session of the store stands in this statement, waiting for a lock."""
    with connect(url) as connection:
        rows = connection.execute(
            "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND application_name = 'horarium'"
            " AND query LIKE %s AND query LIKE %s",
            (f"%{statement}%", f'%{url.partition("?schema=")[2]}"%'),
        ).fetchall()
    return bool(rows)


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


def side_by_side(url: str, count: int, work: Callable[[PostgresEngine, int], None]) -> None:
    """Do the same in many threads at once, each with an engine of its own; whatever one of them raises is raised."""
    errors: list[BaseException] = []
    start = threading.Barrier(count)

    def run(number: int) -> None:
        engine = PostgresEngine(url)
        try:
            engine.check()
            start.wait(60)
            work(engine, number)
        except BaseException as error:
            errors.append(error)
        finally:
            engine.close()

    threads = [threading.Thread(target=run, args=[number], daemon=True) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
        assert not thread.is_alive(), "expected a thread to end"
    if errors:
        raise errors[0]
