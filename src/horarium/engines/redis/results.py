"""Runs, as records. A page is found by walking the index that finds the fewest, newest first, a stretch at a time.

Every run stands in the index by age. Only what is rare or asked for by name stands in one of its own: runs that ended
other than in success by state, and those of a schedule, a parent or a root. To keep every run in indexes by state, task
and queue would cost each message six writes more, a third of all that Redis does for it; a rare task among a million
runs is found by walking, some 0.2 s for a million ids that a prefix rules out, 5 s for a million runs that are read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from heapq import merge

import msgspec
from msgspec.structs import replace

from horarium.clock import Instant, Seconds, milliseconds
from horarium.engines.records import Page, RunFilter, RunPage
from horarium.engines.redis.commit import commit, commit_together, look
from horarium.engines.redis.connection import Store
from horarium.engines.redis.move import Move
from horarium.engines.redis.moves import forget, is_readable
from horarium.engines.redis.rows import (
    ENDED,
    INDEXED,
    Entry,
    Tail,
    encode,
    flags_of,
    fresh,
    indexes_of,
    matches,
    shortened,
    stored_of,
    to_entry,
    to_run,
)
from horarium.outcome import ENDED as ENDED_STATES
from horarium.outcome import Run, RunBrief, State

STRETCH = 200  # runs read by one call of a walk
REACH = 20_000  # ids walked over by one call, at some 0.2 us each
AGE = "age"

_decode_place = msgspec.json.Decoder(tuple[Instant, str]).decode


class RedisResults:
    def __init__(self, store: Store) -> None:
        self._store = store

    def read(self, ids: Sequence[str]) -> list[Run | None]:
        return [None if entry is None else to_run(entry) for entry in look(self._store, ids)]

    def forget(self, ids: Sequence[str]) -> int:
        return len(commit(self._store, ids, forget, 0))

    def search(self, filter: RunFilter, page: Page) -> RunPage:
        if page.limit < 1:
            return RunPage(runs=())
        after = None if page.after is None else _decode_place(page.after)
        walks = [_walk(self._store, index, filter, after) for index in _indexes(filter)]
        found: list[Run] = []
        for run in merge(*walks, key=_age, reverse=True):
            if matches(run, filter):
                found.append(run)
            if len(found) > page.limit:
                break
        shown = found[: page.limit]
        more = len(found) > len(shown)
        return RunPage(runs=tuple(shown), next=encode(_age(shown[-1])).decode() if more else None)

    def briefs(self, schedules: Sequence[str], most: int) -> list[tuple[RunBrief, ...]]:
        found = [self.search(RunFilter(schedule=schedule), Page(limit=most)).runs for schedule in schedules]
        return [tuple(map(RunBrief.of, runs)) for runs in found]

    def record(self, runs: Sequence[Run], *, keep: Seconds, now: Instant) -> None:
        given = {run.id: run for run in runs}
        unended = next((run for run in runs if not run.has_ended), None)
        if unended is not None:
            raise ValueError(f"expected a run that has ended, got {unended.id} in state {unended.state}")

        def absent(id: str) -> Entry:
            return Entry(id, 0, now, now, b"", fresh(now), "")

        def decide(entry: Entry) -> Move | None:
            return _recorded(entry, given[entry.id], milliseconds(keep), now)

        if given:
            commit_together(self._store, given, decide, now, absent=absent)


def _recorded(entry: Entry, run: Run, keep_ms: int, now: Instant) -> Move | None:
    """Return what puts a run in place of what is known of its id; None for one that waits here or is in hand."""
    is_new = not entry.text
    if not is_new and entry.record.phase != ENDED:
        return None
    message = run.message
    tail = Tail(
        keep=keep_ms,
        started=run.started,
        ended=run.ended,
        attempts=run.attempts,
        error=run.error,
        metas=() if run.meta is None else (run.meta,),
        progress=run.progress,
        logs=run.logs,
        results=() if run.result is None else (run.result,),
    )
    record = replace(
        fresh(now),
        phase=ENDED,
        attempt=run.attempts[-1].number if run.attempts else 0,
        changed=run.changed,
        worker=run.worker,
        state=run.state,
        cancel=run.cancel,
        flags=flags_of(message),
        tail=shortened(tail),
    )
    state_index = [] if run.state == State.SUCCESS else [f"s:{run.state}"]
    return Move(
        id=run.id,
        guard=entry.guard,
        creates=is_new,
        record=encode(record).decode(),
        message=stored_of(entry.turn, entry.due, entry.put, encode(message)).decode(),
        from_=None if is_new else entry.record.state,
        to=run.state,
        age=message.created,
        created=message.created,
        index=(*indexes_of(message), *state_index),
        unindex=() if is_new else tuple(_indexes_left(entry, run)),
        until_key="endk",
        until_at=now + keep_ms,
        mark="-" if not state_index and not flags_of(message) & INDEXED else "+",
    )


def _indexes_left(entry: Entry, run: Run) -> set[str]:
    """Return the indexes in which the run of before stands and the new one does not."""
    before = set(indexes_of(entry.message)) if is_readable(entry) else set()
    if entry.record.state != State.SUCCESS:
        before.add(f"s:{entry.record.state}")
    return before - {*indexes_of(run.message), f"s:{run.state}"}


def _age(run: Run) -> tuple[Instant, str]:
    return run.message.created, run.id


def _indexes(filter: RunFilter) -> list[str]:
    """Choose the indexes to walk: together they hold every run that the filter may find."""
    for kind, value in (("p", filter.parent), ("r", filter.root), ("h", filter.schedule)):
        if value:  # '' is in no index: see rows.indexes_of
            return [f"i:{kind}:{value}"]
    indexed = {str(state) for state in ENDED_STATES} - {str(State.SUCCESS)}
    if filter.states and indexed.issuperset(filter.states):
        return [f"i:s:{state}" for state in dict.fromkeys(filter.states)]
    return [AGE]


def _walk(store: Store, index: str, filter: RunFilter, after: tuple[Instant, str] | None) -> Iterator[Run]:
    """Yield the runs of an index, newest first, from behind a place on."""
    since = "-inf" if filter.since is None else filter.since
    until = "+inf" if filter.until is None else filter.until
    created: str | bytes | int
    id: str | bytes
    created, id = ("", "") if after is None else after
    while True:
        arguments = [index, since, until, created, id, filter.id_prefix or "", STRETCH, REACH]
        created, id, *found = store.call("scan", arguments)
        for run_id, stored, record in zip(found[1::4], found[2::4], found[3::4], strict=True):
            if stored is not None:
                yield to_run(to_entry(run_id.decode(), stored, record))
        if not created:
            return
