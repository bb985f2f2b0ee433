"""The kept record of a schedule: what to send, when, how far it has come, and what is about to be enqueued of it."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal, TypeAlias

import msgspec
from msgspec import Meta, Raw, Struct
from msgspec.structs import replace

from horarium.clock import FOREVER, LATEST, Instant, Seconds
from horarium.message import NO_ARGS, NO_KWARGS, FiringKind, Message
from horarium.outcome import State

DstGap = Literal["shift", "keep", "skip"]
DstFold = Literal["first", "last", "both"]
Catchup = Literal["latest", "all", "earliest", "none"]
Align = Literal["creation", "epoch", "after_finish"]
Overlap = Literal["allow", "skip", "queue_one", "cancel_previous", "replace_queued"]
Owner = Literal["code", "person", "table"]  # table: of a framework's database, such as Django's PeriodicTask

MOST = 2**31 - 1  # of whatever is counted: every store can hold it

# A record that holds something else cannot be read. A number too large would fail in the middle of a transaction, and
# with it whatever else is in there; an instant too far, wherever it is shown. Before 1970 is only what is far past.
Moment: TypeAlias = Annotated[Instant, Meta(ge=-LATEST // 8, le=LATEST)]
Span: TypeAlias = Annotated[Seconds, Meta(ge=0, le=FOREVER)]
Count: TypeAlias = Annotated[int, Meta(ge=1, le=MOST)]

# What the end of a run means for its schedule; the other ends are neither a success nor a failure.
SUCCEEDED = frozenset({State.SUCCESS, State.IGNORED})
FAILED = frozenset({State.FAILURE, State.DEAD, State.REJECTED})


class Edit(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Who changed a schedule, when, and what about it."""

    at: Moment
    by: str
    what: str  # created, edited, paused, resumed, skipped ...
    note: str = ""
    changes: dict[str, tuple[Any, Any]] = msgspec.field(default_factory=dict)  # field: (before, after), as JSON


class Backfill(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What makes a schedule a backfill: the past instants of another one that it fires, in this order."""

    of: str  # the name of the schedule whose firings they are
    id: str = ""  # the id of that schedule, if it is spread: its offset is made of it
    instants: tuple[Moment, ...]


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
    owner: Owner = "person"  # whose definition it is; a sync touches only those of its own kind
    app: str = ""  # of code's and a table's: the app that defines it; a sync touches only its own app's
    enabled: bool = True
    paused_by: str | None = None  # a person's pause: survives every sync
    pause_note: str = ""
    one_off: bool = False
    max_runs: Count | None = None
    start: Moment | None = None
    end: Moment | None = None
    dst_gap: DstGap = "shift"
    dst_fold: DstFold = "first"
    catchup: Catchup = "latest"
    catchup_window: Span = 86_400.0
    catchup_limit: Count = 100  # of catchup="all": the newest so many are fired, the others are missed
    catchup_spacing: Span = 0.0  # of catchup="all": so far apart they may start
    overlap: Overlap = "allow"
    max_active: Count = 1  # runs that may be active before ``overlap`` says what becomes of the next firing
    jitter: Span = 0.0  # each firing may start up to so much later, as a hash of it says
    spread: Span = 0.0  # the schedule as a whole is later by up to so much, as a hash of it says
    grace: Span | None = None  # how long after its due time it may succeed without being late; None: by default
    pause_after: Count | None = None  # failures in a row that pause it; None: never
    paused_until: Moment | None = None  # when a pause ends by itself; next_fire lies behind it
    passed_over: tuple[Moment, ...] = ()  # single instants that a person wants not to fire
    added: tuple[Moment, ...] = ()  # single instants that a person wants to fire besides
    backfill: Backfill | None = None
    description: str = ""
    edits: tuple[Edit, ...] = ()  # the latest ones, the last one last
    align: Align = "creation"  # what intervals count from; after_finish: the end of the last run
    anchor: Moment  # the creation
    created: Moment
    changed: Moment
    version: int = 0  # 0: not stored yet
    next_fire: Moment | None = None  # None: nothing more to come
    last_fire: Moment | None = None
    total_runs: int = 0
    missed: int = 0
    skipped: int = 0  # due instants not enqueued because earlier runs were still active
    held: bool = False  # is not due until one of its runs ends: the next firing waits for that
    succeeded: Moment | None = None  # the latest nominal instant whose run succeeded
    failures: int = 0  # in a row
    ended: Moment | None = None  # when the last one of its runs ended
    error: str | None = None  # why it cannot fire

    @property
    def is_active(self) -> bool:
        """Whether it fires when next_fire comes; so does one that is paused until an instant: next_fire is later."""
        is_paused = self.paused_by is not None and self.paused_until is None
        return self.enabled and not is_paused and self.error is None and self.next_fire is not None

    @property
    def definer(self) -> str:
        """Whose definition it is, in words."""
        match self.owner:
            case "code":
                return f"the code of app {self.app!r}"
            case "table":
                return f"the database of app {self.app!r}"
        return "a person"

    def with_counts_of(self, before: Schedule) -> Schedule:
        """Return this edit with what firings and runs have counted: it takes nothing back, and may lower failures."""
        return replace(
            self,
            last_fire=before.last_fire,
            total_runs=before.total_runs,
            missed=before.missed,
            skipped=before.skipped,
            succeeded=before.succeeded,
            failures=min(before.failures, self.failures),
            ended=before.ended,
        )


class Firing(Struct, frozen=True, kw_only=True):
    """What is to be enqueued of a schedule now: a message for each due instant (``Message.nominal``), mostly one.

    ``auto`` and ``backfill``: only if the stored schedule still has ``version`` and its next_fire is ``expected``;
    moves next_fire on to ``next_fire``. ``manual``: in any case, moves nothing.
    """

    schedule: str  # the schedule's name
    version: int
    expected: Instant | None
    kind: FiringKind = "auto"
    messages: tuple[Message, ...] = ()  # by nominal; none: next_fire only moves on
    next_fire: Instant | None = None
    missed: int = 0  # due instants passed over, to be added to the schedule's count
    overlap: Overlap = "allow"
    max_active: int = 1

    @property
    def nominal(self) -> Instant | None:
        """The newest of its nominal instants."""
        return self.messages[-1].nominal if self.messages else None


class Fate(StrEnum):
    """What became of a firing."""

    SENT = "sent"  # enqueued what had not been fired before; or had nothing to send and moved on
    SKIPPED = "skipped"  # moved on, nothing enqueued: earlier runs are active
    HELD = "held"  # nothing changed, but that it is not due until one of the active runs ends
    REPEATED = "repeated"  # moved on, nothing enqueued: all of it was fired before
    LOST = "lost"  # nothing changed: another scheduler was faster, or the schedule was edited, or it is gone
