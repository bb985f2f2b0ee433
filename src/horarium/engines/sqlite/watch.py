"""What a schedule is told when one of its runs ends, in the transaction that ends it."""

from __future__ import annotations

import msgspec

from horarium.clock import Instant
from horarium.engines.records import SCHEDULE_TOPIC
from horarium.engines.sqlite.connection import Connection
from horarium.engines.sqlite.rows import decode_message
from horarium.engines.sqlite.sql import change
from horarium.outcome import State
from horarium.schedules.record import FAILED, SUCCEEDED


def tell_schedule(db: Connection, name: str | None, state: State, text: bytes, now: Instant) -> None:
    """Tell the schedule of that name, if there is one, how a run has ended. ``text``: the run's message."""
    if name is None:
        return
    has_succeeded = state in SUCCEEDED
    values = (name, now, _nominal(text) if has_succeeded else None, has_succeeded, state in FAILED)
    if change(db, "tell_schedule", values) == 0 and change(db, "release_schedule", values) == 1:
        db.topics.add(SCHEDULE_TOPIC)


def _nominal(text: bytes) -> Instant | None:
    try:
        return decode_message(text).nominal
    except msgspec.DecodeError:  # it was readable when it was claimed; the end of the run counts all the same
        return None
