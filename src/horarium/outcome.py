"""What became of a delivery, and how the engine is told.

An outcome is decided by whoever ran the task; the engine records it. ``Reported`` is the one that does not end
anything. Ends are final: SUCCESS FAILURE REVOKED EXPIRED DEAD REJECTED.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TypeAlias

import msgspec
from msgspec import Raw, Struct

from horarium.clock import Instant, Seconds
from horarium.message import Join, Message


class State(StrEnum):
    """The states of a run; tasks may report others of their own while they run."""

    PENDING = "PENDING"  # stored, waiting for a worker or for its eta
    RECEIVED = "RECEIVED"  # in the hands of a worker
    STARTED = "STARTED"  # running (recorded for tasks with track_started)
    RETRY = "RETRY"  # failed, waits to run again
    SUCCESS = "SUCCESS"
    FAILURE = "FAILURE"
    REVOKED = "REVOKED"  # cancelled
    EXPIRED = "EXPIRED"  # not started in time
    REJECTED = "REJECTED"  # refused by the task itself
    IGNORED = "IGNORED"  # ended by Ignore: no result wanted
    DEAD = "DEAD"  # its process died, as often as is allowed


ENDED = frozenset(
    {
        State.SUCCESS,
        State.FAILURE,
        State.REVOKED,
        State.EXPIRED,
        State.REJECTED,
        State.IGNORED,
        State.DEAD,
    }
)


class ErrorRecord(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """An exception as data; nothing is ever imported to read it."""

    class_path: str  # module.QualifiedName
    args: Raw = Raw(b"[]")  # the exception's arguments, as far as JSON can say them
    text: str = ""  # str(exception)
    traceback: str | None = None


def told(class_name: str, text: str) -> ErrorRecord:
    """Return the record of one of our own errors whose only argument is its text, so that ``get`` can raise it."""
    return ErrorRecord(class_path=f"horarium.errors.{class_name}", args=Raw(msgspec.json.encode([text])), text=text)


class Progress(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """How far a running task is."""

    done: float
    total: float | None = None
    note: str = ""
    at: Instant = 0


class Succeeded(Struct, frozen=True, tag=True, kw_only=True):
    result: Raw | None  # None: not wanted (ignore_result)


class Failed(Struct, frozen=True, tag=True, kw_only=True):
    error: ErrorRecord


class Retried(Struct, frozen=True, tag=True, kw_only=True):
    """Run ``message`` (the same id; its eta, retries and arguments may differ) again."""

    message: Message
    error: ErrorRecord


class Replaced(Struct, frozen=True, tag=True, kw_only=True):
    """Run ``message`` (the same id; everything else may differ) in its place, when its gate opens if it has one."""

    message: Message


class Released(Struct, frozen=True, tag=True, kw_only=True):
    """Given back unfinished, not charged: it may run again at once."""

    reason: str
    delay: Seconds = 0.0


class Crashed(Struct, frozen=True, tag=True, kw_only=True):
    """Its process died. Charged: too many make it DEAD (``MaintenancePolicy.crash_limit``)."""

    error: ErrorRecord


class Revoked(Struct, frozen=True, tag=True, kw_only=True):
    reason: str


class Expired(Struct, frozen=True, tag=True, kw_only=True):
    pass


class Rejected(Struct, frozen=True, tag=True, kw_only=True):
    reason: str


class Ignored(Struct, frozen=True, tag=True, kw_only=True):
    pass


class Reported(Struct, frozen=True, tag=True, kw_only=True):
    """Not an end: a state of the task's own (``state``, ``meta``) or its progress."""

    state: str | None = None
    meta: Raw | None = None
    progress: Progress | None = None


Outcome: TypeAlias = (
    Succeeded | Failed | Retried | Replaced | Released | Crashed | Revoked | Expired | Rejected | Ignored | Reported
)


