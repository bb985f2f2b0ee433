"""The seam: what every engine promises, as five small protocols.

All verbs are synchronous, take batches (one is a list of one) and are given ``now`` (the store's time, UTC
milliseconds). An engine owns state, atomicity, order and leases, and decides nothing else. Whenever an engine raises
``EngineUnavailable`` it is unknown whether anything was recorded, and making the same call again is safe.
An engine may be used from any thread and, after a fork, from the child: it opens connections of its own there.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Literal, Protocol, TypeAlias

import msgspec
from msgspec import Struct

from horarium.clock import Instant, Seconds
from horarium.message import Delivery, Message
from horarium.outcome import ErrorRecord, Run, Settlement, Verdict
from horarium.schedules.schedule import Firing, Schedule

MemberKind: TypeAlias = Literal["worker", "child", "scheduler"]

# Topics of the notifier. A queue's topic is QUEUE_TOPIC + its name.
QUEUE_TOPIC = "queue:"
RESULT_TOPIC = "results"
CONTROL_TOPIC = "control"
SCHEDULE_TOPIC = "schedules"


class RunningNow(Struct, frozen=True, kw_only=True):
    """A delivery that a child has started and not finished."""

    id: str
    task: str
    started: Instant


class Member(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A live process as it reports itself with each renewal. Only a ``child`` holds deliveries."""

    owner: str  # unique to this incarnation of the process
    kind: MemberKind
    name: str  # node name, such as worker@host; the children of a worker bear its name
    host: str = ""
    pid: int = 0
    pool: str = ""
    slots: int = 0
    queues: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()  # names it can run
    running: tuple[RunningNow, ...] = ()
    processed: int = 0
    looked: Instant | None = None  # the last claim or idle look at the queues
    started: Instant = 0
    version: str = ""
    app: str = ""
    skew: Seconds = 0.0  # how far its wall clock is ahead of the store's
    rss_bytes: int = 0


class MemberRecord(Struct, frozen=True, kw_only=True):
    """A member as the store knows it."""

    member: Member
    seen: Instant
    lease_until: Instant
    alive: bool  # the lease has neither lapsed nor been given up
    held: int = 0  # deliveries in its hands


class Renewal(Struct, frozen=True, kw_only=True):
    """What a renewal learned."""

    lost: tuple[str, ...] = ()  # owners whose deliveries were given to others; they must stop and start anew
    terminate: tuple[str, ...] = ()  # ids in the hands of these owners that are to be ended at once


class DeadOwner(Struct, frozen=True, kw_only=True):
    """An owner whose process is known to have ended, and the deliveries it was running when it did.

    ``error`` charges the running ones with a crash; None gives all of them back uncharged (an orderly end).
    """

    owner: str
    running: tuple[str, ...] = ()
    error: ErrorRecord | None = None


class MaintenancePolicy(Struct, frozen=True, kw_only=True):
    """The numbers that maintain() needs; chosen by the runner, never by the engine."""

    crash_limit: int = 3  # so many crashes make a message DEAD
    crash_delays: tuple[Seconds, ...] = (1.0, 10.0, 60.0)  # wait after the first, second ... crash
    keep: Seconds = 86_400.0  # how long an ended run stays readable (Celery: result_expires, 1 day)
    batch: int = 1000  # rows touched by one transaction at the most


class Maintenance(Struct, frozen=True, kw_only=True):
    """What one maintain() did."""

    returned: int = 0  # deliveries taken from dead or lapsed owners and put back
    dead: int = 0  # ended as DEAD
    expired: int = 0  # ended as EXPIRED because their ``expires`` passed while they waited
    forgotten: int = 0  # old runs removed
    lapsed: tuple[str, ...] = ()  # owners whose lease had lapsed
    more: bool = False  # a bound was met: there is more to do at once


class RunFilter(Struct, frozen=True, kw_only=True):
    """Which runs are meant; every given part must hold, an empty one always does."""

    states: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    queues: tuple[str, ...] = ()
    schedule: str | None = None
    parent: str | None = None
    root: str | None = None
    id_prefix: str | None = None
    since: Instant | None = None  # created at or after
    until: Instant | None = None  # created before


class Page(Struct, frozen=True, kw_only=True):
    """A place in a listing. ``after`` is the ``next`` of the page before, opaque to callers."""

    limit: int = 50
    after: str | None = None


