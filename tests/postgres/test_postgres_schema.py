"""The schema: migrations lead to it, many processes at once apply them once, and no hot statement walks a table."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest
from msgspec import Raw
from msgspec.structs import replace
from postgres_words import claim, connect, fire, firing, put_one, schedule, settle, stored, successes

from horarium.engines.memory import MemoryEngine
from horarium.engines.postgres import PostgresEngine, migrate
from horarium.engines.postgres.address import PLANS
from horarium.engines.postgres.rows import encode_message
from horarium.engines.postgres.sql import SQL
from horarium.errors import StoreUnusable
from horarium.schedules.record import Fate

SCHEMA = Path(migrate.__file__).with_name("schema.sql")
# Questions of people, which may read a table to its end, and what is small.
WALKS = {
    "count_messages",
    "count_ended",
    "count_ended_to",
    "count_schedules",
    "entries_waiting",
    "purge",
    "find",
    "workers",
    "lost_owners",
    "count_surplus",  # this and the next two only where a number of runs to keep is set
    "forget_surplus",
    "forget_surplus_kept",
}
SMALL = {"owners"}
VALUES = {"boolean": "true", "text": "x", "bigint": "1", "integer": "1", "float8": "1", "jsonb": "[]"}


def tables(connection: psycopg.Connection[Any], schema: str) -> list[str]:
    """Return what there is in a schema, as the server itself would write it."""
    asked = (
        "SELECT table_name || '.' || column_name || ' ' || data_type || ' ' || coalesce(collation_name, '') || ' ' ||"
        " is_nullable || ' ' || coalesce(column_default, '') FROM information_schema.columns WHERE table_schema = %s",
        "SELECT indexdef FROM pg_indexes WHERE schemaname = %s",
        "SELECT relname || ' ' || coalesce(reloptions::text, '') FROM pg_class WHERE relnamespace = %s::regnamespace"
        " AND relkind IN ('r', 'S')",
    )
    found = [row[0] for question in asked for row in connection.execute(question, (schema,)).fetchall()]
    return sorted(line.replace(f"{schema}.", "") for line in found)


def test_the_migrations_lead_to_the_schema_kept_as_text(url: str, engine: PostgresEngine) -> None:
    engine.check()
    schema = url.partition("?schema=")[2]
    with connect(url) as connection:
        connection.execute("CREATE SCHEMA kept_as_text")
        try:
            connection.execute(SCHEMA.read_text(encoding="utf-8").replace("{schema}", "kept_as_text"))
            assert tables(connection, schema) == tables(connection, "kept_as_text")
        finally:
            connection.execute("SET client_min_messages = warning; DROP SCHEMA kept_as_text CASCADE")


def test_many_processes_at_once_migrate_once(url: str, script: Callable[..., subprocess.Popen[str]]) -> None:
    text = """
print("ready", flush=True); sys.stdin.readline()
engine = PostgresEngine(sys.argv[1])
put_one(engine, id=sys.argv[2])
engine.close()
print("done")
"""
    processes = [script(text, url, number) for number in range(5)]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    assert [process.communicate(timeout=60)[0] for process in processes] == ["done\n"] * 5
    engine = PostgresEngine(url)
    assert engine.inspector.counts().states == {"PENDING": 5}
    with connect(url) as connection:
        assert connection.execute("SELECT number FROM migrations").fetchall() == [(1,), (2,), (3,), (4,)]
    engine.close()


def test_a_migration_that_fails_leaves_nothing(
    url: str, engine: PostgresEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "9999_broken.sql"
    broken.write_text("CREATE TABLE {schema}.half (x integer); CREATE TABLE {schema}.half (x integer);")
    monkeypatch.setitem(migrate.MIGRATIONS, 9999, broken)
    monkeypatch.setattr(migrate, "LATEST", 9999)
    with pytest.raises(StoreUnusable, match="half"):
        engine.check()
    with connect(url) as connection:
        schema = url.partition("?schema=")[2]
        assert connection.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", (schema,)).fetchall() == []


@pytest.mark.parametrize("name", ["s", 'every "day", \\ täglich'])
def test_a_store_of_version_1_is_opened_and_goes_on(
    engine: PostgresEngine, url: str, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Its schedules know nothing of their runs yet; what they have fired is known by its nominal."""
    made = schedule(MemoryEngine(), name)
    old = firing(replace(made, version=1)).messages[0]
    odd = replace(old, id="odd", nominal=None, args=Raw(b'[{"nominal":5}]'))
    with monkeypatch.context() as patch, connect(url) as connection:
        patch.setattr(migrate, "MIGRATIONS", {1: migrate.MIGRATIONS[1]})
        patch.setattr(migrate, "LATEST", 1)
        migrate.migrate(connection, url.partition("?schema=")[2], url)
        for message, text in ((old, encode_message(old)), (odd, encode_message(odd)), (replace(old, id="bad"), "{")):
            connection.execute(
                "INSERT INTO messages (id, turn, queue, task, rank, due, once, token, state, schedule, created,"
                " changed, message) VALUES (%s, 1, 'default', 't', 0, 1, false, 0, 'PENDING', %s, 1, 1, %s)",
                (message.id, name, text),
            )
        connection.execute(
            "INSERT INTO schedules (name, id, owner, active, version, next_fire, last_fire, total_runs, missed, token,"
            " record) VALUES (%s, %s, 'person', true, 1, %s, 1, 7, 2, 0, %s)",
            (name, made.id, made.next_fire, msgspec.json.encode(made).decode()),
        )
    (due,) = engine.schedules.due(engine.now(), 9)
    assert due == replace(made, version=1, last_fire=1, total_runs=7, missed=2)
    next_one = firing(due, messages=(replace(old, id="next", nominal=due.next_fire),), overlap="queue_one")
    assert fire(engine, next_one) == [Fate.HELD]
    deliveries = claim(engine)  # which sets aside the one that cannot be read
    assert {each.message.id for each in deliveries} == {old.id, "odd"}
    assert (stored(engine, name).failures, stored(engine, name).held) == (1, False)
    assert settle(engine, successes(engine, deliveries)) == ["recorded"] * 2
    assert (stored(engine, name).succeeded, stored(engine, name).failures) == (old.nominal, 0)
    assert fire(engine, next_one) == [Fate.SENT]


