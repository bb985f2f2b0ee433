"""Slots: who stands aside for one, and how he comes back into line. Inside of the transaction that makes room."""

from __future__ import annotations

from collections.abc import Collection

from horarium.engines.postgres.sql import Database, array
from horarium.engines.records import QUEUE_TOPIC


def step_back(db: Database, keys: Collection[str]) -> set[str]:
    """Let those back into line who stand aside for these keys, the first of each queue and task; return the topics that
    are to be told. To be sent behind whatever took a message out of a hand, or out of its line."""
    if not keys:
        return set()
    rows = db.fetch("lock_free_aside", keys=array(sorted(keys)))
    if locked := {slot for slot, id in rows if id is None}:
        rows += db.fetch("lock_aside", keys=array(sorted(locked)))
    ids = {id for _, id in rows if id is not None}
    back = db.fetch("step_back", ids=array(sorted(ids))) if ids else []
    return {QUEUE_TOPIC + queue for (queue,) in back}
