"""Which schedules code owns is kept apart, so that a scheduler need not look through a million of people's."""

from __future__ import annotations

from redis_words import NOW

from horarium.engines.records import Page
from horarium.engines.redis import RedisEngine
from horarium.schedules.record import Schedule
from servers import RedisServer

K = "{horarium}:"


def schedule(name: str, owner: str) -> Schedule:
    fields = {"anchor": NOW, "created": NOW, "changed": NOW, "next_fire": NOW}
    return Schedule(id=f"{name};code;", name=name, task="t", spec={}, owner=owner, **fields)


def owned_by_code(engine: RedisEngine) -> list[str]:
    return [each.name for each in engine.schedules.browse(Page(), owner="code").schedules]


def test_a_store_from_before_that_was_kept_finds_out_once(server: RedisServer, engine: RedisEngine) -> None:
    owners = {f"{number:05}": "code" if number % 3 == 0 else "person" for number in range(9_000)}
    engine.schedules.save([schedule(name, owner) for name, owner in owners.items()], now=NOW)
    server.ask("DEL", f"{K}schc")
    first = [name for name, owner in owners.items() if owner == "code"][: Page().limit]
    assert owned_by_code(engine) == first
    assert server.ask("ZCARD", f"{K}schc") == b":3001\r\n"  # and the empty one
    assert owned_by_code(engine) == first


def test_without_schedules_no_list_of_them_is_left_over(server: RedisServer, engine: RedisEngine) -> None:
    engine.schedules.save([schedule("a", "code"), schedule("b", "person")], now=NOW)
    engine.schedules.delete(["a", "b"])
    assert owned_by_code(engine) == []
    assert server.ask("EXISTS", f"{K}schc", f"{K}schn") == b":0\r\n"