def test_a_schema_of_a_newer_version_is_refused(url: str, engine: PostgresEngine) -> None:
    engine.check()
    with connect(url) as connection:
        connection.execute("INSERT INTO migrations VALUES (99)")
    with pytest.raises(StoreUnusable, match="it is 99: a newer Horarium has changed it; upgrade this one"):
        PostgresEngine(url).check()


@pytest.mark.parametrize("name", sorted(SQL))
def test_no_statement_walks_a_table(engine: PostgresEngine, url: str, name: str) -> None:
    """Planned while the tables are empty, as they are when a worker starts: the plan stays when they are full."""
    engine.check()
    steps = plan(url, name)
    assert name in WALKS or walked(steps) <= SMALL, "\n".join(steps)


@pytest.mark.parametrize("name", sorted(SQL.keys() - WALKS))
def test_no_statement_walks_a_table_that_was_analysed_while_it_was_empty(
    engine: PostgresEngine, url: str, name: str
) -> None:
    for _ in range(3):
        put_one(engine)
    with connect(url) as connection:
        connection.execute("DELETE FROM messages")
        connection.execute("VACUUM ANALYZE")
    steps = plan(url, name)
    assert walked(steps) <= SMALL, "\n".join(steps)


def plan(url: str, name: str) -> list[str]:
    """Return the steps of a statement's plan, as the engine's own connections make it."""
    schema = url.partition("?schema=")[2]
    numbers: dict[str, int] = {}
    values: list[str] = []

    def numbered(found: re.Match[str]) -> str:
        kind = found[2].removesuffix("[]")
        if found[1] not in numbers:
            numbers[found[1]] = len(numbers) + 1
            value = VALUES[kind]
            values.append(f"'{{{value}}}'" if found[2].endswith("[]") else f"'{value}'")
        return f"${numbers[found[1]]}::{found[2]}"

    text = SQL[name].replace("{schema}", schema).replace("{conditions}", "true")
    text = re.sub(r"%\((\w+)\)s::(\w+(?:\[\])?)", numbered, text)
    with connect(url) as connection:
        for setting, value in PLANS.items():
            connection.execute(f"SET {setting} = {value}")
        connection.execute(f"PREPARE it AS {text}")
        execute = f"EXECUTE it ({', '.join(values)})" if values else "EXECUTE it"
        return [step for (step,) in connection.execute(f"EXPLAIN {execute}").fetchall()]


def walked(steps: list[str]) -> set[str]:
    """Return the tables that are read from end to end: not through an index, or through one without a condition."""
    tables = set()
    for step, behind in zip(steps, [*steps[1:], ""], strict=True):
        found = re.search(r"(Seq|Index|Index Only) Scan (?:using \w+ )?on (\w+)", step)
        if found and (found[1] == "Seq" or "Index Cond" not in behind):
            tables.add(found[2])
    return tables


def test_a_message_is_found_again_by_another_engine(url: str, engine: PostgresEngine) -> None:
    id = put_one(engine)
    engine.close()
    other = PostgresEngine(url)
    (run,) = other.results.read([id])
    assert run is not None
    other.close()