# The state in which an outcome ends a run; the other outcomes end none.
ENDS: dict[type[Outcome], State] = {
    Succeeded: State.SUCCESS,
    Failed: State.FAILURE,
    Revoked: State.REVOKED,
    Expired: State.EXPIRED,
    Rejected: State.REJECTED,
    Ignored: State.IGNORED,
}


def error_of(outcome: Outcome) -> ErrorRecord | None:
    """Return the error that a run shows for an outcome; None where there is none to show.

    Ends without an exception of their own get one that tells the reason, as ``get()`` will raise it.
    """
    match outcome:
        case Failed(error=error) | Retried(error=error) | Crashed(error=error):
            return error
        case Revoked(reason=reason):
            return told("TaskRevokedError", reason)
        case Expired():
            return told("TaskExpiredError", "not started before it expired")
        case Rejected(reason=reason):
            return told("Reject", reason)
        case _:
            return None


class Settlement(Struct, frozen=True, kw_only=True):
    """A delivery's outcome and everything that must become true with it, in one transaction."""

    id: str
    owner: str
    fence: int
    outcome: Outcome
    worker: str = ""  # the name of the worker, for people
    started: Instant | None = None
    ended: Instant | None = None
    follow_ups: tuple[Message, ...] = ()
    joins: tuple[Join, ...] = ()  # the message's own, at its success: it arrives at the gates of these
    value: Raw | None = None  # what those are given, unless it is the result that is kept
    widens: dict[str, int] = msgspec.field(default_factory=dict)  # gates that now wait for so many more
    logs: tuple[str, ...] = ()
    message: Message | None = None  # what is kept of the message in its place, if this ends the run
    keep: Seconds | None = None  # how long an ended run stays readable; None: the engine's policy


class Verdict(StrEnum):
    """What the engine made of a settlement."""

    RECORDED = "recorded"
    REPEATED = "repeated"  # the very same settlement had been recorded before
    LOST = "lost"  # the owner no longer holds the delivery: nothing was changed


class Attempt(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One start of a run and how it went."""

    number: int
    worker: str
    outcome: str  # the outcome's class name, lower case: succeeded failed retried released crashed ...
    started: Instant | None = None
    ended: Instant | None = None
    error: ErrorRecord | None = None


class Run(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The kept record of a message's life."""

    message: Message
    state: str
    changed: Instant  # when the state was last changed
    result: Raw | None = None
    error: ErrorRecord | None = None
    attempts: tuple[Attempt, ...] = ()
    worker: str = ""
    started: Instant | None = None
    ended: Instant | None = None
    meta: Raw | None = None
    progress: Progress | None = None
    logs: tuple[str, ...] = ()
    cancel: str | None = None  # "revoke" or "terminate": somebody asked while it was in hand

    @property
    def id(self) -> str:
        return self.message.id

    @property
    def has_ended(self) -> bool:
        return self.state in ENDED

    @property
    def waits(self) -> bool:
        """Whether it is in nobody's hands and has not ended."""
        return not self.has_ended and not self.worker

    @property
    def took(self) -> Seconds | None:
        """From its start to its end; None without one of them. Never negative: they may be by two clocks."""
        return took(self.started, self.ended)


class RunBrief(Struct, frozen=True, kw_only=True):
    """How a run stands or has ended, without what may be large of it."""

    state: str
    started: Instant | None = None
    ended: Instant | None = None

    @classmethod
    def of(cls, run: Run) -> RunBrief:
        return cls(state=run.state, started=run.started, ended=run.ended)

    @property
    def has_ended(self) -> bool:
        return self.state in ENDED

    @property
    def took(self) -> Seconds | None:
        """As Run.took."""
        return took(self.started, self.ended)


def took(started: Instant | None, ended: Instant | None) -> Seconds | None:
    """Return the seconds between two instants; None without one of them. Never negative: they may be by two clocks."""
    return None if started is None or ended is None else max(ended - started, 0) / 1000
