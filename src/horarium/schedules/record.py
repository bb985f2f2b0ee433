"""The kept record of a schedule: what to send, when, and how far it has come."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from msgspec import Raw, Struct

from horarium.clock import Instant, Seconds
from horarium.message import NO_ARGS, NO_KWARGS, Message

DstGap = Literal["shift", "keep", "skip"]
DstFold = Literal["first", "last", "both"]
Catchup = Literal["latest", "none"]
FiringKind = Literal["auto", "manual"]


class Schedule(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A schedule and its state. ``id`` never changes; ``name`` is unique; ``version`` counts edits, not firings."""

    id: str
    name: str
    task: str
    spec: dict[str, Any]  # the tagged form of a spec, see specs.py: to_record, from_record
    timezone: str = "UTC"
    args: Raw = NO_ARGS
    kwargs: Raw = NO_KWARGS
    options: dict[str, Any] = msgspec.field(default_factory=dict)  # of apply_async: queue, priority, expires ...
    owner: Literal["code", "person"] = "person"  # whose definition it is; a sync of code touches only code's
    app: str = ""  # of code's: the app that defines it; a sync touches only its own app's
    enabled: bool = True
    paused_by: str | None = None  # a person's pause: survives every sync
    pause_note: str = ""
    one_off: bool = False
    max_runs: int | None = None
    start: Instant | None = None
    end: Instant | None = None
    dst_gap: DstGap = "shift"
    dst_fold: DstFold = "first"
    catchup: Catchup = "latest"
    catchup_window: Seconds = 86_400.0
    anchor: Instant  # where intervals count from: the creation
    created: Instant
    changed: Instant
    version: int = 0  # 0: not stored yet
    next_fire: Instant | None = None  # None: nothing more to come
    last_fire: Instant | None = None
    total_runs: int = 0
    missed: int = 0
    error: str | None = None  # why it cannot fire

    @property
    def is_active(self) -> bool:
        return self.enabled and self.paused_by is None and self.error is None and self.next_fire is not None


class Firing(Struct, frozen=True, kw_only=True):
    """One due instant of a schedule, about to be enqueued.

    ``auto``: recorded only if the stored schedule still has ``version`` and its next_fire is ``expected``; moves
    next_fire on to ``next_fire``. ``manual``: recorded in any case, moves nothing.
    """

    schedule: str  # the schedule's name
    version: int
    expected: Instant | None
    nominal: Instant | None  # None: nothing is sent, next_fire only moves on (all was missed)
    kind: FiringKind = "auto"
    messages: tuple[Message, ...] = ()
    next_fire: Instant | None = None
    missed: int = 0  # due instants passed over, to be added to the schedule's count
