"""Slots: who stands aside for one, and how he comes back into line. Inside of the transaction that makes room."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

from horarium.engines.postgres.sql import Database, array
from horarium.engines.records import QUEUE_TOPIC


def step_back(db: Database, left: Counter[str]) -> set[str]:
    """Let those back into line who stand aside for the slots that were left: for each time the first of each queue and
    task; return the topics that are to be told. To be sent behind whatever took a message out of a hand, or its line.
    """
    topics: set[str] = set()
    rest = Counter(left)
    while rest:
        back = _step_back(db, rest.keys())
        topics |= {QUEUE_TOPIC + queue for _, queue in back}
        found = {slot for slot, _ in back}
        rest = Counter({slot: times - 1 for slot, times in rest.items() if times > 1 and slot in found})
    return topics


def _step_back(db: Database, keys: Collection[str]) -> list[tuple[str, str]]:
    """Let the first of each queue and task back into line; return the slot and the queue of each."""
    rows = db.fetch("lock_free_aside", keys=array(sorted(keys)))
    if locked := {slot for slot, id in rows if id is None}:
        rows += db.fetch("lock_aside", keys=array(sorted(locked)))
    ids = {id for _, id in rows if id is not None}
    return [(slot, queue) for slot, queue in db.fetch("step_back", ids=array(sorted(ids)))] if ids else []
