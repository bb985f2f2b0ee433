"""What the tests of this room do again and again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from msgspec import Raw

from horarium.engines.records import MaintenancePolicy, Member
from horarium.engines.redis import RedisEngine
from horarium.message import Delivery, Message, new_id
from horarium.outcome import Run, Settlement, Succeeded
from horarium.schedules.record import Fate, Firing, Schedule

Open: TypeAlias = Callable[..., RedisEngine]

POLICY = MaintenancePolicy()
NOW = 1_800_000_000_000


def message(**fields: Any) -> Message:
    return Message(**{"id": new_id(NOW), "task": "t", "created": NOW} | fields)


def put(engine: RedisEngine, *messages: Message) -> list[bool]:
    return engine.queue.put(messages, now=NOW)


def hire(engine: RedisEngine, owner: str = "a") -> None:
    engine.queue.renew([Member(owner=owner, kind="child", name=f"{owner}@host")], now=NOW, lease=30.0)


def claim(engine: RedisEngine, owner: str = "a", limit: int = 100, **options: Any) -> list[Delivery]:
    return engine.queue.claim(["default"], owner, limit, now=NOW, **options)


def done(delivery: Delivery, **fields: Any) -> Settlement:
    times = {"started": NOW, "ended": NOW}
    return Settlement(
        id=delivery.message.id,
        owner=delivery.owner,
        fence=delivery.fence,
        outcome=Succeeded(result=Raw(b"42")),
        **times | fields,
    )


def run_of(engine: RedisEngine, id: str) -> Run:
    (run,) = engine.results.read([id])
    assert run is not None
    return run


def schedule(name: str = "s", **fields: Any) -> Schedule:
    given: dict[str, Any] = {
        "id": f"id of {name}",
        "name": name,
        "task": "t",
        "spec": {"type": "every", "seconds": 60},
        "anchor": NOW,
        "created": NOW,
        "changed": NOW,
        "next_fire": NOW,
    }
    return Schedule(**given | fields)


def firing(saved: Schedule, *nominals: int, **fields: Any) -> Firing:
    """Return the firing of the schedule's next instant, or of those given."""
    sent = [
        message(id=f"{saved.id}-{nominal}", schedule=saved.name, nominal=nominal)
        for nominal in nominals or (saved.next_fire or 0,)
    ]
    given: dict[str, Any] = {
        "schedule": saved.name,
        "version": saved.version,
        "expected": saved.next_fire,
        "messages": tuple(sent),
        "next_fire": (saved.next_fire or 0) + 60_000,
    }
    return Firing(**given | fields)


def saved(engine: RedisEngine, name: str = "s", **fields: Any) -> Schedule:
    (stored,) = engine.schedules.save([schedule(name, **fields)], now=NOW)
    return stored


def stored(engine: RedisEngine, name: str = "s") -> Schedule:
    (found,) = engine.schedules.get([name])
    assert found is not None
    return found


def fire(engine: RedisEngine, *firings: Firing) -> list[Fate]:
    return engine.schedules.fire(firings, now=NOW)
