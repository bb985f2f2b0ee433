"""Slots: how many messages of a key are in hand, and who stands aside for it. Inside of a write transaction."""

from __future__ import annotations

from horarium.engines.records import QUEUE_TOPIC
from horarium.engines.sqlite.connection import Connection
from horarium.engines.sqlite.rows import decode_message
from horarium.engines.sqlite.sql import change, fetch

SLOT = b'"slot":'


def free_slot(db: Connection, text: bytes) -> None:
    """Let those back into line who stand aside for the slot of this message, which has left a hand, or its line: the
    first of each queue and task."""
    if SLOT not in text:
        return
    slot = decode_message(text).slot
    if slot is None:
        return
    for seq, queue in fetch(db, "aside", (slot.key,)):
        change(db, "step_back", (seq,))
        db.topics.add(QUEUE_TOPIC + queue)
