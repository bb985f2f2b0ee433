"""Runs, as records. A page of a million costs what a page of a hundred does: see sql/search.sql."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from functools import partial

import msgspec
from msgspec import Struct

from horarium.clock import Instant, Seconds, milliseconds
from horarium.engines.postgres.connection import Store, question, transaction
from horarium.engines.postgres.rows import History, encode_history, encode_message, encode_raw, to_run
from horarium.engines.postgres.sql import Database, Row, Value, array
from horarium.engines.records import Page, RunFilter, RunPage
from horarium.outcome import Run, RunBrief

FORGET_BATCH = 1000

_decode_place = msgspec.json.Decoder(tuple[Instant, int]).decode  # created, turn


class Condition(Struct, frozen=True):
    """A condition of search.sql and find.sql, with the parameter that it names."""

    text: str
    name: str
    value: Value


class PostgresResults:
    def __init__(self, store: Store) -> None:
        self._store = store

    def read(self, ids: Sequence[str]) -> list[Run | None]:
        if not ids:
            return []
        rows = self._store.carry_out(lambda db, again: db.fetch("read", ids=array(dict.fromkeys(ids))))
        runs = {row[0]: to_run(row) for row in rows}
        return [runs.get(id) for id in ids]

    def forget(self, ids: Sequence[str]) -> int:
        unique = sorted(set(ids))
        forgotten = 0
        for start in range(0, len(unique), FORGET_BATCH):
            batch = array(unique[start : start + FORGET_BATCH])
            forgotten += self._store.carry_out(partial(_forget, batch))
        return forgotten

    def search(self, filter: RunFilter, page: Page) -> RunPage:
        if page.limit < 1:
            return RunPage(runs=())
        asked = list(conditions(filter))
        values: dict[str, Value] = {condition.name: condition.value for condition in asked}
        texts = [condition.text for condition in asked]
        if page.after is not None:
            values["after_created"], values["after_turn"] = _decode_place(page.after)
            texts.append("(created, turn) < (%(after_created)s::bigint, %(after_turn)s::bigint)")

        # The runs of a schedule are one range of one index: there is nothing to choose, and one statement has one
        # snapshot. A page of schedules asks for those of each: 50 round trips instead of 200, and half the CPU.
        is_one_range = filter.schedule is not None and filter == RunFilter(schedule=filter.schedule)

        def work(db: Database, again: bool) -> list[Row]:
            with nullcontext() if is_one_range else question(db):
                return db.ask("search", texts, limit=page.limit + 1, **values)

        rows = self._store.carry_out(work)
        shown = rows[: page.limit]
        more = len(rows) > len(shown)
        return RunPage(
            runs=tuple(to_run(row[2:]) for row in shown),
            next=msgspec.json.encode(shown[-1][:2]).decode() if more else None,
        )

    def briefs(self, schedules: Sequence[str], most: int) -> list[tuple[RunBrief, ...]]:
        names, limit = array(schedules), max(most, 0)
        rows = self._store.carry_out(lambda db, again: db.fetch("run_briefs", schedules=names, limit=limit))
        found: list[list[RunBrief]] = [[] for _ in schedules]
        for place, state, started, ended in rows:
            found[place - 1].append(RunBrief(state=state, started=started, ended=ended))
        return [tuple(runs) for runs in found]

    def record(self, runs: Sequence[Run], *, keep: Seconds, now: Instant) -> None:
        for run in runs:
            if not run.has_ended:
                raise ValueError(f"expected a run that has ended, got {run.id} in state {run.state}")
        told = sorted({run.id: run for run in runs}.values(), key=lambda run: run.id)
        if told:
            columns = _columns(told, now + milliseconds(keep))
            self._store.carry_out(lambda db, again: _record(db, columns))


def conditions(filter: RunFilter) -> Iterator[Condition]:
    """Yield what a filter asks for; what it leaves open is left out, so that the planner sees what is left."""
    for column, value in (("schedule", filter.schedule), ("parent", filter.parent), ("root", filter.root)):
        if value is not None:
            yield Condition(f"{column} = %({column})s::text", column, value)
    for column, values in (("state", filter.states), ("task", filter.tasks), ("queue", filter.queues)):
        if len(values) == 1:
            yield Condition(f"{column} = %({column})s::text", column, values[0])
        elif values:
            yield Condition(f"{column} = ANY (%({column})s::text[])", column, array(values))
    if filter.id_prefix:
        yield Condition("starts_with(id, %(prefix)s::text)", "prefix", filter.id_prefix)
        yield Condition("id >= %(least)s::text", "least", filter.id_prefix)
        yield Condition("id < %(least_after)s::text", "least_after", f"{filter.id_prefix}\U0010ffff")
    if filter.since is not None:
        yield Condition("created >= %(since)s::bigint", "since", filter.since)
    if filter.until is not None:
        yield Condition("created < %(until)s::bigint", "until", filter.until)


def _forget(ids: str, db: Database, again: bool) -> int:
    return db.change("forget", ids=ids)


def _record(db: Database, columns: dict[str, str]) -> None:
    with transaction(db):
        db.run("record", **columns)


def _columns(runs: Sequence[Run], forgotten: Instant) -> dict[str, str]:
    messages = [run.message for run in runs]
    return {
        "ids": array(run.id for run in runs),
        "queues": array(message.queue for message in messages),
        "tasks": array(message.task for message in messages),
        "states": array(run.state for run in runs),
        "attempts": array(0 for _ in runs),  # all attempts are told in the history
        "cancels": array(run.cancel for run in runs),
        "schedules": array(message.schedule for message in messages),
        "parents": array(message.parent for message in messages),
        "roots": array(message.root for message in messages),
        "createds": array(message.created for message in messages),
        "workers": array(run.worker for run in runs),
        "starteds": array(run.started for run in runs),
        "endeds": array(run.ended for run in runs),
        "changeds": array(run.changed for run in runs),
        "keeps": array(forgotten - run.changed for run in runs),
        "messages": array(map(encode_message, messages)),
        "results": array(encode_raw(run.result) for run in runs),
        "histories": array(encode_history(_history_of(run)) for run in runs),
    }


def _history_of(run: Run) -> History:
    return History(
        attempts=run.attempts,
        error=run.error,
        metas=() if run.meta is None else (run.meta,),
        progress=run.progress,
        logs=run.logs,
    )