class RunPage(Struct, frozen=True, kw_only=True):
    runs: tuple[Run, ...]  # newest first
    next: str | None = None  # None: no more


class SchedulePage(Struct, frozen=True, kw_only=True):
    schedules: tuple[Schedule, ...]  # by name
    next: str | None = None


class Held(Struct, frozen=True, kw_only=True):
    """A message that has not ended, and where it stands."""

    message: Message
    state: str
    due: Instant
    owner: str | None = None
    fence: int = 0
    attempt: int = 0
    crashes: int = 0


class HeldPage(Struct, frozen=True, kw_only=True):
    held: tuple[Held, ...]  # in the order in which they would be claimed; those in hand first
    next: str | None = None


class QueueCounts(Struct, frozen=True, kw_only=True):
    ready: int = 0  # due, waiting for a slot
    scheduled: int = 0  # due later
    claimed: int = 0  # in the hands of an owner
    oldest_due: Instant | None = None  # the due instant of the ready message that waits longest
    tasks: dict[str, int] = msgspec.field(default_factory=dict)  # ready messages by task


class Counts(Struct, frozen=True, kw_only=True):
    queues: dict[str, QueueCounts]
    states: dict[str, int]  # runs by state
    schedules: int = 0


class Revoke(Struct, frozen=True, tag=True, kw_only=True):
    """Cancel. One that waits ends as REVOKED at once. One in hand is marked: with ``terminate`` its process ends it
    as soon as it learns of it, without it runs on but is not retried."""

    ids: tuple[str, ...]
    terminate: bool = False


class Purge(Struct, frozen=True, tag=True, kw_only=True):
    """End all waiting messages of the queues (None: of all queues) as REVOKED; those in hand stay."""

    queues: tuple[str, ...] | None = None


Action: TypeAlias = Revoke | Purge


class Capabilities(Struct, frozen=True, kw_only=True):
    """What an engine can do; what it cannot is said here, never by a half-made verb."""

    name: str
    durable: bool  # survives the end of every process
    shared: bool  # may be used by several processes
    many_hosts: bool


class Queue(Protocol):
    """Messages, from stored to settled."""

    def put(self, messages: Sequence[Message], *, now: Instant) -> list[bool]:
        """Store messages, all or none; tell for each whether it is new.

        Idempotent by id: an id that is stored already, ended or not, is left as it is and answered with False.
        When this returns, the messages are stored at the engine's durability.
        """
        ...

    def claim(
        self,
        queues: Sequence[str],
        owner: str,
        limit: int,
        *,
        now: Instant,
        tasks: Collection[str] | None = None,
    ) -> list[Delivery]:
        """Give up to ``limit`` due messages of the queues to ``owner``, marking ownership in the same step.

        Never blocks and never waits. Order: higher priority, then earlier due, then earlier put, over all the
        queues together. Only messages whose task is in ``tasks`` (None: any) are taken; others stay. A message whose
        ``expires`` has passed is ended as EXPIRED instead. A message that crashed a process before is delivered
        alone. Raises: OwnerLost when the owner is not registered (see renew) or has been given up.
        """
        ...

    def renew(self, members: Sequence[Member], *, now: Instant, lease: Seconds) -> Renewal:
        """Register members or renew their leases until ``now + lease``, and store what they report.

        An owner that was given up is never taken back: it is answered in ``lost``.
        """
        ...

    def settle(self, settlements: Sequence[Settlement], *, now: Instant, policy: MaintenancePolicy) -> list[Verdict]:
        """Record the outcome of each delivery and put its follow-ups, all or nothing per delivery.

        A delivery that its owner no longer holds under this fence is left untouched and answered LOST; the very same
        settlement made twice changes nothing and is answered REPEATED. Reported is refused (LOST) once the delivery
        has ended.
        """
        ...

    def maintain(self, *, now: Instant, policy: MaintenancePolicy, dead: Sequence[DeadOwner] = ()) -> Maintenance:
        """Do the store's chores, in bounded batches; any process may, concurrently.

        Deliveries of ``dead`` owners and of owners whose lease has lapsed go back to their queues (of a lapsed owner,
        those it last reported as running are charged with a crash, or all it held if it reported none); messages with
        too many crashes, and at-most-once ones, end as DEAD; waiting messages past their ``expires`` end as EXPIRED;
        runs older than their keep are removed.
        """
        ...


