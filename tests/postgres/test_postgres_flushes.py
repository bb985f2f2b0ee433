"""What waits for the disk and what does not (synchronous_commit, chosen with each transaction)."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import Raw
from postgres_words import claim, connect, put_one, register

from horarium.engines.postgres import PostgresEngine
from horarium.engines.postgres.sql import Database
from horarium.engines.records import Note


@pytest.mark.parametrize(
    ("once", "durability", "chosen"), [(False, "full", "off"), (True, "full", "on"), (True, "relaxed", "off")]
)
def test_only_a_claim_of_what_may_start_once_waits_for_the_disk(
    url: str, monkeypatch: pytest.MonkeyPatch, once: bool, durability: Any, chosen: str
) -> None:
    """Any other claim may be undone by a crash of the server: its message is then simply ready again."""
    engine = PostgresEngine(url, durability)
    put_one(engine, at_most_once=once)
    put_one(engine)
    fetch, seen = Database.fetch, []

    def look(self: Database, name: str, /, **values: Any) -> Any:
        rows = fetch(self, name, **values)
        seen.extend(row[1] for row in rows[:1] if name == "claim")
        return rows

    monkeypatch.setattr(Database, "fetch", look)
    assert len(claim(engine)) == 2
    assert seen == [chosen]
    engine.close()


@pytest.mark.parametrize(("durability", "setting"), [("full", "on"), ("relaxed", "off")])
def test_a_put_waits_for_the_disk_unless_the_store_is_relaxed(url: str, durability: Any, setting: str) -> None:
    engine = PostgresEngine(url, durability)
    shown = engine._store.carry_out(lambda db, again: db.connection.execute("SHOW synchronous_commit").fetchall())
    assert shown == [(setting,)]
    engine.close()


@pytest.mark.parametrize(
    ("durable", "durability", "chosen"), [(False, "full", "off"), (True, "full", "on"), (True, "relaxed", "off")]
)
def test_only_notes_that_are_to_be_durable_wait_for_the_disk(
    url: str, monkeypatch: pytest.MonkeyPatch, durable: bool, durability: Any, chosen: str
) -> None:
    engine = PostgresEngine(url, durability)
    seen: list[str] = []
    run, change = Database.run, Database.change

    def look(self: Database) -> None:
        seen.extend(value for (value,) in self.connection.execute("SHOW synchronous_commit"))

    def run_and_look(self: Database, name: str, /, **values: Any) -> Any:
        if name != "post_notes":
            return run(self, name, **values)
        with self.connection.transaction():
            cursor = run(self, name, **values)
            look(self)
        return cursor

    def change_and_look(self: Database, name: str, /, **values: Any) -> int:
        changed = change(self, name, **values)
        look(self)
        return changed

    monkeypatch.setattr(Database, "run", run_and_look)
    monkeypatch.setattr(Database, "change", change_and_look)
    engine.notes.post([Note(key="k", text=Raw(b"1"))], now=engine.now(), durable=durable)
    assert engine.notes.erase(["k"], durable=durable) == 1
    assert seen == [chosen, chosen]
    engine.close()


def test_the_choice_of_a_claim_ends_with_it(engine: PostgresEngine) -> None:
    register(engine)
    put_one(engine)
    claim(engine)
    shown = engine._store.carry_out(lambda db, again: db.connection.execute("SHOW synchronous_commit").fetchall())
    assert shown == [("on",)]


def test_no_plan_of_the_engines_sessions_hangs_on_statistics(engine: PostgresEngine, url: str) -> None:
    engine.check()
    shown = engine._store.carry_out(lambda db, again: db.connection.execute("SHOW plan_cache_mode").fetchall())
    assert shown == [("force_generic_plan",)]
    with connect(url) as other:
        assert other.execute("SHOW plan_cache_mode").fetchall() == [("auto",)]
