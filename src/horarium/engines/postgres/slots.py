"""Slots: who stands aside for one, and how he comes back into line. Inside of the transaction that makes room."""

from __future__ import annotations

from collections.abc import Collection

from horarium.engines.postgres.sql import Database, array
from horarium.engines.records import QUEUE_TOPIC


def step_back(db: Database, keys: Collection[str]) -> set[str]:
    """Let those back into line who stand aside for these keys, the first of each queue and task; return the topics that
    are to be told. To be sent behind whatever took a message out of a hand, or out of its line."""
    ids = db.fetch("lock_aside", keys=array(sorted(keys))) if keys else []
    if not ids:
        return set()
    return {QUEUE_TOPIC + queue for (queue,) in db.fetch("step_back", ids=array(id for (id,) in ids))}
