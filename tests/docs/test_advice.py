"""What the pages advise is whole: the tables to back up, and the good habits that are defaults here."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from horarium import Horarium
from horarium.engines.memory import MemoryEngine

ROOT = Path(__file__).parents[2]
TABLE = re.compile(r"^CREATE TABLE (?:\{schema\}\.)?(\w+)", re.MULTILINE)
HABITS = {
    "how-to/come-from-celery.md": ("at least once",),
    "how-to/limit-run-time-and-memory.md": ("time_limit", "max-memory-per-child"),
    "how-to/run-as-a-service.md": ("beat", "worker"),
    "how-to/manage-schedules.md": ("simulate",),
    "how-to/send-in-a-transaction.md": ("transaction",),
    "reference/values.md": ("id",),
}


@pytest.mark.parametrize("store", ["sqlite", "postgres"])
def test_every_table_is_told_to_whoever_makes_a_backup_row_28(store: str) -> None:
    page = (ROOT / "docs" / "how-to" / "back-up-a-store.md").read_text("utf-8")
    schema = (ROOT / "src" / "horarium" / "engines" / store / "schema.sql").read_text("utf-8")
    tables = TABLE.findall(schema)
    assert "schedules" in tables
    assert [table for table in tables if f"`{table}`" not in page] == []


def test_what_the_guides_ask_people_to_do_is_the_default_or_told_row_136() -> None:
    """Late acknowledgement is the default, other habits have a page: limits, one process per role, ids, dry runs."""
    with Horarium("habits", engine=MemoryEngine(), set_as_current=False) as app:
        id = app.task(name="habits.tidy")(lambda: None).delay().id
        [run] = app.engine.results.read([id])
    assert run is not None
    assert not run.message.at_most_once
    for page, words in HABITS.items():
        text = (ROOT / "docs" / page).read_text("utf-8")
        assert [word for word in words if word not in text] == [], page
