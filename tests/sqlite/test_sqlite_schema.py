"""The schema: migrations lead to it, many processes at once apply them once, and no hot statement walks a table."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import apsw
import pytest
from sqlite_words import put_one

from horarium.engines.sqlite import SqliteEngine, migrate
from horarium.engines.sqlite.inspector import _find_sql
from horarium.engines.sqlite.sql import SQL
from horarium.engines.statements import read_statements

SCHEMA = Path(migrate.__file__).with_name("schema.sql")
# Questions of people, which may read an index to its end: which one.
WALKS = {
    "count_blocked": "runs_blocked",
    "count_running": "runs_held",
    "entries_blocked": "runs_blocked",
    "count_held": "runs_held",
    "count_states": "runs_state",
    "count_waiting": "runs_waiting",
    "count_schedules": "sqlite_autoindex_schedules_1",
    "entries_waiting": "runs_waiting",
    "purge": "runs_waiting",
    "find": "runs_waiting",
    "workers": "owners",
    # Only where a number of runs to keep is set, and then as far as there are ended runs; or of runs_ended_keep.
    "count_surplus": "runs_ended",
    "forget_surplus": "runs_ended",
    "forget_surplus_kept": "runs_ended",
}


def tables(connection: apsw.Connection) -> list[str]:
    rows = connection.execute("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name")
    one_line = (re.sub(r"\s*--[^\n]*|\s+", " ", str(sql)) for (sql,) in rows)
    # ALTER TABLE leaves spaces of its own.
    return [re.sub(r" +([,)])", r"\1", re.sub(" +", " ", line)) for line in one_line]


def test_the_migrations_lead_to_the_schema_kept_as_text(path: Path, engine: SqliteEngine) -> None:
    engine.check()
    kept = apsw.Connection(":memory:")
    kept.execute(SCHEMA.read_text(encoding="utf-8"))
    with engine._store.read() as db:
        assert tables(db) == tables(kept)


def test_many_processes_at_once_migrate_once(path: Path, script: Callable[..., subprocess.Popen[str]]) -> None:
    text = """
print("ready", flush=True); sys.stdin.readline()
engine = SqliteEngine(sys.argv[1])
put_one(engine, id=sys.argv[2])
engine.close()
print("done")
"""
    processes = [script(text, path, number) for number in range(6)]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    assert [process.communicate(timeout=60)[0] for process in processes] == ["done\n"] * 6
    engine = SqliteEngine(path)
    assert engine.inspector.counts().states == {"PENDING": 6}
    with engine._store.read() as db:  # the first migration puts one counter there
        assert db.execute("SELECT count(*) FROM counters").get == 1
    engine.close()


def test_a_migration_that_fails_leaves_nothing(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "0002_broken.sql"
    broken.write_text("CREATE TABLE half (x); CREATE TABLE half (x);")
    monkeypatch.setitem(migrate.MIGRATIONS, migrate.LATEST + 1, broken)
    connection = apsw.Connection(str(path))
    with pytest.raises(apsw.SQLError):
        migrate.migrate(connection)
    assert tables(connection) == []
    assert connection.pragma("user_version") == 0
    connection.close()


@pytest.mark.parametrize("name", sorted(SQL))
def test_no_statement_walks_a_table(engine: SqliteEngine, name: str) -> None:
    text = (
        SQL[name]
        .replace("{driver}", "task = :value")
        .replace("{phase}", "phase = 0")
        .replace("{index}", "runs_waiting")
    )
    text = text.replace("{schedule}", "TRUE").replace("{rank}", "rank").replace("{due}", "due")
    named = set(re.findall(r":(\w+)", text))
    values: object = dict.fromkeys(named) if named else (None,) * len(set(re.findall(r"\?\d+", text)))
    with engine._store.read() as db:
        plan = [str(row[-1]) for row in db.execute(f"EXPLAIN QUERY PLAN {text}", values)]  # type: ignore[arg-type]
    walks = [
        step
        for step in plan
        if re.match(
            r"SCAN (runs|owners|schedules|firings|gates|arrivals|uniques|notes|journal|tallies|readings)\b", step
        )
    ]
    assert all(WALKS.get(name, "nothing") in step for step in walks), plan


def test_the_history_of_a_schedule_is_read_in_the_order_of_an_index(engine: SqliteEngine) -> None:
    plan = plan_of(engine, SQL["search"].replace("{driver}", "schedule = :value"))
    assert plan[0] == "SEARCH runs USING INDEX runs_schedule (schedule=? AND rowid>? AND rowid<?)"
    assert not any("ORDER BY" in step for step in plan), plan


@pytest.mark.parametrize("phase", [0, 1])
def test_the_active_messages_of_a_schedule_are_found_by_their_index(engine: SqliteEngine, phase: int) -> None:
    plan = plan_of(engine, _find_sql(phase, of_schedule=True))
    assert any("runs USING INDEX runs_active (schedule=?)" in step for step in plan), plan
    assert not any(step.startswith("SCAN runs") for step in plan), plan


def plan_of(engine: SqliteEngine, text: str) -> list[str]:
    values = dict.fromkeys(re.findall(r":(\w+)", text))
    with engine._store.read() as db:
        return [str(row[-1]) for row in db.execute(f"EXPLAIN QUERY PLAN {text}", values)]


def test_a_statement_without_its_header_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bare.sql").write_text("-- Parameters: none\nSELECT 1")
    with pytest.raises(ValueError, match="Result:"):
        read_statements(tmp_path)


def test_the_store_is_not_sent_the_headers(tmp_path: Path) -> None:
    assert not any(text.startswith("--") for text in SQL.values())


def test_a_message_is_found_again_by_another_engine(path: Path, engine: SqliteEngine) -> None:
    id = put_one(engine)
    engine.close()
    (run,) = SqliteEngine(path).results.read([id])
    assert run is not None
