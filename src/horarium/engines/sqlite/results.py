"""Runs, as records. A page of a million costs what a page of a hundred does: see ``search``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import apsw
import msgspec

from horarium.clock import Instant, Seconds, milliseconds
from horarium.engines.records import Page, RunFilter, RunPage
from horarium.engines.sqlite.connection import Store
from horarium.engines.sqlite.intake import LAST_MS, Places, seq_of
from horarium.engines.sqlite.rows import from_run, to_run
from horarium.engines.sqlite.sql import SQL, Row, change, fetch
from horarium.outcome import Run, RunBrief

PROBE = 1000  # among indexes that all find more than this, the choice does not matter
FORGET_BATCH = 1000
ALL = "seq IS NOT NULL"
BY_PREFIX = "seq IN (SELECT seq FROM runs WHERE id >= :value AND id < :value_end)"


class Driver(NamedTuple):
    """An index to search by: a condition of search.sql, and the values it is asked for one after the other."""

    condition: str
    values: tuple[str, ...] = ("",)


class SqliteResults:
    def __init__(self, store: Store) -> None:
        self._store = store

    def read(self, ids: Sequence[str]) -> list[Run | None]:
        with self._store.read() as db:
            found = [fetch(db, "read_run", {"id": id}) for id in ids]
        return [to_run(rows[0]) if rows else None for rows in found]

    def forget(self, ids: Sequence[str]) -> int:
        forgotten = 0
        for start in range(0, len(ids), FORGET_BATCH):
            with self._store.write() as db:
                for id in ids[start : start + FORGET_BATCH]:
                    forgotten += change(db, "forget", {"id": id})
        return forgotten

    def search(self, filter: RunFilter, page: Page) -> RunPage:
        if page.limit < 1:
            return RunPage(runs=())
        values = conditions(filter)
        if page.after is not None:  # a range of the index, so that a page from the middle does not walk past the newer
            values["until"] = min(values["until"], int(page.after))
        values["limit"] = page.limit + 1
        with self._store.read() as db:
            driver = _scarcest(db, filter)
            rows: list[Row] = []
            for value in driver.values:
                rows += db.execute(_sql("search", driver), {**values, **_range(value)})
        rows.sort(key=_place, reverse=True)
        shown = rows[: page.limit]
        more = len(rows) > len(shown)
        return RunPage(runs=tuple(to_run(row[1:]) for row in shown), next=str(shown[-1][0]) if more else None)

    def briefs(self, schedules: Sequence[str], most: int) -> list[tuple[RunBrief, ...]]:
        with self._store.read() as db:
            found = [fetch(db, "run_briefs", {"schedule": schedule, "limit": max(most, 0)}) for schedule in schedules]
        return [
            tuple(RunBrief(state=state, started=started, ended=ended) for state, started, ended in rows)
            for rows in found
        ]

    def record(self, runs: Sequence[Run], *, keep: Seconds, now: Instant) -> None:
        if not runs:
            return
        forgotten = now + milliseconds(keep)
        rows = [from_run(run) | {"keep": forgotten - run.changed} for run in runs]
        with self._store.write("shared") as db:
            places = Places(db)
            for run, row in zip(runs, rows, strict=True):
                change(db, "record", row | {"seq": places.take(run.message.created)})


def conditions(filter: RunFilter) -> dict[str, Any]:
    """Return a filter as the parameters of search.sql and find.sql."""
    return {
        "since": seq_of(-LAST_MS if filter.since is None else filter.since),
        "until": seq_of(LAST_MS if filter.until is None else filter.until),
        "states": _json(filter.states),
        "tasks": _json(filter.tasks),
        "queues": _json(filter.queues),
        "schedule": filter.schedule,
        "parent": filter.parent,
        "root": filter.root,
        "prefix": filter.id_prefix,
    }


def _scarcest(db: apsw.Connection, filter: RunFilter) -> Driver:
    """Choose the index that finds the fewest; the age alone where none helps."""
    drivers = list(_drivers(filter))
    if len(drivers) == 1 and filter.id_prefix is None:
        return drivers[0]
    counted = [(_count(db, driver), place) for place, driver in enumerate(drivers)]
    if filter.id_prefix:  # not in order of age, so only good for a few
        by_prefix = Driver(BY_PREFIX, (filter.id_prefix,))
        if (few := _count(db, by_prefix)) < PROBE and all(few <= count for count, _ in counted):
            return by_prefix
    return drivers[min(counted)[1]] if counted else Driver(ALL)


def _drivers(filter: RunFilter) -> list[Driver]:
    single = (("schedule", filter.schedule), ("parent", filter.parent), ("root", filter.root))
    several = (("state", filter.states), ("task", filter.tasks), ("queue", filter.queues))
    return [
        *(Driver(f"{column} = :value", (value,)) for column, value in single if value is not None),
        *(Driver(f"{column} = :value", tuple(dict.fromkeys(values))) for column, values in several if values),
    ]


def _count(db: apsw.Connection, driver: Driver) -> int:
    statement = _sql("probe", driver)
    counts: list[Row] = []
    for value in driver.values:
        counts += db.execute(statement, {**_range(value), "limit": PROBE})
    return sum(count for (count,) in counts)


def _sql(name: str, driver: Driver) -> str:
    return SQL[name].replace("{driver}", driver.condition)


def _range(value: str) -> dict[str, str]:
    return {"value": value, "value_end": f"{value}\U0010ffff"}


def _json(values: tuple[str, ...]) -> str | None:
    return msgspec.json.encode(values).decode() if values else None


def _place(row: Row) -> int:
    place: int = row[0]
    return place