class Results(Protocol):
    """Runs, as records. Written only through Queue.put, Queue.settle, Queue.maintain and Inspector.act."""

    def read(self, ids: Sequence[str]) -> list[Run | None]:
        """Return the run of each id, None for one that is not known."""
        ...

    def forget(self, ids: Sequence[str]) -> int:
        """Remove ended runs; tell how many. One that has not ended stays."""
        ...

    def search(self, filter: RunFilter, page: Page) -> RunPage:
        """Return a page of runs, newest first."""
        ...


class Schedules(Protocol):
    """Schedules, and the one transaction that makes a firing happen once."""

    def save(self, schedules: Sequence[Schedule], *, now: Instant) -> list[Schedule]:
        """Create (version 0) or replace (the version that was read) schedules, all or none; return them as stored,
        with their new version. Raises: ScheduleConflict when a name exists already or the version has moved on."""
        ...

    def delete(self, names: Sequence[str]) -> int:
        """Remove schedules; tell how many there were."""
        ...

    def get(self, names: Sequence[str]) -> list[Schedule | None]: ...

    def browse(self, page: Page, *, owner: str | None = None) -> SchedulePage:
        """Return a page of schedules, by name."""
        ...

    def due(self, until: Instant, limit: int) -> list[Schedule]:
        """Return active schedules whose next_fire is at or before ``until``, the earliest first."""
        ...

    def fire(self, firings: Sequence[Firing], *, now: Instant) -> list[bool]:
        """Enqueue each firing exactly once; tell which ones won.

        For each, in one transaction: compare-and-set on (version, next_fire), insert of the unique firing
        (schedule id, nominal, kind), put of the messages, next_fire and counts moved on. One that lost changed
        nothing. All firings of a call may share a transaction.
        """
        ...


class Notifier(Protocol):
    """Hints. Losing one costs latency, never work."""

    def notify(self, topics: Collection[str]) -> None:
        """Wake whoever waits for one of the topics. Never blocks, never raises for want of listeners."""
        ...

    def listen(self, topics: Collection[str]) -> Listener:
        """Return a listener; what is notified from now on is not missed by its next wait."""
        ...


class Listener(Protocol):
    """One waiter, used by one thread. After a fork it must be made anew."""

    def wait(self, timeout: Seconds) -> bool:
        """Wait until a topic is notified, ``wake`` is called, or the time is up; True if not for the time."""
        ...

    def wake(self) -> None:
        """End the wait; safe from another thread and from a signal handler."""
        ...

    def fileno(self) -> int | None:
        """A descriptor that becomes readable on a notification, for selectors and event loops; None if there is none.
        ``wait(0)`` clears it."""
        ...

    def close(self) -> None: ...


class Inspector(Protocol):
    """Answers people's questions; the hot path never calls it."""

    def counts(self) -> Counts: ...

    def find(self, filter: RunFilter, page: Page) -> HeldPage:
        """Return a page of messages that have not ended."""
        ...

    def act(self, action: Action, *, now: Instant) -> list[str]:
        """Carry out an action; return the ids it changed."""
        ...

    def workers(self, *, now: Instant) -> list[MemberRecord]:
        """Return every member, live ones first; those given up stay listed for an hour."""
        ...

    def leave(self, owners: Sequence[str], *, now: Instant) -> None:
        """Note an orderly end: the owners hold nothing any more and are no longer live."""
        ...


class Engine(Protocol):
    """A store that implements the protocols."""

    @property
    def url(self) -> str: ...
    @property
    def capabilities(self) -> Capabilities: ...
    @property
    def queue(self) -> Queue: ...
    @property
    def results(self) -> Results: ...
    @property
    def schedules(self) -> Schedules: ...
    @property
    def notifier(self) -> Notifier: ...
    @property
    def inspector(self) -> Inspector: ...

    def now(self) -> Instant:
        """Read the store's clock."""
        ...

    def check(self) -> None:
        """Raise StoreUnusable or EngineUnavailable unless the store can be worked with; create nothing that exists."""
        ...

    def close(self) -> None:
        """Let go of all connections of this process; closing twice is fine."""
        ...
